# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-05: maxinflight=4 holds over all child processes: 8 children and 100 clients, and the backend never
# sees more than 4 requests at once; while there is work it has nearly 4. (L-04: at rest all is 0.)
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

my $backend = FastBackend->start(ms => 20);
my $gated = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    $connection->stdout("Content-Type: text/plain\r\n\r\nopen");
    $connection->end_request;
});
my $httpd = Httpd->start(children => 8, threads => 20, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} maxinflight=4 queue=200 queuetimeout=30s
</Proxy>
ProxyPass /app/ balancer://cluster/
<Proxy balancer://gated>
    BalancerMember @{[ $gated->url ]} maxinflight=4 queue=200 queuetimeout=100s
</Proxy>
ProxyPass /gated/ balancer://gated/
EOC

# ---- 100 requests that stay ----

my @clients = map { my $c = $httpd->connect; $c->request('GET', '/gated/x'); $c } 1 .. 100;
ok wait_until(20, sub { $httpd->balancer('gated')->{queued} == 96 }), '96 of 100 requests are in the queue';
is $httpd->in_flight('gated'), 4, '... and 4 in flight';
ok $gated->wait_for_event('request', 4), '... which the backend sees';
is scalar(my @seen = $gated->requests), 4, '... and no more';
$gated->open_gate('open');
is scalar(grep { $_->read_response->{status} == 200 } @clients), 100, '... all are answered';

# ---- 1,500 that come and go ----

is $httpd->member('fcgi', 'cluster')->{limit}, 4, 'the limit is shown';
my $load = Load->start(port => $httpd->port, clients => 100, requests => 1500, path => '/app/x');
ok $load->wait_until_running, '100 clients';
my ($samples, $most, @while_queued) = (0, 0);
wait_until(30, sub {
    my $balancer = $httpd->balancer('cluster');
    my $now = $balancer->{members}[0]{in_flight};
    $most = $now if $now > $most;
    push @while_queued, $now if $balancer->{queued};
    return ++$samples >= 20;
});
my $result = $load->finish;
is_deeply $result->{status}, { 200 => 1500 }, 'every request was answered'
    or diag explain $result->{failures};
is $result->{failed}, 0, '... none failed';
is $backend->counts->{peak}, 4, 'the backend saw 4 at once and never more';
cmp_ok $most, '<=', 4, 'no more were ever shown as in flight';
cmp_ok sum(4, @while_queued) / (1 + @while_queued), '>=', 3.5,
    '... and nearly 4 while clients waited (in ' . @while_queued . ' looks)';
my $member = $httpd->member('fcgi', 'cluster');
is $member->{elected}, 1500, 'elections are requests';
is $member->{in_flight}, 0, 'at rest nothing is in flight';
is $httpd->balancer('cluster')->{queued}, 0, '... and nobody waits';
$httpd->stop;

done_testing;
