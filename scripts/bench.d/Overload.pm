# Licensed under the Apache License, Version 2.0; see LICENSE.
# Overload.pm - section overload: what a full PHP-FPM still serves behind each server when clients come
# without waiting for others and leave when their patience is over.
#
# Each server has an FPM of its own, and all are measured at the same time by the same arrivals: they sleep,
# mostly. Servers and FPM start anew for each load, so that no queue is left from the one before.
package Overload;

use strict;
use warnings;
use List::Util qw(max sum0);
use POSIX qw(ceil);
use Deadline;
use Process;
use Server;
use Table;

use constant { CHILDREN => 4, PAGE_MS => 200, PATIENCE_MS => 2000, NORMAL_MS => 400, LIGHT => 4 };
use constant { CAPACITY => CHILDREN * 1000 / PAGE_MS };
use constant { FLOWS => 9, FLOW_CLIENTS => 2, BIG_CLIENTS => 200, FLOW_PATIENCE_MS => 10_000 };
use constant { FIRST_SHARE => 0.1 };
use constant LATE_MS => 50;

my $page = "Hello, world\n";

# dir; htdocs; program (offered_load); free_port, note, progress: subs of the bench;
# seconds of each load; loads (times capacity)
sub new {
    my ($class, %o) = @_;
    my $self = bless {%o}, $class;
    $self->{warm_up} = $o{seconds} / 4;
    $self->{after}   = ceil(max 4, $o{seconds} * 2 / 3);
    open my $out, '>', "$o{htdocs}/page.php" or die "$o{htdocs}/page.php: $!\n";
    print {$out} '<?php usleep(' . 1000 * PAGE_MS . "); echo \"Hello, world\\n\";\n";
    close $out;
    $self->{contestants} = [$self->contestants];
    return $self;
}

# ---- Who takes part ----

sub contestants {
    my ($self) = @_;
    my $children = CHILDREN;
    my @httpds = ($self->ours, $self->httpd('stock', [qw(proxy_balancer lbmethod_byrequests proxy_fcgi)], '', ''));
    # limit_conn: as many as can be served within half of the patience.
    my $at_once = CAPACITY * PATIENCE_MS / 1000 / 2;
    my @nginx = map { my ($name, $member, $location) = @$_;
        $self->server($name, 'nginx', 'nginx.conf', MEMBER => $member, LOCATION => $location) }
        ['nginx', '', ''], ["nginx, max_conns=$children", "max_conns=$children", ''],
        ["nginx, limit_conn $at_once", '', "limit_conn site $at_once;"];
    my @haproxy = map { my ($name, $timeout, $option) = @$_;
        $self->server($name, 'haproxy', 'haproxy.cfg',
            LIMIT => $children, QUEUE_TIMEOUT => $timeout, OPTION => $option) }
        ['haproxy', '5s', ''], ['haproxy, abortonclose', '5s', 'option abortonclose'],
        ['haproxy, abortonclose, queue 1s', '1s', 'option abortonclose'];
    return @httpds, @nginx, @haproxy;
}

# Ours in each order that this build knows.
sub ours {
    my ($self) = @_;
    my $children = CHILDREN;
    my $with = sub {
        my ($order, $line) = @_;
        return $self->httpd("ours, $order", [qw(balancer_byrequests proxy_fastcgi)],
            "maxinflight=$children queue=400 queuetimeout=5s", $line);
    };
    my @ordered = map { $with->($_, "queueorder=$_") } qw(fifo lifo adaptive);
    return @ordered if $ordered[0]{server}->passes_configtest;
    $self->{note}->('overload: this build has no queueorder; its queue is first in, first out');
    return $with->('fifo', '');
}

sub httpd {
    my ($self, $name, $modules, $limits, $order) = @_;
    my $contestant = $self->server($name, 'httpd', 'httpd.conf', LIMITS => $limits, ORDER => $order);
    $contestant->{server}{modules} = $modules;
    return $contestant;
}

