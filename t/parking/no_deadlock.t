# Licensed under the Apache License, Version 2.0; see LICENSE.
# 8 threads and hundreds of requests that wait for what other waiting requests hold: a member with
# maxinflight, a worker with max. No thread waits for what only a parked request can give back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;
use HttpSocket;
use Parking;

Parking::skip_unless_possible();

my $slow = FastBackend->start(bytes => 10, ms => 100);
for my $park ('share=0', 'share=25%', 'share=75%') {
    my $httpd = Parking::start(threads => 8, park => $park, files => { 'static.txt' => 'static' },
        debug_log => 'proxy_fastcgi:info', config => <<"EOC");
<Proxy balancer://full>
    BalancerMember @{[ $slow->url ]} maxinflight=5 queue=500 queuetimeout=20s
</Proxy>
ProxyPass /full/ balancer://full/
ProxyPass /few/ @{[ $slow->url('/') ]} max=4
ErrorDocument 404 /full/not_found
EOC
    # The queue: most of 200 are in it, 5 at the member.
    my @clients = Parking::clients($httpd, 200, '/full/x');
    # the MPM takes the fewer clients, the fewer threads are idle
    my $many = $park eq 'share=75%' ? 50 : 150;
    ok wait_until(5, sub { Parking::parked($httpd) >= $many }), "$park: far more are parked than there are threads";
    is $httpd->get('/static.txt')->{body}, 'static', "$park: a static file is served meanwhile";
    is scalar(grep { $_->read_response->{status} == 200 } @clients), 200, "$park: all 200 are answered";

    # The pool of connections of a plain worker: 4 at a time.
    @clients = Parking::clients($httpd, 60, '/few/x');
    is $httpd->get('/static.txt')->{body}, 'static', "$park, max=4: a static file is served meanwhile";
    is scalar(grep { $_->read_response->{status} == 200 } @clients), 60, "$park, max=4: all 60 are answered";

    # Half of them cannot be parked (an internal redirect): they may be refused, but nothing hangs.
    my (@parking, @blocking);
    for (1 .. 40) {
        push @parking,  Parking::clients($httpd, 1, '/full/x');
        push @blocking, Parking::clients($httpd, 1, '/missing');
    }
    is scalar(grep { $_->read_response->{status} == 200 } @parking), 40,
        "$park, half cannot be parked: the others are answered";
    is scalar(grep { $_->read_response->{status} =~ /^(?:200|404|503)$/ } @blocking), 40,
        "$park, half cannot be parked: these are answered or refused";
    is $httpd->get('/static.txt')->{body}, 'static', "$park: it goes on";
    ok wait_until(5, sub { $httpd->in_flight == 0 && Parking::parked($httpd) == 0 }), "$park: all counts are 0";
    $httpd->expect_log(qr/FC0290.*no thread is left/, optional => 1);
    $httpd->stop;
}

done_testing;
