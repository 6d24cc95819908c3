# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-30, F-19: firstbyte, timeout, total and connectiontimeout, and all that can go wrong within
# them: the right status at the right time, exactly one line in the log with member, state, word,
# milliseconds and bytes, and the same word in the access log.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FullBacklog;
use Httpd;

plan skip_all => 'stock has no such parameters' if Httpd::is_stock();

use constant LATE => 0.6;    # seconds

my $head  = "Content-Type: text/plain\r\n\r\n";
my $large = 'x' x 20_971_520;

# A byte each 0.3 s, until the peer has had enough.
sub trickle {
    my ($connection, $text) = @_;
    for my $byte (split //, $text x 40) {
        $connection->stdout($byte) or return;
        $connection->wait_for_close(0.3) and return;
    }
    return;
}

# name => [what listens, status, word, after (seconds), a failure of the member?, more]
#   more: parameters => instead of these; method, body; retry_after; text: in the log line
#   status 200: the answer is cut
my $usual = 'firstbyte=20 timeout=2 total=30 connectiontimeout=1';
my %case = (
    refused       => [Backend->refusing, 503, 'connect_refused', 0, 1, retry_after => 1],
    no_socket     => ['unix', 503, 'connect_refused', 0, 1, retry_after => 1],
    full_tcp      => [FullBacklog->start, 503, 'connect_timeout', 1, 1, retry_after => 1],
    full_unix     => [FullBacklog->start(listen => 'unix'), 503, 'connect_busy', 1, 0,
                      retry_after => 1],
    full_soon     => [FullBacklog->start, 503, 'connect_timeout', 0.3, 1, retry_after => 1,
                      parameters => 'connectiontimeout=300ms'],
    silent        => [sub { $_[0]->wait_for_close(10) }, 504, 'first_byte_timeout', 1, 0,
                      parameters => 'firstbyte=1 timeout=2 total=30'],
    silent_post   => [sub { $_[0]->wait_for_close(10) }, 504, 'first_byte_timeout', 1, 0,
                      parameters => 'firstbyte=1 timeout=2 total=30', method => 'POST',
                      body => 'twelve bytes'],
    silent_soon   => [sub { $_[0]->wait_for_close(10) }, 504, 'first_byte_timeout', 0.5, 0,
                      parameters => 'firstbyte=500ms timeout=2'],
    silent_timeout => [sub { $_[0]->wait_for_close(10) }, 504, 'first_byte_timeout', 1, 0,
                      parameters => 'timeout=1'],
    silent_long   => [sub { $_[0]->wait_for_close(10) }, 504, 'first_byte_timeout', 2, 0,
                      parameters => 'firstbyte=2 timeout=1'],
    silent_total  => [sub { $_[0]->wait_for_close(10) }, 504, 'total_timeout', 1.5, 0,
                      parameters => 'firstbyte=3 timeout=3 total=1500ms'],
    stuck_in_head => [sub { $_[0]->stdout('Content-'); $_[0]->wait_for_close(10) },
                      504, 'read_timeout', 2, 0],
    stuck         => [sub { $_[0]->stdout("${head}begins"); $_[0]->wait_for_close(10) },
                      200, 'read_timeout', 2, 0],
    trickle       => [sub { $_[0]->stdout($head); trickle($_[0], 'x') },
                      200, 'total_timeout', 4, 0, parameters => 'timeout=2 total=4'],
    trickle_head  => [sub { trickle($_[0], 'X') }, 504, 'total_timeout', 4, 0,
                      parameters => 'timeout=2 total=4'],
    unread        => ['deaf', 504, 'write_timeout', 2, 0, method => 'PUT', body => $large],
    dies          => [sub { $_[0]->close }, 502, 'backend_eof', 0, 1],
    resets        => [sub { $_[0]->reset }, 502, 'backend_eof', 0, 1],
    dies_later    => [sub { $_[0]->wait_for_close(0.5); $_[0]->close }, 502, 'backend_eof', 0.5, 1],
    dies_in_body  => [sub {
                          my ($connection) = @_;
                          $connection->stdout("${head}begins");
                          $connection->wait_for_close(0.5);
                          $connection->close;
                      }, 200, 'backend_eof', 0.5, 1],
    garbage       => [sub { $_[0]->send("HTTP/1.0 200 OK\r\n\r\n"); $_[0]->wait_for_close(10) },
                      502, 'protocol', 0, 1],
    version       => [sub { $_[0]->record(6, 1, "${head}x", 0, 2); $_[0]->wait_for_close(10) },
                      502, 'protocol', 0, 1],
);
my $dir = Httpd::temporary_dir('sockets');
my (%url, $config);
for my $name (sort keys %case) {
    my ($what, undef, undef, undef, undef, %o) = @{ $case{$name} };
    if (ref $what eq 'CODE') { $what = $case{$name}[0] = Backend->answering($what, name => $name) }
    elsif ($what eq 'deaf') {
        $what = $case{$name}[0] = Backend->start(name => $name, script => sub {
            my ($connection) = @_;
            $connection->read_begin_and_params;
            $connection->wait_for_gate('never', 6);
        });
    }
    $url{$name} = ref $what ? $what->url : "unix:$dir/none|fcgi://none";
    my $parameters = $o{parameters} // $usual;
    $config .= "<Proxy balancer://$name>\nBalancerMember $url{$name} $parameters failwindow=1h\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}
# a worker without a balancer takes the same parameters
my $plain = Backend->answering(sub { $_[0]->wait_for_close(10) }, name => 'plain');
$case{plain} = [$plain, 504, 'first_byte_timeout', 1, undef];
$url{plain} = $plain->url;
# limits that are kept do no harm: an answer of 0.9 s with pauses, within a total of seconds
my $healthy = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_close(0.5);
    $connection->stdout($head);
    for (1 .. 2) { $connection->stdout('piece'); $connection->wait_for_close(0.2) }
    $connection->end_request;
});
my $httpd = Httpd->start(children => 1, threads => 32, config => $config . <<"EOC");
ProxyPass /plain/ $url{plain}/ firstbyte=1 timeout=2 total=4
ProxyPass /healthy/ @{[ $healthy->url ]}/ firstbyte=5 timeout=2 total=10
EOC

