# Licensed under the Apache License, Version 2.0; see LICENSE.
# total= bounds a request whatever its backend or its client does meanwhile: a time limit that is
# looked at only while nothing comes is none. Nobody who sends what brings nothing is heard for ever,
# and httpd does not grow by it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use Test::More;
use Backend;
use Deadline;
use FcgiRecord;
use FullBacklog;
use Httpd;
use Process;

plan skip_all => 'stock has no such parameters' if Httpd::is_stock();

use constant { TOTAL => 2, LATE => 3 };    # seconds

my $head = "Content-Type: text/plain\r\n\r\n";

# The same bytes again and again, `pause` seconds apart, until the peer has had enough.
sub pour {
    my ($connection, $bytes, $pause) = @_;
    my $end = now_monotonic() + 20 * $Deadline::STRETCH;
    while (now_monotonic() < $end) {
        $connection->send($bytes) or last;
        select undef, undef, undef, $pause if $pause;
    }
    $connection->note('left');
    return;
}
my $empty   = FcgiRecord::record(FCGI_STDERR, 1, '');
my $foreign = FcgiRecord::record(FCGI_STDOUT, 7, 'x' x 1000, 7);
my $line    = 'x' x 59 . "\n";
my $lines   = FcgiRecord::record(FCGI_STDERR, 1, $line x 1000);
my $hint    = FcgiRecord::record(FCGI_STDOUT, 1, "Status: 103\r\nLink: </a.css>\r\n\r\n");

# name => [what it does, parameters, status (200: cut), word, after so many seconds at most]
my %case = (
    # time
    body        => [sub { $_[0]->stdout($head); pour($_[0], FcgiRecord::record(FCGI_STDOUT, 1, 'x'), 0.01) },
                    'total=2', 200, 'total_timeout', TOTAL],
    body_flood  => [sub { $_[0]->stdout($head); pour($_[0], FcgiRecord::record(FCGI_STDOUT, 1, 'x' x 60_000)) },
                    'total=2', 200, 'total_timeout', TOTAL],
    head        => [sub { pour($_[0], FcgiRecord::record(FCGI_STDOUT, 1, 'x'), 0.01) },
                    'total=2', 504, 'total_timeout', TOTAL],
    errors      => [sub { pour($_[0], FcgiRecord::record(FCGI_STDERR, 1, "line\n"), 0.01) },
                    'total=2', 504, 'total_timeout', TOTAL],
    empty       => [sub { pour($_[0], $empty, 0.01) }, 'total=2 timeout=10', 504, 'total_timeout', TOTAL],
    # what brings nothing is silence
    empty_head  => [sub { pour($_[0], $empty, 0.05) }, 'timeout=2', 504, 'first_byte_timeout', 2],
    empty_body  => [sub { $_[0]->stdout("${head}begins"); pour($_[0], $empty, 0.05) }, 'timeout=2', 200,
                    'read_timeout', 2],
    foreign     => [sub { pour($_[0], $foreign, 0.05) }, 'timeout=2', 504, 'first_byte_timeout', 2],
    # number
    empty_flood => [sub { pour($_[0], $empty x 1000) }, 'timeout=30', 502, 'protocol', LATE],
    foreign_flood => [sub { pour($_[0], $foreign x 50) }, 'timeout=30', 502, 'protocol', LATE],
    hints       => [sub { pour($_[0], $hint x 100) }, 'timeout=30', 502, 'bad_response', LATE],
    hints_slow  => [sub { pour($_[0], $hint, 0.05) }, 'timeout=30', 502, 'bad_response', 100 * 0.06 + LATE],
    hints_big   => [sub { pour($_[0], FcgiRecord::record(FCGI_STDOUT, 1, "Status: 103\r\nX-Big: "
                        . 'x' x 30_000 . "\r\n\r\n")) }, 'timeout=30', 502, 'too_big_header', LATE],
    error_flood => [sub { pour($_[0], $lines) },
                    'timeout=30', 502, 'bad_response', 20],
);
my (%backend, $config);
for my $name (sort keys %case) {
    my ($does, $parameters) = @{ $case{$name} };
    $backend{$name} = Backend->answering($does, name => $name);
    $config .= "<Proxy balancer://$name>\nBalancerMember @{[ $backend{$name}->url ]} $parameters\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}
# a client that does not read: whether its answer is taken in, or as much of it as may be, or none
my $large = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout($head);
    pour($connection, FcgiRecord::record(FCGI_STDOUT, 1, 'x' x 60_000));
});
for my $limit ('0', '4m', '1g') {
    $config .= "<Proxy balancer://limit$limit>\nBalancerMember @{[ $large->url ]} total=2\n</Proxy>\n"
             . "ProxyPass /limit$limit/ balancer://limit$limit/\n"
             . "<Location /limit$limit/>\nProxyFCGIAbsorbLimit $limit\n</Location>\n";
}
# who does not even connect
my $full = FullBacklog->start;
$config .= "<Proxy balancer://full>\nBalancerMember @{[ $full->url ]} total=2 connectiontimeout=20\n</Proxy>\n"
         . "ProxyPass /full/ balancer://full/\n";
