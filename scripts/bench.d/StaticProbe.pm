# Licensed under the Apache License, Version 2.0; see LICENSE.
# StaticProbe.pm - how long a static file takes while something else goes on: one request each 25 ms,
# each on a connection of its own.
#
#   my $probe = StaticProbe->start($port, '/static.txt', $seconds);
#   ...
#   my $times = $probe->result;    # { count, failed, p50_ms, p99_ms }
package StaticProbe;

use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

use constant { INTERVAL => 0.025, PATIENCE => 10 };

sub start {
    my ($class, $port, $path, $seconds) = @_;
    pipe my $in, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $in;
        print {$out} "$_\n" for times_of($port, $path, $seconds);
        close $out;
        require POSIX;
        POSIX::_exit(0);
    }
    close $out;
    return bless { in => $in, pid => $pid }, $class;
}

sub times_of {
    my ($port, $path, $seconds) = @_;
    my ($end, $next, @times) = (time + $seconds, time);
    while (time < $end) {
        push @times, time_of_one($port, $path);
        $next += INTERVAL;
        $next = time if $next < time;
        sleep $next - time if $next > time;
    }
    return @times;
}

# returns  ms, -1 for no whole answer
sub time_of_one {
    my ($port, $path) = @_;
    my $began = time;
    my $answer = '';
    eval {
        local $SIG{ALRM} = sub { die "late\n" };
        alarm PATIENCE;
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "$!";
        $socket->syswrite("GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        1 while $socket->sysread($answer, 65536, length $answer);
        alarm 0;
    };
    alarm 0;
    return $answer =~ m{^HTTP/1.1 200} ? 1000 * (time - $began) : -1;
}

sub result {
    my ($self) = @_;
    my @times = map { $_ + 0 } readline $self->{in};
    waitpid $self->{pid}, 0;
    my @served = sort { $a <=> $b } grep { $_ >= 0 } @times;
    my %result = (count => scalar @times, failed => @times - @served);
    @result{qw(p50_ms p99_ms)} = map { $served[int($#served * $_)] } 0.5, 0.99 if @served;
    return \%result;
}

1;
