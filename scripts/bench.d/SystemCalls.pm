# Licensed under the Apache License, Version 2.0; see LICENSE.
# SystemCalls.pm - system calls of a server per request, counted by strace. That slows the server down
# several times over: count in a run of its own, whose times are worth nothing.
package SystemCalls;

use strict;
use warnings;
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

sub is_traced {
    my ($file) = @_;
    open my $in, '<', $file or return 1;    # ended
    return grep { /^TracerPid:\s*[1-9]/ } <$in>;
}

1;
