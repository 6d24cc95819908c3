# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-07: the backend sends a head and seven bytes, then its connection ends. The client can tell that
# the response is truncated, and at once: with and without a Content-Length, over HTTP/1.1, HTTP/1.0 and
# HTTP/2, through a filter too; and no cache stores it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Http2Stream;
use Httpd;

plan skip_all => 'stock hangs for seconds' if Httpd::is_stock();

use constant SOON => 0.5;    # seconds, far below any time limit

my $fresh = "Cache-Control: max-age=600\r\nContent-Type: text/plain\r\n";
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $what = $request->{params}{QUERY_STRING};
    $connection->stdout($fresh . ($what =~ /length/ ? "Content-Length: 100\r\n" : '')
        . "\r\npartial");
    # the client has these bytes already, or not
    $connection->wait_for_gate('go', 10) if $what =~ /late/;
    $connection->note('ends');
    $what =~ /reset/ ? $connection->reset : $connection->close;
});
my $httpd = Httpd->start(modules => [qw(http2 filter deflate cache cache_disk)], config => <<"EOC");
Protocols h2c http/1.1
ProxyPass /plain/    @{[ $backend->url('/plain/') ]}
ProxyPass /deflated/ fcgi://localhost:@{[ $backend->port ]}/deflated/
ProxyPass /cached/   @{[ $backend->url('/cached/') ]}
ProxyPass /unabsorbed/ @{[ $backend->url('/unabsorbed/') ]}
<Location /deflated/>
    SetOutputFilter DEFLATE
</Location>
<Location /unabsorbed/>
    ProxyFCGIAbsorbLimit 0
</Location>
CacheRoot \@root\@/state
CacheEnable disk /cached/
EOC

# One cut answer over HTTP/1; it must look cut in time.
sub check_http1 {
    my ($path, $version, $what) = @_;
    my $name = "HTTP/$version $path?$what";
    $backend->forget;
    $backend->close_gate('go');
    my $client = $httpd->connect;
    $client->request('GET', "$path?$what", version => $version, header => {
        $path =~ /deflated/ ? ('Accept-Encoding' => 'gzip') : () });
    if ($what =~ /late/) {
        ok defined $client->read_until(qr/^(?=.*partial)/s, 5), "$name: what came is passed on";
        $backend->open_gate('go');
    }
    my $response = $client->read_response(seconds => 5);
    my $took = now_monotonic() - (($backend->events('ends'))[0]{at} // 0);
    # a filter that has kept everything back so far leaves room for a whole 502
    if ($path =~ /deflated/ && $response->{status} == 502) {
        ok $response->{complete}, "$name: a whole 502, as nothing has left";
    }
    else {
        is $response->{status}, 200, "$name: the head is out";
        ok !$response->{complete}, '... the answer looks cut' or diag explain $response;
        unlike $response->{body} . $client->{buffer}, qr/0\r\n\r\n/, '... with no last chunk';
        is $response->{body}, 'partial', '... with what came' if $path !~ /deflated/;
        ok $client->{was_reset}, '... by a reset: nothing else can tell HTTP/1.0'
            if $version eq '1.0' && ($what !~ /length/ || $path =~ /deflated/);
        ok $client->is_closed_within(SOON), '... the connection ends';
    }
    in_time($took, SOON, '... at once');
    is_deeply [($httpd->end_words($path, ++$httpd->{asked}{$path}))[-1]], ['backend_eof'],
        '... the word of the access log';
    is scalar($backend->requests), 1, '... the backend was asked once';
    return;
}

for my $path ('/plain/x', '/deflated/x') {
    for my $version ('1.1', '1.0') {
        check_http1($path, $version, $_)
            for 'open', 'length', 'open-reset',
                $path =~ /plain/ ? ('open-late', 'length-late', 'open-late-reset') : ();
    }
}

# ---- HEAD: its head is all of it ----

for my $path ('/plain/head', '/unabsorbed/head', '/deflated/head') {
    for my $what ('open', 'length', 'open-reset') {
        my $client = $httpd->connect;
        for my $n (1, 2) {
            $client->request('HEAD', "$path?$what");
            my $response = $client->read_response(seconds => 5);
            is $response->{status}, 200, "HEAD $path?$what, $n: a whole head";
            is $response->{header}{'content-type'}, 'text/plain', '... the one of the backend';
        }
    }
}

# ---- HTTP/2 (curl 7.74 takes a stream that was reset for a whole one) ----

for my $path ('/plain/h2', '/deflated/h2', '/cached/h2') {
    for my $what ('open', 'length') {
        $backend->forget;
        my $client = Http2Stream->open($httpd->port, "$path?$what",
            $path =~ /deflated/ ? (header => { 'accept-encoding' => 'gzip' }) : ());
        my $response = $client->read_response(seconds => 5);
        my $took = now_monotonic() - (($backend->events('ends'))[0]{at} // 0);
        SKIP: {
            Httpd::needs_version('2.4.55', 'ends such a stream as if it were complete', 1)
                if $path =~ /deflated/ || $what eq 'open';    # no length goes out
            is $response->{ended_by}, $path =~ /deflated/ && $response->{status} == 502 ? 'end' : 'reset',
                "HTTP/2 $path?$what: the answer looks cut, or is a 502"
                or diag explain $response;
        }
        in_time($took, SOON, '... at once');
        is scalar($backend->requests), 1, '... the backend was asked once';
        $client->close;
    }
}

# ---- The cache ----

for my $version ('1.1', '1.0') {
    for my $what ('open', 'length', 'open-reset') {
        check_http1("/cached/$version", $version, $what) for 1, 2;
    }
}
for my $what ('open', 'length') {
    $backend->forget;
    my $client = Http2Stream->open($httpd->port, "/cached/h2?$what");
    $client->read_response(seconds => 5);
    is scalar($backend->requests), 1, "/cached/h2?$what: the cache has not stored it";
    $client->close;
}

$httpd->expect_log(qr/FC0251: .*backend_eof.*the response is truncated/);
$httpd->expect_log(qr/FC0251: .*\/deflated\/: backend_eof.*answered 502/);
$httpd->stop;

done_testing;
