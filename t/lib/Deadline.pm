# Licensed under the Apache License, Version 2.0; see LICENSE.
# Deadline.pm - waits for a condition, with a deadline, never just for a time.
#
#   wait_until(5, sub { $httpd->in_flight == 0 }) or ...
#   in_time($took, 0.5, 'at once');       # one test result
#
# Times are those of a machine at rest. Where one has run out, the machine is asked how slow it is
# just now, and as much more is given: a test must hold beside other work and with half a processor.
package Deadline;

use strict;
use warnings;
use Exporter 'import';
use Test::Builder;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);

our @EXPORT = qw(wait_until in_time now_monotonic);

# A slow machine (valgrind, a sanitizer build) stretches every deadline by this.
our $STRETCH = $ENV{TEST_STRETCH} || 1;

sub now_monotonic { return clock_gettime(CLOCK_MONOTONIC) }

# How many seconds pass until a process has had one second of a processor: 1 on a machine at rest.
sub pace {
    my $cpu   = sub { clock_gettime(CLOCK_PROCESS_CPUTIME_ID) };
    my $began = now_monotonic();
    my $end   = $cpu->() + 0.1;
    1 while $cpu->() < $end;
    return (now_monotonic() - $began) / 0.1;
}

# Deadline->new(seconds); ->left: seconds until then, 0 or less when it has passed.
sub new {
    my ($class, $seconds) = @_;
    $seconds *= $STRETCH;
    return bless { seconds => $seconds, at => now_monotonic() + $seconds }, $class;
}
sub left {
    my ($self) = @_;
    my $left = $self->{at} - now_monotonic();
    return $left if $left > 0 || $self->{is_extended}++;
    $self->{at} += $self->{seconds} * (pace() - 1);
    return $self->{at} - now_monotonic();
}

# wait_until(seconds, condition): the condition's first true value, or its last false one when the
# deadline has passed. The condition is looked at once more after the deadline.
sub wait_until {
    my ($seconds, $condition) = @_;
    my $deadline = Deadline->new($seconds);
    my $step = 0.002;
    while (1) {
        my $late  = $deadline->left <= 0;
        my $value = $condition->();
        return $value if $value || $late;
        select undef, undef, undef, $step;
        $step = 0.05 if ($step *= 1.3) > 0.05;
    }
}

# One test result: what took so many seconds was to take less than the limit.
sub in_time {
    my ($took, $limit, $name) = @_;
    $limit *= $STRETCH;
    $limit *= pace() if $took >= $limit;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::Builder->new->cmp_ok($took, '<', $limit, $name);
}

1;
