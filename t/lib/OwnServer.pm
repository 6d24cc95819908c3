# Licensed under the Apache License, Version 2.0; see LICENSE.
# OwnServer.pm - a server of a test: it ends with its object, or before. Several processes: a stop() of its own.
#
#   use parent 'OwnServer';
#   my $self = bless { owner => $$, dir => ..., process => Process->start(...) }, $class;
#   use constant STOP => 'KILL';    # another signal than TERM
package OwnServer;

use strict;
use warnings;
use Httpd;

use constant { STOP => 'TERM', PATIENCE => 30 };

sub log_text { my ($self) = @_; return Httpd::read_file("$self->{dir}/log") // '' }

# Its port is free afterwards.
sub stop {
    my ($self, $signal) = @_;
    return if $self->{owner} != $$;
    my $process = delete $self->{process} or return;
    $process->stop($signal // $self->STOP, PATIENCE);
    return;
}

sub DESTROY { my ($self) = @_; local ($@, $?, $!); $self->stop; return }

1;
