# Licensed under the Apache License, Version 2.0; see LICENSE.
# A while of random clients (who leave at any time), backends that die, time limits and a full member:
# afterwards the process has the descriptors that it began with, and every count is 0. Each answer is
# the one to its request. PARKING_SOAK: seconds (10).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Temp ();
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use HttpSocket;
use Parking;
use Process;

Parking::skip_unless_possible();

my $seconds = $ENV{PARKING_SOAK} // 10;
my %backend = (tcp => FastBackend->start(bytes => 10), unix => FastBackend->start(bytes => 10, listen => 'unix'));
my $odd = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    my $name = $request->{params}{QUERY_STRING};
    select undef, undef, undef, rand 0.2;    # it takes its time, here and below
    return $connection->reset if $name =~ /reset/;
    return if $name =~ /die/;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$name");
    select undef, undef, undef, rand 0.1;
    return if $name =~ /cut/;
    $connection->stdout(" end");
    $connection->end_request;
});
my $config = '';
for my $kind (sort keys %backend) {
    $config .= <<"EOC";
<Proxy balancer://$kind>
    BalancerMember @{[ $backend{$kind}->url ]} enablereuse=on idletimeout=500ms maxinflight=6 queue=30 queuetimeout=600ms firstbyte=400ms
</Proxy>
ProxyPass /$kind/ balancer://$kind/
EOC
}
my $httpd = Parking::start(threads => 16, park => 'share=0', config => <<"EOC");
Timeout 2
$config
<Proxy balancer://odd>
    BalancerMember @{[ $odd->url ]} maxfails=16 failwindow=1s status=+I
</Proxy>
ProxyPass /odd/ balancer://odd/
ProxyPass /few/ @{[ $backend{tcp}->url('/') ]} max=3 acquire=300
EOC

sub one_request {
    my ($client, $n) = @_;
    my $what = ('tcp', 'unix', 'few', 'odd')[rand 4];
    my $name = "r$client-$n" . (qw(-die -reset -cut), ('') x 5)[rand 8];
    my $path = $what eq 'odd' ? "/odd/x?$name" : "/$what/x?ms=" . int rand 550;
    my $socket = HttpSocket->connect($httpd->port);
    $socket->request('GET', $path);
    if (rand() < 0.4) {    # leaves at any time
        select undef, undef, undef, rand 0.3;
        rand() < 0.5 ? $socket->close : $socket->abort;
        return;
    }
    my $response = $socket->read_response(seconds => 20);
    $socket->close;
    return if $response->{status} =~ /^50[234]$/ || ($what eq 'odd' && !$response->{complete});
    return if $response->{status} == 200
        && ($what eq 'odd' ? $response->{body} eq "$name end" : length $response->{body} == 10);
    return "$path: $response->{status} '$response->{body}'";
}

sub soak {
    my $dir = File::Temp->newdir;
    my @clients = map { my $client = $_; Process->start(name => "client $client", run => sub {
        srand $client;
        open my $out, '>', "$dir/$client" or die;
        my $end = now_monotonic() + $seconds;
        for (my $n = 0; now_monotonic() < $end; $n++) {
            my $wrong = eval { one_request($client, $n) } // $@;
            print {$out} "$wrong\n" if $wrong;
        }
        print {$out} "done\n";
        close $out;
    }) } 1 .. 24;
    $_->wait_for_end($seconds + 60) for @clients;
    return map { my $file = $_; open my $in, '<', $file or die; map { chomp; $_ } <$in> } glob "$dir/*";
}

# At rest: nothing in flight, the kept connections to backends are closed.
sub rest {
    ok wait_until(10, sub { Parking::parked($httpd) == 0 }), 'nothing is parked';
    for my $name (qw(tcp unix odd)) {
        ok wait_until(10, sub { $httpd->in_flight($name) == 0 && $httpd->balancer($name)->{queued} == 0 }),
            "$name: nothing is in flight, nobody waits";
    }
    my ($pid) = $httpd->children;
    my ($last, $same) = ('', 0);
    wait_until(20, sub {
        my $now = join ' ', %{ Parking::descriptors($pid) }{qw(socket)};
        $same = $now eq $last ? $same + 1 : 0;
        $last = $now;
        return $same > 30;
    });
    return Parking::descriptors($pid);
}

$httpd->get("/$_/x?ms=1") for qw(tcp unix few);
$httpd->get('/odd/x?first');
my ($child) = $httpd->children;
my $before = rest();
my @said = soak();
my @wrong = grep { $_ ne 'done' } @said;
is scalar(@said) - @wrong, 24, 'all clients came to their end';
is_deeply \@wrong, [], 'no answer was wrong or missing';
cmp_ok Parking::status($httpd)->{FCGIParkedHereMost}, '>', 5, 'many requests were parked';
my $after = rest();
is_deeply [$httpd->children], [$child], 'the process is still the same';
is $after->{socket}, $before->{socket}, 'as many sockets as before';
is +($after->{eventfd} // 0), $before->{eventfd} // 0, 'as many bells';
is +($after->{file} // 0), $before->{file} // 0, 'as many files';
is $after->{timerfd}, $before->{timerfd}, 'one timer for all';
cmp_ok $after->{eventpoll} - $before->{eventpoll}, '<=', 64, 'no more wait sets are kept than may be';
$httpd->expect_log(qr/FC0(?:251|425|290)/, optional => 1);
$httpd->stop;

done_testing;
