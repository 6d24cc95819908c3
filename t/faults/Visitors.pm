# Licensed under the Apache License, Version 2.0; see LICENSE.
# Visitors.pm - the clients of the hostile soak: many ways to ask, and for each answer whether it is
# one that may be seen.
#
#   Visitors->start(ports => { parked => 8000, ... }, routes => { kept => [], judged => ['503'] },
#                   limits => {...}, seed => 1, clients => 8, kinds => ['silent', ...],
#                   each => 1 | until => time);     # each kind once, or any of them until then
#
# What a client saw of each request is a line of JSON in its file: kind, route, way, driver, token,
# status, verdict, took (seconds), wrong (a sentence; empty). The verdicts are those of
# Misbehaviour.pm, and
#   silent   a whole answer, it seems, with a part of the body missing
#   mixed    an answer that is not, or not only, the one to this request
#   lost     none
package Visitors;

use strict;
use warnings;
use Compress::Zlib ();
use File::Temp ();
use JSON::PP ();
use Time::HiRes ();
use Deadline;
use Http2Stream;
use HttpSocket;
use Misbehaviour;
use Process;

use constant {
    PATIENCE => 30,           # seconds for an answer: much longer than it may take
    SLACK    => 5,            # what a busy machine may add
    RANGE    => 'bytes=10-19',
};

# ---- Ways to ask: each is a sub of the visitor and the path, and returns the answer ----

my $form = { 'Content-Type' => 'application/x-www-form-urlencoded' };

sub small_body { return 'a=' . 'x' x rand 2000 }
sub large_body { return 'a=' . 'x' x (100_000 + rand 900_000) }

my %way = (
    get   => sub { my ($self, $path) = @_; return $self->ask('GET', $path, keep => 1) },
    range => sub { my ($self, $path) = @_;
        return $self->ask('GET', $path, keep => 1, header => { Range => RANGE }) },
    head  => sub { my ($self, $path) = @_; return $self->ask('HEAD', $path, keep => 1) },
    http_1_0 => sub { my ($self, $path) = @_; return $self->ask('GET', $path, version => '1.0') },
    post  => sub { my ($self, $path) = @_;
        return $self->ask('POST', $path, header => $form, body => small_body()) },
    upload => sub { my ($self, $path) = @_;
        return $self->ask('POST', $path, header => $form, body => large_body()) },
    chunks => sub { my ($self, $path) = @_;
        return $self->ask('POST', $path, header => { %$form, 'Transfer-Encoding' => 'chunked' },
            body => HttpSocket::chunked(large_body(), 30_000)) },
    expect => sub { my ($self, $path) = @_;
        return $self->ask('POST', $path, header => { %$form, Expect => '100-continue' },
            body => small_body()) },
    slow_reader => \&read_slowly,
    pipeline => \&ask_twice,
    leaves => \&leave,
    leaves_upload => \&leave_upload,
    http_2 => sub { my ($self, $path) = @_;
        return Http2Stream->open($self->{port}, $path)->take_all(PATIENCE) },
    http_2_closed_window => \&open_window_late,
    http_2_leaves => \&leave_stream,
);

sub ways { my @names = sort keys %way; return @names }

