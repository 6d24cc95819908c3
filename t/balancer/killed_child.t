# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-02: a child process is killed with SIGKILL while requests are in flight. Within a second its share
# is gone from every in-flight count; at rest all are 0 and the other child's requests go on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use Httpd;

my $slow = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->wait_for_gate('answer', 30) if $request->{params}{SCRIPT_NAME} =~ /slow/;
    $connection->stdout("Content-Type: text/plain\r\n\r\ndone");
    $connection->end_request;
});
my $httpd = Httpd->start(children => 2, threads => 16, config => <<"EOC");
LogFormat "%P %U" children
CustomLog \@root\@/children.log children
<Proxy balancer://cluster>
    BalancerMember @{[ $slow->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

for my $round (1 .. 3) {
    $slow->close_gate('answer');
    ok $httpd->wait_for_children(2), "round $round: two children";
    my @clients = map { my $c = $httpd->connect; $c->request('GET', '/app/slow'); $c } 1 .. 16;
    ok wait_until(10, sub { $httpd->in_flight == 16 }), "round $round: 16 in flight";

    # Who has how many shows when one is dead: its clients see the end of their connections.
    my ($victim) = $httpd->children;
    $httpd->kill_child($victim);
    my $began = now_monotonic();
    my (@cut, @alive);
    for my $client (@clients) {
        my $bits = '';
        vec($bits, fileno $client->{socket}, 1) = 1;
        push @{ select($bits, undef, undef, 0.05) ? \@cut : \@alive }, $client;
    }
    my $left = @alive;
    ok wait_until(10, sub { $httpd->in_flight == $left }),
        "round $round: the dead child's " . @cut . " are gone, $left remain"
        or diag 'in flight: ' . $httpd->in_flight;
    in_time(now_monotonic() - $began, 1.5, '... within a second, and some time to look');
    $slow->open_gate('answer');
    is scalar(grep { $_->read_response->{status} == 200 } @alive), $left,
        "round $round: the other child's requests are answered";
    ok wait_until(5, sub { $httpd->in_flight == 0 }), "round $round: nothing in flight at rest";
    is $httpd->get('/app/quick')->{status}, 200, "round $round: served";
}
$httpd->stop;

done_testing;
