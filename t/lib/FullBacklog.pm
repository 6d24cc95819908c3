# Licensed under the Apache License, Version 2.0; see LICENSE.
# FullBacklog.pm - a listening socket whose backlog is full and that nobody serves: connecting over
# TCP hangs, to a unix socket it fails with EAGAIN.
#
#   my $full = FullBacklog->start(listen => 'unix', name => 'busy');    # or tcp
package FullBacklog;

use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use File::Temp ();
use Socket;

use constant CONNECTIONS => 8;    # more than the shortest backlog takes

sub start {
    my ($class, %o) = @_;
    my $self = bless { listen => 'tcp', name => 'full', %o }, $class;
    $self->{dir} = File::Temp->newdir('backlog-XXXXXX', TMPDIR => 1);
    chmod 0755, $self->{dir};
    my $is_unix = $self->{listen} eq 'unix';
    my $family = $is_unix ? PF_UNIX : PF_INET;
    $self->{path} = "$self->{dir}/socket";
    my $address = $is_unix ? pack_sockaddr_un($self->{path})
        : pack_sockaddr_in(0, INADDR_LOOPBACK);
    socket $self->{socket}, $family, SOCK_STREAM, 0 or die "socket: $!";
    bind $self->{socket}, $address or die "bind: $!";
    listen $self->{socket}, 0 or die "listen: $!";
    if ($is_unix) {
        chmod 0777, $self->{path};
        $self->{url} = "unix:$self->{path}|fcgi://$self->{name}";
    }
    else {
        $address = getsockname $self->{socket};
        ($self->{port}) = unpack_sockaddr_in($address);
        $self->{url} = "fcgi://127.0.0.1:$self->{port}";
    }
    for (1 .. CONNECTIONS) {
        socket my $client, $family, SOCK_STREAM, 0 or die "socket: $!";
        fcntl $client, F_SETFL, O_NONBLOCK | fcntl $client, F_GETFL, 0;
        connect $client, $address;
        push @{ $self->{clients} }, $client;    # held until the end
    }
    return $self;
}

sub url  { my ($self, $path) = @_; return $self->{url} . ($path // '') }
sub port { return $_[0]{port} }
sub name { return $_[0]{name} }

1;
