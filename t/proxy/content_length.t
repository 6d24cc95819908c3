# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-08: the backend says Content-Length: 5 and sends 9 bytes. The client gets 5 bytes and a sound
# second answer on the same connection; one log line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Apache::Test qw(-withtestmore);
use MainServer;

my $main = MainServer->new;
my $backend = $main->backend(answer => sub {
    my ($connection, $request) = @_;
    my ($says, $sends) = $request->{params}{QUERY_STRING} =~ /^(\d+),(\d+)$/;
    my $body = substr '123456789' x 10_000, 0, $sends;
    $connection->stdout("Content-Type: text/plain\r\nContent-Length: $says\r\n\r\n$body");
    $connection->end_request;
});

my $client = $main->connect;
$client->request('GET', '/plain/?5,9');
my $response = $client->read_response;
is $response->{status}, 200, 'more than it says: 200';
is $response->{header}{'content-length'}, 5, '... the length stands';
is $response->{body}, '12345', '... the client gets so much';
$client->request('GET', '/plain/?9,9');
$response = $client->read_response;
is $response->{status}, 200, '... and a sound second answer on the same connection';
is $response->{body}, '123456789', '... with its own body';
$main->expect_log(qr/FC0243: .*the surplus is left out/, times => 3);

$client->request('GET', '/plain/?5,80000');
$response = $client->read_response;
is $response->{body}, '12345', 'far more than it says, over several records: cut all the same';
$client->request('GET', '/kept/?5,9');
$response = $client->read_response;
is $response->{body}, '12345', 'with a kept connection: cut all the same';
$client->request('GET', '/kept/?3,3');
is $client->read_response->{body}, '123', '... and the next one is sound';

$client->request('HEAD', '/plain/?9,9');
$response = $client->read_response;
is $response->{header}{'content-length'}, 9, 'HEAD keeps the length';
$client->request('GET', '/plain/?0,0');
is $client->read_response->{header}{'content-length'}, 0, 'a length of 0';

# Fewer than it says: the client can tell. When the head is still held back, that is a 502.
$client->request('GET', '/plain/?9,5');
$response = $client->read_response(seconds => 10);
ok !$response->{complete} || $response->{status} == 502, 'fewer than it says: the client can tell';
ok $response->{status} == 502 || $client->is_closed_within(5), '... a cut answer ends the connection';
$main->expect_log(qr/FC0251: .*bad_response.*(?:the answer is cut|answered 502)/, times => 1);
$main->done;

done_testing;
