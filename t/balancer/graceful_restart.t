# Licensed under the Apache License, Version 2.0; see LICENSE.
# A graceful restart under load loses no request, and the counts stay true over it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum);
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerForm;

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

# ---- What operators and failures did is kept, also while requests of all generations are running ----

SKIP: {
    skip 'stock forgets it', 1 if Httpd::is_stock();
    my @long = map {
        Backend->answering(sub {
            my ($connection) = @_;
            $connection->wait_for_gate('open');
            $connection->stdout("Content-Type: text/plain\r\n\r\ndone");
            $connection->end_request;
        })
    } 1 .. 2;
    my $gone = 'fcgi://127.0.0.1:' . Httpd::free_port();
    my $kept = Httpd->start(children => 2, threads => 16, config => <<"EOC");
<Proxy balancer://kept>
BalancerMember @{[ $long[0]->url ]} route=a
BalancerMember @{[ $long[1]->url ]} route=b
BalancerMember $gone route=c retry=600 maxfails=1
ProxySet stickysession=sid
</Proxy>
ProxyPass /app/ balancer://kept/
EOC
    $kept->expect_log(qr/connect_refused/, optional => 1);
    for ([w => $long[0]->url, w_lf => 7], [w => $long[1]->url, w_status_N => 1]) {
        is ManagerForm::post($kept, [b => 'kept', @$_])->{status}, 200, "$_->[2]=$_->[3]";
    }
    # The first goes to the member that is not there and on to another one.
    my @clients = map { my $c = $kept->connect; $c->request('GET', "/app/x?sid=x.$_"); $c } qw(c a b);
    ok wait_until(5, sub { $kept->in_flight('kept') == 3 }), 'requests run';
    my $trial = $kept->member($gone)->{next_trial_at};
    for my $round (1 .. 5) {
        $kept->graceful_begin;
        ok wait_until(10, sub { $kept->is_up(after_graceful => 1) }), "graceful restart $round";
        my ($weighted, $drained, $banned) = @{ $kept->balancer('kept')->{members} };
        cmp_ok $weighted->{weight}, '==', 7, '... the weight is kept';
        is $drained->{state}, 'draining', '... the drain';
        is_deeply [@$banned{qw(state next_trial_at)}], ['error', $trial], '... the ban, until the same time';
        is $weighted->{in_flight} + $drained->{in_flight}, 3, '... the old requests are still counted';
    }
    $_->open_gate('open') for @long;
    is $_->read_response->{status}, 200, 'a request over five restarts is answered' for @clients;
    ok wait_until(5, sub { $kept->in_flight('kept') == 0 }), '... at rest it is 0';
    is $kept->member($gone)->{elected}, 1, '... the banned member was asked once';
    $kept->stop;
}
$httpd->stop;

done_testing;
