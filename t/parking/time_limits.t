# Licensed under the Apache License, Version 2.0; see LICENSE.
# Time limits run on while a request is parked, also far beyond Timeout; and a client that leaves is
# noticed at once, wherever its request waits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FullBacklog;
use Httpd;
use HttpSocket;
use Parking;

Parking::skip_unless_possible();

my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    my $path = $request->{params}{SCRIPT_NAME};
    if ($path =~ /after/) { select undef, undef, undef, 4 }    # longer than Timeout
    elsif ($path =~ /begun/) {
        $connection->stdout("Content-Type: text/plain\r\n\r\nbegun ");
        $connection->wait_for_close(20);
        return;
    }
    else { $connection->wait_for_close(20); return }
    $connection->stdout("Content-Type: text/plain\r\n\r\nat last");
    $connection->end_request;
});
my $url = $backend->url;
my $httpd = Parking::start(threads => 8, config => <<"EOC");
Timeout 1
ProxyPass /patient/   $url/ timeout=20
<Proxy balancer://firstbyte>
    BalancerMember $url firstbyte=700ms timeout=20
</Proxy>
ProxyPass /firstbyte/ balancer://firstbyte/
<Proxy balancer://silence>
    BalancerMember $url timeout=2 firstbyte=9
</Proxy>
ProxyPass /silence/   balancer://silence/
<Proxy balancer://total>
    BalancerMember $url total=1500ms timeout=20
</Proxy>
ProxyPass /total/     balancer://total/
<Proxy balancer://full>
    BalancerMember $url/ maxinflight=1 queue=20 queuetimeout=1500ms timeout=20
</Proxy>
ProxyPass /full/      balancer://full/
<Location "/full/">
    ProxyFCGIBackendType GENERIC
</Location>
EOC

sub timed {
    my ($path) = @_;
    my $began = now_monotonic();
    my $response = $httpd->get($path);
    return ($response, now_monotonic() - $began);
}

# ---- Longer than Timeout ----
my ($response, $took) = timed('/patient/after');
is "$response->{status} $response->{body}", '200 at last', 'an answer after four times Timeout';
in_time($took - 4, 1, '... and no later');

# ---- Limits ----
for my $case (['/firstbyte/never', 504, 0.7, 'first_byte_timeout'], ['/total/never', 504, 1.5, 'total_timeout']) {
    my ($path, $status, $seconds, $word) = @$case;
    ($response, $took) = timed($path);
    is $response->{status}, $status, "$word: the status";
    cmp_ok $took, '>=', $seconds - 0.01, '... not too early';
    in_time($took - $seconds, 0.5, '... in time');
    is_deeply [$httpd->end_words($path)], [$word], '... the word';
    $httpd->expect_log(qr/FC0251.*$word/);
}
my $client = $httpd->connect;
$client->request('GET', '/silence/begun');
ok defined $client->read_until(qr/begun/, 5), 'a first piece';
my $began = now_monotonic();
ok $client->is_closed_within(6), 'read_timeout: the answer is cut';
$took = now_monotonic() - $began;
cmp_ok $took, '>=', 1.8, '... not too early';
in_time($took - 2, 0.6, '... in time');
$httpd->expect_log(qr/FC0251.*read_timeout/);

# ---- The queue ----
my ($first) = Parking::clients($httpd, 1, '/full/never');
ok $backend->wait_for_event('request'), 'the only place is taken';
($response, $took) = timed('/full/second');
is $response->{status}, 503, 'queue_timeout: the status';
cmp_ok $took, '>=', 1.49, '... not too early';
in_time($took - 1.5, 0.5, '... in time');
ok $response->{header}{'retry-after'}, '... with Retry-After';
$httpd->expect_log(qr/FC0425.*queue_timeout/);

# ---- Clients leave (t/balancer/client_leaves.t: those of PHP-FPM) ----
$backend->forget;
for my $how ('close', 'abort') {
    my ($leaver) = Parking::clients($httpd, 1, '/full/leaver');
    ok Parking::wait_for($httpd, 2), "$how: a request is parked in the queue";
    $began = now_monotonic();
    $leaver->$how;
    ok Parking::wait_for($httpd, 1), "$how: its client leaves, and it has gone";
    in_time(now_monotonic() - $began, 0.2, '... at once');
}
is scalar(my @seen = $backend->requests), 0, '... no backend sees it';
$began = now_monotonic();
$first->close;
ok $backend->wait_for_event('peer_closed', 1, 4), 'the client of the one at the backend leaves';
my ($event) = $backend->events('peer_closed');
in_time($event->{at} - $began, 0.2, '... and the backend sees it within 200 ms');
ok wait_until(2, sub { $httpd->in_flight('full') == 0 }), '... the place is free';
$httpd->stop;

# ---- A connection that does not come ----
my $backlog = FullBacklog->start;
$httpd = Parking::start(threads => 8, config => <<"EOC");
<Proxy balancer://away>
    BalancerMember @{[ $backlog->url ]} connectiontimeout=2
</Proxy>
ProxyPass /away/ balancer://away/
EOC
$began = now_monotonic();
my @clients = Parking::clients($httpd, 30, '/away/x');
ok wait_until(2, sub { Parking::parked($httpd) >= 20 }), 'requests are parked while they connect';
is scalar(grep { $_->read_response->{status} == 503 } @clients), 30, 'connect_timeout: all are told';
$took = now_monotonic() - $began;
cmp_ok $took, '>=', 1.99, '... not too early';
in_time($took - 2, 1, '... in time');
$httpd->expect_log(qr/FC0251.*connect_timeout/);
ok Parking::wait_for($httpd, 0), 'nothing is parked in the end';
$httpd->stop;

done_testing;
