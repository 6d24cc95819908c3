# Licensed under the Apache License, Version 2.0; see LICENSE.
# Counts.pm - what a request of ours takes in numbers that do not depend on how fast or busy the machine
# is: context switches, system calls, instructions. Beside those of the repository, one that grew is seen.
package Counts;

use strict;
use warnings;
use JSON::PP ();
use Httpd;

use constant { GROWTH => 0.10, SMALLEST => 0.1 };    # less than a tenth of a call is chance

sub new {
    my ($class, $file) = @_;
    my $stored = JSON::PP::decode_json(Httpd::read_file($file) // '{}');
    return bless { file => $file, now => {}, stored => $stored }, $class;
}

# add('cpu', 'balanced', calls => 17.8, ...)
sub add {
    my ($self, $section, $work, %counts) = @_;
    for my $what (grep { defined $counts{$_} } keys %counts) {
        $self->{now}{$section}{$work}{$what} = 0 + sprintf '%.2f', $counts{$what};
    }
    return;
}

# A line for each count that is more than a tenth over the stored one.
sub grown {
    my ($self) = @_;
    my @lines;
    $self->each_count(sub {
        my ($path, $now, $before) = @_;
        return if !defined $before || $now <= $before * (1 + GROWTH) || $now - $before < SMALLEST;
        push @lines, sprintf 'GREW %s per request: %s, was %s (+%.0f %%)', join(', ', @$path), $now, $before,
            $before ? 100 * ($now / $before - 1) : 100;
    });
    return @lines;
}

sub store {
    my ($self) = @_;
    $self->each_count(sub {
        my ($path, $now) = @_;
        my ($section, $work, $what) = @$path;
        $self->{stored}{$section}{$work}{$what} = $now;
    });
    Httpd::write_file($self->{file}, JSON::PP->new->pretty->canonical->encode($self->{stored}));
    return;
}

sub each_count {
    my ($self, $do) = @_;
    for my $section (sort keys %{ $self->{now} }) {
        for my $work (sort keys %{ $self->{now}{$section} }) {
            my $now = $self->{now}{$section}{$work};
            $do->([$section, $work, $_], $now->{$_}, ($self->{stored}{$section}{$work} // {})->{$_}) for sort keys %$now;
        }
    }
    return;
}

1;
