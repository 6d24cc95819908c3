# Licensed under the Apache License, Version 2.0; see LICENSE.
# An output filter that fails is no client that leaves: while nothing has gone out the client gets a
# 500 with its ErrorDocument, later the answer looks cut; the word is filter_error, the member is not
# to blame. A client that leaves is still one, and a filter that answers itself has answered.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use FcgiRecord;
use Http2;
use Httpd;

plan skip_all => 'this httpd has no mod_lua' if !Httpd::has_module('lua');

my $ours = !Httpd::is_stock();
my $head = "Content-Type: text/plain\r\n\r\n";
my $line = 'x' x 400_000;

my %does = (
    small => sub { $_[0]->stdout("${head}hello") },
    # the filter sees the first piece while the backend goes on
    large => sub { my ($c) = @_; $c->stdout("$head$line") for 1 .. 5 },
    late  => sub {
        my ($c) = @_;
        $c->stdout("${head}piece 1\n");
        $c->wait_for_gate('seen', 10);
        $c->stdout("piece 2\n");
        $c->wait_for_close(5);
    },
    # in one write, so that the filters see the end with it: else no range is cut
    range => sub {
        my ($c) = @_;
        $c->send(FcgiRecord::record(FCGI_STDOUT, $c->{id}, "Accept-Ranges: bytes\r\n${head}hello")
            . FcgiRecord::record(FCGI_END_REQUEST, $c->{id}, FcgiRecord::end_request_body()));
    },
);
my $backend = Backend->answering(sub {
    my ($c, $r) = @_;
    my ($what) = $r->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    $does{$what}->($c);
    $c->end_request if $what ne 'range';
});
my $httpd = Httpd->start(modules => [qw(lua substitute ext_filter filter http2)],
                         $ours ? (debug_log => 'proxy_fastcgi:info') : (),
                         files => { 'fail.lua' => <<'EOL' }, config => <<"EOC");
function at_once(r)
    coroutine.yield("")
    error("it fails at once")
end
function at_second(r)
    coroutine.yield("")
    coroutine.yield(bucket)
    error("it fails at its second piece")
end
EOL
Protocols h2c http/1.1
LuaOutputFilter AtOnce \@docroot\@/fail.lua at_once
LuaOutputFilter AtSecond \@docroot\@/fail.lua at_second
ExtFilterDefine no-program mode=output cmd=/no/such/program
ErrorDocument 500 "our own page"
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} flushpackets=on
</Proxy>
ProxyPass /lua/    balancer://cluster/lua/
ProxyPass /second/ balancer://cluster/second/
ProxyPass /line/   balancer://cluster/line/
ProxyPass /ext/    balancer://cluster/ext/
ProxyPass /good/   balancer://cluster/good/
ProxyPass /alone/  fcgi://localhost:@{[ $backend->port ]}/alone/
<LocationMatch "^/(?:lua|alone)/">
    SetOutputFilter AtOnce
</LocationMatch>
<Location /second/>
    SetOutputFilter AtSecond
</Location>
<Location /line/>
    SubstituteMaxLineLength 1000
    Substitute "s/nothing/something/"
    SetOutputFilter SUBSTITUTE
</Location>
<Location /ext/>
    SetOutputFilter no-program
</Location>
EOC
my $good = $httpd->get('/good/small');
is $good->{body}, 'hello', 'without a filter that fails: all is well';

# ---- Nothing has gone out ----

