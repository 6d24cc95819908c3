# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-04: a kept connection that the backend closes (a) before a request is written to it, (b) after
# that, with no byte back. The request goes to the same member on a new connection, except for (b)
# a method that is not idempotent; a member is not blamed for a connection that has become stale.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Httpd;

plan skip_all => 'stock has no such directives' if Httpd::is_stock();

my $body = 'twelve bytes';
my $large = 'more than one record ' x 10_000;

# Serves one request on each connection; then (a) closes it while it is idle, or (b) reads the next
# request and closes.
sub member {
    my ($name, $closes) = @_;
    return Backend->start(name => $name, script => sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        if ($closes eq 'always' && $connection->number > 1) { return }
        $connection->stdout("Content-Type: text/plain\r\n"
            . "X-Connection: $connection->{number}\r\n\r\n$name $connection->{number}");
        $connection->end_request;
        return if !$request->{keep};
        if ($closes eq 'when idle') {
            $connection->wait_for_gate('close');
            $connection->close;
            $connection->note('closed_idle');
        }
        else {
            $connection->read_request and $connection->note('closed_after_request');
        }
    });
}

my %kind  = (idle => 'when idle', written => 'after a request', on => 'after a request',
             always => 'always');
my %first = map { $_ => member($_, $kind{$_}) } keys %kind;
my $standby = Backend->saying('standby', name => 'standby');
my $config = '';
for my $name (sort keys %first) {
    $config .= <<"EOC";
<Proxy balancer://$name>
    BalancerMember @{[ $first{$name}->url ]} enablereuse=on
    BalancerMember @{[ $standby->url ]} status=+H
</Proxy>
ProxyPass /$name/ balancer://$name/
EOC
}
# One child: all requests meet the same kept connections.
my $httpd = Httpd->start(children => 1, in_turn => 1, config => $config . <<'EOC');
<Location /on/>
    ProxyFCGIRetryNonIdempotent On
</Location>
EOC

my %last;    # the connection that a member served last
sub ask {
    my ($name, $method, $bytes) = @_;
    my $response =
        $httpd->send($method, "/$name/x", defined $bytes ? (body => $bytes) : ());
    $last{$name} = $response->{header}{'x-connection'};
    return $response->{status} == 200 ? $response->{body} : $response->{status};
}

sub is_unblamed {
    my ($name) = @_;
    my $member = $httpd->member($first{$name}->port, $name);
    is $member->{failures}, 0, '... no failure is counted';
    is $member->{state}, 'ok', '... the member is in service';
    is $httpd->in_flight($name), 0, '... nothing in flight';
    return;
}

# ---- (a) closed before we write ----

my $number = 0;
for my $case (['GET'], ['POST', $body], ['PUT', $large], ['POST', $large], ['PATCH', $body]) {
    my ($method, $bytes) = @$case;
    my $member = $first{idle};
    $member->close_gate('close');
    $number = $member->connections + 1;
    is ask('idle', 'GET'), "idle $number", 'a request on a new connection';
    $member->open_gate('close');
    $member->wait_for_event('closed_idle', $number);
    is ask('idle', $method, $bytes), 'idle ' . ($number + 1),
        "$method after the idle connection was closed: the same member, a new connection";
    is +($member->requests)[-1]{stdin_sha1}, sha1_hex($bytes // ''), '... the whole request';
    $member->wait_for_event('closed_idle', $number + 1);
}
is scalar($first{idle}->requests), $first{idle}->connections, 'no request came twice';
is_unblamed('idle');

# ---- (b) closed after the request was written ----

# The kept connection has served one request and closes on the next.
# returns  the answer, and the number of the connection that was kept
sub ask_on_kept {
    my ($name, $method, $bytes) = @_;
    my $before = $last{$name};
    $first{$name}->forget;
    my $answer = ask($name, $method, $bytes);
    $first{$name}->wait_for_event('closed_after_request');
    return ($answer, $before);
}

is ask($_, 'GET'), "$_ 1", "$_: a first connection, which is kept" for 'written', 'on';
for my $case (['written', 'GET'], ['written', 'HEAD'], ['written', 'PUT', $body],
              ['written', 'PUT', $large], ['on', 'POST', $body], ['on', 'POST', $large],
              ['on', 'PATCH', $body]) {
    my ($name, $method, $bytes) = @$case;
    my ($answer, $before) = ask_on_kept($name, $method, $bytes);
    is $answer, $method eq 'HEAD' ? '' : "$name " . ($before + 1),
        "$name: $method, closed with no byte back: the same member, a new connection";
    my @requests = $first{$name}->requests;
    is_deeply [map { $_->{connection} - $before } @requests], [0, 1], '... sent twice';
    is $_->{stdin_sha1}, sha1_hex($bytes // ''), '... whole' for @requests;
    is_unblamed($name);
}

for my $case (['POST', $body], ['POST', $large], ['PATCH', $body]) {
    my ($method, $bytes) = @$case;
    my ($answer) = ask_on_kept('written', $method, $bytes);
    is $answer, 502, "$method, closed with no byte back: 502";
    is scalar($first{written}->requests), 1, '... it was sent once';
    is_unblamed('written');
    like ask('written', 'GET'), qr/^written/, '... and the next request is served';
}
$httpd->expect_log(qr/FC0251: .*backend_eof.*answered 502/, times => 3);

# ---- The new connection dies too: that is a failure ----

is ask('always', 'GET'), 'always 1', 'a connection is made';
is ask('always', 'GET'), 'standby',
    'closed on the kept connection and on a new one: the next member';
is scalar($first{always}->requests), 3, '... after two tries on the first';
is $httpd->member($first{always}->port, 'always')->{failures}, 1, '... which is one failure';
$httpd->expect_log(qr/FC0251: .*backend_eof.*another member gets it/, times => 1);

is $standby->connections, 1, 'the standby was called only then';
$httpd->stop;

done_testing;
