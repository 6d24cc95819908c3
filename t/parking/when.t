# Licensed under the Apache License, Version 2.0; see LICENSE.
# Who parks: nobody while few threads wait for a fast backend; requests above the share; at once
# those for a member whose first bytes have been slow of late.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use Parking;

Parking::skip_unless_possible();

my $fast = FastBackend->start(bytes => 10);
my $slow = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    select undef, undef, undef, 0.3;    # so that it is known to be slow, however soon that was
    $connection->stdout("Content-Type: text/plain\r\n\r\nslow");
    $connection->end_request;
});
my $httpd = Parking::start(threads => 16, park => 'share=25%', config => <<"EOC");
ProxyPass /fast/ @{[ $fast->url('/') ]}
<Proxy balancer://slow>
    BalancerMember @{[ $slow->url ]}
</Proxy>
ProxyPass /slow/ balancer://slow/
EOC

my $result = Load->start(port => $httpd->port, clients => 3, requests => 300, path => '/fast/x')->finish;
is $result->{status}{200}, 300, 'a fast backend, few clients';
is Parking::status($httpd)->{FCGIParkedHereMost}, 0, '... no request was parked';

# Not known to be slow yet: 4 of 16 threads wait, the fifth request parks.
my @clients = Parking::clients($httpd, 4, '/slow/x');
ok wait_until(5, sub { Parking::status($httpd)->{FCGIWaitingThreadsHere} == 4 }), 'four wait in their threads';
is Parking::parked($httpd), 0, '... none is parked';
push @clients, Parking::clients($httpd, 3, '/slow/x');
ok Parking::wait_for($httpd, 3), '... the others are parked';
is $httpd->member($slow->port)->{in_flight}, 7, '... the balancer counts them';
SKIP: {
    my $member = $httpd->member($slow->port);
    skip 'the manager does not show it', 1 if !exists $member->{parked};
    is $member->{parked}, 3, '... and tells how many of them are parked';
}
$slow->open_gate('open');
is scalar(grep { $_->read_response->{status} == 200 } @clients), 7, '... all are answered';

$slow->close_gate('open');
@clients = Parking::clients($httpd, 1, '/slow/x');
ok Parking::wait_for($httpd, 1), 'now it is known to be slow: the first parks';
is Parking::status($httpd)->{FCGIWaitingThreadsHere}, 0, '... no thread waits';
$slow->open_gate('open');
is $clients[0]->read_response->{status}, 200, '... answered';
$httpd->stop;

done_testing;
