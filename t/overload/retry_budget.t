# Licensed under the Apache License, Version 2.0; see LICENSE.
# Requests that may have run are sent again within a budget: one in five, over all child processes; to a
# worker without a balancer, in each of them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use Httpd;

my $sick = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("Status: 503 Sick\r\nContent-Type: text/plain\r\n\r\nsick");
    $connection->end_request;
});
my $well = Backend->saying('well');
my $httpd = Httpd->start(children => 4, threads => 8, config => <<"EOC");
ProxyFCGIRetryOn http_503
LogFormat "%P" child
CustomLog \@root\@/children.log child
<Proxy balancer://app>
    BalancerMember @{[ $sick->url ]} lbset=0
    BalancerMember @{[ $well->url ]} lbset=1
</Proxy>
ProxyPass /app/ balancer://app/
EOC

my $requests = 100;
my %body;
$body{ $httpd->get('/app/x')->{body} }++ for 1 .. $requests;
my $again = () = $well->requests;
is $body{well}, $again, 'those that were sent again are answered';
cmp_ok $again, '>=', 10, '... some of them';
cmp_ok $again, '<=', 10 + ($requests + $again) / 5, '... ten, and one in five of all tries';
my %child;
ok wait_until(5, sub {
    open my $in, '<', $httpd->root . '/children.log' or return;
    %child = map { $_ => 1 } <$in>;
    return keys %child > 1;
}), 'several child processes took part';

my $retries = $httpd->balancer('app')->{retries};
is $retries->{resent}, $again, 'the manager counts them';
is $retries->{not_resent}, $requests - $again, '... and those that were not';
cmp_ok $retries->{left}, '<=', 1, '... and nothing is left of the budget';
my $metrics = $httpd->get('/balancer-manager/metrics')->{body};
like $metrics, qr/^fastcgi_cluster_retries_total\{[^}]*balancer="app",budget="left"\} $again$/m, 'so do the metrics';

# ---- Without a balancer ----

# Closes each kept connection when the next request comes on it.
my $fickle = Backend->start(script => sub {
    my ($connection) = @_;
    $connection->read_request or return;
    $connection->stdout("Content-Type: text/plain\r\n\r\nanswer");
    $connection->end_request;
    $connection->read_request;
});
my $plain = Httpd->start(children => 1, threads => 8, in_turn => 1, config => <<"EOC");
ProxyPass /plain/ @{[ $fickle->url ]}/ enablereuse=on
EOC
my $began = now_monotonic();
my %status;
$status{ $plain->get('/plain/x')->{status} }++ for 1 .. $requests;
my $sent_again = $fickle->requests - $requests;
is_deeply [sort keys %status], [200, 502], 'a worker: some that fail are sent again, and some are not';
cmp_ok $sent_again, '>=', 10, '... at least ten are';
my $windows = int((now_monotonic() - $began) / 10);    # of 10 s: the machine may be slow
cmp_ok $sent_again, '<=', 11 + 10 * $windows + $requests / 5,
    '... and one in five of all; one was on a connection that nobody had looked at';
$plain->expect_log(qr/FC0251: .*backend_eof/);
$plain->stop;

$httpd->expect_log(qr/FC0251: .*http_503.*another member gets it/);
$httpd->expect_log(qr/FC0251: .*http_503.*answered 503/, optional => 1);
$httpd->stop;

done_testing;
