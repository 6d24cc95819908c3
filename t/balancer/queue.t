# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-06 to L-08: who finds no room waits in one queue over all processes, first in, first out within a
# priority; a full queue and a time limit answer 503 with Retry-After; who leaves is forgotten.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use FastBackend;
use Httpd;
use Load;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($gate) = $request->{params}{QUERY_STRING} =~ /gate=(\w+)/;
    $connection->wait_for_gate($gate, 30) if $gate;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$request->{params}{QUERY_STRING}");
    $connection->end_request;
});
my $other = Backend->saying('other');
my $httpd = Httpd->start(children => 4, threads => 16, config => <<"EOC");
LogFormat "%h %t \\"%r\\" %>s %B %{fcgi-end}n" test
LogFormat "%U%q %{fcgi-queue-us}n %P" queue
CustomLog \@root\@/access.log test
CustomLog \@root\@/queue.log queue
SetEnvIf Request_URI urgent balancer-priority=1
<Proxy balancer://one>
    BalancerMember @{[ $backend->url ]} maxinflight=1 queue=20 queuetimeout=20s
</Proxy>
<Proxy balancer://short>
    BalancerMember @{[ $backend->url ]} maxinflight=1 queue=2 queuetimeout=1500ms
</Proxy>
<Proxy balancer://none>
    BalancerMember @{[ $backend->url ]} maxinflight=1
</Proxy>
<Proxy balancer://sticky>
    BalancerMember @{[ $backend->url ]} maxinflight=1 queue=5 queuetimeout=10s stickywait=1500ms route=a
    BalancerMember @{[ $other->url ]}   route=b
    ProxySet stickysession=R
</Proxy>
ProxyPass /one/    balancer://one/
ProxyPass /short/  balancer://short/
ProxyPass /none/   balancer://none/
ProxyPass /sticky/ balancer://sticky/
EOC

sub ask { my ($path, %o) = @_; my $c = $httpd->connect; $c->request('GET', $path, %o); return $c }
sub queued { return $httpd->balancer($_[0])->{queued} }
sub seen { return map { $_->{params}{QUERY_STRING} =~ /(\w+)$/ ? $1 : () } $backend->requests }
sub hold {
    my ($balancer) = @_;
    $backend->close_gate('held');
    my $client = ask("/$balancer/x?gate=held&holder");
    wait_until(5, sub { $httpd->in_flight($balancer) == 1 }) or die('nothing in flight');
    return $client;
}

# ---- Order (L-06) ----

my $holder = hold('one');
my @waiting;
for my $n (1 .. 12) {
    push @waiting, ask("/one/x?n$n");
    ok wait_until(5, sub { queued('one') == $n }), "request $n waits";
}
my $urgent = ask('/one/urgent?first');
ok wait_until(5, sub { queued('one') == 13 }), 'an urgent one comes last';
$backend->forget;
$backend->open_gate('held');
is $_->read_response->{status}, 200, 'answered' for $holder, $urgent, @waiting;
is_deeply [seen()], ['first', map { "n$_" } 1 .. 12],
    'first in, first out over all processes; the urgent one before all';
