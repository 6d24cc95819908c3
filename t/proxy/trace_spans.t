# Licensed under the Apache License, Version 2.0; see LICENSE.
# ProxyFCGITraceLog: a SERVER span for each request and a CLIENT span for each try, as lines of OTLP JSON
# that are valid whatever a URL contains, and whole however many processes write them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use FcgiRecord;
use Fpm;
use Http2;
use Httpd;
use Load;
use TraceLog;

my $fpm = Fpm->start(listen => 'tcp', files => {
    'show.php'  => '<?php echo $_SERVER["HTTP_TRACEPARENT"];',
    'wrong.php' => '<?php http_response_code((int)$_GET["status"]);',
    'unseen.php' => '',
});
my $local = Fpm->start(docroot => $fpm->docroot);    # behind a unix socket
my $refusing = Backend->refusing;
my @refusing = map { Backend->refusing } 1 .. 9;
my $gated = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open', 30);
    $connection->stdout("Content-Type: text/plain\r\n\r\nok");
    $connection->end_request;
});
my $cut = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("Content-Type: text/plain\r\nContent-Length: 100\r\n\r\nfirst");
    $connection->close;
});
my $quick = FastBackend->start;
my $docroot = $fpm->docroot;
my $config = <<"EOC";
ProxyFCGITrace On trust=true
Protocols h2c http/1.1
<Proxy balancer://two>
    BalancerMember @{[ $refusing->url ]} status=+I
    BalancerMember @{[ $fpm->url ]} lbset=1
</Proxy>
<Proxy balancer://one>
    BalancerMember @{[ $gated->url ]} maxinflight=1 queue=1 queuetimeout=20s
</Proxy>
<Proxy balancer://web>
    BalancerMember http://127.0.0.1:\@port\@
</Proxy>
<Proxy balancer://many>
@{[ map { "    BalancerMember " . $_->url . " status=+I\n" } @refusing ]}
</Proxy>
ProxyPass /two/   balancer://two$docroot/
ProxyPass /one/   balancer://one/
ProxyPass /many/  balancer://many/
ProxyPass /web/   balancer://web/plain/
ProxyPass /php/   @{[ $fpm->url ]}$docroot/
ProxyPassMatch ^/match/(.*) @{[ $fpm->url ]}$docroot/\$1
ProxyPass /local/ "@{[ $local->url ]}$docroot/"
ProxyPass /cut/   @{[ $cut->url ]}/
ProxyPass /quick/ @{[ $quick->url ]}/ enablereuse=on
ProxyPass /plain/ !
ErrorDocument 503 /php/show.php
<Location /php/unseen.php>
    ProxyFCGITrace On sample=0
</Location>
<Location /one/leaves>
    ProxyFCGIBackendType GENERIC
</Location>
EOC
my $httpd = Httpd->start(children => 2, threads => 16, modules => [qw(proxy_http http2)], env => { OTEL_SERVICE_NAME => "shop \"A\"" },
    config => "ProxyFCGITraceLog \@root\@/trace.log\n$config");
my $log = TraceLog->new($httpd->root . '/trace.log');

sub in_order {
    my @times = @_;
    return !grep { $times[$_ - 1] > $times[$_] } 1 .. $#times;
}

# ---- One request ----
my $theirs = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
my $seen = $httpd->get('/php/show.php?a=1', header => { traceparent => $theirs, tracestate => 'k=v',
    'User-Agent' => 'test/1' })->{body};
my ($server, @clients) = $log->wait_for_request('/php/show.php');
is scalar @clients, 1, 'a request has a SERVER span and a CLIENT span';
my ($client) = @clients;
is $seen, "00-$client->{traceId}-$client->{spanId}-01", 'the parent that PHP is told is the CLIENT span';
is $server->{traceId}, $client->{traceId}, '... both are of one trace';
is "$server->{traceId} $server->{parentSpanId}", '0af7651916cd43dd8448eb211c80319c b7ad6b7169203331',
    "... the client's, whose span is the parent";
is $_->{traceState}, 'k=v', '... and its state' for $server, $client;
is $server->{name}, 'GET', 'the name of a span has nothing that differs from request to request';
is_deeply $server->{attribute}, {
    'http.request.method' => 'GET', 'url.scheme' => 'http', 'url.path' => '/php/show.php', 'url.query' => 'a=1',
    'server.address' => 'localhost', 'server.port' => 80, 'client.address' => '127.0.0.1',
    'network.protocol.version' => '1.1', 'user_agent.original' => 'test/1', 'http.response.status_code' => 200,
}, 'attributes of the SERVER span';
is_deeply $client->{attribute}, {
    'http.request.method' => 'GET', 'url.full' => $fpm->url . "$docroot/show.php", 'server.address' => '127.0.0.1',
    'server.port' => $fpm->port, 'network.transport' => 'tcp', 'network.protocol.name' => 'fastcgi',
    'http.response.status_code' => 200,
}, '... of the CLIENT span';
ok in_order($server->{startTimeUnixNano}, $client->{startTimeUnixNano}, @{ $client->{event} }{qw(connected first_byte)},
    $client->{endTimeUnixNano}, $server->{endTimeUnixNano}), 'one thing after the other';
