# Licensed under the Apache License, Version 2.0; see LICENSE.
# enablereuse=on keeps a connection for many requests, off closes it; a kept connection that the
# backend closes while it is idle does not fail the next request. (F-04, F-22)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;

my $echo   = Backend->echo;
my $closes = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$connection->{number}");
    $connection->end_request;
    $connection->wait_for_gate('close');
    $connection->note('closing');
    $connection->close;
});
# Says that it closes, though asked to keep.
my $short = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$connection->{number}");
    $connection->end_request;
    $connection->note('closing');
});
# Leaves dirt behind END_REQUEST, or uses a foreign id: such a connection is never used again.
my $dirty = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $how = $request->{params}{QUERY_STRING};
    my $id = $connection->{id};
    my $answer = FcgiRecord::record(FCGI_STDOUT, $id,
        "Content-Type: text/plain\r\n\r\n$how $connection->{number}");
    my $end = FcgiRecord::record(FCGI_STDOUT, $id, '')
            . FcgiRecord::record(FCGI_END_REQUEST, $id, FcgiRecord::end_request_body());
    my $head = "Content-Type: text/plain\r\n\r\n";
    $connection->send(
        $how eq 'behind' ? $answer . $end . FcgiRecord::record(FCGI_STDOUT, $id, "${head}smuggled")
        : $how eq 'foreign' ? FcgiRecord::record(FCGI_STDOUT, $id + 7, "${head}foreign") . $answer . $end
        : $how eq 'unknown' ? FcgiRecord::record(FCGI_UNKNOWN_TYPE, 0, "\0" x 8) . $answer . $end
        : $answer . $end);
});
my $httpd = Httpd->start(children => 1, threads => 4, config => <<"EOC");
ProxyPass /kept/   @{[ $echo->url('/kept/') ]} enablereuse=on
ProxyPass /single/ @{[ $echo->url('/single/') ]} enablereuse=off
ProxyPass /default/ fcgi://localhost:@{[ $echo->port ]}/default/
ProxyPass /closes/ @{[ $closes->url('/') ]} enablereuse=on
ProxyPass /short/  @{[ $short->url('/') ]} enablereuse=on
ProxyPass /dirty/  @{[ $dirty->url('/') ]} enablereuse=on
EOC

# ---- On, off ----

my $client = $httpd->connect;
sub ask {
    my ($path, $method, $body) = @_;
    $client->request($method // 'GET', $path, defined $body ? (body => $body) : ());
    my $response = $client->read_response;
    my $says = $response->{header}{connection} // '';
    $client = $httpd->connect if !$response->{complete} || $says =~ /close/i;
    return $response;
}
# When a machine has let one of them wait for too long, httpd tries another connection; then once more.
my @seen;
ok wait_until(20, sub {
    $echo->forget;
    is ask('/kept/')->{status}, 200, 'kept: 200' for 1 .. 20;
    is ask('/kept/', 'POST', 'x' x 100_000)->{status}, 200, 'kept, POST: 200';
    @seen = $echo->requests;
    return @seen == 21 && $echo->connections <= 1;
}), 'enablereuse=on: one connection for all of them';
is_deeply [map { $_->{keep} } @seen], [(1) x 21], '... each with FCGI_KEEP_CONN';

$echo->forget;
is ask('/single/')->{status}, 200, 'single: 200' for 1 .. 5;
is $echo->connections, 5, 'enablereuse=off: a connection for each request';
is_deeply [map { $_->{keep} } $echo->requests], [(0) x 5], '... without FCGI_KEEP_CONN';

$echo->forget;
ask('/default/') for 1 .. 3;
is $echo->connections, 3, 'the default is off, as in stock';

# ---- Closed by the backend while idle ----

for my $method ('GET', 'POST') {
    my $before = $closes->connections;
    my @body = $method eq 'POST' ? 'twelve bytes' : ();
    is ask('/closes/', $method, @body)->{status}, 200, "$method on a new connection";
    $closes->open_gate('close');
    $closes->wait_for_event('closing', $before + 1);
    is ask('/closes/', $method, @body)->{status}, 200,
        "$method after the backend closed the idle one: a new connection";
    $closes->wait_for_event('closing', $before + 2);
    is ask('/closes/', $method, @body)->{status}, 200, '... and once more';
    $closes->wait_for_event('closing', $before + 3);
    $closes->close_gate('close');
    is $closes->connections, $before + 3, '... no request came twice';
}
is ask('/short/')->{status}, 200, 'a backend that closes though asked to keep' for 1 .. 10;
is scalar($short->requests), 10, '... gets each request once';

# ---- A doubtful connection is not used again ----

for my $how (qw(behind foreign unknown)) {
    my $one = ask("/dirty/?$how");
    is $one->{status}, 200, "$how: 200";
    like $one->{body}, qr/^$how \d+$/, "$how: its own answer";
    my $two = ask('/dirty/?next');
    like $two->{body}, qr/^next \d+$/, '... and so the next request';
    isnt +($one->{body} =~ /(\d+)/)[0], +($two->{body} =~ /(\d+)/)[0], '... on another connection'
        if $how ne 'unknown';
}
is ask('/dirty/?clean')->{status}, 200, 'clean again' for 1 .. 3;

$httpd->stop;
done_testing;
