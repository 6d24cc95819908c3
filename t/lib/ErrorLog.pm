# Licensed under the Apache License, Version 2.0; see LICENSE.
# ErrorLog.pm - every line of level warn or above in an error log was announced by the test.
#
#   $log->expect(qr/FC0217/);                 # must come, once or more often
#   $log->expect(qr/FC0217/, times => 1);     # exactly so often
#   $log->expect(qr/FC0217/, optional => 1);  # may come
#   $log->check;                              # one test result; an END block does it if nobody did
#
# So was everything that a sanitizer or valgrind has to say about httpd: nothing is ever announced.
#
# Environment: TEST_SHOW_LOG  1: show all lines that the test left
#              TEST_FINDINGS  the folder where scripts/httpd-asan and scripts/httpd-valgrind leave
#                             a file for each process; t/TEST makes it
package ErrorLog;

use strict;
use warnings;
use Test::Builder;
use Deadline;

my $test = Test::Builder->new;
my @logs;
my $owner = $$;

# ErrorLog->new(file, strict => 0|1): only what comes from now on counts.
sub new {
    my ($class, $file, %o) = @_;
    my $self = bless { file => $file, strict => 1, expected => [], %o, mark => -s $file || 0 },
        $class;
    $self->{start} = $self->{mark};
    $self->{known} = { map { $_ => -s } findings() };
    push @logs, $self;
    return $self;
}

sub file { return $_[0]{file} }

# The files that tell something.
sub findings { return defined $ENV{TEST_FINDINGS} ? grep { -s } glob "$ENV{TEST_FINDINGS}/*" : () }

sub new_findings {
    my ($self) = @_;
    return map { lines_from({ file => $_ }, $self->{known}{$_} // 0) } findings();
}

sub expect {
    my ($self, $pattern, %o) = @_;
    push @{ $self->{expected} }, { pattern => $pattern, seen => 0, %o };
    return $self;
}

sub lines_from {
    my ($self, $offset) = @_;
    open my $in, '<', $self->{file} or return;
    binmode $in;
    seek $in, $offset, 0;
    my @lines = <$in>;
    chomp @lines;
    return @lines;
}

# From here on lines() begins.
sub mark  { my ($self) = @_; $self->{mark} = -s $self->{file} || 0; return $self }
sub lines {
    my ($self, $pattern) = @_;
    return grep { !defined $pattern || /$pattern/ } $self->lines_from($self->{mark});
}

# The first line since the mark that matches, undef at the deadline.
sub wait_for {
    my ($self, $pattern, $seconds) = @_;
    return wait_until($seconds // 10, sub { ($self->lines($pattern))[0] });
}

my $quiet = qr/^\[[^\]]*\] \[[\w.-]*:(?:notice|info|debug|trace\d)\]/;

# Lines that tell something about the machine and nothing about us, and why they may come.
my %of_the_machine = (
    AH01882 => 'libssl is older than the one that mod_ssl was built with: they are updated one by one',
    AH00484 => 'all threads were busy when the MPM looked, once a second: tests have few threads',
    AH10159 => 'nearly all were',
    AH02951 => 'mod_http2 of httpd 2.4.37 misses mod_ssl, which the test does not need',
    AH00286 => 'all, with worker',
    AH00287 => 'nearly all, with worker',
    AH00161 => 'all processes, with prefork',
    AH10034 => 'prefork has no HTTP/2: says mod_http2',
);
my $machine = join '|', sort keys %of_the_machine;

my $death = qr/exit signal|AH00051|AH00052|Parent process was restarted unexpectedly/;

# From here on httpd is being stopped. Its event MPM then closes the sockets of its workers, which may
# be just ending them, and may read what is freed: a child dies of that now and then (main thread in
# apr_os_sock_get(), no frame of ours), or a worker finds its socket closed. `make asan` looks at how
# children end.
sub stopping { my ($self) = @_; $self->{stopping} = -s $self->{file} || 0; return }
my $race = qr/AH00052: child pid \d+ exit signal Segmentation fault|\(9\)Bad file descriptor: AH(?:03092|00468):/;

# Lines that nobody announced, and announced lines that never came, as sentences.
sub complaints {
    my ($self) = @_;
    $_->{seen} = 0 for @{ $self->{expected} };
    my @complaints;
    my %at_stop = map { $_ => 1 } defined $self->{stopping}
        ? grep { /$race/ } $self->lines_from($self->{stopping}) : ();
    LINE: for my $line ($self->lines_from($self->{start})) {
        next if $at_stop{$line};
        for my $expected (@{ $self->{expected} }) {
            next if $line !~ $expected->{pattern};
            $expected->{seen}++;
            next LINE;
        }
        next if $line =~ /^\s*$/;
        next if $line =~ $quiet && $line !~ $death;
        next if $line =~ /\b(?:$machine):/;
        push @complaints, "unexpected: $line";
    }
    for my $expected (@{ $self->{expected} }) {
        next if $expected->{optional};
        my ($times, $seen) = @$expected{qw(times seen)};
        push @complaints, "never came: $expected->{pattern}"
            if !$seen && (!defined $times || $times);
        push @complaints, "came $seen times, not $times: $expected->{pattern}"
            if defined $times && $seen && $seen != $times;
    }
    return @complaints, map { "found: $_" } $self->new_findings;
}

# The test result for this log.
sub check {
    my ($self) = @_;
    return 1 if $self->{checked}++;
    if ($ENV{TEST_SHOW_LOG}) { $test->diag($_) for $self->lines_from($self->{start}) }
    return 1 if !$self->{strict};
    my @complaints = $self->complaints;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $test->ok(!@complaints, 'the error log has the expected lines and no other');
    $test->diag("  $_") for @complaints;
    return !@complaints;
}

# A test that forgot check() fails all the same.
END {
    if ($$ == $owner) {
        for my $log (grep { $_->{strict} && !$_->{checked} } @logs) {
            my @complaints = $log->complaints or next;
            $test->diag("$log->{file}:", @complaints);
            $? ||= 1;
        }
    }
}

1;
