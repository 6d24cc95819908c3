# Licensed under the Apache License, Version 2.0; see LICENSE.
# An address that DNS names no more: its member gets no new requests, those under way end, its kept
# connections are closed, and then it is removed, whatever its checks say. One that comes back before goes
# on as it was. Records that flap cost no request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Discovery;
use DnsServer;
use FastBackend;
use Httpd;
use Load;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my ($stays, $moves) = ('127.0.0.2', '127.0.0.3');
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->wait_for_gate('held') if $request->{params}{QUERY_STRING} =~ /held/;
    $connection->stdout("Content-Type: text/plain\r\n\r\n" . $connection->local_address);
    $connection->end_request;
}, host => '0.0.0.0');
my $port  = $backend->port;
my $fast  = FastBackend->start(host => '0.0.0.0');
my $dns   = DnsServer->start(records => { php => [$stays, $moves], flap => [$stays, $moves], one => ['127.0.0.11'] });
my $httpd = Httpd->start(children => 2, debug_log => 'balancer_byrequests:info', config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('php', $port, 'enablereuse=on idletimeout=1 hcmethod=TCP hcinterval=200ms'))
    . Discovery::balancer(patient => Discovery::line('php', $port) =~ s/discoverwait=0/discoverwait=30s/r)
    . Discovery::balancer(one => Discovery::line('one', $port, 'discovermax=1'))
    . Discovery::balancer(flapping => Discovery::line('flap', $fast->port, 'enablereuse=on')));
sub member { my %members = Discovery::members($httpd, 'app'); return $members{$_[0]} }
sub held_client {
    # of the one that moves
    for (1 .. 2) {
        my $client = $httpd->connect;
        $client->request('GET', '/app/x?held');
        return $client if wait_until(2, sub { member($moves)->{in_flight} });
    }
    return;
}
sub all_from { my ($address) = @_; return !grep { $httpd->get('/app/x')->{body} ne $address } 1 .. 6 }
# Of all processes, to this address.
sub kept_connections {
    my ($address) = @_;
    my $peer = sprintf '%s:%04X', join('', map { sprintf '%02X', $_ } reverse split /\./, $address), $port;
    open my $in, '<', '/proc/net/tcp' or die $!;
    return scalar grep { /^\s*\d+: \S+ $peer 01 / } <$in>;
}

Discovery::settles($httpd, [$stays, $moves], 'two members', 'app');
ok wait_until(10, sub { member($moves)->{state} eq 'ok' && member($stays)->{state} eq 'ok' }), '... their checks pass';
$httpd->get('/app/x') for 1 .. 8;
ok wait_until(5, sub { kept_connections($moves) }), '... connections are kept';
my $elected = member($moves)->{elected};

# ---- A member that vanishes while it has a request, and comes back ----

my @held = grep { $_ } map { held_client() } 1;
is @held, 1, 'a request is under way';
$dns->set(php => [$stays]);
ok wait_until(20, sub { (member($moves) // {})->{state} eq 'gone' }), 'its address vanishes: the member is gone';
ok all_from($stays), '... gets nothing new';
is member($moves)->{in_flight}, 1, '... and keeps its request';
ok member($moves)->{missing_since}, '... it is told since when';
$dns->set(php => [$stays, $moves]);
ok wait_until(20, sub { member($moves)->{state} eq 'ok' }), 'the address comes back: the member goes on';
is member($moves)->{missing_since}, undef, '... as if nothing had been';
cmp_ok member($moves)->{elected}, '>', $elected, '... it counts on';
$backend->open_gate('held');
is $_->read_response->{body}, $moves, '... its request is answered' for @held;
ok wait_until(10, sub { $httpd->get('/app/x')->{body} eq $moves }), '... and it gets others';
ok $httpd->wait_for_log(qr/FC05\d\d: .*vanished.*\Q$moves\E|FC05\d\d: .*\Q$moves\E.*vanished/), 'the log says that it vanished';
ok $httpd->wait_for_log(qr/FC05\d\d: .*returned.*\Q$moves\E|FC05\d\d: .*\Q$moves\E.*returned/), '... and returned';

# ---- One that does not come back ----

$backend->close_gate('held');
ok wait_until(10, sub { member($moves)->{state} eq 'ok' }), 'once more';
(my $client) = grep { $_ } held_client();
$dns->set(php => [$stays]);
ok wait_until(20, sub { (member($moves) // {})->{state} eq 'gone' }), '... its address vanishes';
ok Discovery::goes_on($httpd, 3, 'app'), '... for several answers';
ok member($moves), '... it stays as long as its request';
$backend->open_gate('held');
is $client->read_response->{body}, $moves, '... which is answered';
Discovery::settles($httpd, [$stays], '... then the member is removed, though its checks pass', 'app');
ok wait_until(10, sub { !kept_connections($moves) }), '... its kept connections are closed';
ok all_from($stays), '... the other one answers';
is_deeply Discovery::addresses($httpd, 'patient'), [$stays, $moves], 'discoverwait: the same address is still a member there';

# ---- All slots have members that wait for their last requests ----

my @replaced = ('127.0.0.11', '127.0.0.12');
my @waiting;
$backend->close_gate('held');
$httpd->expect_log(qr/FC0533: balancer:\/\/one: .*127\.0\.0\.13.*wait for their last requests.*discovermax/);
for my $i (0 .. 1) {
    ok wait_until(20, sub { "@{ Discovery::addresses($httpd, 'one') }" eq $replaced[$i] }), "$replaced[$i] is the member";
    push @waiting, $httpd->connect;
    $waiting[$i]->request('GET', '/one/x?held');
    ok wait_until(10, sub { my %now = Discovery::members($httpd, 'one'); ($now{ $replaced[$i] } // {})->{in_flight} }),
        "$replaced[$i] has a request";
    $dns->set(one => ["127.0.0.1@{[ $i + 2 ]}"]);
    ok wait_until(20, sub { my %now = Discovery::members($httpd, 'one'); $now{ $replaced[$i] }{state} eq 'gone' }),
        '... and is replaced';
}
ok $httpd->wait_for_log(qr/FC0533/), 'no slot is left for the third: the log says so';
$backend->open_gate('held');
is_deeply [map { $_->read_response->{body} } @waiting], \@replaced, '... the requests are answered';
Discovery::settles($httpd, ['127.0.0.13'], '... then it has its place', 'one');

# ---- Flapping records ----

my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => '/flapping/x');
$load->wait_until_running;
my $before = () = $httpd->log_lines(qr/flap/);
for my $round (1 .. 8) {
    $dns->set(flap => [$stays]);
    Discovery::goes_on($httpd, 1, 'flapping');
    $dns->set(flap => [$moves]);
    Discovery::goes_on($httpd, 1, 'flapping');
    $dns->set(flap => [$stays, $moves]);
    Discovery::goes_on($httpd, 1, 'flapping');
}
Discovery::had_no_errors($load, 'records that flap cost no request');
my $lines = () = $httpd->log_lines(qr/flap/);
cmp_ok $lines - $before, '<=', 12, '... and do not fill the log' or diag explain [$httpd->log_lines(qr/flap/)];
Discovery::settles($httpd, [$stays, $moves], '... both are members in the end', 'flapping');

$httpd->stop;
done_testing;
