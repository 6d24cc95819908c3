# Licensed under the Apache License, Version 2.0; see LICENSE.
# Table.pm - aligned columns of text; and the median.
package Table;

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max);

our @EXPORT = qw(print_table median number);

sub median {
    my @sorted = sort { $a <=> $b } grep { defined } @_;
    return undef if !@sorted;
    return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

# Three digits that matter, and no exponent.
sub number {
    my ($value) = @_;
    return '-' if !defined $value;
    return $value if $value !~ /^-?[\d.]+(?:e[-+]?\d+)?$/i;
    my $size = abs $value;
    return sprintf $size >= 100 ? '%.0f' : $size >= 10 ? '%.1f' : '%.2f', $value;
}

# print_table(title, [head...], [cell...], ...): the first column is text, the others are numbers.
sub print_table {
    my ($title, @rows) = @_;
    $_ = [$_->[0], map { number($_) } @{$_}[1 .. $#$_]] for @rows;
    my @width;
    for my $column (0 .. max map { $#$_ } @rows) {
        $width[$column] = max map { length($_->[$column] // '') } @rows;
    }
    print "\n$title\n";
    for my $row (@rows) {
        my $line = sprintf '  %-*s', $width[0], $row->[0];
        $line .= sprintf '  %*s', $width[$_], $row->[$_] // '' for 1 .. $#width;
        print $line =~ s/\s+$//r, "\n";
    }
    return;
}

1;
