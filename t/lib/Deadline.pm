# Licensed under the Apache License, Version 2.0; see LICENSE.
# Deadline.pm - waits for a condition, with a deadline, never just for a time.
package Deadline;

use strict;
use warnings;
use Exporter 'import';
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT = qw(wait_until now_monotonic);

# A slow machine (valgrind, a sanitizer build) stretches every deadline by this.
our $STRETCH = $ENV{TEST_STRETCH} || 1;

sub now_monotonic { return clock_gettime(CLOCK_MONOTONIC) }

# wait_until(seconds, condition): the condition's first true value, or its last false one when the
# deadline has passed. The condition is looked at once more after the deadline.
sub wait_until {
    my ($seconds, $condition) = @_;
    my $deadline = now_monotonic() + $seconds * $STRETCH;
    my $step = 0.002;
    while (1) {
        my $late  = now_monotonic() >= $deadline;
        my $value = $condition->();
        return $value if $value || $late;
        select undef, undef, undef, $step;
        $step = 0.05 if ($step *= 1.3) > 0.05;
    }
}

1;
