# Licensed under the Apache License, Version 2.0; see LICENSE.
# Metrics.pm - one scrape of <manager>/metrics.
#
#   my $scrape = Metrics->scrape($httpd);
#   is $scrape->complaints, '', 'promtool is content';
#   $scrape->sum('responses_total', class => '2xx');      # over all series with these labels
#   $scrape->fallen_since($before);                       # series of counters that fell or went
package Metrics;

use strict;
use warnings;
use File::Temp ();
use List::Util qw(sum0);

my $prefix = 'fastcgi_cluster_';

sub scrape {
    my ($class, $httpd, $path) = @_;
    my $response = $httpd->get($path // '/balancer-manager/metrics');
    my $self = bless { response => $response, text => $response->{body}, types => {},
                       series => {} }, $class;
    open my $lines, '<', \$self->{text} or die "text: $!";    # there can be half a million
    local $_;    # often the caller's, in a grep
    while (<$lines>) {
        if (/^# TYPE (\S+) (\w+)$/) { $self->{types}{$1} = $2 }
        elsif (/^([^# ].*) (\S+)$/) { $self->{series}{$1} = $2 }
    }
    return $self;
}

sub response { return $_[0]{response} }
sub text     { return $_[0]{text} }
sub type     { return $_[0]{types}{ $prefix . $_[1] } }

# What promtool says about it; '' when it is content.
sub complaints {
    my ($self) = @_;
    my $file = File::Temp->new;
    print {$file} $self->{text};
    close $file;
    my $said = qx(promtool check metrics < $file 2>&1);
    return $? || $said ? "$said (promtool: apt-get install prometheus)" : '';
}

# The labels are compared as they stand in the text, escaped.
sub matching {
    my ($self, $name, %labels) = @_;
    my $start = "$prefix$name\{";
    my @matching = sort grep {
        my $series = $_;
        !index($series, $start) && !grep { $series !~ /[{,]\Q$_\E="\Q$labels{$_}\E"[,}]/ } keys %labels;
    } keys %{ $self->{series} };
    return @matching;
}

sub values {
    my ($self, @what) = @_;
    return map { $self->{series}{$_} } $self->matching(@what);
}

sub sum { my ($self, @what) = @_; return sum0($self->values(@what)) }

# Series that may never fall.
sub is_counter {
    my ($self, $series) = @_;
    my ($name) = $series =~ /^(\w+)/;
    my ($family) = $name =~ /^(.*?)(?:_bucket|_sum|_count)?$/;
    return ($self->{types}{$name} // '') eq 'counter'
        || ($self->{types}{$family} // '') eq 'histogram';
}

sub fallen_since {
    my ($self, $before) = @_;
    return map { "$_: $before->{series}{$_} -> " . ($self->{series}{$_} // 'none') }
        grep { $before->is_counter($_)
            && ($self->{series}{$_} // -1) < $before->{series}{$_} - 1e-9 }
        sort keys %{ $before->{series} };
}

# Are the buckets of each histogram cumulative, and is +Inf its count?
sub broken_histograms {
    my ($self) = @_;
    my (%last, @broken);
    for my $line (split /\n/, $self->{text}) {
        my ($name, $labels, $le, $count) =
            $line =~ /^(\w+)_bucket\{(.*),le="([^"]+)"\} (\d+)$/ or next;
        my $series = "$name\{$labels}";
        push @broken, $series if $count < ($last{$series} // 0);
        $last{$series} = $count;
        push @broken, $series if $le eq '+Inf' && $count != $self->{series}{"${name}_count{$labels}"};
    }
    return @broken;
}

1;
