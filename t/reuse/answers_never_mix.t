# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-22: whatever clients break off and backends add, no answer ever holds a piece of another
# request's answer, and a connection that has become doubtful is never used again.
#
# Environment: TEST_LONG  1: 10,000 requests instead of 3,000
#              TEST_SEED  another seed than the usual one
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use JSON::PP ();
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;
use HttpSocket;
use Process;

use constant CLIENTS => 8;
my $requests = $ENV{TEST_LONG} ? 10_000 : 3_000;
my $seed     = $ENV{TEST_SEED} // 20_220;

# ---- The backend: ?token=T&do=WHAT&lines=N ----

my $head = "Content-Type: text/plain\r\n";
sub end_of { my ($c) = @_; return FcgiRecord::record(FCGI_STDOUT, $c->{id}, '')
    . FcgiRecord::record(FCGI_END_REQUEST, $c->{id}, FcgiRecord::end_request_body()) }
sub out { my ($id, $text) = @_; return FcgiRecord::record(FCGI_STDOUT, $id, $text) }

# Each makes the connection doubtful, unless it is named in %sound.
my %sound = map { $_ => 1 } qw(plain length slow error);
my %does = (
    plain   => sub { my ($c, $text) = @_; $c->stdout("$head\r\n$text"); $c->end_request },
    length  => sub { my ($c, $text) = @_;
        $c->stdout("${head}Content-Length: @{[ length $text ]}\r\n\r\n$text"); $c->end_request },
    # in two pieces with a breath between them, so that clients leave in the middle
    slow    => sub { my ($c, $text) = @_;
        $c->stdout("$head\r\n" . substr $text, 0, length($text) / 2);
        select undef, undef, undef, 0.003;
        $c->stdout(substr $text, length($text) / 2);
        $c->end_request },
    error   => sub { my ($c, $text) = @_; $c->stdout("Status: 404 Not Found\r\n$head\r\n$text");
        $c->end_request },
    # bytes behind END_REQUEST: a whole record, a piece of one, and no record at all
    behind  => sub { my ($c, $text) = @_;
        $c->send(out($c->{id}, "$head\r\n$text") . end_of($c) . out($c->{id}, $text)) },
    piece   => sub { my ($c, $text) = @_;
        $c->send(out($c->{id}, "$head\r\n$text") . end_of($c) . substr out($c->{id}, $text), 0, 5) },
    rubbish => sub { my ($c, $text) = @_;
        $c->send(out($c->{id}, "$head\r\n$text") . end_of($c) . $text) },
    # a whole second answer
    twice   => sub { my ($c, $text) = @_;
        my $answer = out($c->{id}, "$head\r\n$text") . end_of($c);
        $c->send($answer x 2) },
    # a record of another request, before and within the answer
    foreign => sub { my ($c, $text) = @_;
        $c->send(out($c->{id} + 7, "$head\r\nforeign text") . out($c->{id}, "$head\r\n$text") . end_of($c)) },
    within  => sub { my ($c, $text) = @_;
        $c->send(out($c->{id}, "$head\r\n$text") . out($c->{id} + 1, 'foreign text') . end_of($c)) },
    # a second answer that comes later, when the connection may be in use again
    late    => sub { my ($c, $text) = @_;
        $c->send(out($c->{id}, "$head\r\n$text") . end_of($c));
        select undef, undef, undef, 0.002;
        $c->send(out($c->{id}, "$head\r\n$text") . end_of($c)) },
    # dies within its answer
    cut     => sub { my ($c, $text) = @_; $c->stdout("$head\r\n" . substr $text, 0, length($text) / 2);
        $c->close },
);
sub serve {
    my ($connection, $request) = @_;
    my %asked = map { split /=/, $_, 2 } split /&/, $request->{params}{QUERY_STRING};
    my $did = $asked{do};
    # what makes it doubtful is written down before it is done
    $connection->note('doubtful', how => $did) if !$sound{$did} && $did ne 'late';
    $does{$did}->($connection, "$asked{token}\n" x $asked{lines});
    return;
}
my @backends = map { Backend->answering(\&serve, listen => $_) } 'unix', 'tcp';
my $httpd = Httpd->start(children => 2, threads => 16, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember "@{[ $backends[0]->url ]}" enablereuse=on status=+I
    BalancerMember "@{[ $backends[1]->url ]}" enablereuse=on status=+I
    ProxySet maxattempts=1
</Proxy>
ProxyPass /balanced/ balancer://cluster/x/
ProxyPass /plain/ "unix:@{[ $backends[0]->path ]}|fcgi://plain/x/" enablereuse=on
EOC

# ---- The clients ----

my @doubts = grep { !$sound{$_} } sort keys %does;
my @kinds  = ((sort keys %sound) x 6, @doubts);
my $dir    = Httpd::temporary_dir('mix');

# What is wrong with these bytes from the server: tokens other than ours, or text of a foreign record.
sub mixed {
    my ($bytes, $token) = @_;
    # of a raw answer: without its head and without what parts its chunks
    if ($bytes =~ s{\AHTTP/1\.1 .*?(?:\r\n\r\n(?:[0-9a-f]+\r\n)?|\z)}{}s) {
        $bytes =~ s/\r\n[0-9a-f]+\r\n//g;
        $bytes =~ s/\r(?:\n[0-9a-f]*\r?)?\z//;
    }
    my %others = map { $_ => 1 } grep { $_ ne $token } $bytes =~ /(t\d+-\d+)\b/g;
    $others{foreign}++ if $bytes =~ /foreign/;
    # a token that the end of the bytes has cut
    my ($last) = $bytes =~ /(t\d*-?\d*)\z/;
    delete $others{$last} if defined $last && index($token, $last) == 0;
    return join ' ', sort keys %others;
}

sub client {
    my ($client) = @_;
    srand $seed + $client;
    my %saw = (mixed => [], wrong => [], whole => 0, broken_off => 0, requests => 0, status => {});
    my $socket;
    my $mine = $requests / CLIENTS;
    for my $n (1 .. $mine) {
        my $token = "t$client-$n";
        my $what  = $kinds[rand @kinds];
        my $lines = rand() < 0.03 ? 20_000 : 1 + int rand 400;
        $lines = 1 + $lines % 400 if !$sound{$what};    # what is added lies behind it in one write
        my $body  = rand() < 0.3 ? "$token\n" x (rand() < 0.1 ? 30_000 : 10) : undef;
        my $path  = (rand() < 0.7 ? '/balanced' : '/plain') . "/?token=$token&do=$what&lines=$lines";
        my $break = rand() < 0.25 ? rand() < 0.3 && defined $body ? 'asking' : 'reading' : '';
        my $at    = int rand(100 + $lines * (rand() < 0.5 ? 1 : 6));    # the answer has more
        $saw{requests}++;
        $socket //= HttpSocket->connect($httpd->port);
        if ($break eq 'asking') {
            my $text = "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Length: @{[ length $body ]}\r\n\r\n$body";
            $socket->send(substr $text, 0, length($text) - 1 - int rand length $body);
            $socket->abort;
            undef $socket;
            $saw{broken_off}++;
            next;
        }
        $socket->request(defined $body ? 'POST' : 'GET', $path, defined $body ? (body => $body) : ());
        if ($break eq 'reading') {
            my $bytes = $socket->read_bytes($at, 10) // $socket->{buffer};
            my $mixed = mixed($bytes, $token);
            push @{ $saw{mixed} }, "$token $what: $mixed" if $mixed;
            $socket->abort;
            undef $socket;
            $saw{broken_off}++;
            next;
        }
        my $response = $socket->read_response(seconds => 30);
        $saw{status}{ $response->{status} }++;
        my $mixed = mixed($response->{body}, $token);
        push @{ $saw{mixed} }, "$token $what: $mixed" if $mixed;
        my $is_whole = $response->{complete} && $response->{body} eq "$token\n" x $lines;
        $saw{whole}++ if $is_whole;
        push @{ $saw{wrong} }, "$token $what: $response->{status}, "
            . ($response->{complete} ? 'complete' : 'cut') . ", @{[ length $response->{body} ]} bytes"
            if $sound{$what} && !$is_whole
               || $response->{status} == 200 && $response->{complete} && !$is_whole;
        undef $socket if !$response->{complete} || ($response->{header}{connection} // '') =~ /close/i
            || $response->{ended_by} eq 'close';
    }
    open my $out, '>', "$dir/$client.json" or die;
    print {$out} JSON::PP::encode_json(\%saw);
    close $out;
    return;
}

my @clients = map { my $n = $_; Process->start(name => "client $n", run => sub { client($n) }) } 1 .. CLIENTS;
my $limit = $ENV{TEST_LONG} ? 240 : 90;
my $ended = grep { $_->wait_for_end($limit) } @clients;
is $ended, CLIENTS, 'all clients come to their end';
my (@mixed, @wrong, %status);
my ($asked, $whole, $broken_off) = (0, 0, 0);
for my $client (1 .. CLIENTS) {
    my $text = Httpd::read_file("$dir/$client.json") // do { fail "client $client has left no result"; next };
    my $saw = JSON::PP::decode_json($text);
    push @mixed, @{ $saw->{mixed} };
    push @wrong, @{ $saw->{wrong} };
    $asked      += $saw->{requests};
    $whole      += $saw->{whole};
    $broken_off += $saw->{broken_off};
    $status{$_} += $saw->{status}{$_} for keys %{ $saw->{status} };
}
is $asked, $requests, "$requests requests (seed $seed)";
cmp_ok $broken_off, '>', $requests / 10, 'many were broken off by the client';
cmp_ok $whole, '>', $requests / 2, 'many were answered in full';
is_deeply \@mixed, [], 'no answer holds another request\'s token or a foreign record'
    or diag scalar(@mixed) . ' of them';
is_deeply [@wrong[0 .. ($#wrong < 9 ? $#wrong : 9)]], [],
    'each sound answer comes whole, and no other looks whole when it is not'
    or diag scalar(@wrong) . ' of them; ' . join ', ', map { "$_: $status{$_}" } sort keys %status;

# ---- What the backends saw ----

my ($doubtful, $reused, @again, @twice) = (0, 0);
my %served;
for my $backend (@backends) {
    my (%is_doubtful, %count);
    for my $event ($backend->events) {
        my $connection = $event->{connection};
        if ($event->{event} eq 'doubtful') { $doubtful++; $is_doubtful{$connection} = $event->{how} }
        elsif ($event->{event} eq 'cut')   { $is_doubtful{$connection} //= 'a body that was broken off' }
        next if $event->{event} ne 'request';
        $reused++ if $count{$connection}++;
        my ($token) = $event->{params}{QUERY_STRING} =~ /token=([\w-]+)/;
        push @again, "$token after '$is_doubtful{$connection}'" if $is_doubtful{$connection};
        $served{$token}++;
        push @twice, $token if $served{$token} > 1 && $event->{params}{REQUEST_METHOD} eq 'POST';
    }
    is scalar(my @died = $backend->events('died')), 0, 'the backend itself is sound';
}
cmp_ok $doubtful, '>', $requests / 10, 'many connections became doubtful';
note "$reused requests were sent on a kept connection";
ok $backends[0]->wait_for_reuse(sub { $httpd->get('/plain/?token=t0-0&do=plain&lines=1') }),
    'connections are used again';
is_deeply \@again, [], 'no doubtful connection was used again';
is_deeply \@twice, [], 'no POST came twice';
is $httpd->in_flight('cluster'), 0, 'nothing is in flight'
    if wait_until(5, sub { $httpd->in_flight('cluster') == 0 }) || 1;

$httpd->expect_log(qr/FC0251: .*(?:backend_eof|protocol|bad_response|client_error)/, optional => 1);
$httpd->expect_log(qr/FC024\d/, optional => 1);
$httpd->stop;

done_testing;
