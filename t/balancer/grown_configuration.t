# Licensed under the Apache License, Version 2.0; see LICENSE.
# A balancer that a restart makes larger than the shared memory it had moves to another segment, once: its
# counts go on from there, also while a process of the first generation still has a request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Process;

plan skip_all => 'stock begins to count anew' if Httpd::is_stock();

my $held = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open', 120);
    $connection->stdout("Content-Type: text/plain\r\n\r\ndone");
    $connection->end_request;
});
my $fast = FastBackend->start;

sub config_of {
    my ($disabled) = @_;
    my $others = join '', map { "    BalancerMember fcgi://127.0.0.1:$_ status=D\n" } 1 .. $disabled;
    return <<"EOC";
<Proxy balancer://held>
    BalancerMember @{[ $held->url ]}
</Proxy>
<Proxy balancer://cluster>
    BalancerMember @{[ $fast->url ]}
$others</Proxy>
ProxyPass /held/ balancer://held/
ProxyPass /app/ balancer://cluster/
EOC
}
my $httpd = Httpd->start(children => 1, threads => 8, config => config_of(0));

my $long = $httpd->connect;
$long->request('GET', '/held/x');
ok $held->wait_for_event('request'), 'a request is under way';
my @old = $httpd->children;
$httpd->set_config(config_of(300));

my $asked = 0;
for my $round (1 .. 3) {
    ok $httpd->graceful_begin, "graceful restart $round";
    ok wait_until(20, sub { $httpd->is_up(after_graceful => 1) }), '... httpd is up';
    ok((grep { Process::is_alive($_) } @old), '... a process of the first generation is still there');
    my @elected = $httpd->elected('cluster');
    is scalar(@elected), 301, '... all members are there';
    is $elected[0], $asked, '... and the counts go on';
    my @status = map { $httpd->get('/app/x')->{status} } 1 .. 3;
    is "@status", '200 200 200', '... it serves';
    $asked += 3;
}
$held->open_gate('open');
is $long->read_response->{status}, 200, 'the request is answered';
ok wait_until(10, sub { $httpd->in_flight('held') == 0 }), 'at rest nothing is in flight';
$httpd->stop;

done_testing;
