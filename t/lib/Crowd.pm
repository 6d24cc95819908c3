# Licensed under the Apache License, Version 2.0; see LICENSE.
# Crowd.pm - many clients in one process, who ask as often as they like (open loop) or when they have
# their answer (closed loop), and leave when it takes too long. Each request has its own connection.
#
#   my $crowd = Crowd->new(port => $httpd->port);
#   my @answers = $crowd->open_loop(rate => 40, seconds => 10, patience => 2, path => '/app/x');
#   my @answers = $crowd->closed_loop(clients => 20, seconds => 10, path => sub { "/app/$_[0]" });
#
# An answer is { path, at => seconds since the begin, took => seconds, status => 0: the client has left }.
package Crowd;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Deadline;

sub new { my ($class, %o) = @_; return bless {%o}, $class }

# path: text, or a sub of the number of the request (open loop) or of the client (closed loop)
sub open_loop {
    my ($self, %o) = @_;
    my $sent = 0;
    return $self->_run(%o, ask => sub {
        my ($passed) = @_;
        my @paths;
        while ($passed < $o{seconds} && $sent < $passed * $o{rate}) {
            push @paths, [undef, _path($o{path}, $sent++)];
        }
        return @paths;
    });
}

sub closed_loop {
    my ($self, %o) = @_;
    my %is_free = map { $_ => 1 } 0 .. $o{clients} - 1;
    return $self->_run(%o, freed => sub { $is_free{ $_[0] } = 1 }, ask => sub {
        my ($passed) = @_;
        return if $passed >= $o{seconds};
        my @free = sort { $a <=> $b } keys %is_free;
        %is_free = ();
        return map { [$_, _path($o{path}, $_)] } @free;
    });
}

sub _path { my ($path, $number) = @_; return ref $path ? $path->($number) : $path }

sub _send {
    my ($self, $path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) or die "connect: $!";
    syswrite $socket, "GET $path HTTP/1.1\r\nHost: crowd\r\nConnection: close\r\n\r\n";
    $socket->blocking(0);
    return $socket;
}

sub _run {
    my ($self, %o) = @_;
    my $began = now_monotonic();
    my $select = IO::Select->new;
    my (%open, @answers);
    my $end = sub {
        my ($request, $now, $status) = @_;
        $select->remove($request->{socket});
        close $request->{socket};
        delete $open{ $request->{fd} };
        push @answers, { path => $request->{path}, at => $request->{at} - $began, took => $now - $request->{at},
            status => $status };
        $o{freed}->($request->{client}) if $o{freed};
    };
    while (1) {
        my $now = now_monotonic();
        for my $ask ($o{ask}->($now - $began)) {
            my ($client, $path) = @$ask;
            my $socket = $self->_send($path);
            $select->add($socket);
            $open{ fileno $socket } = { socket => $socket, fd => fileno $socket, path => $path, client => $client,
                at => $now, read => '' };
        }
        last if $now - $began >= $o{seconds} && !%open;
        for my $socket ($select->can_read(0.005)) {
            my $request = $open{ fileno $socket };
            next if sysread $socket, $request->{read}, 65536, length $request->{read};
            my ($status) = $request->{read} =~ m{^HTTP/1\.1 (\d+)};
            $end->($request, now_monotonic(), $status // 0);
        }
        if ($o{patience}) {
            $now = now_monotonic();
            $end->($_, $now, 0) for grep { $now - $_->{at} > $o{patience} } values %open;
        }
    }
    return @answers;
}

# The time within which such a part of them had their answer.
sub percentile {
    my ($part, @answers) = @_;
    my @took = sort { $a <=> $b } map { $_->{took} } @answers;
    return @took ? $took[int($#took * $part)] : 0;
}

1;