# ---- All at once ----

my %client;
for my $name (sort keys(%case), 'healthy') {
    my (undef, undef, undef, undef, undef, %o) = @{ $case{$name} || [] };
    my $client = $client{$name} = { socket => $httpd->connect };
    $client->{began} = now_monotonic();
    $client->{socket}->request($o{method} // 'GET', "/$name/x", header => { Connection => 'close' },
        defined $o{body} ? (body => $o{body}) : ());
    # an upload is over when it is sent
    $client->{began} = now_monotonic() if defined $o{body};
}
my $deadline = Deadline->new(15);
while ((my @open = grep { !$_->{took} } values %client) && $deadline->left > 0) {
    my $bits = '';
    vec($bits, fileno $_->{socket}{socket}, 1) = 1 for @open;
    select $bits, undef, undef, 1;
    for my $client (grep { vec $bits, fileno $_->{socket}{socket}, 1 } @open) {
        $client->{socket}->fill(0) or $client->{took} = now_monotonic() - $client->{began};
    }
}

# ---- What the clients got, and what the logs say ----

for my $name (sort keys %case) {
    my ($backend, $status, $word, $after, $is_failure, %o) = @{ $case{$name} };
    my $client   = $client{$name};
    my $response = $client->{socket}->read_response(seconds => 1);
    is $response->{status}, $status, "$name: $status";
    my $took = $client->{took} // 99;
    cmp_ok $took, '>', $after - 0.05, "... after $after s";
    in_time($took - $after, LATE, '... and not later');
    is $response->{complete}, $status == 200 ? 0 : 1,
        $status == 200 ? '... the answer looks cut' : '... a whole answer';
    like $response->{header}{'retry-after'} // '', $o{retry_after} ? qr/^\d+$/ : qr/^$/,
        '... Retry-After: ' . ($o{retry_after} ? 'yes' : 'no');
    is_deeply [$httpd->end_words("/$name/x")], [$word], "... the access log has $word";

    my $member = $url{$name};
    my @lines = grep { /FC0251/ && /\Q$member\E/ } $httpd->log_lines;
    is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    my ($state, $said, $ms, $sent, $received) = ($lines[0] // '') =~
        /exchange (\S+): member \S+: (\w+) after (\d+) ms, (\d+) bytes sent, (\d+) received/;
    is $said, $word, '... with the word';
    like $state // '', $word =~ /connect/ ? qr/^connecting$/ : qr/^[a-z-]+$/, '... the state';
    in_time(abs(($ms // 1e6) / 1000 - $took), LATE, '... the milliseconds')
        if $name ne 'unread';
    $word =~ /connect/ ? is($sent, 0, '... no bytes sent')
        : cmp_ok($sent // 0, '>', 300, '... the bytes sent');
    my $expects_bytes = $name =~ /stuck|trickle|dies_in_body|garbage|version/;
    $expects_bytes ? cmp_ok($received // 0, '>', 0, '... the bytes received')
        : is($received, 0, '... no bytes received');
    if (defined $is_failure) {
        my ($seen) = @{ $httpd->balancer($name)->{members} };
        is $seen->{failures}, $is_failure,
            $is_failure ? '... a failure of the member' : '... no failure of the member';
        is $seen->{strikes}, $is_failure, '... and as many strikes';
        is $seen->{state}, 'ok', '... the only member stays in';
        is $seen->{in_flight}, 0, '... nothing in flight';
    }
}
my $response = $client{healthy}{socket}->read_response(seconds => 1);
is $response->{body}, 'piecepiece', 'a backend within its limits is served';

$httpd->expect_log(qr/FC0251: /, times => scalar keys %case);
$httpd->stop;

# ---- Mistakes in the configuration ----

for my $parameter ('firstbyte=soon', 'total=-1', 'firstbyte=', 'total=5parsecs') {
    my ($code, $text) = Httpd->configtest(
        config => "ProxyPass /x/ fcgi://127.0.0.1:9000/ $parameter\n");
    isnt $code, 0, "$parameter: refused";
    my ($key) = $parameter =~ /(\w+)/;
    like $text, qr/\b$key\b/, '... with its name';
}

done_testing;
