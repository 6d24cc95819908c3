# Licensed under the Apache License, Version 2.0; see LICENSE.
# Clients.pm - the load of the fault campaign: clients that know what each answer must be.
#
# Each client is a process with one kept connection. What it saw of each request is a line of JSON
# in its file: token, kind, method, status, verdict.
#   ok       the answer is right and whole
#   refused  a whole answer with an error status
#   lost     no answer: the connection ended before
#   cut      an answer that is seen to be cut
#   silent   a whole answer, it seems, with a part of the body missing
#   mixed    the answer to another request, or to nothing that was asked
package Clients;

use strict;
use warnings;
use File::Temp ();
use JSON::PP ();
use Time::HiRes ();
use Application;
use Deadline;
use HttpSocket;
use Process;

use constant LONGEST_ANSWER => 60;

# How many of a hundred requests. A page takes as long as one of WordPress, and now and then as one of
# its slow ones.
my @mix = ([ get => 25 ], [ page => 20 ], [ post => 20 ], [ upload => 10 ], [ download => 15 ],
           [ events => 10 ]);

# Options: port, path, clients, seconds
sub start {
    my ($class, %o) = @_;
    my $self = bless { clients => 8, %o }, $class;
    $self->{dir} = File::Temp->newdir('clients-XXXXXX', TMPDIR => 1);
    $self->{until} = now_monotonic() + $self->{seconds};
    $self->{processes} = [ map { my $n = $_;
        Process->start(name => "client $n", run => sub { srand $o{seed} + $n; $self->run($n) })
    } 1 .. $self->{clients} ];
    return $self;
}

sub kind {
    my $at = rand 100;
    for my $entry (@mix) {
        my ($kind, $share) = @$entry;
        return $kind if ($at -= $share) < 0;
    }
    return 'get';
}

# The request, and how its answer is judged: { method, query, header, body, right => sub }
sub plan {
    my ($kind, $token) = @_;
    if ($kind eq 'download') {
        my $bytes = 1 + int rand 400_000;
        my $whole = Application::download_body($token, $bytes);
        return { method => 'GET', whole => $whole,
                 query => "do=download&bytes=$bytes" . (rand() < 0.5 ? '&length=1' : '') };
    }
    return { method => 'GET', query => 'do=events', whole => Application::events_body($token) }
        if $kind eq 'events';
    return { method => 'GET', query => 'do=echo', body => '' } if $kind eq 'get';
    my $ms = int(rand() < 0.03 ? 1500 + rand 1500 : 100 + rand 300);
    return { method => 'GET', query => "do=echo&ms=$ms", body => '' } if $kind eq 'page';
    my $body = "token=$token&more=" . 'x' x ($kind eq 'post' ? rand 2000 : 50_000 + rand 1_500_000);
    return { method => 'POST', query => 'do=echo', body => $body,
             chunks => $kind eq 'upload' && rand() < 0.5 };
}

sub judge {
    my ($plan, $token, $answer) = @_;
    return 'lost' if !$answer->{status};
    return $answer->{complete} ? 'refused' : 'cut' if $answer->{status} >= 400;
    my $body = $answer->{body};
    if (defined(my $whole = $plan->{whole})) {
        return 'ok' if $answer->{complete} && $body eq $whole;
        my $is_begin = $body eq substr $whole, 0, length $body;
        return !$is_begin ? 'mixed' : $answer->{complete} ? 'silent' : 'cut';
    }
    return 'cut' if !$answer->{complete};
    return Application::echo_is_right($body, $token, @$plan{qw(method body)}) ? 'ok' : 'mixed';
}

sub send_request {
    my ($self, $socket, $plan, $token) = @_;
    my $path = "$self->{path}?$plan->{query}&token=$token";
    return $socket->request($plan->{method}, $path) if $plan->{method} eq 'GET';
    my $header = { 'Content-Type' => 'application/x-www-form-urlencoded' };
    return $socket->request('POST', $path, header => $header, body => $plan->{body})
        if !$plan->{chunks};
    return $socket->request('POST', $path, body => HttpSocket::chunked($plan->{body}, 30_000),
        header => { %$header, 'Transfer-Encoding' => 'chunked' });
}

sub run {
    my ($self, $number) = @_;
    open my $out, '>', "$self->{dir}/$number" or die;
    my $socket;
    for (my $n = 0; now_monotonic() < $self->{until}; $n++) {
        my $kind = kind();
        my $token = "t$number-$n-" . int rand 1_000_000;
        my $plan = plan($kind, $token);
        $socket //= eval { HttpSocket->connect($self->{port}) };
        my $answer = { status => 0 };
        if ($socket) {
            $self->send_request($socket, $plan, $token);
            $answer = $socket->read_response(seconds => LONGEST_ANSWER);
        }
        my $verdict = judge($plan, $token, $answer);
        print {$out} JSON::PP::encode_json({ token => $token, kind => $kind, verdict => $verdict,
            method => $plan->{method}, status => $answer->{status} }), "\n";
        undef $socket if $verdict ne 'ok' || $answer->{ended_by} eq 'close'
            || ($answer->{header}{connection} // '') =~ /close/i || rand() < 0.1;
        Time::HiRes::sleep(rand 0.02);
    }
    close $out;
    return;
}

# Wait for their end: all that they saw.
sub finish {
    my ($self) = @_;
    my @seen;
    for my $process (@{ $self->{processes} }) {
        $process->wait_for_end(LONGEST_ANSWER + 30) or $process->stop('KILL');
    }
    for my $file (glob "$self->{dir}/*") {
        open my $in, '<', $file or die "$file: $!";
        push @seen, map { JSON::PP::decode_json($_) } grep { /\n\z/ } <$in>;
    }
    return @seen;
}

1;
