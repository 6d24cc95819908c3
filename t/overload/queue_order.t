# Licensed under the Apache License, Version 2.0; see LICENSE.
# Whose turn it is in the queue: queueorder=fifo, lifo and adaptive; who is refused because the queue
# stands, is full of more important requests, or keeps its places for them; and how long a client says
# that it waits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use FastBackend;
use Httpd;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($gate) = $request->{params}{QUERY_STRING} =~ /gate=(\w+)/;
    $connection->wait_for_gate($gate, 60) if $gate;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$request->{params}{QUERY_STRING}");
    $connection->end_request;
});
my $slow = FastBackend->start(ms => 300);
my $member = $backend->url;

sub balancer {
    my ($name, $parameters, @set) = @_;
    return "<Proxy balancer://$name>\nBalancerMember $member $parameters\n" . join('', map { "$_\n" } @set)
        . "</Proxy>\nProxyPass /$name/ balancer://$name/\n";
}
my $httpd = Httpd->start(children => 4, threads => 16, config => <<"EOC");
LogFormat "%h %t \\"%r\\" %>s %B %{fcgi-end}n" test
CustomLog \@root\@/access.log test
LogFormat "%q wait=%{fcgi-queue-us}n end=%{fcgi-end}n priority=%{balancer-priority}e flow=%{balancer-flow}e patience=%{X-Request-Deadline}i" overload
CustomLog \@root\@/overload.log overload
SetEnvIf Request_URI urgent balancer-priority=1
SetEnvIf Request_URI minor  balancer-priority=9
SetEnvIfExpr "%{QUERY_STRING} =~ /flow=(\\w+)/" balancer-flow=\$1
@{[ balancer('fifo', 'maxinflight=1 queue=20 queuetimeout=20s', 'ProxySet queueorder=fifo lbmethod=byrequests') ]}
@{[ balancer('lifo', 'maxinflight=1 queue=20 queuetimeout=20s', 'ProxySet maxattempts=1 queueorder=LIFO') ]}
@{[ balancer('target', 'maxinflight=1 queue=20 queuetimeout=20s', 'ProxySet queuetarget=3s') ]}
@{[ balancer('patient', 'maxinflight=1 queue=20 queuetimeout=8s') ]}
@{[ balancer('shed', 'maxinflight=1 queue=2 queuetimeout=20s') ]}
@{[ balancer('reserve', 'maxinflight=1 queue=2 queuetimeout=20s', 'ProxySet queuereserve=1') ]}
@{[ balancer('deadline', 'maxinflight=1 queue=20 queuetimeout=20s', 'BalancerPatienceHeader X-Request-Deadline') ]}
<Proxy balancer://slow>
    BalancerMember @{[ $slow->url ]} maxinflight=1 queue=40 queuetimeout=20s
    BalancerPatienceHeader X-Request-Deadline
</Proxy>
ProxyPass /slow/ balancer://slow/
EOC

sub ask { my ($path, %o) = @_; my $c = $httpd->connect; $c->request('GET', $path, %o); return $c }
sub queue { return $httpd->balancer($_[0])->{queue} }
sub queued { return $httpd->balancer($_[0])->{queued} }
sub seen { return map { $_->{params}{QUERY_STRING} =~ /(\w+)$/ ? $1 : () } $backend->requests }
sub hold {
    my ($name) = @_;
    $backend->close_gate('held');
    $backend->forget;
    my $client = ask("/$name/x?gate=held&holder");
    wait_until(5, sub { $httpd->in_flight($name) == 1 }) or die('nothing in flight');
    $backend->wait_for_event('request', 1) or die('the backend has not seen it');    # or it would be seen among the others
    return $client;
}
my %waits;
sub wait_in {
    my ($name, $path) = @_;
    my $client = ask("/$name/$path");
    my $expected = ++$waits{$name};
    wait_until(5, sub { queued($name) == $expected }) or die("$path does not wait");
    return $client;
}
sub release {
    my ($name, @clients) = @_;
    $backend->forget;
    $backend->open_gate('held');
    is $_->read_response->{status}, 200, "$name: answered" for @clients;
    ok wait_until(5, sub { $httpd->in_flight($name) == 0 && queued($name) == 0 }), "$name: at rest all is 0";
    $waits{$name} = 0;
    return [seen()];
}