ok !$_->{has_failed}, 'nothing has failed' for $server, $client;
my ($resource) = map { $_->{resource} } map { @{ JSON::PP::decode_json($_)->{resourceSpans} } } ($log->lines)[0];
my %resource = map { ($_->{key} => $_->{value}{stringValue}) } @{ $resource->{attributes} };
is $resource{'service.name'}, 'shop "A"', 'OTEL_SERVICE_NAME names the service';
ok length $resource{'host.name'}, '... and the host has its name';

# ---- Where the try goes ----
$httpd->get('/local/show.php');
(undef, $client) = $log->wait_for_request('/local/show.php');
is $client->{attribute}{'network.transport'}, 'unix', 'a unix socket';
is $client->{attribute}{'server.address'}, $local->path, '... has its path for an address';
ok !exists $client->{attribute}{'server.port'}, '... and no port';
$httpd->get('/match/show.php');
(undef, $client) = $log->wait_for_request('/match/show.php');
is $client->{attribute}{'server.port'}, $fpm->port, 'an address from the URL of the request';

# ---- HTTP/2 ----
SKIP: {
    skip 'no curl with HTTP/2', 2 if !Http2::is_installed();
    Http2::get($httpd->port, '/local/show.php/h2');
    ($server, @clients) = $log->wait_for_request('/local/show.php/h2');
    is $server->{attribute}{'network.protocol.version'}, 2, 'a stream of HTTP/2';
    is scalar @clients, 1, '... has the same spans';
}

# ---- Failures ----
$seen = $httpd->get('/two/show.php')->{body};
($server, @clients) = $log->wait_for_request('/two/show.php');
is scalar @clients, 2, 'each try has a span';
is $clients[0]{error}, 'connect_refused', '... the first says how it failed, in the word of the log';
ok $clients[0]{has_failed} && !exists $clients[0]{event}{connected}, '... and has not come to a connection';
ok !exists $clients[0]{attribute}{'http.request.resend_count'}, '... nor was it sent again';
is $clients[1]{attribute}{'http.request.resend_count'}, 1, '... the second was';
is $seen, "00-$clients[1]{traceId}-$clients[1]{spanId}-01", '... and it is that one PHP belongs to';
ok !$server->{has_failed} && !$server->{error}, 'the request was served in the end';
$httpd->expect_log(qr/FC0251: .* connect_refused .*another member gets it; trace $server->{traceId}/, times => 1);

$httpd->get("/php/wrong.php?status=$_") for 404;
($server, $client) = $log->wait_for_request('/php/wrong.php');
ok !$server->{has_failed} && !$server->{error}, 'a 404 is no failure of the server';
is $client->{error}, 404, '... as seen from the client it is one';
$httpd->get('/local/wrong.php?status=500');
($server, $client) = $log->wait_for_request('/local/wrong.php');
is $server->{error}, 500, 'a 500 of the application is a failure';
ok $server->{has_failed} && $client->{has_failed}, '... of both';

$httpd->get('/cut/x');
($server, $client) = $log->wait_for_request('/cut/x');
is $_->{error}, 'backend_eof', 'a response that was cut' for $server, $client;
# httpd 2.5 makes it a 502, also in its access log
is $server->{attribute}{'http.response.status_code'}, Httpd::is_at_least('2.5.0') ? 502 : 200, '... whatever its status was';
$httpd->expect_log(qr/FC0251: .* the response is truncated/, times => 1);

my $gone = $httpd->connect;
$gated->close_gate('open');
$gone->request('GET', '/one/leaves');
ok $gated->wait_for_event('request', 1), 'a request is in flight';
$gone->close;
($server, $client) = $log->wait_for_request('/one/leaves');
is $_->{error}, 'client_abort', 'a client that leaves' for $server, $client;
ok !$server->{has_failed}, "... is not the server's failure";

# ---- The queue ----
$gated->forget;
my @waiting = ($httpd->connect, $httpd->connect);
$waiting[0]->request('GET', '/one/1');
ok wait_until(10, sub { $httpd->in_flight('one') == 1 }), 'a request is with the only member';
$waiting[1]->request('GET', '/one/2');
ok wait_until(10, sub { $httpd->balancer('one')->{queued} == 1 }), '... and one waits for it';
my $refused = $httpd->get('/one/3');
is $refused->{status}, 503, 'a third finds no room';
$gated->open_gate('open');
is $_->read_response->{status}, 200, 'the others are served' for @waiting;
($server, @clients) = $log->wait_for_request('/one/2');
ok in_order($server->{startTimeUnixNano}, @{ $server->{event} }{qw(queued granted)}, $clients[0]{startTimeUnixNano}),
    'the wait for a member is in the SERVER span';
