# Licensed under the Apache License, Version 2.0; see LICENSE.
# Prometheus.pm - a real Prometheus that scrapes an httpd of a test, by the rules that we ship. It lives 30
# times as fast: an hour of the rules (for:, [5m]) is two minutes, so that a test need not wait for minutes. A
# scrape has its interval's time, half a second, and only several in a row that take longer are an alert.
#
#   my $prometheus = Prometheus->start(targets => ['127.0.0.1:8080']);
#   $prometheus->query('up');        # ({ metric => {...}, value => 1 }, ...)
#   $prometheus->firing;             # (balancer => ['FastCGIErrors'], ...)
package Prometheus;

use strict;
use warnings;
use parent 'OwnServer';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP ();
use Deadline;
use Httpd;
use Process;

use constant FASTER => 30;    # 15 s are 500 ms

my $kit = abs_path(dirname(__FILE__) . '/../../docs/monitoring');

sub kit { return $kit }

my %ms = (s => 1000, m => 60_000, h => 3_600_000);
sub faster { my ($number, $unit) = @_; return $number * $ms{$unit} / FASTER . 'ms' }

# What the kit has, in the time of this Prometheus: ranges, "for:", intervals.
sub in_its_time {
    my ($text) = @_;
    $text =~ s/(\[|\bfor: |_interval: )(\d+)([smh])\b/$1 . faster($2, $3)/ge;
    return $text;
}

sub start {
    my ($class, %o) = @_;
    my $self = bless { owner => $$ }, $class;
    my $program = Process::find_program('prometheus') // die "prometheus is missing: scripts/setup\n";
    my $dir = $self->{dir} = Httpd::temporary_dir('prometheus');
    my $targets = join ', ', map { "\"$_\"" } @{ $o{targets} };
    my $config = in_its_time(Httpd::text_of("$kit/prometheus.yml"));
    $config =~ s/targets: \[.*\]/targets: [$targets]/;
    $config =~ s{/balancer-status/}{/balancer-manager/};
    Httpd::write_file("$dir/prometheus.yml", $config);
    Httpd::write_file("$dir/rules.yml", in_its_time(Httpd::text_of("$kit/rules.yml")));
    $self->{port} = Httpd::free_port();
    $self->{process} = Process->start(name => 'prometheus', output => "$dir/log", run => [$program,
        "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", '--query.lookback-delta=5s',
        "--web.listen-address=127.0.0.1:$self->{port}", '--enable-feature=exemplar-storage']);
    $self->{http} = HTTP::Tiny->new(timeout => 30);
    wait_until(30, sub { $self->{http}->get($self->url('/-/ready'))->{success} })
        or die 'prometheus did not start: ' . Httpd::text_of("$dir/log");
    return $self;
}

sub url { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}$path" }

# The data of an answer of its API; dies of what it cannot read.
sub ask {
    my ($self, $what, %parameters) = @_;
    my $response = $self->{http}->post_form($self->url("/api/v1/$what"), \%parameters);
    my $answer = eval { JSON::PP::decode_json($response->{content}) } // {};
    die "$what: $response->{status} " . ($answer->{error} // $response->{content}) . "\n"
        if ($answer->{status} // '') ne 'success';
    return $answer->{data};
}

sub query {
    my ($self, $expression) = @_;
    my $data = $self->ask('query', query => $expression);
    return $data->{resultType} eq 'vector'
        ? map { { metric => $_->{metric}, value => $_->{value}[1] } } @{ $data->{result} } : $data->{result};
}

# Traces that it has stored of this selector.
sub exemplars {
    my ($self, $selector) = @_;
    my $now = time;
    my $data = $self->ask('query_exemplars', query => $selector, start => $now - 3600, end => $now + 60);
    return map { @{ $_->{exemplars} } } @$data;
}

# Wait until all targets have been scraped so often.
sub wait_for_scrapes {
    my ($self, $count) = @_;
    return wait_until(60, sub {
        my @seen = $self->query('count_over_time(up[1h])');
        return @seen && !grep { $_->{value} < $count } @seen;
    });
}

# Alerts that fire now, or have fired at any time, by balancer, or by front of a fleet; '' for those that are about none.
sub firing { my ($self) = @_; return $self->alerts('ALERTS{alertstate="firing"}') }
sub fired  { my ($self) = @_; return $self->alerts('max_over_time(ALERTS{alertstate="firing"}[1h])') }
sub alerts {
    my ($self, $expression) = @_;
    my %of;
    $of{ $_->{metric}{balancer} // $_->{metric}{front} // '' }{ $_->{metric}{alertname} } = 1 for $self->query($expression);
    return map { $_ => [sort keys %{ $of{$_} }] } keys %of;
}

1;
