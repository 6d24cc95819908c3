# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-11: while a slow client uploads, the request holds no slot of a member and no connection to it
# (ProxyFCGIRequestBody Spool, the default). Then it is served with its whole body.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock streams' if Httpd::is_stock();

use constant BYTES => 1_048_576;

my $body = join '', map { sha1_hex($_) } 1 .. BYTES / 40 + 1;
substr $body, BYTES, length $body, '';
my $backend = Backend->echo;
my $httpd = Httpd->start(children => 1, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
ProxyPass /stream/ balancer://cluster/
<Location /stream/>
    ProxyFCGIRequestBody Stream
</Location>
EOC

# The bytes that httpd has put into files without a name.
sub spooled_bytes {
    my $sum = 0;
    for my $file (map { glob "/proc/$_/fd/*" } $httpd->children) {
        my $name = readlink $file // next;
        $sum += -s $file // 0 if index($name, $httpd->tmp_dir) == 0;
    }
    return $sum;
}

my @halves = (substr($body, 0, BYTES / 2), substr($body, BYTES / 2));
for my $how ('Content-Length', 'Transfer-Encoding') {
    $backend->forget;
    my $is_chunked = $how eq 'Transfer-Encoding';
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send("POST /app/upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        . ($is_chunked ? "$how: chunked\r\n\r\n" : "$how: @{[ BYTES ]}\r\n\r\n"));
    is $client->read_head->{status}, 100, "$how: httpd asks for the body";
    is $httpd->in_flight, 0, '... no slot is held before its first byte';
    is $backend->connections, 0, '... and no connection';

    my @pieces = $is_chunked ? map { sprintf "%x\r\n%s\r\n", length, $_ } @halves : @halves;
    $client->send($pieces[0]);
    ok wait_until(10, sub { spooled_bytes() >= BYTES / 4 }), '... half of it is spooled';
    is $httpd->in_flight, 0, '... no slot is held in the upload';
    is $backend->connections, 0, '... and no connection';
    my $began = now_monotonic();
    is $httpd->get('/app/meanwhile')->{status}, 200, '... another request is served';
    in_time(now_monotonic() - $began, 1, '... at once');

    $backend->forget;
    $client->send($pieces[1] . ($is_chunked ? "0\r\n\r\n" : ''));
    my $response = $client->read_response;
    is $response->{status}, 200, '... after the upload: 200';
    my $seen = Httpd::decode_json($response);
    is $seen->{stdin_bytes}, BYTES, '... the backend has all bytes';
    is $seen->{stdin_sha1}, sha1_hex($body), '... the right ones';
    is $seen->{params}{CONTENT_LENGTH}, BYTES, '... and CONTENT_LENGTH';
    ok wait_until(5, sub { !spooled_bytes() }), '... the file is gone';
    is $httpd->in_flight, 0, '... and nothing is in flight';
}

# A client that gives up in the middle has touched nobody.
{
    $backend->forget;
    my $client = $httpd->connect;
    $client->send("POST /app/half HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: @{[ BYTES ]}\r\n\r\n"
        . $halves[0]);
    ok wait_until(10, sub { spooled_bytes() >= BYTES / 4 }), 'half of an upload is spooled';
    $client->close;
    ok wait_until(5, sub { !spooled_bytes() }), '... the client leaves: the file is gone';
    is $backend->connections, 0, '... no backend was called';
    is $httpd->member($backend->port)->{failures}, 0, '... no failure';
}

# The other mode, to show that this test can tell.
{
    $backend->forget;
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send("POST /stream/x HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: @{[ BYTES ]}\r\n\r\n"
        . $halves[0]);
    ok $backend->wait_for_event('connection'), 'Stream: the backend is called in the upload';
    is $httpd->in_flight, 1, '... and a slot is held';
    $client->send($halves[1]);
    is Httpd::decode_json($client->read_response)->{stdin_sha1}, sha1_hex($body),
        '... which is served too';
}

$httpd->expect_log(qr/FC\d{4}: .*client_error|FC\d{4}: .*client_abort/, optional => 1);
$httpd->stop;

done_testing;