($server) = $log->wait_for_request('/one/1');
is_deeply $server->{event}, {}, '... of who has waited';
($server, @clients) = $log->wait_for_request('/one/3');
ok $server->{has_failed}, 'a request that was refused has a SERVER span';
is $server->{attribute}{'http.response.status_code'}, 503, '... with its status';
is $refused->{body}, "00-$clients[0]{traceId}-$clients[0]{spanId}-01",
    '... and the PHP page that tells the client of it belongs to it';
$httpd->expect_log(qr/FC0425: .*queue_full/, times => 1);

# ---- Many tries: more than a line can take ----
$httpd->get('/many/' . 'x' x 600);
($server, @clients) = $log->wait_for_request('/many/' . 'x' x 600);
is scalar(grep { !exists $_->{attribute}{'http.response.status_code'} } @clients), 9, 'nine tries, nine spans';
is $clients[-2]{attribute}{'http.request.resend_count'}, 8, '... in their order';
$httpd->expect_log(qr/FC0251: .* connect_refused/);

# ---- Not sampled, not ours ----
$httpd->get('/php/unseen.php');
$httpd->get('/plain/x');
is $httpd->get('/web/x')->{status}, 404, 'a member that does not speak FastCGI';
$httpd->get('/php/show.php?not', header => { traceparent => $theirs =~ s/01$/00/r });
$httpd->get('/php/show.php?last');
ok wait_until(10, sub { grep { ($_->{attribute}{'url.query'} // '') eq 'last' } $log->spans }), 'later ones are there';
ok !(grep { ($_->{attribute}{'url.query'} // '') eq 'not' || ($_->{attribute}{'url.path'} // '') =~ /plain|unseen|web/ } $log->spans),
    'what is not sampled, and what goes to no backend, has no span';

# ---- Hostile requests ----
my @hostile = map { "/php/show.php?$_" } '%00%01%FF', "\xc3\xa4\xff\xfe", '"\\u0000"\\', "\xed\xa0\x80", '%22},{%22', '\\', '"' x 500;
my $before = () = grep { $_->{kind} == TraceLog::SERVER } $log->spans;
for my $path (@hostile) {
    $httpd->get($path, header => { 'User-Agent' => "\xff\"\\\t\x80" . 'x' x 7000, traceparent => $theirs });
}
$httpd->send("NO\"SUCH", '/php/show.php');
$httpd->send('FROBNICATE', '/php/show.php?other');
ok $log->wait_for_servers($before + @hostile + 1), 'requests whose bytes are no UTF-8, or too many';
my ($other) = grep { ($_->{attribute}{'http.request.method_original'} // '') eq 'FROBNICATE' } $log->spans;
is "$other->{name} $other->{attribute}{'http.request.method'}", 'HTTP _OTHER', 'a method that nobody knows';
is $log->complaints, '', 'all lines are as OTLP wants them, and no longer than a pipe takes';

# ---- Many writers ----
my $load = Load->start(port => $httpd->port, clients => 8, requests => 400, path => '/quick/load');
is $load->finish->{status}{200}, 400, 'many requests in two processes';
ok wait_until(20, sub { (() = grep { /"\/quick\/load"/ } $log->lines) == 400 }), '... and a line for each';
is $log->complaints, '', '... each as OTLP wants it';
$httpd->stop;

# ---- A program, before and after a graceful restart ----
$httpd = Httpd->start(children => 2, threads => 16, modules => [qw(proxy_http http2)],
    config => "ProxyFCGITraceLog \"|\$cat >> \@root\@/trace.log\"\n$config");
$log = TraceLog->new($httpd->root . '/trace.log');
for my $round (1, 2) {
    $load = Load->start(port => $httpd->port, clients => 8, requests => 200, path => "/quick/$round");
    is $load->finish->{status}{200}, 200, "round $round: many requests";
    ok wait_until(20, sub { (() = grep { /"\/quick\/$round"/ } $log->lines) == 200 }), '... a line for each comes to the program';
    ok $round == 2 || $httpd->graceful, '... after a graceful restart, too';
}
is $log->complaints, '', 'all lines are as OTLP wants them';
$httpd->expect_log(qr/: long lost child came home/, optional => 1);    # the old program, as with any log
$httpd->stop;

# ---- It cannot be written ----
$httpd = Httpd->start(modules => [qw(proxy_http http2)], config => "ProxyFCGITraceLog /dev/full\n$config", children => 1, in_turn => 1);
is $httpd->get('/php/show.php')->{status}, 200, 'a full disk costs spans, no requests' for 1, 2;
$httpd->expect_log(qr/FC0345: cannot write to ProxyFCGITraceLog \/dev\/full/, times => 1);
$httpd->wait_for_log(qr/FC0345/, 10);
$httpd->stop;
my ($code, $said) = Httpd->configtest(config => "ProxyFCGITraceLog nowhere/trace.log\n");
is $code, 0, 'configtest opens nothing';
ok !eval { Httpd->start(any_log => 1, config => "ProxyFCGITraceLog nowhere/trace.log\n"); 1 }, 'a folder that is not there';
like $@, qr/FC0346: cannot open ProxyFCGITraceLog .*nowhere\/trace\.log/, '... is told at start';
done_testing;