my $failed = 0;
for my $path ('/lua/small', '/lua/large', '/alone/small', '/alone/large', '/ext/small',
              '/ext/large') {
    my $r = $httpd->get($path);
    is $r->{status}, 500, "$path: 500";
    is $r->{body}, 'our own page', '... with its ErrorDocument';
    ok $r->{complete}, '... whole';
    $failed++ if $path !~ /ext/;    # mod_ext_filter answers itself
    is_deeply [$httpd->end_words($path)], ['filter_error'], '... the word' if $ours;
}
{
    my $r = $httpd->send('HEAD', '/lua/small');
    is $r->{status}, 500, 'HEAD: 500';
    $failed++;
    my $client = $httpd->connect;
    for my $n (1 .. 3) {
        $client->request('GET', '/lua/small');
        is $client->read_response->{body}, 'our own page', "on a kept connection, request $n";
        $failed++;
        $client = $httpd->connect;
    }
}
SKIP: {
    skip 'no curl with HTTP/2', 1 if !Http2::is_installed();
    for my $path ('/lua/small', '/lua/large') {
        my $r = Http2::get($httpd->port, $path);
        ok !$r->{is_complete} || $r->{status} == 500, "HTTP/2 $path: an error" or diag explain $r;
        is $r->{status}, 500, '... a 500' if $ours;
        is $r->{body}, 'our own page', '... with its ErrorDocument' if $ours;
        $failed++;
    }
}

# ---- Something has gone out ----

# mod_substitute lets the head go first, if it comes alone
my $cut = 2;
my $line_too_long = $httpd->get('/line/large');
$line_too_long->{status} == 500 ? $failed++ : $cut++;
ok !$line_too_long->{complete} || $line_too_long->{status} == 500, '/line/large: cut, or a 500';
is_deeply [$httpd->end_words('/line/large')], ['filter_error'], '... the word' if $ours;

for my $version ('1.1', '1.0') {
    last if !$ours;    # stock lets the client wait
    $backend->close_gate('seen');
    my $client = $httpd->connect;
    $client->request('GET', '/second/late', version => $version);
    ok defined $client->read_until(qr/^(?=.*piece 1\n)/s, 10), "HTTP/$version: the first piece comes";
    $backend->open_gate('seen');
    my $r = $client->read_response(seconds => 5);
    is $r->{status}, 200, '... the head is out';
    ok !$r->{complete}, '... the answer looks cut';
    ok $client->is_closed_within(5), '... and the connection ends';
}
is_deeply [$httpd->end_words('/second/late', 2)], [('filter_error') x 2], '... the word' if $ours;

# ---- Who else ends an answer ----

{
    my $client = $httpd->connect(receive_buffer => 4096);
    $client->request('GET', '/good/late');
    ok defined $client->read_until(qr/piece 1\n/, 10), 'a client that leaves';
    $client->abort;
    is_deeply [$httpd->end_words('/good/late')], ['client_abort'], '... is client_abort' if $ours;
}
if ($ours) {    # stock passes the end on by itself, and then nothing is cut into ranges
    my $r = $httpd->get('/good/range', header => { Range => 'bytes=900-' });
    is $r->{status}, 416, 'a filter that answers itself (416): its answer';
    ok $r->{complete}, '... whole';
    my $client = $httpd->connect;
    $client->request('GET', '/good/range', header => { Range => 'bytes=900-' });
    is $client->read_response->{status}, 416, '... also on a kept connection';
    $client->request('GET', '/good/small');
    is $client->read_response->{body}, 'hello', '... where the next request is served';
}
if ($ours) {
    is $httpd->member($backend->port)->{state}, 'ok', 'the member is not to blame';
    is $httpd->member($backend->port)->{failures}, 0, '... for anything';
    is $httpd->in_flight, 0, 'nothing is in flight';
}
is $httpd->get('/good/small')->{body}, 'hello', 'and then all is well';

$httpd->expect_log(qr/FC0251: .*filter_error.*answered 500/, times => $failed);
$httpd->expect_log(qr/FC0251: .*filter_error.*the response is truncated/, times => $cut);
$httpd->expect_log(qr/FC0251: .*filter_error.*the filter has sent its own response/, times => 4);
$httpd->expect_log(qr/AH01471|AH02329|lua/i);                   # mod_lua's own words
$httpd->expect_log(qr/AH01328/);                               # mod_substitute's
$httpd->expect_log(qr/AH014(?:58|59|60)|ext_filter/);          # mod_ext_filter's
$httpd->stop;

done_testing;
