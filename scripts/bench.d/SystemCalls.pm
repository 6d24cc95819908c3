# Licensed under the Apache License, Version 2.0; see LICENSE.
# SystemCalls.pm - system calls of a server per request: by name with strace, or all together with perf.
# strace slows the server down several times over: count in a run of its own, whose times are worth
# nothing. It also lets threads collide that would not: httpd with 1,000 waiting clients seems to make 40
# calls a request, half of them futex(), where it makes 26.
package SystemCalls;

use strict;
use warnings;
use List::Util qw(sum0);
use Deadline;
use Process;

# Calls of a server's children while load->() runs, which returns what Wrk::run does.
# returns  { name => calls per request }, undef when there is no strace or no answer
sub per_request {
    my ($server, $dir, $load) = @_;
    my ($parent, @children) = $server->pids;
    @children = $parent if !@children;
    my $file = "$dir/strace.out";
    unlink $file;
    my $strace = Process->start(name => 'strace', output => "$dir/strace.log",
        run => ['strace', '-f', '-c', '-o', $file, map { ('-p', $_) } @children]);
    my $is_attached = wait_until(10, sub {
        !grep { !is_traced($_) } map { glob "/proc/$_/task/*/status" } @children;
    });
    my $run = $is_attached ? $load->() : {};
    $strace->stop('INT', 10);
    return undef if !$run->{requests};
    open my $in, '<', $file or return undef;
    my %calls;
    while (my $line = <$in>) {
        # % time, seconds, usecs/call, calls, errors (may be missing), name
        my @field = split ' ', $line;
        next if @field < 5 || $field[3] !~ /^\d+$/ || $field[-1] eq 'total';
        $calls{ $field[-1] } = $field[3] / $run->{requests};
    }
    return \%calls;
}

# All calls of a server's children, and of threads that they start meanwhile; by strace where perf cannot.
# returns  calls per request; undef: cannot be counted, or no answer
sub total_per_request {
    my ($server, $dir, $load) = @_;
    my ($parent, @children) = $server->pids;
    @children = $parent if !@children;
    my $file = "$dir/perf.out";
    unlink $file;
    my $perf = Process->start(name => 'perf', output => "$dir/perf.log", run => ['perf', 'stat', '-x,', '-o', $file,
        '-e', 'raw_syscalls:sys_enter', '-p', join(',', @children)]);
    my $counts = wait_until(10, sub { !$perf->is_running || has_counters($perf->pid) }) && $perf->is_running;
    my $run = $counts ? $load->() : {};
    $perf->stop('INT', 10);
    if (!$counts) {
        my $calls = per_request($server, $dir, $load);
        return $calls ? sum0(values %$calls) : undef;
    }
    open my $in, '<', $file or return undef;
    my ($count) = map { /^(\d+),/ } <$in>;
    return $count && $run->{requests} ? $count / $run->{requests} : undef;
}

sub has_counters {
    my ($pid) = @_;
    return grep { (readlink($_) // '') =~ /perf_event/ } glob "/proc/$pid/fd/*";
}

sub is_traced {
    my ($file) = @_;
    open my $in, '<', $file or return 1;    # ended
    return grep { /^TracerPid:\s*[1-9]/ } <$in>;
}

1;