ok wait_until(5, sub { $httpd->in_flight('one') == 0 && queued('one') == 0 }), 'at rest all is 0';
ok wait_until(5, sub {
    open my $in, '<', $httpd->root . '/queue.log' or return;
    my @lines = <$in>;
    my %pid = map { / (\d+)$/ ? ($1 => 1) : () } @lines;
    my ($us) = map { m{\?n1 (\d+)} } @lines;
    return keys %pid > 1 && ($us // 0) > 1000;
}), 'several processes took part, and fcgi-queue-us says how long one waited';

# ---- Limits (L-07) ----

$holder = hold('short');
$httpd->mark_log;
my $began = now_monotonic();
my $late = ask('/short/x?late');
my $refused = $late->read_response;
my $took = now_monotonic() - $began;
is $refused->{status}, 503, 'nobody became free: 503';
like $refused->{header}{'retry-after'} // '', qr/^\d+$/, '... with Retry-After';
cmp_ok $took, '>=', 1.5, '... after queuetimeout';
in_time($took - 1.5, 0.4, '... and not much later');
is_deeply [$httpd->end_words('/short/x?late')], ['queue_timeout'], '... fcgi-end says queue_timeout';
my @two = map { ask("/short/x?w$_") } 1, 2;
ok wait_until(2, sub { queued('short') == 2 }), 'two wait';
$began = now_monotonic();
is $httpd->get('/short/x?third')->{status}, 503, 'a third is refused';
in_time(now_monotonic() - $began, 0.3, '... at once');
is $_->read_response->{status}, 503, 'the two come to their time limit' for @two;
is scalar(grep { $_ eq 'queue_full' } $httpd->end_words('/short/x', 4)), 1, '... queue_full is another word';
my $member = $httpd->balancer('short')->{members}[0];
is $member->{state}, 'ok', 'the member is not blamed';
is $member->{failures}, 0, '... no failure is counted';
$backend->open_gate('held');
is $holder->read_response->{status}, 200, 'the one in flight is answered';

$holder = hold('none');
$began = now_monotonic();
is $httpd->get('/none/x?q')->{status}, 503, 'without queue= nobody waits';
in_time(now_monotonic() - $began, 0.3, '... at all');
$backend->open_gate('held');
is $holder->read_response->{status}, 200, 'the one in flight is answered';

# ---- Who leaves (L-08) ----

$holder = hold('one');
$backend->forget;
@waiting = map { ask("/one/x?stay$_") } 1 .. 2;
ok wait_until(5, sub { queued('one') == 2 }), 'two wait';
my $leaver = ask('/one/x?leaver');
ok wait_until(5, sub { queued('one') == 3 }), 'a third waits';
$began = now_monotonic();
$leaver->close;
ok wait_until(5, sub { queued('one') == 2 }), 'its client leaves: it is out';
in_time(now_monotonic() - $began, 0.2, '... within 200 ms');
$backend->open_gate('held');
is $_->read_response->{status}, 200, 'the others are answered' for $holder, @waiting;
ok !(grep { $_ eq 'leaver' } seen()), 'the backend never saw it';

# A child is killed while requests of several children wait.
$holder = hold('one');
@waiting = map { ask("/one/x?k$_") } 1 .. 16;
ok wait_until(5, sub { queued('one') == 16 }), '16 wait';
my ($victim) = $httpd->children;
$httpd->kill_child($victim);
$backend->open_gate('held');
my %status;
$status{ $_->read_response(seconds => 30)->{status} || 0 }++ for $holder, @waiting;
is $status{200} + ($status{0} // 0), 17, 'a child is killed: only its own requests are lost' or diag explain \%status;
cmp_ok $status{200}, '>=', 1, '... the others go on';
ok wait_until(5, sub { $httpd->in_flight('one') == 0 && queued('one') == 0 }), '... at rest all is 0';
is $httpd->get('/one/x?after')->{status}, 200, '... and the next is served';

# ---- Sessions wait for their own member ----

sub sticky { my ($n) = @_; return ask("/sticky/x?$n", header => { Cookie => 'R=s.a' }) }
$backend->close_gate('held');
$holder = ask('/sticky/x?gate=held&holder', header => { Cookie => 'R=s.a' });
ok wait_until(5, sub { $httpd->in_flight('sticky') == 1 }), "a session's member is busy";
my $patient = sticky('patient');
ok wait_until(5, sub { $httpd->balancer('sticky')->{members}[0]{queued} == 1 }), 'a second request of it waits for that member';
is $httpd->get('/sticky/x')->{body}, 'other', '... while one without a session goes to the other';
$backend->open_gate('held');
is $holder->read_response->{status}, 200, 'the first is answered';
is $patient->read_response->{body}, 'patient', 'the second got its own member';
$backend->close_gate('held');
$holder = ask('/sticky/x?gate=held&holder', header => { Cookie => 'R=s.a' });
ok wait_until(5, sub { $httpd->in_flight('sticky') == 1 }), 'busy again';
$began = now_monotonic();
is sticky('impatient')->read_response->{body}, 'other', 'after stickywait another member serves it';
cmp_ok now_monotonic() - $began, '>=', 1.5, '... not before';
$backend->open_gate('held');
is $holder->read_response->{status}, 200, 'the first is answered';

$httpd->expect_log(qr/FC0425: balancer:\/\/short: queue_timeout after \d+ ms/, times => 3);
$httpd->expect_log(qr/FC0425: balancer:\/\/(?:short|none): queue_full/, times => 2);
$httpd->expect_log(qr/FC0440: a child process has died/, optional => 1);
$httpd->expect_log(qr/AH00052/, optional => 1);
$httpd->stop;

# ---- Load (L-06): scripts of 100 ms, 50 clients, 4 at once ----

my $slow = FastBackend->start(ms => 100);
my $busy = Httpd->start(children => 4, threads => 20, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $slow->url ]} maxinflight=4 queue=200 queuetimeout=30s
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
my $result = Load->start(port => $busy->port, clients => 50, requests => 200, path => '/app/x')->finish;
is_deeply $result->{status}, { 200 => 200 }, '50 clients for 4 places: no error';
in_time($result->{slowest}, 1.25 * 3, '... and nobody waits much longer than his turn takes');
is $slow->counts->{peak}, 4, '... 4 at once';
$busy->stop;

done_testing;
