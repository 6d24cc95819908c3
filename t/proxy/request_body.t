# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-10 and what stands around it: request bodies of known and of unknown length reach PHP whole,
# with the right CONTENT_LENGTH; too big a body of unknown length is 413 before any member is
# touched.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Fpm;
use Httpd;
use HttpSocket;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

my $fpm = Fpm->start(children => 4, listen => 'tcp', admin => { post_max_size => '100M',
    memory_limit => '256M' },
    files => { 'count.php' => <<'EOP' });
<?php
$in = fopen('php://input', 'rb');
$hash = hash_init('sha1');
$bytes = hash_update_stream($hash, $in);
header('Content-Type: application/json');
echo json_encode(['bytes' => $bytes, 'sha1' => hash_final($hash), 'content_length' => $_SERVER['CONTENT_LENGTH'] ?? null,
    'te' => $_SERVER['HTTP_TRANSFER_ENCODING'] ?? null, 'type' => $_SERVER['CONTENT_TYPE'] ?? null,
    'method' => $_SERVER['REQUEST_METHOD'], 'protocol' => $_SERVER['SERVER_PROTOCOL']]);
EOP
my $untouched = Backend->echo(name => 'untouched');
my $limit     = Httpd::is_stock() ? '' : 'ProxyFCGISpoolLimit 4M Stream';
my $has_http2 = ($ENV{TEST_MPM} // '') ne 'prefork';
my $httpd     = Httpd->start(modules => [$has_http2 ? 'http2' : ()], config => <<"EOC");
@{[ $has_http2 ? 'Protocols h2c http/1.1' : '' ]}
$limit
<Proxy balancer://php>
    BalancerMember @{[ $fpm->url ]}
</Proxy>
<Proxy balancer://untouched>
    BalancerMember @{[ $untouched->url ]}
</Proxy>
ProxyPass /php/ @{[ $fpm->url ]}@{[ $fpm->docroot ]}/
ProxyPass /balanced/ balancer://php@{[ $fpm->docroot ]}/
ProxyPass /untouched/ balancer://untouched/
ProxyPass /beyond/ balancer://untouched/
@{[ Httpd::is_stock() ? '' : "<Location /untouched/>\nProxyFCGISpoolLimit 4M\n</Location>" ]}
ProxyPass /alone/ @{[ $untouched->url('/') ]}
EOC

# Bytes that differ everywhere, so that a piece at the wrong place is seen.
sub body_of {
    my ($bytes) = @_;
    my $body = '';
    my $n = 0;
    $body .= pack 'N', $n++ * 2_654_435_761 % 4_294_967_296 while length $body < $bytes;
    return substr $body, 0, $bytes;
}
my %body = map { $_ => body_of($_) } 0, 1, 12, 65_535, 65_536, 1_048_576, 8_388_608;
$body{20_971_520} = $body{8_388_608} x 2 . substr $body{8_388_608}, 0, 4_194_304;

sub is_whole {
    my ($response, $bytes, $name) = @_;
    is $response->{status}, 200, "$name: 200" or return diag $response->{body};
    my $seen = Httpd::decode_json($response);
    is $seen->{bytes}, $bytes, "$name: all bytes";
    is $seen->{sha1}, sha1_hex($body{$bytes}), "$name: the right bytes";
    is $seen->{content_length}, $bytes, "$name: CONTENT_LENGTH";
    is $seen->{te}, undef, "$name: no HTTP_TRANSFER_ENCODING with a length";
    return;
}

# ---- Known length ----

for my $path ('/php/count.php', '/balanced/count.php') {
    for my $bytes (0, 1, 12, 65_535, 65_536, 1_048_576, 20_971_520) {
        is_whole($httpd->post($path, $body{$bytes}), $bytes, "POST $path of $bytes bytes");
    }
}
{
    my $response = $httpd->send('PUT', '/php/count.php', body => $body{12});
    is(Httpd::decode_json($response)->{method}, 'PUT', 'PUT stays PUT');
    $response = $httpd->get('/php/count.php');
    is(Httpd::decode_json($response)->{bytes}, 0, 'GET has no body');
}

# A body that comes slowly, in pieces.
{
    my $client = $httpd->connect;
    $client->send("POST /php/count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n");
    for my $piece (0 .. 15) {
        $client->send(substr $body{65_536}, $piece * 4096, 4096);
        ok !$client->fill(0.01), 'no answer before the whole body came' if $piece == 7;
    }
    is_whole($client->read_response, 65_536, 'POST in sixteen pieces');
}

# ---- Unknown length ----

for my $path ('/php/count.php', '/balanced/count.php') {
    for my $bytes (0, 12, 65_536, 1_048_576) {
        my $response = $httpd->send('POST', $path, header => { 'Transfer-Encoding' => 'chunked' },
            body => HttpSocket::chunked($body{$bytes}, 50_000));
        is_whole($response, $bytes, "chunked POST $path of $bytes bytes");
    }
}
{
    my $client = $httpd->connect;
    $client->request('POST', '/php/count.php', header => { 'Transfer-Encoding' => 'chunked' },
        body => HttpSocket::chunked($body{1_048_576}, 777));
    is_whole($client->read_response, 1_048_576, 'chunks of 777 bytes');
    $client->request('POST', '/php/count.php', header => { Connection => 'close' },
        body => $body{12});
    is_whole($client->read_response, 12, 'the next request on the same connection');
}

# ---- HTTP/2 ----

my $sent_by_http2 = 0;

SKIP: {
    my $version = qx(curl --version 2>/dev/null) // '';
    skip 'no HTTP/2 here', 21 if !$has_http2 || $version !~ /HTTP2/;
    my $port = $httpd->port;
    my $send = sub {
        my ($path, $bytes, @o) = @_;
        my $file = $httpd->root . "/body.$bytes";
        open my $out, '>', $file or die $!;
        print {$out} $body{$bytes};
        close $out;
        my $text = qx(curl -s --http2-prior-knowledge --max-time 60 -w '\\n%{http_code}' -X POST -H 'Content-Type: application/octet-stream' @o http://127.0.0.1:$port$path < $file);
        my ($answer, $status) = $text =~ /^(.*)\n(\d+)\z/s;
        return { status => $status // 0, body => $answer // '' };
    };
    is_whole($send->('/php/count.php', 1_048_576, '-T', '-'), 1_048_576, 'HTTP/2 with no length');
    is_whole($send->('/balanced/count.php', 1_048_576, '-T', '-'), 1_048_576,
        'HTTP/2 with no length, balanced');
    is_whole($send->('/php/count.php', 12, '-T', '-'), 12, 'HTTP/2 with no length, small');
    is_whole($send->('/php/count.php', 1_048_576, '--data-binary', '@-'), 1_048_576,
        'HTTP/2 with a length');
    # curl of Debian 12 shows no status when the stream is closed while it still sends
    $send->('/untouched/h2', 8_388_608, '-T', '-');
    $sent_by_http2 = 1;
    my $line = wait_until(5, sub { (grep { m{/untouched/h2 HTTP/2} } $httpd->access_lines)[0] });
    like $line, qr{ 413 }, 'HTTP/2, 8 MB with no length: 413';
}

# ---- Too big ----

for my $path ('/untouched/x', '/alone/x') {
    my $response = $httpd->send('POST', $path, header => { 'Transfer-Encoding' => 'chunked' },
        body => HttpSocket::chunked($body{8_388_608}, 100_000));
    is $response->{status}, 413, "8 MB of unknown length to $path: 413";
}
is $untouched->connections, 0, 'no member was touched';
is_deeply [ glob $httpd->tmp_dir . '/*' ], [], 'no file is left';
{
    my $client = $httpd->connect;
    $client->send("POST /untouched/x HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n"
        . "Expect: 100-continue\r\n\r\n");
    is $client->read_response(interim => 1)->{status}, 413, '8 MB of known length: 413, and not a byte was asked for';
    is $untouched->connections, 0, '... no member was touched';
    is $httpd->post('/beyond/x', $body{8_388_608})->{status}, 200, '... or streamed, where that is said';
}

# ---- Expect: 100-continue ----

{
    my $client = $httpd->connect;
    $client->send("POST /php/count.php HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n");
    my $interim = $client->read_head(10);
    is $interim->{status}, 100, 'Expect: 100-continue is answered before the body';
    $client->send($body{12});
    is_whole($client->read_response, 12, 'the body after 100-continue');

    $client->send("POST /php/count.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    is $client->read_head(10)->{status}, 100, 'the same for chunks';
    $client->send(HttpSocket::chunked($body{65_536}, 10_000));
    is_whole($client->read_response, 65_536, 'the chunks after 100-continue');
}

# ---- A broken body ----

{
    my $client = $httpd->connect;
    $client->send("POST /untouched/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
    is $client->read_response->{status}, 400, 'a chunk size that is none: 400';
}

# Each refused body leaves one line.
$httpd->expect_log(qr/FC0221: .*ProxyFCGISpoolLimit/, times => 3 + $sent_by_http2);
$httpd->stop;
is_deeply [ glob $httpd->tmp_dir . '/*' ], [], 'no file is left after all';

done_testing;
