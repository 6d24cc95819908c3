# Licensed under the Apache License, Version 2.0; see LICENSE.
# A client that shuts down its sending side has left, or it waits for its answer: nobody can tell. With
# ProxyFCGIIgnoreClientAbort On it gets its answer, as from stock httpd; with Off, the default, it is
# left, as by nginx.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Httpd;

use constant { MB => 1_048_576, SOON => 5 };

my $is_stock = Httpd::is_stock();
my $block = join '', map { sha1_hex($_) } 1 .. 26_214;
my $large = join '', map { sprintf('%07d:', $_) . $block } 1 .. 24;    # 24 MB
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    my $what = $request->{params}{QUERY_STRING};
    $connection->note('asked');
    $connection->wait_for_gate('read', 10) if $what =~ /late/;    # the body waits in httpd, or at the client
    $connection->read_body($request) or return;
    $connection->stdout("Content-Type: text/plain\r\n\r\nbegins ") if $what =~ /begun/;
    if ($connection->wait_for_close(0.5)) { $connection->note('left'); return }
    $connection->wait_for_gate('end', 10) if $what =~ /gate/;
    $connection->stdout("Content-Type: text/plain\r\n\r\n") if $what !~ /begun/;
    $connection->stdout($what =~ /large/ ? $large : 'answer ' . $request->{stdin_sha1});
    $connection->end_request;
    $connection->note('served');
});
my $config = '';
for my $name ('on', 'off', 'stream', 'queue', 'taken') {
    my $limit = $is_stock || $name ne 'queue' ? '' : 'maxinflight=1 queue=5 queuetimeout=20';
    $config .= "<Proxy balancer://$name>\n    BalancerMember @{[ $backend->url ]} $limit\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}
$config .= <<'EOC' if !$is_stock;
<LocationMatch "^/(on|stream|queue|taken)/">
    ProxyFCGIIgnoreClientAbort On
</LocationMatch>
<Location /stream/>
    ProxyFCGIRequestBody Stream
</Location>
<Location /taken/>
    ProxyFCGIAbsorbLimit 2M
</Location>
EOC
my $httpd = Httpd->start(children => 1, threads => 16, config => $config, debug_log => $is_stock ? '' : 'proxy_fastcgi:info');

sub half_closed {
    my ($path, %o) = @_;
    $backend->forget;
    my $client = $httpd->connect($o{receive_buffer} ? (receive_buffer => $o{receive_buffer}) : ());
    $client->request($o{body} ? 'POST' : 'GET', $path, $o{body} ? (body => $o{body}) : ());
    $backend->wait_for_event('asked', 1, SOON) if !$o{at_once};
    $client->half_close;
    return $client;
}
sub is_served {
    my ($client, $path, $body, $name) = @_;
    my $response = $client->read_response(seconds => 20);
    is $response->{status}, 200, "$name: 200";
    is sha1_hex($response->{body}), sha1_hex($body), '... the whole answer';
    ok $response->{complete}, '... and its end';
    $backend->wait_for_event('served', 1, SOON);    # else it is noted among what comes next
    is_deeply [$httpd->end_words($path)], ['ok'], '... the word' if !$is_stock;
    return;
}
my $empty = 'answer ' . sha1_hex('');

for my $at_once (1, 0) {
    my $path = "/on/x$at_once";
    is_served(half_closed($path, at_once => $at_once), $path, $empty,
        'half-closed ' . ($at_once ? 'with its request' : 'while the backend works'));
}
is_served(half_closed('/on/begun?begun'), '/on/begun', "begins $empty", 'half-closed within its answer');
is_served(half_closed('/on/large?large', receive_buffer => 65_536), '/on/large', $large, 'a large answer');
my $body = substr $large, 0, 2 * MB;
is_served(half_closed('/on/body', body => $body), '/on/body', 'answer ' . sha1_hex($body), 'a body, spooled');

SKIP: {
    skip 'stock has no such words', 1 if $is_stock;
    # its body and the end of it are at hand before anybody has read them
    my $client = half_closed('/stream/body?late', body => $body);
    $backend->open_gate('read');
    is_served($client, '/stream/body', 'answer ' . sha1_hex($body), 'a body, streamed');

    # nothing is read from the backend until the client takes some
    $client = half_closed('/taken/x?large', receive_buffer => 65_536);
    $client->fill(1);
    is scalar(my @served = $backend->events('served')), 0, 'more than may wait: the backend waits for the client';
    is_served($client, '/taken/x', $large, '... which gets its answer');

    # in the queue
    my $first = $httpd->connect;
    $backend->forget;
    $first->request('GET', '/queue/first?gate');
    ok $backend->wait_for_event('asked', 1, SOON), 'a member is busy';
    $client = $httpd->connect;
    $client->request('GET', '/queue/second');
    $client->half_close;
    ok wait_until(SOON, sub { $httpd->balancer('queue')->{queued} }), '... a half-closed client waits for it';
    ok !wait_until(0.3, sub { !$httpd->balancer('queue')->{queued} }), '... and keeps its place';
    $backend->open_gate('end');
    is $first->read_response->{body}, $empty, '... the first is served';
    is_served($client, '/queue/second', $empty, '... and the second');

    # who has really gone does not keep anybody
    $backend->close_gate('end');
    $backend->forget;
    $client = $httpd->connect(receive_buffer => 65_536);
    $client->request('GET', '/taken/gone?large');
    ok $backend->wait_for_event('asked', 1, SOON), 'a client that is reset within a large answer';
    ok defined $client->read_until(qr/\r\n\r\n/, 5), '... which has begun';
    $client->abort;
    ok $backend->wait_for_event('served', 1, SOON), '... the application ends by itself';
    ok wait_until(SOON, sub { !$httpd->in_flight('taken') }), '... nothing is in flight';

    # the default
    $client = half_closed('/off/x');
    ok $backend->wait_for_event('left', 1, SOON), 'Off: the backend is left';
    is_deeply [$httpd->end_words('/off/x')], ['client_abort'], '... the word';
    is $client->read_response(seconds => 2)->{status}, 0, '... and there is no answer';
}
$httpd->expect_log(qr/FC0251: .*client_abort/, optional => $is_stock);
$httpd->stop;

done_testing;
