# Licensed under the Apache License, Version 2.0; see LICENSE.
# A graceful restart under load loses no request, and the counts stay true over it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum);
use Deadline;
use FastBackend;
use Httpd;
use Load;

my @members = map { FastBackend->start } 1 .. 3;
my $slow    = FastBackend->start(ms => 1500);
my $members = join '', map { "BalancerMember @{[ $_->url ]}\n" } @members;
my $httpd   = Httpd->start(children => 2, threads => 16, config => <<"EOC");
<Proxy balancer://cluster>
$members
</Proxy>
<Proxy balancer://slow>
BalancerMember @{[ $slow->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
ProxyPass /slow/ balancer://slow/
EOC

# Kept connections and new ones.
my @load = map {
    Load->start(port => $httpd->port, clients => 4, path => '/app/x', keep => $_)
} 0, 1;
$_->wait_until_running for @load;
my $asked = 0;
for my $round (1 .. 4) {
    my $client = $httpd->connect;
    $client->request('GET', '/slow/x');
    $asked++;
    wait_until(5, sub { $httpd->in_flight('slow') == 1 });
    ok $httpd->graceful, "graceful restart $round";
    is $client->read_response->{status}, 200, '... a request that was under way is answered';
}
my %sum = (requests => 0, failed => 0, ok => 0);
for my $load (@load) {
    my $result = $load->stop;
    is $result->{failed}, 0, 'no request is lost' or diag join ', ', @{ $result->{failures} };
    is_deeply [keys %{ $result->{status} }], [200], '... and each is answered with 200'
        or diag explain $result->{status};
    $sum{ok} += $result->{status}{200};
}
cmp_ok $sum{ok}, '>', 200, "there was a load ($sum{ok} requests)";
my @elected = $httpd->elected('cluster');
SKIP: {
    skip 'stock begins to count anew', 3 if Httpd::is_stock();
    is sum(@elected), $sum{ok}, 'elected counts on over the restarts';
    is_deeply \@elected, [map { $_->counts->{requests} } @members],
        '... and is what the members served';
    is_deeply [$httpd->elected('slow')], [$asked], '... for the slow ones too';
}
is $httpd->in_flight($_), 0, "$_: nothing in flight" for 'cluster', 'slow';
$httpd->stop;

done_testing;
