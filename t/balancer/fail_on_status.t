# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-19: failonstatus=503 and failontimeout=On count on FastCGI members: a backend that answers 503,
# and one that is silent past its time limit, are put out of service.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

my $good  = Backend->echo(name => 'good');
my $sick  = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 7\r\n\r\nsick");
    $connection->end_request;
});
my $mute  = Backend->answering(sub { $_[0]->wait_for_close(30) });
my $stuck = Backend->answering(sub {       # begins to answer, then nothing
    my ($connection) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\nbegins");
    $connection->wait_for_close(30);
});
my %member = (status => $sick, other_status => $sick, timeout => $mute, no_timeout => $mute);
my %set = (status => 'failonstatus=500,503', other_status => 'failonstatus=500,504',
           timeout => 'failontimeout=On timeout=1', no_timeout => 'timeout=1');
my $config = '';
my $one_strike = Httpd::is_stock() ? '' : 'maxfails=1';
for my $name (sort keys %member) {
    my ($own, @set) = ('', split ' ', $set{$name});
    # timeout is the member's: how long it may be silent
    my ($timeout) = grep { /^timeout=/ } @set;
    my $balancer = join ' ', grep { !/^timeout=/ } @set;
    $config .= "<Proxy balancer://$name>\nBalancerMember @{[ $member{$name}->url ]} $one_strike retry=60 @{[ $timeout // '' ]}\n"
             . "BalancerMember @{[ $good->url ]}\n" . ($balancer ? "ProxySet $balancer\n" : '')
                 . "</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}
my $first_byte = Httpd::is_stock() ? '' : 'firstbyte=20';    # it begins, whenever that is
my $httpd = Httpd->start(config => <<"EOC");
$config
ProxyPass /stuck/ @{[ $stuck->url ]}/ timeout=1 $first_byte
EOC

# ---- failonstatus ----

my $response = $httpd->get('/status/x');
is $response->{status}, 503, 'the sick member answers 503';
is $response->{body}, 'sick', '... with its own body';
is $httpd->member($sick->port, 'status')->{state}, 'error', '... and is put out of service';
is $httpd->get('/status/x')->{status}, 200, 'the next request goes elsewhere' for 1 .. 6;
is_deeply [$httpd->elected('status')], [1, 6], '... as the numbers tell';

$httpd->get('/other_status/x') for 1 .. 4;
is $httpd->member($sick->port, 'other_status')->{state}, 'ok', 'another status is no reason';
is_deeply [$httpd->elected('other_status')], [2, 2], '... it has its turns';

# ---- failontimeout ----

my $began = now_monotonic();
$response = $httpd->get('/timeout/x');
my $took = now_monotonic() - $began;
is $response->{status}, 504, 'silent past its time limit: 504';
cmp_ok $took, '>=', 0.95, '... after its time';
in_time($took - 1, 1, '... and not much later');
is $httpd->member($mute->port, 'timeout')->{state}, 'error',
    'failontimeout=On: the member is out of service';
is $httpd->get('/timeout/x')->{status}, 200, 'the next request goes elsewhere' for 1 .. 3;

is $httpd->get('/no_timeout/x')->{status}, 504, 'without failontimeout: 504 too';
is $httpd->member($mute->port, 'no_timeout')->{state}, 'ok', '... but the member stays';

# ---- Silent in the middle of an answer ----

my $cut = $httpd->get('/stuck/x', seconds => 10);
is $cut->{status}, 200, 'silent after it began: the status is out';
ok !$cut->{complete}, '... and the answer looks cut';
is $httpd->in_flight($_), 0, "$_: nothing in flight" for sort keys %member;

$httpd->expect_log(qr/FC0251: .*first_byte_timeout.*answered 504/, times => 2);
$httpd->expect_log(qr/FC0251: .*read_timeout.*the response is truncated/, times => 1);
$httpd->stop;

done_testing;
