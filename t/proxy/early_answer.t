# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-12: ProxyFCGIRequestBody Stream; the backend answers and ends the request after ten bytes of the
# body, and the client, which has announced 10 MB, stalls: it has the answer at once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock takes seconds' if Httpd::is_stock();

use constant { SOON => 1, ANNOUNCED => 10_485_760 };

my %status = (413 => 'Request Entity Too Large', 403 => 'Forbidden', 200 => 'OK');
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    my $body = '';
    while (length $body < 10) {
        $body .= $connection->read_stdin($request) // last;
    }
    my ($status, $end) = split /-/, $request->{params}{QUERY_STRING};
    $connection->note('answers', had => length $body);
    $connection->stdout("Status: $status $status{$status}\r\nContent-Type: text/plain\r\n\r\n"
        . "an early $status");
    $connection->end_request;
    $connection->wait_for_close(10) if $end eq 'waits';
    $connection->close;
});
my $httpd = Httpd->start(config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
<Location /app/>
    ProxyFCGIRequestBody Stream
</Location>
EOC

sub begin_upload {
    my ($query) = @_;
    $backend->forget;
    my $client = $httpd->connect;
    $client->send("POST /app/x?$query HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        . ANNOUNCED . "\r\n\r\nten bytes.");
    return $client;
}

# ---- The client stalls ----

for my $status (413, 403, 200) {
    for my $end ('waits', 'closes') {
        my $name = "$status, the backend $end";
        my $client = begin_upload("$status-$end");
        my $response = $client->read_response(seconds => 8);
        my $now = now_monotonic();
        my ($event) = $backend->events('answers');
        is $event->{had}, 10, "$name: the backend has answered after ten bytes";
        is $response->{status}, $status, '... the client has the status';
        is $response->{body}, "an early $status", '... and the text';
        ok $response->{complete}, '... which is complete';
        in_time($now - ($event->{at} // 0), SOON, '... at once');
        ok wait_until(SOON, sub { !$httpd->in_flight }), '... nothing is in flight';
        is_deeply [($httpd->end_words('/app/x', ++$httpd->{asked}))[-1]], ['ok'],
            '... the word is ok';
        $client->close;
    }
}
is $httpd->member($backend->port)->{failures}, 0, 'none of them is a failure';

# ---- The client does not stop ----

for my $end ('waits', 'closes') {
    my $client = begin_upload("413-$end");
    $client->send('x' x (ANNOUNCED - 10), 5);
    my $response = $client->read_response(seconds => 8);
    is $response->{status}, 413, "a client that sends on, the backend $end: has the status";
    is $response->{body}, 'an early 413', '... and the text';
    ok wait_until(SOON, sub { !$httpd->in_flight }), '... nothing is in flight';
}
$httpd->stop;

done_testing;