# One request; keep: on the connection of the visit before, if there is one.
sub ask {
    my ($self, $method, $path, %o) = @_;
    my $keeps = delete $o{keep};
    $o{header} //= { 'Accept-Encoding' => 'gzip' };
    my $kept = delete $self->{kept}{ $self->{driver} };
    for my $socket ($keeps && $kept ? $kept : (), undef) {
        my $used = $socket // HttpSocket->connect($self->{port});
        my $is_sent = $used->request($method, $path, %o);
        my $answer = $used->read_response(seconds => PATIENCE);
        # one that httpd has closed while it was idle
        next if $socket && !$answer->{status} && !length $used->{buffer};
        $answer->{was_refused_body} = !$is_sent || ($used->{was_reset} && defined $o{body});
        $self->{kept}{ $self->{driver} } = $used
            if $answer->{complete} && $answer->{ended_by} =~ /length|chunks/ && !$o{version}
            && ($answer->{header}{connection} // '') !~ /close/i;
        return $answer;
    }
    die "unreachable\n";
}

sub read_slowly {
    my ($self, $path) = @_;
    my $socket = HttpSocket->connect($self->{port}, receive_buffer => 16_384);
    $socket->request('GET', $path);
    my $until = now_monotonic() + rand(2) * $self->{limits}{total};
    while (now_monotonic() < $until) {
        my $bits = '';
        vec($bits, fileno $socket->{socket}, 1) = 1;
        last if select($bits, undef, undef, 0.5) <= 0;
        sysread $socket->{socket}, $socket->{buffer}, 4096, length $socket->{buffer} or last;
        Time::HiRes::sleep(0.02);
    }
    return $socket->read_response(seconds => PATIENCE);
}

# Two requests in one piece; the answer to the second is judged here.
sub ask_twice {
    my ($self, $path) = @_;
    my $socket = HttpSocket->connect($self->{port});
    my $token  = $self->new_token;
    my $second = "/fresh/sound?token=$token";
    $socket->send(join '', map { "GET $_ HTTP/1.1\r\nHost: localhost\r\n\r\n" } $path, $second);
    my $answer = $socket->read_response(seconds => PATIENCE);
    my $is_over = !$answer->{complete} || ($answer->{header}{connection} // '') =~ /close/i;
    my $next = $socket->read_response(seconds => PATIENCE);
    return $answer if $is_over && !$next->{status};
    $self->judge('sound', $token, 'pipeline', $next);
    return $answer;
}

sub leave {
    my ($self, $path) = @_;
    my $socket = HttpSocket->connect($self->{port});
    $socket->request('GET', $path);
    Time::HiRes::sleep(rand(2) ** 4 / 16);
    $socket->${ \(qw(close abort half_close)[rand 3]) };
    return;
}

sub leave_upload {
    my ($self, $path) = @_;
    my $socket = HttpSocket->connect($self->{port});
    $socket->send("POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n"
        . 'x' x rand 400_000);
    Time::HiRes::sleep(rand 0.2);
    $socket->${ \(qw(close abort half_close)[rand 3]) };
    return;
}

# Nothing may come until the window is opened, late.
sub open_window_late {
    my ($self, $path) = @_;
    my $stream = Http2Stream->open($self->{port}, $path, window => 0);
    Time::HiRes::sleep(rand() < 0.2 ? rand 2 * $self->{limits}{total} : 0.1);
    return $stream->take_all(PATIENCE);
}

sub leave_stream {
    my ($self, $path) = @_;
    my $stream = Http2Stream->open($self->{port}, $path, window => int rand 2000);
    Time::HiRes::sleep(rand 0.3);
    $stream->reset if rand() < 0.5;
    $stream->close;
    return;
}

# ---- The verdict ----

sub unpacked {
    my ($answer) = @_;
    return $answer->{body} if ($answer->{header}{'content-encoding'} // '') ne 'gzip';
    my ($inflate) = Compress::Zlib::inflateInit(-WindowBits => Compress::Zlib::WANT_GZIP());
    my ($bytes) = $inflate->inflate(my $packed = $answer->{body});
    return $bytes // '';
}

sub verdict {
    my ($expected, $answer, $body, $way, $token) = @_;
    return 'cut' if $answer->{ended_by} eq 'reset';    # HTTP/2: it may come before the head
    return 'lost' if !$answer->{status};
    # several times when heads have led from one to the next
    return 'mixed' if ($answer->{header}{'x-token'} // $token) !~ /^\Q$token\E(?:, \Q$token\E)*$/;
    my $whole = $expected->{body};
    if ($way eq 'range' && $answer->{status} == 206 && $expected->{status} == 200) {
        $whole = substr $whole, 10, 10;
    }
    elsif ($answer->{status} != $expected->{status}) {
        return $answer->{complete} ? $answer->{status} : 'cut';
    }
    return 'ok' if $way eq 'head' || $answer->{status} =~ /^[23]04$/;
    return 'ok' if $answer->{complete} && $body eq $whole;
    return 'mixed' if $body ne substr $whole, 0, length $body;
    return $answer->{complete} ? 'silent' : 'cut';
}

# May it be seen? The kind says so, or the way in which the client asked, or that time has passed.
sub is_allowed {
    my ($self, $expected, $answer, $way, $verdict, $took) = @_;
    my ($may, $limits) = ($expected->{may}, $self->{limits});
    return 1 if $may->{$verdict} || grep { $verdict eq $_ } @{ $self->{routes}{ $self->{route} } // [] };
    return 1 if $verdict =~ /^(?:504|cut)$/ && $took >= $limits->{silence};
    return 1 if $verdict eq '503' && $took >= $limits->{connect};
    return 1 if $verdict eq 'ok' && $way eq 'head' && $may->{cut};
    # only a reset tells that it was not the end, and it may overtake what was sent before
    return 1 if $verdict eq 'lost' && $way eq 'http_1_0' && $may->{cut};
    return $verdict eq 'lost' && $answer->{was_refused_body} && !$may->{ok};
}

sub judge {
    my ($self, $kind, $token, $way, $answer) = @_;
    my $took = now_monotonic() - $self->{began};
    my $seen = { kind => $kind, token => $token, way => $way, route => $self->{route},
                 driver => $self->{driver}, took => $took, wrong => '', verdict => 'left', status => 0 };
    if ($answer) {
        my $body = unpacked($answer);
        my $expected = Misbehaviour::expected($kind, $token, $self->{route}, length $body);
        my $verdict  = verdict($expected, $answer, $body, $way, $token);
        @$seen{qw(verdict status)} = ($verdict, $answer->{status});
        $seen->{wrong} = "$verdict ($answer->{status}), not " . join ' or ', sort keys %{ $expected->{may} }
            if !$self->is_allowed($expected, $answer, $way, $verdict, $took);
        # who takes little at a time has to wait for himself
        $seen->{wrong} ||= sprintf 'took %.1f s', $took
            if $took > $self->longest && $way !~ /slow|window|pipeline/;
    }
    print { $self->{out} } JSON::PP::encode_json($seen), "\n";
    return;
}

sub longest {
    my ($self) = @_;
    my $limits = $self->{limits};
    return $limits->{connect} + $limits->{queue} + $limits->{total} + SLACK * $Deadline::STRETCH;
}

# ---- Visits ----

sub start {
    my ($class, %o) = @_;
    my $self = bless { %o, count => 0 }, $class;
    $self->{dir} = File::Temp->newdir('visitors-XXXXXX', TMPDIR => 1);
    $self->{processes} = [ map { my $n = $_;
        Process->start(name => "visitor $n", run => sub { srand $o{seed} + $n; $self->run($n) })
    } 1 .. $o{clients} ];
    return $self;
}

sub one_of { return $_[ rand @_ ] }

sub new_token { my ($self) = @_; return "t$self->{name}-" . ++$self->{count} . '-' . int rand 1_000_000 }

sub visit {
    my ($self, $kind, $way) = @_;
    my $at = Misbehaviour::kind($kind)->{at};
    $self->{driver} = one_of(sort keys %{ $self->{ports} });
    $self->{port}   = $self->{ports}{ $self->{driver} };
    $self->{route}  = $at // one_of(sort keys %{ $self->{routes} });
    my $token = $self->new_token;
    $self->{began} = now_monotonic();
    my $answer = $way{$way}->($self, "/$self->{route}/$kind?token=$token");
    $self->judge($kind, $token, $way, $answer);
    return;
}

sub run {
    my ($self, $number) = @_;
    open $self->{out}, '>', "$self->{dir}/$number" or die "$self->{dir}: $!";
    $self->{name} = "$self->{seed}x$number";
    my @ways = ways();
    if ($self->{each}) {    # in as many ways as there are clients
        $self->visit($self->{kinds}[$_], $ways[ ($number + $_) % @ways ]) for 0 .. $#{ $self->{kinds} };
    }
    else {
        $self->visit(one_of(@{ $self->{kinds} }), one_of(@ways)) while now_monotonic() < $self->{until};
    }
    close $self->{out};
    return;
}

# Wait for their end: all that they saw.
sub finish {
    my ($self) = @_;
    my @seen;
    for my $process (@{ $self->{processes} }) {
        $process->wait_for_end(3 * PATIENCE) or $process->stop('KILL');
        push @seen, { kind => 'client', wrong => 'a client came to no end', verdict => 'none', took => 0 }
            if $process->status;
    }
    for my $file (glob "$self->{dir}/*") {
        open my $in, '<', $file or die "$file: $!";
        push @seen, map { JSON::PP::decode_json($_) } grep { /\n\z/ } <$in>;
    }
    return @seen;
}

1;