# A server and its FPM.
sub server {
    my ($self, $name, $kind, $template, %values) = @_;
    my $dir = "$self->{dir}/" . $name =~ s/\W+/-/gr;
    my $address = '127.0.0.1:' . $self->{free_port}->();
    my $server = Server->new(name => $name, kind => $kind, template => "overload/$template", dir => $dir,
        values => { %values, FPM => $address, PORT => $self->{free_port}->(), HTDOCS => $self->{htdocs} });
    $server->{is_ready} = sub { !$server->check($server->url('/page.php'), body => $page) };
    my $fpm = Server->new(name => "$name: php-fpm", kind => 'fpm', dir => "$dir-fpm");
    $fpm->{values} = { POOLS => join "\n", '[php]', $fpm->user_lines, "listen = $address", 'listen.backlog = 511',
        'pm = static', 'pm.max_children = ' . CHILDREN, '' };
    $fpm->{is_ready} = sub { IO::Socket::INET->new(PeerAddr => $address) };
    return { name => $name, server => $server, fpm => $fpm };
}

# ---- One load on all ----

# returns  { server's name => { class => { sent, served, ..., p99_ms }, recovered_ms } }
sub offer {
    my ($self, @load) = @_;
    my (%out, @running);
    for my $one (@{ $self->{contestants} }) {
        my @both = @{$one}{qw(fpm server)};
        next if grep { $_->failed } @both;
        if ($one->{fpm}->start && $one->{server}->start) { push @running, $one }
        else { $self->{note}->($_->name . ' ' . $_->failed) for grep { $_->failed } @both }
    }
    for my $one (@running) {
        my $output = $one->{output} = "$one->{server}{dir}/offered";
        unlink $output;
        $one->{load} = Process->start(name => 'offered_load', output => $output,
            run => [$self->{program}, @load, $one->{server}{values}{PORT}, '/page.php']);
    }
    for my $one (@running) {
        my $load = delete $one->{load};
        $load->wait_for_end(2 * ($self->{seconds} + $self->{after}) + 30);
        $load->stop('KILL');
        $out{ $one->{name} } = $self->read_counts($one->{name}, $one->{output});
    }
    for my $one (@{ $self->{contestants} }) { $_->stop for @{$one}{qw(fpm server)} }
    return \%out;
}

