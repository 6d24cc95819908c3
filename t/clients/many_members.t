# Licensed under the Apache License, Version 2.0; see LICENSE.
# The manager's page of 50 balancers with 100 members each in a real browser: it is there at once,
# and each member is found.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use FastBackend;
use Httpd;
use Load;

my ($balancers, $members) = (50, 100);
my ($backend, $spare) = map { FastBackend->start } 1 .. 2;
my $config = '';
for my $b (1 .. $balancers) {
    $config .= "<Proxy balancer://b$b>\n"
        . join('', map { 'BalancerMember fcgi://127.0.0.1:' . ($b * 200 + $_)
                         . " route=r$b-$_ status=+D\n" } 3 .. $members)
        . "BalancerMember @{[ $spare->url ]} status=+N\n"
        . "BalancerMember @{[ $backend->url ]}\n</Proxy>\nProxyPass /b$b/ balancer://b$b/\n";
}
my $httpd = Httpd->start(config => $config, threads => 16);
$httpd->expect_log(qr/FC0601/);
my $load = Load->start(port => $httpd->port, clients => 2, path => sub {
    my ($client, $n) = @_;
    return '/b' . ($n % $balancers + 1) . '/x';
});
ok $load->wait_until_running, 'load runs';

cmp_ok length $httpd->get('/balancer-manager')->{body}, '<', 200_000, 'the page is light';
Browser::run('many_members.js', url => 'http://127.0.0.1:' . $httpd->port . '/balancer-manager',
    balancers => $balancers, members => $members);

my $result = $load->stop;
is $result->{failed}, 0, 'no request has failed meanwhile';
is_deeply [keys %{ $result->{status} }], [200], '... all were served';
$httpd->stop;
done_testing;
