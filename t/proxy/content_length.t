# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-08: the backend says Content-Length: 5 and sends 9 bytes. The client gets 5 bytes and a sound
# second answer on the same connection; one log line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Apache::Test qw(-withtestmore);
use FcgiRecord;
use MainServer;

my $main = MainServer->new;
my $backend = $main->backend(answer => sub {
    my ($connection, $request) = @_;
    my ($says, $sends, $how) = $request->{params}{QUERY_STRING} =~ /^(\d+),(\d+),?(\w*)$/;
    my $body = substr '123456789' x 10_000, 0, $sends;
    my $answer = "Content-Type: text/plain\r\nContent-Length: $says\r\n\r\n$body";
    if ($how eq 'whole') {    # in one write with the end, so that nothing goes on before it
        $connection->send(FcgiRecord::record(FCGI_STDOUT, $connection->{id}, $answer)
            . FcgiRecord::record(FCGI_END_REQUEST, $connection->{id}, FcgiRecord::end_request_body()));
        return;
    }
    $connection->stdout($answer);
    $connection->wait_for_gate('seen', 10) if $how eq 'late';
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
$main->expect_log(qr/FC0243: .*the surplus is dropped/, times => 3);

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

# Fewer than it says. When nothing has left for the client, that is a 502.
for my $path ('/plain/', '/deflated/') {
    $response = $main->get("$path?900,500,whole", header => { 'Accept-Encoding' => 'gzip' });
    is $response->{status}, 502, "$path: fewer than it says: 502";
    ok $response->{complete}, '... a whole one';
}
$main->expect_log(qr/FC0251: .*bad_response.*answered 502/, times => 2);

# Once its head has left the answer looks cut.
$client->request('GET', '/flushed/?9,5,late');
ok defined $client->read_until(qr/^(?=.*12345)/s, 10), 'fewer than it says, later: what came';
$backend->open_gate('seen');
$response = $client->read_response(seconds => 10);
is $response->{status}, 200, '... the head has left';
ok !$response->{complete}, '... the client can tell';
ok $client->is_closed_within(5), '... the connection ends';
$main->expect_log(qr/FC0251: .*bad_response.*the response is truncated/, times => 1);
$main->done;

done_testing;
