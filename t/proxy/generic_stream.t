# Licensed under the Apache License, Version 2.0; see LICENSE.
# ProxyFCGIBackendType GENERIC and ProxyFCGIRequestBody Stream: a body of unknown length reaches the
# backend as it comes, without a CONTENT_LENGTH. PHP-FPM needs one: for FPM such a body is spooled.
# Stock streams to both.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Compress::Zlib ();
use Backend;
use Deadline;
use Http2;
use Httpd;
use HttpSocket;

my $is_stock = Httpd::is_stock();
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    my %params = %{ $request->{params} };
    my ($bytes, $sum) = (0, '');
    while (defined(my $piece = $connection->read_stdin($request))) {
        $connection->note('piece', text => $piece) if length $piece < 100;
        $bytes += length $piece;
        $sum .= $piece;
    }
    return $connection->note('cut') if $request->{cut};
    $connection->stdout("Content-Type: text/plain\r\n\r\n" . join ' ', $bytes, sha1_hex($sum),
        'length=' . ($params{CONTENT_LENGTH} // 'none'), 'te=' . ($params{HTTP_TRANSFER_ENCODING} // 'none'));
    $connection->end_request;
});
my $stream = $is_stock ? '' : 'ProxyFCGIRequestBody Stream';
my $has_http2 = ($ENV{TEST_MPM} // '') ne 'prefork';
my $httpd = Httpd->start(threads => 32, modules => ['filter', 'deflate', $has_http2 ? 'http2' : ()], config => <<"EOC");
@{[ $has_http2 ? 'Protocols h2c http/1.1' : '' ]}
ProxyPass /generic/  @{[ $backend->url('/') ]}
ProxyPass /unpacked/ @{[ $backend->url('/') ]}
ProxyPass /fpm/      @{[ $backend->url('/') ]}
<LocationMatch "^/(generic|unpacked)/">
    ProxyFCGIBackendType GENERIC
    $stream
</LocationMatch>
<Location /unpacked/>
    SetInputFilter DEFLATE
</Location>
<Location /fpm/>
    $stream
</Location>
EOC

sub chunk { my ($text) = @_; return sprintf "%x\r\n%s\r\n", length $text, $text }

# ---- As it comes ----

{
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send("POST /generic/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" . chunk('first'));
    ok $backend->wait_for_event('piece'), 'chunked: the backend has the first piece before the end is sent'
        or diag explain [$backend->events];
    $client->send(chunk('second') . "0\r\n\r\n");
    my $response = $client->read_response;
    is $response->{status}, 200, '... then 200';
    is $response->{body}, join(' ', 11, sha1_hex('firstsecond'), 'length=none', 'te=chunked'),
        '... all of it, and no CONTENT_LENGTH';
    $client->request('GET', '/generic/y');
    like $client->read_response->{body}, qr/^0 /, '... the connection is sound';
}

# ---- Much of it ----

my $body = join '', map { sha1_hex($_) } 1 .. 30_000;    # 1.2 MB
my $response = $httpd->send('POST', '/generic/x', header => { 'Transfer-Encoding' => 'chunked' },
    body => HttpSocket::chunked($body, 50_000));
like $response->{body}, qr/^@{[ length $body ]} @{[ sha1_hex($body) ]} /, 'chunked, 1.2 MB: whole';

# ---- A client that stops in the middle ----

SKIP: {
    skip 'of no interest here', 2 if $is_stock;
    $backend->forget;
    my $client = $httpd->connect;
    $client->send("POST /generic/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" . chunk('first'));
    ok $backend->wait_for_event('piece'), 'a client that leaves within its body';
    $client->abort;
    ok $backend->wait_for_event('cut'), '... the backend sees no end of it';
}

# ---- A filter that changes the length ----

my $packed = Compress::Zlib::memGzip($body);
$response = $httpd->post('/unpacked/x', $packed, header => { 'Content-Encoding' => 'gzip' });
my ($bytes, $sum, $length) = split / /, $response->{body};
is "$bytes $sum", length($body) . ' ' . sha1_hex($body), 'a body that a filter unpacks: whole';
is $length, 'length=none', '... and the length of the packed one is not told' if !$is_stock;

# ---- HTTP/2 ----

SKIP: {
    skip 'no HTTP/2 here', 1 if !$has_http2 || !Http2::is_installed();
    my $file = $httpd->root . '/body';
    open my $out, '>', $file or die $!;
    print {$out} $body;
    close $out;
    my $port = $httpd->port;
    my $text = qx(curl -s --http2-prior-knowledge --max-time 30 -X POST -T - http://127.0.0.1:$port/generic/x < $file);
    like $text, qr/^@{[ length $body ]} @{[ sha1_hex($body) ]} length=none /, 'HTTP/2 without a length: whole';
}

# ---- PHP-FPM ----

SKIP: {
    skip 'stock streams', 2 if $is_stock;
    $backend->forget;
    $response = $httpd->send('POST', '/fpm/x', header => { 'Transfer-Encoding' => 'chunked' },
        body => HttpSocket::chunked($body, 50_000));
    is $response->{body}, join(' ', length $body, sha1_hex($body), 'length=' . length $body, 'te=none'),
        'FPM: spooled, with a length';
}
$httpd->expect_log(qr/FC0251: .*client_abort/, optional => 1);
$httpd->stop;

done_testing;
