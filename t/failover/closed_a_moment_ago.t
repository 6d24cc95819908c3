# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-04: a connection that was used a moment ago is not looked at before a request that may run twice
# is written to it. When it was closed, or something is left over in it, the client and the member's
# counts know nothing of it; other requests never meet such a connection.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;

plan skip_all => 'stock has no such thing' if Httpd::is_stock();

# What a backend does with its connection behind its first answer.
my %spoils = (
    closes  => sub { $_[0]->close },
    resets  => sub { $_[0]->reset },
    rubbish => sub { $_[0]->send('no FastCGI record') },
);

# Each answers one request on a connection, and says which.
sub backend {
    my ($name, $spoil, $listen) = @_;
    return Backend->start(name => $name, listen => $listen, script => sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        my $is_second = $request->{params}{SCRIPT_NAME} =~ /second/;
        # a record of nobody: httpd does not keep this connection
        $connection->record(FCGI_STDOUT, $connection->{id} + 1, 'x') if $is_second;
        $connection->stdout("Content-Type: text/plain\r\n\r\n$connection->{number}");
        $connection->end_request;
        return if $is_second;
        $connection->wait_for_gate('spoil');
        $spoils{$spoil}->($connection);
        $connection->note('spoilt');
        $connection->read_request if !$connection->is_closed;
    });
}

# name => [what it does, listens, method, body, more configuration, does a request meet it?]
my %case = (
    closed     => ['closes',  'tcp',  'GET',  undef, '', 1],
    closed_ux  => ['closes',  'unix', 'GET',  undef, '', 1],
    reset      => ['resets',  'tcp',  'GET',  undef, '', 1],
    rubbish    => ['rubbish', 'tcp',  'GET',  undef, '', 1],
    rubbish_ux => ['rubbish', 'unix', 'GET',  undef, '', 1],
    put        => ['closes',  'tcp',  'PUT',  'twelve bytes', '', 1],
    post_on    => ['closes',  'tcp',  'POST', 'twelve bytes', 'ProxyFCGIRetryNonIdempotent On', 1],
    post       => ['closes',  'tcp',  'POST', 'twelve bytes', '', 0],
    post_ux    => ['closes',  'unix', 'POST', 'twelve bytes', '', 0],
    patch      => ['resets',  'tcp',  'PATCH', 'twelve bytes', '', 0],
    no_retry   => ['closes',  'tcp',  'GET',  undef, 'ProxyFCGIRetryOn connect_refused', 0],
);
my (%backend, $config);
for my $name (sort keys %case) {
    my ($spoil, $listen, undef, undef, $more) = @{ $case{$name} };
    $backend{$name} = backend($name, $spoil, $listen);
    $config .= "<Proxy balancer://$name>\n"
             . "BalancerMember @{[ $backend{$name}->url ]} enablereuse=on\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n"
             . ($more ? "<Location /$name/>\n$more\n</Location>\n" : '');
}
my $httpd = Httpd->start(children => 1, in_turn => 1, debug_log => 'proxy_fastcgi:info', config => $config);

# Has what the backend did come to httpd's side of the connection? Over TCP, a busy kernel takes its time.
sub has_come {
    my ($backend) = @_;
    my $remote = sprintf '%04X', $backend->port;
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    return !grep { /^\s*\d+: \S+ \S+:$remote 01 \S+:0{8} / } <$in>;    # established, and nothing to read
}

# A connection is kept, spoilt and met a moment later.
# returns  the status of the request that meets it
sub meet {
    my ($name) = @_;
    my ($method, $body) = @{ $case{$name} }[2, 3];
    my $backend = $backend{$name};
    $backend->close_gate('spoil');
    my $before = () = $backend->events('spoilt');
    is $httpd->get("/$name/first")->{status}, 200, "$name: a connection is kept" or return 0;
    $backend->open_gate('spoil');
    $backend->wait_for_event('spoilt', $before + 1);
    # what looks at it must find it
    wait_until(5, sub { has_come($backend) }) if $case{$name}[1] eq 'tcp' && !$case{$name}[5];
    my $response = $httpd->send($method, "/$name/second", defined $body ? (body => $body) : ());
    return $response->{status};
}

sub sent_again {
    my ($name) = @_;
    my $member = $case{$name}[1] eq 'unix' ? $backend{$name}->path : $backend{$name}->port;
    my @lines = $httpd->log_lines(qr/FC0251: .*member \S*\Q$member\E\b.*backend_eof.*sent again/);
    return scalar @lines;
}

for my $name (sort keys %case) {
    my ($method, $is_met) = @{ $case{$name} }[2, 5];
    # on a slow machine a moment may have passed
    my $tries = 0;
    wait_until(8, sub {
        is meet($name), 200, "$name: $method on it is served";
        return ++$tries >= 3 && !$is_met || sent_again($name);
    });
    is sent_again($name), $is_met,
        $is_met ? "$name: ... it was sent again" : "$name: ... no request meets it";
    is meet($name), 200, "$name: the next one is served";
    is sent_again($name), $is_met, "$name: ... after a look" if $is_met;
    my $member = $httpd->member($case{$name}[1] eq 'unix' ? $name : $backend{$name}->port, $name);
    is $member->{failures}, 0, "$name: no failure is counted";
    is $member->{state}, 'ok', "$name: the member is in service";
    is $httpd->in_flight($name), 0, "$name: nothing in flight";
    my @second = grep { $_->{params}{SCRIPT_NAME} =~ /second/ } $backend{$name}->requests;
    is scalar(@second), $tries + 1, "$name: each $method came once" if !$is_met;
}
$httpd->stop;

done_testing;