# ---- The orders ----

my @clients = hold('fifo');
push @clients, wait_in('fifo', "x?n$_") for 1 .. 5;
push @clients, wait_in('fifo', 'urgent?u');
is_deeply release('fifo', @clients), [qw(u n1 n2 n3 n4 n5)], 'fifo: first in, first out, the urgent one before';
is queue('fifo')->{order}, 'fifo', '... and the manager says so';

@clients = hold('lifo');
push @clients, wait_in('lifo', "x?n$_") for 1 .. 5;
push @clients, wait_in('lifo', 'urgent?u');
is_deeply release('lifo', @clients), [qw(u n5 n4 n3 n2 n1)], 'lifo: the newest first, the urgent one before';
is queue('lifo')->{order}, 'lifo', '... and the manager says so';

# A queue that serves everybody: a quarter of queuetimeout is 2 s.
@clients = hold('patient');
push @clients, wait_in('patient', "x?n$_") for 1 .. 5;
is queue('patient')->{order}, 'adaptive', 'adaptive without being told';
is queue('patient')->{target_us}, 2000000, '... with a quarter of queuetimeout for target';
ok wait_until(10, sub { queue('patient')->{oldest_us} > 4200000 }), '... its oldest has waited long over the target';
ok !queue('patient')->{standing}, '... but it has lost nobody: it does not stand';
is_deeply release('patient', @clients), [qw(n1 n2 n3 n4 n5)], '... first in, first out';

# A queue with a target to be kept.
@clients = hold('target');
my $late = wait_in('target', 'x?late');
ok wait_until(10, sub { queue('target')->{oldest_us} > 2700000 }), 'one waits';
push @clients, wait_in('target', "x?n$_") for 1 .. 3;
ok wait_until(15, sub { queue('target')->{standing} }), 'the queue stands after twice the target at the latest';
like $httpd->get('/balancer-manager')->{body}, qr/standing queue/, '... and the page says so';
is $late->read_response->{status}, 503, '... who has waited for twice the target is refused';
is_deeply [$httpd->end_words('/target/x?late')], ['queue_timeout'], '... and told: queue_timeout';
is queued('target'), 3, '... the others wait';
is_deeply release('target', @clients), [qw(n3 n2 n1)], '... the newest first';
ok !queue('target')->{standing}, '... an empty queue does not stand';

# ---- Whose place it is ----

@clients = hold('shed');
my $kept = wait_in('shed', 'minor?m1');
my $shed = wait_in('shed', 'minor?m2');
my $urgent = ask('/shed/urgent?u');
my $answer = $shed->read_response;
is $answer->{status}, 503, 'full queue: the newest of the least important gives its place';
like $answer->{header}{'retry-after'} // '', qr/^\d+$/, '... with Retry-After';
is_deeply [$httpd->end_words('/shed/minor?m2')], ['shed'], '... and is told: shed';
is $httpd->get('/shed/minor?m3')->{status}, 503, '... another of its kind is refused';
is_deeply [$httpd->end_words('/shed/minor?m3')], ['queue_full'], '... queue_full';
is_deeply release('shed', @clients, $urgent, $kept), [qw(u m1)], '... the urgent one is served first';

@clients = hold('reserve');
push @clients, wait_in('reserve', 'x?n1');
is $httpd->get('/reserve/x?n2')->{status}, 503, 'queuereserve=1: the last place is not for everybody';
push @clients, wait_in('reserve', 'urgent?u');
is_deeply release('reserve', @clients), [qw(u n1)], '... an urgent request has it';

# ---- Flows ----

@clients = hold('fifo');
push @clients, wait_in('fifo', "x?flow=$_") for qw(big_1 big_2 big_3 big_4);
push @clients, wait_in('fifo', 'x?flow=small_1');
$backend->forget;
is_deeply release('fifo', @clients), [qw(big_1 big_2 big_3 big_4 small_1)], 'each value is a flow of its own';
$backend->forget;
@clients = hold('lifo');
push @clients, wait_in('lifo', "x?flow=one&$_") for qw(a1 a2 a3);
push @clients, wait_in('lifo', 'x?flow=two&b1');
is_deeply release('lifo', @clients), [qw(a3 b1 a2 a1)], 'flows take turns, and within one the order holds';

