# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-05: maxinflight=4 holds over all child processes: 8 children and 100 clients, and the backend never
# sees more than 4 requests at once; while there is work it has nearly 4. (L-04: at rest all is 0.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;
use Load;

my $backend = FastBackend->start(ms => 20);
my $httpd = Httpd->start(children => 8, threads => 20, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} maxinflight=4 queue=200 queuetimeout=30s
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

is $httpd->member('fcgi')->{limit}, 4, 'the limit is shown';
my $load = Load->start(port => $httpd->port, clients => 100, requests => 1500, path => '/app/x');
ok $load->wait_until_running, '100 clients';
my ($samples, $sum, $most, $most_queued) = (0, 0, 0, 0);
wait_until(30, sub {
    my $balancer = $httpd->balancer;
    my $now = $balancer->{members}[0]{in_flight};
    $sum += $now;
    $most = $now if $now > $most;
    $most_queued = $balancer->{queued} if $balancer->{queued} > $most_queued;
    return ++$samples >= 20;
});
my $result = $load->finish;
is_deeply $result->{status}, { 200 => 1500 }, 'every request was answered'
    or diag explain $result->{failures};
is $result->{failed}, 0, '... none failed';
is $backend->counts->{peak}, 4, 'the backend saw 4 at once and never more';
cmp_ok $most, '<=', 4, 'no more were ever shown as in flight';
cmp_ok $sum / $samples, '>=', 3.5, '... and nearly 4 while clients waited';
cmp_ok $most_queued, '>', 50, "the others were in the queue ($most_queued)";
my $member = $httpd->member('fcgi');
is $member->{elected}, 1500, 'elections are requests';
is $member->{in_flight}, 0, 'at rest nothing is in flight';
is $httpd->balancer->{queued}, 0, '... and nobody waits';
$httpd->stop;

done_testing;