# who waits for its second turn
my $busy = Backend->answering(sub {
    my ($connection) = @_;
    $connection->note('busy');
    $connection->wait_for_gate('free', 20);
    $connection->stdout("${head}busy");
    $connection->end_request;
});
my $refuses = Backend->refusing;
$config .= "<Proxy balancer://turn>\nBalancerMember @{[ $busy->url ]} maxinflight=1 queue=5 queuetimeout=20 total=30\n"
         . "BalancerMember @{[ $refuses->url ]} total=2 status=+I\n</Proxy>\n"
         . "ProxyPass /turn/ balancer://turn/\n";

my $httpd = Httpd->start(children => 1, threads => 48, config => "Timeout 30\n$config");

# ---- Backends, all at once ----

sub largest_child { return max map { Process::kilobytes($_, 'VmRSS') } $httpd->children }

my $before = largest_child();
my %client;
for my $name (sort keys(%case), 'full') {
    $client{$name} = { socket => $httpd->connect, began => now_monotonic() };
    $client{$name}{socket}->request('GET', "/$name/x", header => { Connection => 'close' });
}
my $deadline = now_monotonic() + 30 * $Deadline::STRETCH;
my ($most, $look_at) = ($before, 0);
while ((my @open = grep { !$_->{took} } values %client) && now_monotonic() < $deadline) {
    my $bits = '';
    vec($bits, fileno $_->{socket}{socket}, 1) = 1 for @open;
    select $bits, undef, undef, 0.5;
    for my $client (grep { vec $bits, fileno $_->{socket}{socket}, 1 } @open) {
        my $kept = length $client->{socket}{buffer};
        $client->{socket}->fill(0) or $client->{took} = now_monotonic() - $client->{began};
        # a flood need not be kept
        substr $client->{socket}{buffer}, 100_000, length $client->{socket}{buffer}, '' if $kept > 100_000;
    }
    next if now_monotonic() < $look_at;    # at many processes it takes longer than a client has
    $most = max $most, largest_child();
    $look_at = now_monotonic() + 0.2;
}
cmp_ok $most - $before, '<', 32 * 1024 * $Deadline::STRETCH, 'no process of httpd grows (kB)';

for my $name (sort keys %case) {
    my (undef, undef, $status, $word, $after) = @{ $case{$name} };
    my $response = $client{$name}{socket}->read_response(seconds => 1);
    is $response->{status}, $status, "$name: $status";
    is $response->{complete}, 0, '... the answer looks cut' if $status == 200;
    in_time($client{$name}{took} // 99, $after + LATE, '... in time');
    is_deeply [$httpd->end_words("/$name/x")], [$word], "... the word is $word";
    ok $backend{$name}->wait_for_event('left', 1, 5), '... the backend is left';
    is $httpd->in_flight($name), 0, '... nothing is in flight';
}
my $response = $client{full}{socket}->read_response(seconds => 1);
is $response->{status}, 504, 'a backlog that is full: 504';
in_time($client{full}{took} // 99, TOTAL + LATE, '... in time');
is_deeply [$httpd->end_words('/full/x')], ['total_timeout'], '... the word';

# ---- Clients that do not read ----

for my $limit ('0', '4m', '1g') {
    $large->forget;
    my $client = $httpd->connect(receive_buffer => 8192);
    my $began = now_monotonic();
    $client->request('GET', "/limit$limit/x");
    ok $large->wait_for_event('request', 1, 5), "a client that does not read, absorbing $limit";
    ok $large->wait_for_event('left', 1, TOTAL + LATE), '... the backend is left in time';
    ok wait_until(1, sub { !$httpd->in_flight("limit$limit") }), '... its slot is free';
    my ($left) = $large->events('left');
    cmp_ok +($left ? $left->{at} : 99) - $began, '>', TOTAL - 0.1, '... and not too early';
    $client->abort;
    is_deeply [$httpd->end_words("/limit$limit/x")], ['total_timeout'], '... the word';
}

# ---- A turn that does not come ----

{
    my $first = $httpd->connect;
    $first->request('GET', '/turn/first');
    ok $busy->wait_for_event('busy', 1, 5), 'a member is busy' or diag explain [$busy->events];
    is $httpd->get('/turn/second', seconds => 10)->{status}, 504, 'who waits for it after another has refused: 504';
    is_deeply [$httpd->end_words('/turn/second')], ['total_timeout'], '... the word';
    $busy->open_gate('free');
    is $first->read_response->{body}, 'busy', '... the first is served';
}
$httpd->expect_log(qr/FC0251/);
$httpd->expect_log(qr/FC023[01]/, optional => 1);
$httpd->expect_log(qr/FC0410|FC0414/, optional => 1);
$httpd->stop;

done_testing;
