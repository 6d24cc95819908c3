# Licensed under the Apache License, Version 2.0; see LICENSE.
# maxinflight=4 is a limit of connections, too: with eight child processes and requests that end in every
# way - served, refused for being late, left by their clients, broken, cut, overloaded - the backend never
# has more than four connections open, those apart that are kept and idle. And who waits for a right does
# not get the member that has just failed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use IO::Select;
use IO::Socket::INET;
use File::Temp ();
use Time::HiRes ();
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;
use Load;
use Process;

# A backend in one process, so that it can count: a connection is open from accept() until httpd has
# closed it, and idle while it is kept after an answer. What httpd has done is looked at before each
# accept(), and its closes come first in time.
sub answer {
    my ($client, $id, $uri) = @_;
    return if $uri =~ /late/;
    return $client->shutdown(2) if $uri =~ /break/;
    my $end = FcgiRecord::record(FCGI_END_REQUEST, $id,
        FcgiRecord::end_request_body(0, $uri =~ /overloaded/ ? FCGI_OVERLOADED : FCGI_REQUEST_COMPLETE));
    my $head = $uri =~ /overloaded/ ? '' : FcgiRecord::record(FCGI_STDOUT, $id,
        "Content-Type: text/plain\r\n" . ($uri =~ /cut/ ? "Content-Length: 100\r\n" : '') . "\r\n" . 'x' x 50);
    syswrite $client, $head . ($uri =~ /cut/ ? '' : $end);
    return $uri =~ /cut/ ? $client->shutdown(2) : 1;
}

sub serve {
    my ($listener, $file) = @_;
    my $select = IO::Select->new($listener);
    my (%open, $peak);
    $peak = 0;
    $listener->blocking(0);
    my $read_all = sub {
        for my $client (grep { $_ != $listener } $select->can_read(0)) {
            my $c = $open{$client};
            if (!sysread $client, $c->{bytes}, 65_536, length $c->{bytes}) {
                $select->remove($client);
                delete $open{$client};
                close $client;
                next;
            }
            $c->{is_idle} = 0;
            # STDIN ends a request; its first record says whether the connection is kept
            my ($id) = $c->{bytes} =~ /\x01\x05(..)\x00\x00..\z/s or next;
            my ($uri) = $c->{bytes} =~ m{(/\w+/app/\w+)};
            $c->{is_kept} = ord(substr $c->{bytes}, 10, 1) & 1;
            @$c{qw(due answer bytes)} = (now_monotonic() + 0.005, [unpack('n', $id), $uri], '');
        }
    };
    # A close may be on its way to us through another processor's queue: it is given a moment, in which
    # nobody is answered, so that what is open too much stays so.
    my $busy = sub { return scalar grep { !$_->{is_idle} } values %open };
    my $note_peak = sub {
        return if $busy->() <= $peak;
        Time::HiRes::sleep(0.01);
        $read_all->();
        my $busy = $busy->();
        return if $busy <= $peak;
        $peak = $busy;
        open my $out, '>', "$file" or die;
        print {$out} $peak;
        close $out;
    };
    while (1) {
        my @ready = $select->can_read(0.001);
        $read_all->();
        for my $c (grep { $_->{due} && now_monotonic() >= $_->{due} } values %open) {
            $c->{due} = 0;
            $c->{is_idle} = $c->{is_kept};    # before httpd can have the answer
            answer($c->{client}, @{ $c->{answer} }) or $c->{is_idle} = 0;
        }
        while (my $client = $listener->accept) {
            $read_all->();
            $open{$client} = { client => $client, bytes => '' };
            $select->add($client);
            $note_peak->();
        }
        $note_peak->();
    }
}

my %counting;
for my $how ('closed', 'kept') {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1000) or die "listen: $!";
    my $file = File::Temp->new;
    $counting{$how} = { port => $listener->sockport, file => $file,
        process => Process->start(name => $how, run => sub { serve($listener, $file) }) };
    close $listener;
}
sub peak { my ($how) = @_; open my $in, '<', "$counting{$how}{file}" or die; return <$in> // 0 }

# A member that fails for who has a right on it, while others wait.
my $sick = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('break');
    return $connection->close;
}, name => 'sick');
my $well = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    $connection->stdout("Content-Type: text/plain\r\n\r\nwell");
    $connection->end_request;
}, name => 'well');

my $limits = 'status=+I maxinflight=4 queue=1000 queuetimeout=60s firstbyte=500ms';
my $httpd = Httpd->start(children => 8, threads => 32, config => <<"EOC");
<Proxy balancer://closed>
    BalancerMember fcgi://127.0.0.1:$counting{closed}{port} $limits
</Proxy>
<Proxy balancer://kept>
    BalancerMember fcgi://127.0.0.1:$counting{kept}{port} $limits enablereuse=on
</Proxy>
<Proxy balancer://waiting>
    BalancerMember @{[ $sick->url ]} maxfails=1 retry=60 maxinflight=1 queue=10 queuetimeout=30s
    BalancerMember @{[ $well->url ]} maxinflight=1 queue=10 queuetimeout=30s
</Proxy>
ProxyPass /closed/ balancer://closed/closed/
ProxyPass /kept/ balancer://kept/kept/
ProxyPass /waiting/ balancer://waiting/
EOC

# ---- Never more than four ----

for my $how ('closed', 'kept') {
    my @load = map {
        Load->start(port => $httpd->port, clients => $_ eq 'ok' ? 24 : 6, path => "/$how/app/$_",
            requests => $_ eq 'late' ? 20 : $_ eq 'ok' ? 1500 : 200);
    } qw(ok late break cut overloaded);
    my $aborts = Process->start(name => 'aborts', run => sub {
        for (1 .. 200) {
            my $client = $httpd->connect;
            $client->request('GET', "/$how/app/late");
            Time::HiRes::sleep(0.01 + rand 0.05);    # it leaves at any time
        }
    });
    my ($served) = map { $_->finish } @load;
    $aborts->wait_for_end(60);
    is $served->{failed}, 0, "$how: the good requests are answered";
    is peak($how), 4, '... and the backend never had more than four connections at work';
    ok wait_until(5, sub { $httpd->in_flight($how) == 0 }), '... nothing is in flight when those that were left are late, too';
}

# ---- Who waits does not get the one that has just failed ----

my @clients = map { my $c = $httpd->connect; $c->request('GET', '/waiting/x', header => { Connection => 'close' }); $c } 1 .. 2;
ok $sick->wait_for_event('request') && $well->wait_for_event('request'), 'both members are full';
push @clients, map { my $c = $httpd->connect; $c->request('POST', '/waiting/x', body => 'x', header => { Connection => 'close' }); $c } 1 .. 5;
ok wait_until(10, sub { $httpd->balancer('waiting')->{queued} == 5 }), '... five wait';
$sick->open_gate('break');
ok wait_until(10, sub { $httpd->balancer('waiting')->{members}[0]{state} eq 'error' }), 'one fails, and is out';
$well->open_gate('open');
is_deeply [map { $_->read_response->{body} } @clients], [('well') x 7], '... nobody is sent there: all are served';
is scalar($sick->requests), 1, '... it saw one request';
is $httpd->in_flight('waiting'), 0, 'nothing is in flight';

$httpd->expect_log(qr/FC0251: /);
$httpd->stop;
$_->{process}->stop('KILL') for values %counting;
$_->stop for $sick, $well;

done_testing;
