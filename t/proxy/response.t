# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a backend says becomes a sound HTTP answer: status lines, header fields, conditional
# requests, flushing, filters, error text; heads split at every byte; and broken answers are a 502
# or look cut. (F-06, F-07, F-18 in part)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestRequest qw(GET HEAD);
use Compress::Zlib ();
use FcgiRecord;
use HTTP::Date qw(time2str);
use MainServer;

my $main  = MainServer->new;
my $yesterday = time2str(time - 86_400);
my $head  = "Content-Type: text/plain\r\n\r\n";
my $large = join '',
    map { "line $_ of a body that is long enough to be worth the trouble\n" } 1 .. 4000;

# What the backend does, by the last piece of the path.
my %does = (
    plain   => sub { $_[0]->stdout("${head}hello"); $_[0]->end_request },
    status  => sub {
        my ($c, $r) = @_;
        my $status = $r->{params}{QUERY_STRING};
        $status =~ s/\+/ /g;
        $c->stdout("Status: $status\r\n${head}text of $status");
        $c->end_request;
    },
    cookies => sub { $_[0]->stdout("Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/\r\nSet-Cookie: c=3\r\n${head}x"); $_[0]->end_request },
    location => sub { $_[0]->stdout("Status: 302 Found\r\nLocation: http://example.com/there\r\n${head}moved"); $_[0]->end_request },
    modified => sub { $_[0]->stdout("Last-Modified: $yesterday\r\nETag: \"tag-1\"\r\n${head}fresh text"); $_[0]->end_request },
    large   => sub { $_[0]->stdout("$head$large"); $_[0]->end_request },
    lf      => sub { $_[0]->stdout("Content-Type: text/plain\nX-Lf: yes\n\nonly LF");
        $_[0]->end_request },
    nobody  => sub { $_[0]->stdout($head); $_[0]->end_request },
    pieces  => sub {
        my ($c) = @_;
        $c->stdout($head);
        for my $n (1 .. 4) {
            $c->stdout("piece $n\n");
            $c->wait_for_gate("piece$n", 15) or last;
        }
        $c->end_request;
    },
    fresh   => sub { my ($c) = @_;
        $c->stdout("Cache-Control: max-age=600\r\nX-Connection: $c->{number}\r\n${head}cacheable");
        $c->end_request },
    stderr  => sub {
        my ($c) = @_;
        $c->stderr("one line of error text\n");
        $c->stdout("${head}served");
        $c->stderr("another line\nand a third");
        $c->end_request;
    },
    split_stderr => sub {
        my ($c) = @_;
        $c->stderr($_) for 'begins in one rec', 'ord and ends', " in another\n", 'tail';
        $c->stdout("${head}served");
        $c->end_request;
    },
    split   => sub {       # ?N: the head is cut after byte N into two records
        my ($c, $r) = @_;
        my $at = $r->{params}{QUERY_STRING};
        my $all = "Status: 201 Created\r\nContent-Type: text/x-split\r\nX-Name: value\r\n\r\nthe body";
        $c->record(FCGI_STDOUT, $c->{id}, substr $all, 0, $at) if $at;
        $c->record(FCGI_STDOUT, $c->{id}, substr $all, $at);
        $c->end_request;
    },
    torn    => sub {       # ?N: all bytes of the answer are written in two pieces, cut after byte N
        my ($c, $r) = @_;
        my $at = $r->{params}{QUERY_STRING};
        my $id = $c->{id};
        $c->send_split(FcgiRecord::record(FCGI_STDOUT, $id,
            "Content-Type: text/x-torn\r\nX-Name: value\r\n\r\nthe ", 5)
            . FcgiRecord::record(FCGI_STDERR, $id, '')
            . FcgiRecord::record(FCGI_STDOUT, $id, 'body', 3)
            . FcgiRecord::record(FCGI_STDOUT, $id, '')
            . FcgiRecord::record(FCGI_END_REQUEST, $id, FcgiRecord::end_request_body(), 7), $at);
    },
    bytes   => sub {       # a record for each byte
        my ($c) = @_;
        $c->send(join '', map { FcgiRecord::record(FCGI_STDOUT, $c->{id}, $_, 1) } split //,
            "X-Name: value\r\n${head}byte by byte");
        $c->end_request;
    },
    padding => sub {
        my ($c) = @_;
        $c->record(FCGI_STDOUT, $c->{id}, "${head}pad", 255);
        $c->record(FCGI_STDOUT, $c->{id}, 'ded', 1);
        $c->record(FCGI_STDOUT, $c->{id}, '', 8);
        $c->record(FCGI_END_REQUEST, $c->{id}, FcgiRecord::end_request_body(), 200);
    },
    empty   => sub { $_[0]->end_request },
    app_status => sub { $_[0]->end_request(255) },
    half_head  => sub { $_[0]->stdout("Content-Type: text/plain\r\nX-Half: ye");
        $_[0]->end_request },
    no_field   => sub { $_[0]->stdout("This is no header field\r\n\r\nbody"); $_[0]->end_request },
    garbage => sub { $_[0]->send("HTTP/1.0 200 OK\r\n\r\nwrong protocol"); $_[0]->close },
    version => sub { $_[0]->record(FCGI_STDOUT, $_[0]{id}, "${head}x", 0, 2); $_[0]->close },
    bad_status => sub { $_[0]->stdout("Status: what\r\n${head}x"); $_[0]->end_request },
    vanish  => sub { $_[0]->close },
    cut     => sub { my ($c) = @_; $c->stdout("${head}partial"); $c->close },
    cut_length => sub { my ($c) = @_; $c->stdout("Content-Length: 100\r\n${head}partial");
        $c->close },
    cut_reset  => sub { my ($c) = @_; $c->stdout("${head}partial"); $c->wait_for_gate('seen', 10);
        $c->reset },
);
my $backend = $main->backend(name => 'scripted', answer => sub {
    my ($connection, $request) = @_;
    my ($what) = $request->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    my $do = $does{ $what // '' } or die "no such script: $request->{params}{SCRIPT_NAME}";
    $do->($connection, $request);
});

# The client can tell: an answer without its end, or a 502 when nothing of it was passed on yet.
sub was_cut { my ($response) = @_; return !$response->{complete} || $response->{status} == 502 }

# ---- Plain answers ----

my $r = GET '/plain/plain';
is $r->code, 200, 'no Status is 200';
is $r->content, 'hello', 'the body';
is $r->header('Content-Type'), 'text/plain', 'its type';
ok !defined $r->header('Status'), 'Status is not passed on';

$r = HEAD '/plain/large';
is $r->code, 200, 'HEAD: 200';
is $r->content, '', 'HEAD: no body';
is $r->header('Content-Type'), 'text/plain', 'HEAD: the header fields';
$r = GET '/plain/large';
is $r->content, $large, 'a large body, whole';
is +(GET '/plain/lf')->header('X-Lf'), 'yes', 'header lines that end in LF';
$r = GET '/plain/nobody';
is $r->code, 200, 'a head with no body: 200';
is $r->content, '', '... empty';

for my $status ('200 OK', '201 Created', '404 Not Found', '404 Gone Fishing',
    '500 Internal Server Error', '503 Service Unavailable', '299', '418 I am a teapot') {
    (my $query = $status) =~ s/ /+/g;
    my $response = $main->get("/plain/status?$query");
    my ($code, $reason) = $status =~ /^(\d+) ?(.*)$/;
    is $response->{status}, $code, "Status: $status";
    is $response->{reason}, $reason, '... with its own words' if length $reason;
    is $response->{body}, "text of $status", '... and the body of the backend';
}
{
    my $response = $main->get('/plain/status?204+No+Content');
    is $response->{status}, 204, 'Status: 204';
    is $response->{body}, '', '... with no body';
}

my @cookies = grep { $_->[0] eq 'Set-Cookie' } @{ $main->get('/plain/cookies')->{fields} };
is_deeply [map { $_->[1] } @cookies], ['a=1; Path=/', 'b=2; Path=/', 'c=3'],
    'Set-Cookie three times, in order';

my $moved = $main->get('/plain/location');
is $moved->{status}, 302, 'a redirect';
is $moved->{header}{location}, 'http://example.com/there', '... with its Location';

# ---- Conditional requests ----

is +(GET '/plain/modified')->content, 'fresh text',
    'Last-Modified and ETag: 200 without a condition';
is $main->get('/plain/modified', header => { 'If-Modified-Since' => $yesterday })->{status}, 304,
    'If-Modified-Since: 304';
is $main->get('/plain/modified', header => { 'If-None-Match' => '"tag-1"' })->{status}, 304,
    'If-None-Match: 304';
is $main->get('/plain/modified', header => { 'If-None-Match' => '"other"' })->{status}, 200,
    'another tag: 200';
is $main->get('/plain/modified', header => { 'If-None-Match' => '"tag-1"' })->{body}, '',
    '304 has no body';
{
    my $client = $main->connect;
    $client->request('GET', '/plain/modified', header => { 'If-None-Match' => '"tag-1"' });
    is $client->read_response->{status}, 304, '304 on a kept connection';
    $client->request('GET', '/plain/plain');
    is $client->read_response->{body}, 'hello', '... and the next answer is sound';
}

# ---- ProxyErrorOverride, filters, cache ----

$r = $main->get('/overridden/status?404+Not+Found');
is $r->{status}, 404, 'ProxyErrorOverride: the status stays';
is $r->{body}, 'our own page', '... with our own page';
is $main->get('/overridden/plain')->{body}, 'hello', '... a good answer is untouched';

$r = $main->get('/deflated/large', header => { 'Accept-Encoding' => 'gzip' });
is $r->{header}{'content-encoding'}, 'gzip', 'mod_deflate packs it';
is Compress::Zlib::memGunzip($r->{body}), $large, '... whole';

my $first  = $main->get('/cached/fresh');
my $second = $main->get('/cached/fresh');
is $second->{body}, 'cacheable', 'mod_cache: the second answer';
is $second->{header}{'x-connection'}, $first->{header}{'x-connection'},
    '... comes out of the cache';
$main->get('/cached/cut');
$r = $main->get('/cached/cut');
ok was_cut($r), 'a cut answer is not stored' or diag explain $r;
$main->expect_log(qr/FC0251: .*fcgi:\/\/cached\/: backend_eof.*the response is truncated/, times => 2);

# ---- Flushing ----

{
    my $client = $main->connect;
    $client->request('GET', '/flushed/pieces');
    my $seen = $client->read_until(qr/piece 1\n/, 10);
    like $seen, qr/^HTTP\/1\.1 200/,
        'flushpackets=on: head and first piece while the backend holds back the rest';
    for my $n (2 .. 4) {
        $backend->open_gate('piece' . ($n - 1));
        ok defined $client->read_until(qr/piece $n\n/, 10), "... piece $n";
    }
    $backend->open_gate('piece4');
    ok defined $client->read_until(qr/\r\n0\r\n\r\n/, 10), '... and the end';
}

# ---- STDERR ----

is +(GET '/plain/stderr')->content, 'served', 'STDERR does no harm to the answer';
is +(GET '/plain/split_stderr')->content, 'served', 'STDERR split over records neither';
ok $main->wait_for_log(qr/begins in one record and ends in another/),
    '... and is one line in the log';
$main->expect_log(qr/FC0230: .*$_/, times => 1) for 'one line of error text', 'another line',
    'and a third',
    'begins in one record and ends in another', ': tail';

# ---- Split anywhere ----

{
    my $head_bytes = length "Status: 201 Created\r\nContent-Type: text/x-split\r\nX-Name: value\r\n\r\nthe body";
    my @wrong;
    my $client = $main->connect;
    my $ask = sub {
        $client->request('GET', $_[0]);
        my $response = $client->read_response;
        my $says = $response->{header}{connection} // '';
        $client = $main->connect if !$response->{complete} || $says =~ /close/i;
        return $response;
    };
    for my $at (0 .. $head_bytes) {
        my $response = $ask->("/plain/split?$at");
        push @wrong, $at
            if $response->{status} != 201 || $response->{body} ne 'the body'
            || ($response->{header}{'x-name'} // '') ne 'value'
            || ($response->{header}{'content-type'} // '') ne 'text/x-split';
    }
    is "@wrong", '', 'a head split over two records after any byte';

    @wrong = ();
    for my $path ('/plain', '/kept') {
        for my $at (1 .. 140) {
            my $response = $ask->("$path/torn?$at");
            push @wrong, "$path $at"
                if $response->{status} != 200 || $response->{body} ne 'the body'
                || ($response->{header}{'x-name'} // '') ne 'value';
        }
    }
    is "@wrong", '', 'an answer written in two pieces, cut after any byte';
    my $response = $ask->('/plain/bytes');
    is $response->{body}, 'byte by byte', 'a record for each byte';
    is $response->{header}{'x-name'}, 'value', '... with its header';
    is $ask->('/kept/padding')->{body}, 'padded', 'padding is skipped';
    is $ask->('/kept/padding')->{body}, 'padded', '... also before the next answer';
}

# ---- Broken answers ----

my %word = (empty => 'protocol', app_status => 'protocol.*appStatus 255', half_head => 'protocol',
            no_field => 'bad_response.*This is no header field',
            garbage => 'protocol', version => 'protocol',
            vanish => 'backend_eof', bad_status => 'bad_response.*what');
for my $broken (sort keys %word) {
    $main->log->mark;
    my $response = $main->get("/plain/$broken");
    is $response->{status}, 502, "$broken: 502";
    my @lines = $main->log->lines(qr/FC\d{4}/);
    is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    like $lines[0], qr/$word{$broken}/, '... with its reason';
    is $main->get('/plain/plain')->{status}, 200, '... and the next request is served';
}
$main->expect_log(qr/FC0251: .*fcgi:\/\/plain\/: (?:protocol|bad_response|backend_eof)/);

for my $version ('1.1', '1.0') {
    my $response = $main->send('GET', '/plain/cut', version => $version, seconds => 5);
    if ($version eq '1.1') {
        ok was_cut($response), 'cut in the body, HTTP/1.1: no last chunk';
        is $response->{body}, 'partial', '... what came is passed on'
            if $response->{status} == 200;
    }
    $response = $main->send('GET', '/plain/cut_length', version => $version, seconds => 5);
    ok was_cut($response), "cut short of its Content-Length, HTTP/$version: short of it";
    is $response->{ended_by}, 'length', '... with the length';
}
{
    my $client = $main->connect;
    $client->request('GET', '/flushed/cut_reset');
    ok defined $client->read_until(qr/partial/, 10), 'reset by the backend: what came before';
    $backend->open_gate('seen');
    ok $client->is_closed_within(5), '... and the connection ends';
    unlike $client->{buffer}, qr/0\r\n\r\n/, '... with no last chunk';
}
$main->expect_log(qr/FC0251: .*fcgi:\/\/flushed\/: backend_eof.*the response is truncated/, times => 1);
is $main->get('/plain/plain')->{status}, 200, 'all is well after all';
$main->done;

done_testing;
