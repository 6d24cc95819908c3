# Licensed under the Apache License, Version 2.0; see LICENSE.
# The commands in the manager's README do what it says: a shell runs each block, in the order of the text, against an httpd
# that is configured as it says there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Httpd;
use Process;

Process::find_program('curl') or plan skip_all => 'curl is missing';
my $fail = qx(curl --help all 2>&1) =~ /(--fail-with-body)/ ? $1 : '--fail';    # before curl 7.76

my $folder = Httpd::temporary_dir('commands');
my $token  = Httpd::write_file("$folder/deploy.token", 'a' x 64);
chmod 0600, $token;
my $httpd = Httpd->start(debug_log => 'balancer_manager:notice', config => <<"EOC");
<Proxy "balancer://app">
BalancerMember "fcgi://10.0.0.1:9000"
BalancerMember "fcgi://10.0.0.2:9000"
ProxySet growth=1
</Proxy>
ProxyPass /app/ balancer://app/
<Location "/balancer-manager">
BalancerManagerToken $token deploy
</Location>
EOC

my $readme = do { local (@ARGV, $/) = "$FindBin::RealBin/../../modules/balancer_manager/README.md"; <> };
my @block  = $readme =~ /^```sh\n(.*?)^```/msg;
s{http://localhost/}{'http://127.0.0.1:' . $httpd->port . '/'}ge for @block;
is scalar @block, 5, 'the README has five blocks of commands';

# What has been said of $api, $auth and so on holds for the blocks below.
sub run_block {
    my ($number) = @_;
    my $variables = join '', $block[0] =~ /^(\w+=.*\n)/mg;
    my $script    = Httpd::write_file("$folder/$number.sh",
        "set -euo pipefail\ncd '$folder'\ncurl() { command curl $fail \"\$@\"; }\n$variables$block[$number]");
    my $said = qx(bash '$script' 2>&1);
    is $?, 0, "block $number: each command succeeds" or diag $said;
    return $said;
}

sub members {
    my ($balancer) = @{ $httpd->json('/balancer-manager/v1/status')->{balancers} };
    return { map { $_->{url} => $_ } @{ $balancer->{members} } };
}
my ($one, $two) = map { "fcgi://10.0.0.$_:9000" } 1, 2;

my $said = run_block(0);
like $said, qr/"setting":\s*"draining"/, '... the member was drained';
like $said, qr{fcgi://10\.0\.0\.9:9000}, '... another one was added';
ok Deadline::wait_until(20, sub { "@{[ sort keys %{ members() } ]}" eq "$one $two" }), '... and removed';
is members()->{$one}{weight}, 2.5, '... the first has its new weight';

run_block(1);
is members()->{$one}{weight}, 3, 'many at once: the first';
is members()->{$two}{weight}, 1, '... and the second';

run_block(2);
is members()->{$one}{weight}, 4, 'a change of what was seen';

like run_block(3), qr/^(?:200|302|303)$/m, 'a form';
run_block(4);
is members()->{$one}{state}, 'draining', 'a change by a token alone';

$httpd->expect_log(qr/FC0601/);
$httpd->stop;
done_testing;
