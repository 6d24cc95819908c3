# Licensed under the Apache License, Version 2.0; see LICENSE.
# When every member whose turn it is has maxinflight requests, spares, standbys and the next set are
# asked, in this order, before anybody waits or is refused; with BalancerOverflow Off nobody is. Exact
# over all child processes: as many clients as there is room are served, and none is refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;

my @names = qw(first second spare standby next);
my %backend = map {
    my $name = $_;
    $name => Backend->answering(sub {
        my ($connection) = @_;
        $connection->wait_for_gate('open');
        $connection->stdout("Content-Type: text/plain\r\n\r\n$name");
        $connection->end_request;
    }, name => $name);
} @names;
my @fast = map { FastBackend->start(ms => 5) } 1 .. 3;
my %parameters = (
    first => 'maxinflight=2', second => 'maxinflight=1', spare => 'status=+R maxinflight=1',
    standby => 'status=+H maxinflight=1', next => 'lbset=1 maxinflight=2',
);
sub members { return join '', map { "BalancerMember @{[ $backend{$_}->url ]} $parameters{$_} $_[0]\n" } @names }
my $httpd = Httpd->start(children => 4, threads => 32, modules => ['lbmethod_bybusyness'], config => <<"EOC");
<Proxy balancer://on>
    @{[ members('') ]}
</Proxy>
<Proxy balancer://off>
    @{[ members('') ]}
    BalancerOverflow Off
</Proxy>
<Proxy balancer://busyness>
    @{[ members('') ]}
    ProxySet lbmethod=bybusyness
</Proxy>
<Proxy balancer://queue>
    @{[ members('queue=1 queuetimeout=30') ]}
</Proxy>
<Proxy balancer://exact>
    BalancerMember @{[ $fast[0]->url ]} maxinflight=5
    BalancerMember @{[ $fast[1]->url ]} maxinflight=2 status=+H
    BalancerMember @{[ $fast[2]->url ]} maxinflight=3 lbset=1
</Proxy>
@{[ map { "ProxyPass /$_/ balancer://$_/\n" } qw(on off busyness queue exact) ]}
EOC

# Requests one after the other, each of which stays where it is: where they are, as counts in the order
# of the names.
sub in_flight { my ($name) = @_; return join ' ', map { $_->{in_flight} } @{ $httpd->balancer($name)->{members} } }
sub fill {
    my ($name, $count) = @_;
    my @clients;
    for my $n (1 .. $count) {
        my $client = $httpd->connect;
        $client->request('GET', "/$name/x", header => { Connection => 'close' });
        push @clients, $client;
        wait_until(10, sub { my $sum = 0; $sum += $_ for split / /, in_flight($name); $sum == $n })
            or die "request $n of $name: " . in_flight($name);
    }
    return @clients;
}
sub let_go {
    my (@clients) = @_;
    $_->open_gate('open') for values %backend;
    my @statuses = map { $_->read_response->{status} } @clients;
    $_->close_gate('open') for values %backend;
    return [grep { $_ != 200 } @statuses];
}

# ---- One after the other ----

for my $name ('on', 'busyness') {
    my @clients = fill($name, 3);
    is in_flight($name), '2 1 0 0 0', "$name: the first set";
    push @clients, fill_one($name, '2 1 1 0 0', 'its spare'), fill_one($name, '2 1 1 1 0', 'its standby'),
        fill_one($name, '2 1 1 1 1', 'the next set'), fill_one($name, '2 1 1 1 2', '... is filled');
    is $httpd->get("/$name/x")->{status}, 503, '... all are full: refused';
    is_deeply let_go(@clients), [], '... all are served';
    my ($client) = fill($name, 1);
    like in_flight($name), qr/^(?:1 0|0 1) 0 0 0$/, '... and then it is the turn of the first set again';
    let_go($client);
}
sub fill_one {
    my ($name, $expected, $what) = @_;
    my $client = $httpd->connect;
    $client->request('GET', "/$name/x", header => { Connection => 'close' });
    ok wait_until(10, sub { in_flight($name) eq $expected }), "... $what" or diag in_flight($name);
    return $client;
}

# ---- Off ----

my @clients = fill('off', 3);
is $httpd->get('/off/x')->{status}, 503, 'BalancerOverflow Off: the first set is full: refused';
is in_flight('off'), '2 1 0 0 0', '... the others are not asked';
is_deeply let_go(@clients), [], '... all are served';

# ---- The queue ----

@clients = fill('queue', 7);
push @clients, map { my $c = $httpd->connect; $c->request('GET', '/queue/x', header => { Connection => 'close' }); $c } 1 .. 5;
ok wait_until(10, sub { $httpd->balancer('queue')->{queued} == 5 }), 'all are full: the queue of all is there';
is $httpd->get('/queue/x')->{status}, 503, '... it has an end';
my $served = $backend{standby}->requests;
$backend{standby}->open_gate('open');
ok wait_until(10, sub { $httpd->balancer('queue')->{queued} == 0 }), '... whoever has room serves it';
is $backend{standby}->requests, $served + 5, '... the standby, say';
is_deeply let_go(@clients), [], '... all are served';

# ---- As many clients as there is room, over all processes ----

my $load = Load->start(port => $httpd->port, clients => 10, requests => 3000, path => '/exact/x');
$load->wait_until_running;
my $result = $load->finish;
is_deeply $result->{status}, { 200 => 3000 }, 'ten clients, room for ten: nobody is refused';
my ($first, $standby, $next) = map { $_->counts->{peak} } @fast;
is $first, 5, '... the first member is filled';
cmp_ok $standby, '<=', 2, '... no limit is broken';
cmp_ok $next, '<=', 3, '... nor the next';
cmp_ok $httpd->balancer('exact')->{members}[$_]{elected}, '>', 0, '... and all take part' for 0 .. 2;

is $httpd->in_flight($_), 0, "$_: nothing in flight" for qw(on off busyness queue exact);
$httpd->expect_log(qr/FC0425: .*queue_full/, times => 4);
$httpd->stop;
$_->stop for values %backend;

done_testing;
