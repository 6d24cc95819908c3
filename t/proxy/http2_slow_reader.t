# Licensed under the Apache License, Version 2.0; see LICENSE.
# A right on a member never depends on a client's reading, over HTTP/2 neither: a client whose window
# is closed has its answer taken in, the backend is soon free, and others are served. When the window
# opens, the client has every byte.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use FcgiRecord;
use Http2Stream;
use Httpd;

plan skip_all => 'stock waits for the client' if Httpd::is_stock();
plan skip_all => 'prefork has no HTTP/2' if ($ENV{TEST_MPM} // '') eq 'prefork';

use constant { MB => 1_048_576, SOON => 5 };

my $block = join '', map { sha1_hex($_) } 1 .. 26_214;
my $body  = join '', map { sprintf('%07d:', $_) . $block } 1 .. 20;    # 20 MB
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $what = $request->{params}{QUERY_STRING};
    $connection->stdout("Content-Type: text/plain\r\n\r\n");
    if ($what =~ /pieces/) {    # the client has each before the next is sent
        for my $n (1 .. 40) {
            $connection->stdout("piece $n " . 'x' x 3000 . "\n");
            $connection->wait_for_gate($n, 10) if $n % 10 == 0;
        }
    }
    elsif ($what =~ /steps/) {    # first as much as mod_http2 keeps for the connection
        $connection->stdout('x' x 32_768);
        $connection->wait_for_gate('there', 10);
        $connection->send(FcgiRecord::record(FcgiRecord::FCGI_STDOUT, $connection->{id}, 'x' x 8192) x 16);
    }
    else { $connection->stdout($what =~ /small/ ? 'small' : $body) }
    $connection->end_request;
    $connection->note('done');
});
my $config = '';
for my $name ('taken', 'limited', 'off') {
    $config .= "<Proxy balancer://$name>\n    BalancerMember @{[ $backend->url ]} maxinflight=2\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}
my $httpd = Httpd->start(children => 1, threads => 16, modules => ['http2'], config => <<"EOC");
Protocols h2c http/1.1
Timeout 300
$config
<Proxy balancer://short>
    BalancerMember @{[ $backend->url ]} total=2
</Proxy>
ProxyPass /short/ balancer://short/
<LocationMatch "^/(limited|short)/">
    ProxyFCGIAbsorbLimit 4M
</LocationMatch>
<Location /off/>
    ProxyFCGIAbsorbLimit 0
</Location>
EOC

# ---- Two clients with a closed window ----

is $httpd->get('/taken/warm?small')->{body}, 'small', 'warmed up';
$backend->forget;
my $before = $httpd->child_kilobytes('VmRSS');
my @clients = map { Http2Stream->open($httpd->port, "/taken/$_?large", window => 0) } 1, 2;
ok $backend->wait_for_event('done', 2, SOON), 'two clients that take nothing: the backend has got rid of 2 x 20 MB';
ok wait_until(SOON, sub { !$httpd->in_flight('taken') }), '... both rights are free';
my $began = now_monotonic();
is $httpd->get('/taken/third?small')->{body}, 'small', '... a third client is served';
cmp_ok now_monotonic() - $began, '<', 2 * $Deadline::STRETCH, '... at once';
cmp_ok $httpd->child_kilobytes('VmRSS') - $before, '<', 16 * 1024 * $Deadline::STRETCH, '... httpd has not grown by it (kB)';
for my $client (@clients) {
    $client->allow(100 * MB);
    my $response = $client->read_response(seconds => 60);
    ok $response->{complete}, 'a client opens its window: it has the whole answer';
    is length $response->{body}, length $body, '... all bytes';
    is sha1_hex($response->{body}), sha1_hex($body), '... the right ones';
}

# ---- A client that reads, pieces that come little by little ----

{
    my $client = Http2Stream->open($httpd->port, '/taken/x?pieces', window => 10 * MB);
    $client->allow(10 * MB);
    for my $gate (10, 20, 30, 40) {
        my $seen = wait_until(5, sub { $client->read_response(seconds => 0.05)->{body} =~ /^piece $gate .*\n/m });
        ok $seen, "pieces: the client has number $gate while the backend waits for that";
        $backend->open_gate($gate);
    }
    ok $client->read_response(seconds => 5)->{complete}, '... and the end';
    $backend->close_gate($_) for 10, 20, 30, 40;
}

# A window that opens in the middle of an answer is seen while the backend is silent.
{
    $backend->forget;
    my $client = Http2Stream->open($httpd->port, '/taken/x?pieces', window => 0);
    $backend->open_gate($_) for 10, 20;
    ok $backend->wait_for_event('request', 1, SOON), 'pieces, and a closed window';
    is $client->read_response(seconds => 0.5)->{body}, '', '... nothing has come';
    $client->allow(10 * MB);
    ok wait_until(5, sub { $client->read_response(seconds => 0.05)->{body} =~ /^piece 30 .*\n/m }),
        '... the window opens: all that was sent so far comes';
    $backend->open_gate($_) for 30, 40;
    ok $client->read_response(seconds => 5)->{complete}, '... and the end';
    $backend->wait_for_event('done', 1, SOON);    # it is no event of the next request
}

# ---- Within limits ----

for my $name ('limited', 'off') {
    $backend->forget;
    my $client = Http2Stream->open($httpd->port, "/$name/x?large", window => 0);
    ok $backend->wait_for_event('request', 1, SOON), "$name: the backend is asked";
    my $other = Http2Stream->open($httpd->port, '/taken/meanwhile?large', window => 0);
    ok $backend->wait_for_event('done', 1, SOON), '... as much is taken in meanwhile for another';
    ok wait_until(SOON, sub { !$httpd->in_flight('taken') }), '... whose right is free';
    $other->close;
    is scalar($backend->events('done')), 1, '... the backend still sends to this one';
    is $httpd->in_flight($name), 1, '... its right is held';
    $client->allow(100 * MB);
    my $response = $client->read_response(seconds => 60);
    is sha1_hex($response->{body}), sha1_hex($body), '... the window opens: the right bytes';
    ok $response->{complete}, '... and a proper end';
    $backend->wait_for_event('done', 2, SOON);
    ok wait_until(SOON, sub { !$httpd->in_flight($name) }), '... the right is free';
}
{
    my $client = Http2Stream->open($httpd->port, '/short/x?large', window => 0);
    my $sent = now_monotonic();
    $client->read_response(seconds => 0.1);
    ok wait_until(2 + SOON, sub { !$httpd->in_flight('short') }), 'total= ends it';
    cmp_ok now_monotonic() - $sent, '>', 1.9, '... and not too early';
    $client->close;
    is_deeply [$httpd->end_words('/short/x')], ['total_timeout'], '... the word';
}
{
    my $client = Http2Stream->open($httpd->port, '/taken/steps?steps', window => 0);
    ok wait_until(SOON, sub { $client->ping; $client->read_response(seconds => 0.1)->{status} }),
        '32 KB are with the connection';
    $backend->open_gate('there');
    ok wait_until(SOON, sub { !$httpd->in_flight('taken') }), '... 128 KB come: the right is free';
    $client->close;
}

# ---- A client that leaves ----

{
    $backend->forget;
    my $client = Http2Stream->open($httpd->port, '/taken/gone?large', window => 0);
    ok $backend->wait_for_event('done', 1, SOON), 'a client that leaves: the backend has done';
    $client->close;
    my ($child) = $httpd->children;
    ok wait_until(10, sub { !grep { index(readlink($_) // '', $httpd->tmp_dir) == 0 } glob "/proc/$child/fd/*" }),
        '... what waited goes with it';
}
$httpd->expect_log(qr/FC0251: .*(?:total_timeout|client_abort)/);
$httpd->stop;

done_testing;
