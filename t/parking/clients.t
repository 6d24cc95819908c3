# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a client sees of a request that was parked is what it sees of any other: kept connections,
# pipelined requests, TLS, filters, caches, error pages; and the log has it all.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use HttpSocket;
use Parking;
use TlsProxy;

Parking::skip_unless_possible();

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($path) = $request->{params}{SCRIPT_NAME} =~ m{(/[^/]*)\z};
    select undef, undef, undef, 0.15 if $path !~ /gate/;    # a slow application: the request parks
    $connection->wait_for_gate('answer', 20) if $path =~ /gate/;
    my $head = "Content-Type: text/plain\r\n";
    $head = "Status: 404\r\n$head" if $path =~ /missing/;
    $head .= "Cache-Control: max-age=60\r\n" if $path =~ /cached/;
    if ($path =~ /pieces/) {
        $connection->stdout("$head\r\nfirst ");
        $connection->wait_for_gate('piece', 20);
        $connection->stdout('second');
    }
    elsif ($path !~ /dies/) {
        $connection->stdout("$head\r\n" . ($path =~ /long/ ? 'x' x 30_000 : "$path:" . $request->{stdin}));
    }
    return $connection->close if $path =~ /dies/;
    $connection->end_request;
});

my $has_tls = TlsProxy::is_possible();
my $authority = $has_tls ? TlsProxy::Authority->new('Parking CA') : undef;
my $tls = '';
my $tls_dir = Httpd::temporary_dir('parking');
if ($has_tls) {
    my ($certificate, $key) = $authority->issue('localhost', "$tls_dir/server");
    $tls = "Listen 127.0.0.1:\@port2\@\n<VirtualHost 127.0.0.1:\@port2\@>\nSSLEngine on\n"
         . "SSLCertificateFile $certificate\nSSLCertificateKeyFile $key\n"
         . "ProxyPass /app/ @{[ $backend->url('/') ]}\n</VirtualHost>\n";
}
my $httpd = Parking::start(threads => 8, modules => ['filter', 'deflate', 'cache', 'cache_disk', 'ssl'],
    files => { 'page.html' => 'our own page' }, config => <<"EOC");
LogFormat "%U %>s %X %D %{fcgi-end}n %{fcgi-firstbyte-us}n" parking
CustomLog \@root\@/access.log parking
ProxyPass /app/ @{[ $backend->url('/') ]}
<Proxy balancer://b>
    BalancerMember @{[ $backend->url ]}
</Proxy>
ProxyPass /balanced/ balancer://b/
ProxyPass /overridden/ @{[ $backend->url('/') ]}
<Location /overridden/>
    ProxyErrorOverride On
    ErrorDocument 404 /page.html
</Location>
ProxyPass /redirected/ @{[ $backend->url('/') ]}
<Location /redirected/>
    ErrorDocument 502 /app/page
</Location>
<Location /app/long>
    SetOutputFilter DEFLATE
</Location>
CacheRoot \@root\@/state
CacheEnable disk /app/cached
CacheQuickHandler on
$tls
EOC

# ---- One connection ----
my $client = $httpd->connect;
for my $n (1 .. 3) {
    $client->request('GET', "/app/kept$n");
    is $client->read_response->{body}, "/kept$n:", "kept connection, request $n";
}
$client->request('POST', '/app/body', body => 'x' x 100_000);
is $client->read_response->{body}, '/body:' . 'x' x 100_000, '... a body';
$client->request('HEAD', '/app/head');
is $client->read_response(method => 'HEAD')->{status}, 200, '... HEAD';
$client->send(join '', map { "GET /app/pipelined$_ HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 5);
is join(' ', map { $client->read_response(method => "GET")->{body} } 1 .. 5), join(' ', map { "/pipelined$_:" } 1 .. 5),
    'pipelined requests are answered in their order';
is $httpd->get('/app/old', version => '1.0')->{body}, '/old:', 'HTTP/1.0';

$client = $httpd->connect;
$client->request('GET', '/app/gate');
ok Parking::wait_for($httpd, 1), 'a request is parked';
$client->send("GET /app/behind HTTP/1.1\r\nHost: x\r\n\r\n");
is Parking::status($httpd)->{FCGIWaitingThreadsHere}, 0, 'the next one, in the same connection, wakes nobody';
$backend->open_gate('answer');
is $client->read_response->{body}, '/gate:', 'the first is answered';
is $client->read_response->{body}, '/behind:', 'and the second';
$backend->close_gate('answer');

# ---- Between pieces ----
$client = $httpd->connect;
$client->request('GET', '/app/pieces');
ok defined $client->read_until(qr/first /, 5), 'a first piece arrives while the backend goes on';
ok Parking::wait_for($httpd, 1), '... and the request is parked';
$backend->open_gate('piece');
ok defined $client->read_until(qr/second/, 5), '... the second';

# ---- TLS ----
SKIP: {
    skip 'IO::Socket::SSL is not installed', 3 if !$has_tls;
    my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port2,
        SSL_verify_mode => 0) or die "TLS: " . IO::Socket::SSL::errstr();
    print {$socket} map { "GET /app/tls$_ HTTP/1.1\r\nHost: localhost\r\nConnection: "
        . ($_ < 3 ? 'keep-alive' : 'close') . "\r\n\r\n" } 1 .. 3;    # in one record
    my $text = do { local $/; <$socket> };
    like $text, qr/\n\/tls$_:/, "TLS, request $_" for 1 .. 3;
}

# ---- Filters, caches, error pages ----
my $packed = $httpd->get('/app/long', header => { 'Accept-Encoding' => 'gzip' });
is $packed->{header}{'content-encoding'}, 'gzip', 'mod_deflate';
cmp_ok length $packed->{body}, '<', 1000, '... has packed it';
is $httpd->get('/app/cached')->{body}, '/cached:', 'mod_cache: from the backend';
$backend->forget;
is $httpd->get('/app/cached')->{body}, '/cached:', 'mod_cache: from the cache';
is scalar(my @asked = $backend->requests), 0, '... without the backend';
my $page = $httpd->get('/overridden/missing');
is "$page->{status} $page->{body}", '404 our own page', 'ProxyErrorOverride and a page of httpd';
$page = $httpd->get('/redirected/dies');
is "$page->{status} $page->{body}", '502 /page:', 'an error page that a backend makes';
$page = $httpd->get('/balanced/dies');
is $page->{status}, 502, 'a dead backend';
like $page->{body}, qr/Bad Gateway/, '... with the page of httpd';
$httpd->expect_log(qr/FC0251.*backend_eof/);
$httpd->expect_log(qr/AH01873/, optional => 1);    # no session cache for TLS

# ---- The access log ----
my $line = sub { my ($path) = @_; return (wait_until(5, sub { (grep { /^\Q$path\E / } $httpd->access_lines)[0] }))
    || 'no line' };
my ($us, $first_byte) = $line->('/app/kept1') =~ m{^\S+ 200 \+ (\d+) ok (\d+)$} or fail 'no such line';
cmp_ok $us, '>=', 150_000, '%D has the time it was parked';
cmp_ok $us, '<', 100_000_000, '... and is no date';
cmp_ok $first_byte, '>=', 145_000, 'so has the note of the first byte';
like $line->('/balanced/dies'), qr/^\S+ 502 . \d+ backend_eof /, 'a failure has its word';

ok Parking::wait_for($httpd, 0), 'nothing is parked in the end';
my $page_of_status = $httpd->get('/server-status')->{body};
like $page_of_status, qr/FastCGI requests that wait without a thread.*Parked now: 0/s, 'mod_status shows it';
$httpd->stop;

done_testing;
