# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-09: the client goes away. The connection to the backend is closed soon, the slot is free, and that
# is no failure of the member.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use Httpd;

my $head = "Content-Type: text/plain\r\n\r\n";
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    my $path = $request->{params}{SCRIPT_NAME};
    if ($path =~ /upload/) {       # reads the body until it ends or is cut
        1 while defined $connection->read_stdin($request);
        $connection->note($request->{cut} ? 'upload_cut' : 'upload_whole');
        return;
    }
    $request = $connection->read_body($request) or return;
    if ($path =~ /silent/) { $connection->wait_for_close(20) }
    elsif ($path =~ /endless/) {
        $connection->stdout($head);
        1 while $connection->stdout('x' x 60_000);
        $connection->note('peer_closed');
    }
    elsif ($path =~ /trickle/) {
        $connection->stdout("${head}begins");
        $connection->wait_for_close(20);
    }
    else {
        $connection->stdout("${head}quick");
        $connection->end_request;
    }
});
# A balancer for each case, so that the counts of one do not disturb the next.
my $config = '';
for my $path (qw(silent trickle endless upload quick)) {
    for my $how (qw(close abort)) {
        $config .= "<Proxy balancer://$path-$how>\n"
                 . "BalancerMember @{[ $backend->url ]} flushpackets=on\n</Proxy>\n"
                 . "ProxyPass /$path-$how/ balancer://$path-$how/\n";
    }
}
my $httpd = Httpd->start(config => $config);

# Where the client leaves, and how soon the backend must know.
for my $case (['silent', 'before the answer'], ['trickle', 'within the answer'],
              ['endless', 'while it pours']) {
    my ($path, $when) = @$case;
    for my $how ('close', 'abort') {
        $backend->forget;
        my $client = $httpd->connect;
        $client->request('GET', "/$path-$how/$path");
        ok $backend->wait_for_event('request'), "$when, $how: the backend has the request";
        ok defined $client->read_until(qr/begins/, 10), "$when, $how: the client has a piece"
            if $path eq 'trickle';
        ok defined $client->read_until(qr/x{1000}/, 10), "$when, $how: the client has a piece"
            if $path eq 'endless';
        my $left = now_monotonic();
        $client->$how;
        ok $backend->wait_for_event('peer_closed', 1, 4), "$when, $how: the backend sees the end";
        my ($event) = $backend->events('peer_closed');
        my $took = $event ? $event->{at} - $left : 99;
        in_time($took, 0.5, "$when, $how: soon");
        ok wait_until(2, sub { $httpd->in_flight("$path-$how") == 0 }), "$when, $how: the slot is free";
        is $httpd->member($backend->port, "$path-$how")->{state}, 'ok',
            "$when, $how: the member is not failed";
    }
}

# In the middle of an upload: no backend takes what came for a whole body. Whether it is spooled or
# streamed is the configuration's business.
for my $how ('close', 'abort') {
    $backend->forget;
    my $client = $httpd->connect;
    $client->send("POST /upload-$how/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        . 'x' x 300_000);
    $client->$how;
    is $httpd->get('/quick-close/quick')->{body}, 'quick', "in the upload, $how: others are served";
    ok wait_until(2, sub { $httpd->in_flight("upload-$how") == 0 }),
        "in the upload, $how: the slot is free";
    is scalar(my @whole = $backend->events('upload_whole')), 0,
        "in the upload, $how: no backend has a whole body";
    is $httpd->member($backend->port, "upload-$how")->{state}, 'ok',
        "in the upload, $how: the member is not failed";
}
is $httpd->get('/quick-close/quick')->{body}, 'quick', 'all is well';
$httpd->stop;

done_testing;
