# Licensed under the Apache License, Version 2.0; see LICENSE.
# Process.pm - starts a program or a Perl sub in its own process group and ends it for certain.
package Process;

use strict;
use warnings;
use POSIX ();
use Config;
use Deadline;

my %running;    # pid -> Process; only of the process that started them
my $owner = $$;

# The child gets SIGTERM when the test dies without a chance to clean up (prctl, Linux).
my %prctl = (x86_64 => 157, aarch64 => 167);

sub end_with_parent {
    my ($parent) = @_;
    my ($machine) = $Config{archname} =~ /^(x86_64|aarch64)/ or return;
    syscall $prctl{$machine}, 1, 15, 0, 0, 0;
    POSIX::_exit(1) if getppid() != $parent;
}

# A daemon that we start becomes our child, so that we can see it end (prctl, Linux).
sub adopt_orphans {
    my ($machine) = $Config{archname} =~ /^(x86_64|aarch64)/ or return;
    syscall $prctl{$machine}, 36, 1, 0, 0, 0;
    return;
}
sub reap_orphans { 1 while waitpid(-1, POSIX::WNOHANG()) > 0; return }

# Process->start(name => ..., run => sub { } | [program, arguments], output => file, env => {},
#                outlives => 1: does not end with its parent)
sub start {
    my ($class, %o) = @_;
    my $parent = $$;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgrp 0, 0;
        end_with_parent($parent) if !$o{outlives};
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP CHLD PIPE USR1 USR2 ALRM);
        if ($o{output}) {
            open STDIN,  '<',  '/dev/null';
            open STDOUT, '>>', $o{output};
            open STDERR, '>>', $o{output};
        }
        if (ref $o{run} eq 'CODE') {
            my $done = eval { $o{run}->(); 1 };
            print STDERR $@ if !$done;
            POSIX::_exit($done ? 0 : 1);
        }
        @ENV{ keys %{ $o{env} } } = values %{ $o{env} } if $o{env};
        exec { $o{run}[0] } @{ $o{run} } or do {
            print STDERR "cannot run $o{run}[0]: $!\n";
            POSIX::_exit(127);
        };
    }
    setpgrp $pid, $pid;
    return $running{$pid} = bless { pid => $pid, name => $o{name} // 'process', owner => $$ },
        $class;
}

sub pid { return $_[0]{pid} }

sub is_running {
    my ($self) = @_;
    return 0 if defined $self->{status};
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{status} = $?;
    delete $running{ $self->{pid} };
    return 0;
}

# The wait status, undef while it runs.
sub status { my ($self) = @_; $self->is_running; return $self->{status} }

sub signal { my ($self, $signal) = @_; return $self->is_running && kill $signal, $self->{pid} }

sub wait_for_end {
    my ($self, $seconds) = @_;
    return wait_until($seconds, sub { !$self->is_running });
}

# End it: by a signal to the process itself (again after some seconds: httpd loses a SIGTERM that
# comes in the middle of a restart), at the deadline by SIGKILL to its whole group.
# returns  true when it ended by itself
sub stop {
    my ($self, $signal, $seconds) = @_;
    return 1 if $self->{owner} != $$;
    my $ended = 1;
    if ($self->is_running) {
        my $deadline = Deadline->new($seconds // 20);
        do {
            kill $signal // 'TERM', $self->{pid};
            $ended = $self->wait_for_end(4);
        } while !$ended && $deadline->left > 0;
    }
    kill 'KILL', -$self->{pid};
    $self->wait_for_end(5) if !$ended;
    delete $running{ $self->{pid} };
    return $ended;
}

# The first of these programs that there is: a path, or a name to be found in PATH or sbin.
sub find_program {
    for my $name (@_) {
        return $name if $name =~ m{/} && -x $name;
        my @folders = (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin');
        my ($found) = grep { -x } map { "$_/$name" } @folders;
        return $found if $found;
    }
    return;
}

# Child pids of a process, from /proc.
sub children_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/task/$pid/children" or return;
    my $line = <$in> // '';
    return split ' ', $line;
}

# What its threads and its children's do, for a test that waits for their end in vain.
sub stacks {
    my ($pid) = @_;
    my @lines;
    for my $process ($pid, children_of($pid)) {
        push @lines, "process $process:\n", grep { /^(?:Thread|#)/ } qx(gdb -p $process -batch -ex 'thread apply all bt' 2>&1);
    }
    return @lines;
}

# While other threads of a killed process are still dying, so are its descriptors: it lives.
sub is_alive {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my ($state, $threads) = (<$in> // '') =~ /^.*\) (\S)(?: \S+){16} (\d+)/ or return 0;
    return $state =~ /[ZX]/ && $threads <= 1 ? 0 : 1;
}

# Memory of a process: VmRSS, or VmHWM: the most it had since forget_peak.
sub kilobytes {
    my ($pid, $what) = @_;
    open my $in, '<', "/proc/$pid/status" or return 0;
    my ($kilobytes) = map { /^\Q$what\E:\s+(\d+)/ ? $1 : () } <$in>;
    return $kilobytes // 0;
}

sub forget_peak {
    my ($pid) = @_;
    open my $out, '>', "/proc/$pid/clear_refs" or die "/proc/$pid/clear_refs: $!";
    print {$out} 5;
    return;
}

$SIG{$_} ||= sub { exit 1 } for qw(TERM HUP INT);

# A test that hangs ends with what it started.
my $limit = Deadline->new($ENV{TEST_LIMIT} || 300);
$SIG{ALRM} = sub {
    my $left = $limit->left;
    return alarm 1 + $left if $left > 0;
    print STDERR "# the test takes too long: ended\n";
    exit 1;
};
alarm $limit->left;

END {
    if ($$ == $owner) {
        local $?;
        $_->stop for grep { $_->{owner} == $$ } values %running;
    }
}

1;