sub read_counts {
    my ($self, $name, $file) = @_;
    my %result;
    open my $in, '<', $file or return {};
    while (my $line = <$in>) {
        if    ($line =~ /^class (\S+) (.*)/)        { $result{$1} = { split ' ', $2 } }
        elsif ($line =~ /^after recovered_ms (.*)/) { $result{recovered_ms} = $1 }
        elsif ($line =~ /^pace late_ms (.*)/)       { $result{late_ms} = $1 }
        else                                        { $self->{note}->("overload, $name: " . $line =~ s/\s+$//r) }
    }
    $self->{late_ms} = max $self->{late_ms} // 0, $result{late_ms} // 0;
    return \%result;
}

sub names { my ($self, $out) = @_; return grep { $out->{$_} } map { $_->{name} } @{ $self->{contestants} } }

sub per_second { my ($self, $count) = @_; return $count / ($self->{seconds} - $self->{warm_up}) }

sub percent {
    my ($part, $of) = @_;
    return $of ? 100 * $part / $of : undef;
}

# ---- The three scenarios ----

sub run {
    my ($self) = @_;
    my %result = (load => $self->loads, priority => $self->priorities, flow => $self->flows);
    $self->{note}->(sprintf 'overload: clients came up to %.0f ms late, as the machine was busy', $self->{late_ms})
        if $self->{late_ms} > LATE_MS;
    return \%result;
}

sub options {
    my ($self) = @_;
    return (-d => $self->{seconds}, -w => $self->{warm_up});
}

sub loads {
    my ($self) = @_;
    my (%result, @rows);
    for my $times (@{ $self->{loads} }) {
        $self->{progress}->("overload: $times times capacity");
        my $out = $result{$times} = $self->offer($self->options, -p => PATIENCE_MS, -n => NORMAL_MS,
            -a => "$self->{after}:@{[LIGHT]}", -c => 'all:' . $times * CAPACITY);
        for my $name ($self->names($out)) {
            my ($all, $back) = ($out->{$name}{all} // next, $out->{$name}{recovered_ms});
            push @rows, ["$times x  $name", $self->per_second($all->{served}), @{$all}{qw(p50_ms p99_ms)},
                (map { percent($all->{$_}, $all->{sent}) } qw(refused gave_up failed)),
                $back < 0 ? "> $self->{after}" : $back / 1000];
        }
    }
    $self->{progress}->('');
    print_table(sprintf('PHP-FPM, %d children, pages of %d ms (%d/s); open loop of %d s, clients leave after %d s',
            CHILDREN, PAGE_MS, CAPACITY, $self->{seconds}, PATIENCE_MS / 1000),
        ['load', 'goodput/s', 'p50 ms', 'p99 ms', 'refused %', 'gave up %', 'failed %', 'normal after s'], @rows);
    return \%result;
}

# A tenth of the clients comes first: priority 0.
sub priorities {
    my ($self) = @_;
    my $rate = 2 * CAPACITY;
    my $first = FIRST_SHARE * $rate;
    $self->{progress}->('overload: priorities');
    my $out = $self->offer($self->options, -p => PATIENCE_MS, -c => "first:$first:X-Priority: 0",
        -c => 'others:' . ($rate - $first));
    $self->{progress}->('');
    print_table("Twice the capacity; $first of $rate/s have priority 0",
        ['', 'first: served %', 'p50 ms', 'p99 ms', 'others: served %', 'p50 ms', 'p99 ms', 'goodput/s'],
        map { my @class = @{ $out->{$_} }{qw(first others)};
            [$_, (map { (percent($_->{served}, $_->{sent}), @{$_}{qw(p50_ms p99_ms)}) } @class),
             $self->per_second(sum0 map { $_->{served} } @class)] } $self->names($out));
    return $out;
}

# Clients that wait for their answers: small flows alone, and beside a big one.
sub flows {
    my ($self) = @_;
    my @small = map { (-l => "small:@{[FLOW_CLIENTS]}:X-Flow: small-$_") } 1 .. FLOWS;
    my %out;
    for (['alone'], ['beside', -l => "big:@{[BIG_CLIENTS]}:X-Flow: big"]) {
        my ($how, @more) = @$_;
        $self->{progress}->("overload: small flows, $how");
        $out{$how} = $self->offer($self->options, -p => FLOW_PATIENCE_MS, @small, @more);
    }
    $self->{progress}->('');
    my @rows;
    for my $name ($self->names($out{beside})) {
        my $alone = $out{alone}{$name}{small} // {};
        my ($beside, $big) = map { $_ // {} } @{ $out{beside}{$name} }{qw(small big)};
        push @rows, [$name, (map { ($_->{p99_ms}, $self->per_second($_->{served} // 0)) } $alone, $beside),
            percent(($beside->{sent} // 0) - ($beside->{served} // 0), $beside->{sent}),
            $alone->{p99_ms} && $beside->{p99_ms} ? $beside->{p99_ms} / $alone->{p99_ms} : undef,
            $self->per_second($big->{served} // 0)];
    }
    print_table(sprintf('%d flows of %d clients, alone and beside one of %d; closed loop',
            FLOWS, FLOW_CLIENTS, BIG_CLIENTS),
        ['', 'alone p99 ms', 'answers/s', 'beside p99 ms', 'answers/s', 'not served %', 'p99 ratio',
         'big: answers/s'], @rows);
    return \%out;
}

1;
