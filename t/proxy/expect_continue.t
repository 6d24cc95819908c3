# Licensed under the Apache License, Version 2.0; see LICENSE.
# Expect: 100-continue is answered with 100 only when somebody is there to take the body. A request
# that ends without a backend gets its final status at once, and the client keeps its body.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Httpd;
use HttpSocket;

plan skip_all => 'stock answers in another way' if Httpd::is_stock();

use constant BYTES => 300_000;

my $body    = substr join('', map { sha1_hex($_) } 1 .. BYTES / 40 + 1), 0, BYTES;
my $backend = Backend->echo;
my $refuses = Backend->refusing;
my $httpd   = Httpd->start(config => <<"EOC");
ProxyFCGISpoolLimit 400K Stream
<Proxy balancer://usable>
    BalancerMember @{[ $backend->url ]}
</Proxy>
<Proxy balancer://off>
    BalancerMember @{[ $backend->url('/a') ]} status=+D
    BalancerMember @{[ $backend->url('/b') ]} status=+S
</Proxy>
<Proxy balancer://refused>
    BalancerMember @{[ $refuses->url ]} retry=600 maxfails=1
    ProxySet forcerecovery=Off
    ProxySet forcerecovery=Off
</Proxy>
<Proxy balancer://half>
    BalancerMember @{[ $refuses->url ]} status=+I
    BalancerMember @{[ $backend->url ]} status=+H
</Proxy>
ProxyPass /usable/  balancer://usable/
ProxyPass /stream/  balancer://usable/
ProxyPass /off/     balancer://off/
ProxyPass /refused/ balancer://refused/
ProxyPass /alone-off/ @{[ $backend->url('/off/') ]} status=+D
ProxyPass /stream-refused/ @{[ $refuses->url('/') ]}
ProxyPass /stream-half/    balancer://half/
<LocationMatch "^/stream">
    ProxyFCGIRequestBody Stream
</LocationMatch>
EOC

sub head_of {
    my ($path, $framing) = @_;
    return "POST $path HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n$framing\r\n\r\n";
}
my $length  = 'Content-Length: ' . BYTES;
my $chunked = 'Transfer-Encoding: chunked';

# The client sends its body only after a 100.
sub is_asked_for_the_body {
    my ($path, $framing, $bytes, $sent, $name) = @_;
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send(head_of($path, $framing));
    is +($client->read_head // { status => 'silence' })->{status}, 100, "$name: 100" or return;
    $client->send($sent);
    my $response = $client->read_response;
    is $response->{status}, 200, '... then 200' or return;
    my $seen = Httpd::decode_json($response);
    is $seen->{stdin_bytes}, $bytes, '... with the whole body';
    is $seen->{stdin_sha1}, sha1_hex(substr $body x 2, 0, $bytes), '... the right bytes';
    return;
}

# The first answer is the last one; nothing of the body was asked for.
sub is_refused {
    my ($path, $framing, $status, $name) = @_;
    $backend->forget;
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send(head_of($path, $framing));
    my $response = $client->read_response(interim => 1);
    is $response->{status}, $status, "$name: $status without a 100 before";
    ok $response->{complete}, '... a whole answer';
    ok $client->is_closed_within(10), '... after which the connection ends, as the body is missing';
    is $backend->connections, 0, '... no backend was called';
    return;
}

for (['/usable/x', 'spooled'], ['/stream/x', 'streamed']) {
    my ($path, $how) = @$_;
    is_asked_for_the_body($path, $length, BYTES, $body, "$how, a known length");
    is_asked_for_the_body($path, $chunked, BYTES, HttpSocket::chunked($body, 50_000),
        "$how, chunks");
}
is_asked_for_the_body('/usable/x', 'Content-Length: ' . 2 * BYTES, 2 * BYTES, $body x 2,
    'longer than ProxyFCGISpoolLimit, so streamed');
is_asked_for_the_body('/stream-half/x', $length, BYTES, $body,
    'streamed, the first member refuses');

is_refused('/off/x', $length, 503, 'all members are switched off');
is_refused('/off/x', $chunked, 503, 'all members are switched off, chunks');
is_refused('/alone-off/x', $length, 503, 'a backend without a balancer, switched off');
is_refused('/stream-refused/x', $length, 503, 'streamed, and nobody listens');

# Who refuses connections is found out after the upload, but once.
{
    is $httpd->post('/refused/x', 'first')->{status}, 503, 'the only member refuses: 503';
    is $httpd->member($refuses->port, 'refused')->{state}, 'error', '... and is in error';
    is_refused('/refused/x', $length, 503, 'all members are in error');
}

# A body that came without having been asked for is taken all the same.
{
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send(head_of('/usable/x', $length) . $body);
    my $response = $client->read_response;
    is $response->{status}, 200, 'a client that does not wait for the 100: 200';
    is Httpd::decode_json($response)->{stdin_sha1}, sha1_hex($body), '... with its whole body';
}
is $httpd->in_flight($_), 0, "nothing is in flight in $_" for qw(usable off refused half);

$httpd->expect_log(qr/FC0422: .*no_member/, times => 3);
$httpd->expect_log(qr/FC0252: .*disabled or stopped/, times => 1);
$httpd->expect_log(qr/FC0251: .*connect_refused.*another member gets it/, times => 1);
$httpd->expect_log(qr/FC0251: .*connect_refused.*answered 503/, times => 2);
$httpd->stop;

done_testing;