# ---- How long a client waits ----

@clients = hold('deadline');
my $began = now_monotonic();
is $httpd->get('/deadline/x?short', header => { 'X-Request-Deadline' => '700ms' })->{status}, 503,
    'a client that waits for 0.7 s has its answer then';
my $took = now_monotonic() - $began;
cmp_ok $took, '>=', 0.65, '... not before';
in_time($took - 0.7, 0.5, '... and not much later');
is_deeply [$httpd->end_words('/deadline/x?short')], ['queue_timeout'], '... queue_timeout';
for my $value ('soon', '', '-1', '0', '99999999999999999999') {
    push @clients, ask('/deadline/x?odd', header => { 'X-Request-Deadline' => $value });
}
ok wait_until(5, sub { queued('deadline') == 5 }), 'what is no duration is not heeded';
release('deadline', @clients);

is $httpd->get('/slow/x')->{status}, 200, 'a page takes 0.3 s' for 1 .. 2;
@clients = map { ask("/slow/x?$_") } 1 .. 16;
ok wait_until(5, sub { queued('slow') >= 12 }), 'so many wait that it takes over 3 s';
cmp_ok queue('slow')->{estimate_us}, '>', 2000000, '... the manager says so';
$began = now_monotonic();
$answer = ask('/slow/x?hasty', header => { 'X-Request-Deadline' => '1' })->read_response;
is $answer->{status}, 503, 'a client that waits for a second';
in_time(now_monotonic() - $began, 0.3, '... is refused at once');
is_deeply [$httpd->end_words('/slow/x?hasty')], ['no_time'], '... and told: no_time';
cmp_ok $answer->{header}{'retry-after'}, '>=', 2, '... Retry-After is the estimate';
cmp_ok $answer->{header}{'retry-after'}, '<=', 7, '... with some jitter';
is $_->read_response->{status}, 200, 'all others are served' for @clients;

# ---- In the access log, as the README has it ----

sub logged {
    my ($query) = @_;
    open my $in, '<', $httpd->root . '/overload.log' or return '';
    my ($line) = grep { /^\Q?$query \E/ } <$in>;
    return $line // '';
}
ok wait_until(5, sub { logged('hasty') }), 'who is refused is in the access log, too';
like logged('hasty'), qr/ wait=0 end=no_time priority=- flow=- patience=1$/, '... with its patience';
like logged('short'), qr/ wait=(?:[6-9]\d{5}|\d{7,}) end=queue_timeout .*patience=700ms$/, '... and its wait';
like logged('flow=small_1'), qr/ wait=\d{3,} end=ok priority=- flow=small_1 patience=-$/, 'a flow';
like logged('u'), qr/ wait=\d{3,} end=ok priority=1 flow=- patience=-$/, 'a priority';

# ---- Counted and shown ----

is $httpd->balancer('shed')->{refused}{shed}, 1, 'the manager counts who was shed';
is $httpd->balancer('slow')->{refused}{no_time}, 1, '... and who had no time';
my $metrics = $httpd->get('/balancer-manager/metrics')->{body};
like $metrics, qr/^fastcgi_cluster_refused_requests_total\{[^}]*balancer="shed",reason="shed"\} 1$/m, '... in the metrics too';
like $metrics, qr/^fastcgi_cluster_queue_standing\{[^}]*balancer="target"\} 0$/m, '... where the state of the queue is';
like $metrics, qr/^fastcgi_cluster_retry_budget_requests\{[^}]*balancer="target"\} \d+$/m, '... and the retry budget';

$httpd->expect_log(qr/FC0425: balancer:\/\/target: queue_timeout after \d+ ms/);
$httpd->expect_log(qr/FC0425: balancer:\/\/shed: shed after \d+ ms: the queue is full, and a more important/);
$httpd->expect_log(qr/FC0425: balancer:\/\/(?:shed|reserve): queue_full/, times => 2);
$httpd->expect_log(qr/FC0425: balancer:\/\/deadline: queue_timeout/);
$httpd->expect_log(qr/FC0425: balancer:\/\/slow: no_time after 0 ms/);
$httpd->stop;

done_testing;
