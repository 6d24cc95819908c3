# Licensed under the Apache License, Version 2.0; see LICENSE.
# FastBackend.pm - t/backend/fast_backend.c, compiled when needed, for load with exact counts.
package FastBackend;

use strict;
use warnings;
use parent 'OwnServer';
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use Deadline;
use Httpd;
use Process;

my $source = abs_path(dirname(__FILE__) . '/../backend/fast_backend.c');
my $scratch;

sub program {
    my $dir = Httpd::build_dir();
    if (!-w $dir) { $scratch //= File::Temp->newdir; $dir = "$scratch" }
    my $program = "$dir/fast_backend";
    return $program if -x $program && -M $program <= -M $source;
    my $cc = $ENV{CC} || 'cc';
    system("$cc -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o $program.$$ $source") == 0
        or die "cannot compile $source\n";
    rename "$program.$$", $program;
    return $program;
}

# Options: listen (tcp, unix), host (default 127.0.0.1; 0.0.0.0: on every address 127.0.0.N), port
# (default: a free one), processes, bytes, ms
sub start {
    my ($class, %o) = @_;
    my $self = bless { owner => $$, processes => 1, %o }, $class;
    $self->{dir} = Httpd::temporary_dir('fast');
    my @arguments = (-n => $self->{processes});
    push @arguments, ($o{listen} // 'tcp') eq 'unix' ? (-u => "$self->{dir}/socket")
        : (-l => ($o{host} // '127.0.0.1') . ':' . ($o{port} // 0));
    push @arguments, -b => $o{bytes} if defined $o{bytes};
    push @arguments, -d => $o{ms} if defined $o{ms};
    $self->{process} = Process->start(name => 'fast_backend', output => "$self->{dir}/out",
        run => [program(), @arguments]);
    my $where = wait_until(10, sub { $self->output =~ /^listening (\S+)/m ? $1 : undef })
        // die 'fast_backend did not start: ' . $self->output;
    if ($where =~ /^\d+$/) { $self->{port} = $where; $self->{url} = 'fcgi://' . ($o{host} // '127.0.0.1') . ":$where" }
    else                   { $self->{url} = "unix:$where|fcgi://fast" }
    return $self;
}

sub output { my ($self) = @_; return Httpd::read_file("$self->{dir}/out") // '' }

sub url  { my ($self, $path) = @_; return $self->{url} . ($path // '') }
sub host { return $_[0]{host} // '127.0.0.1' }
sub port { return $_[0]{port} }

# { requests, connections, cut, body_bytes, in_flight, peak } up to now
sub counts {
    my ($self) = @_;
    my $before = () = $self->output =~ /^requests/mg;
    $self->{process}->signal('USR1');
    my @lines;
    wait_until(5, sub { (@lines = $self->output =~ /^(requests .*)\n/mg) > $before });
    my %counts = split ' ', $lines[-1] // '';
    return \%counts;
}

1;
