# Licensed under the Apache License, Version 2.0; see LICENSE.
# TlsProxy.pm - ends TLS in front of a FastCGI server: what comes in over TLS goes on in the clear.
#
#   my $authority = TlsProxy::Authority->new('Test CA');
#   my $tls = TlsProxy->start(to => $fpm, authority => $authority, name => 'localhost');
#   SSLProxyCACertificateFile @{[ $authority->file ]}
#   ProxyPass / @{[ $tls->url("/path/") ]}
#
# $tls->connections counts the connections that came, $tls->handshakes those that became TLS.
package TlsProxy;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket ();
use Httpd;
use Process;

sub is_possible { return eval { require IO::Socket::SSL; require IO::Socket::SSL::Utils; 1 } }

# Options: to         an Fpm or a Backend, or anything else with path or port
#          authority  who signs its certificate
#          name       whose certificate it is (default localhost)
#          client_authority   asks the client for a certificate of this authority
#          bundles    seconds: what it sends goes out together when there was no more for so long,
#                     so that the session tickets of TLS 1.3 come in one packet with the first answer
sub start {
    my ($class, %o) = @_;
    require IO::Socket::SSL;
    my $self = bless { name => 'localhost', %o, owner => $$ }, $class;
    $self->{dir} = Httpd::temporary_dir('tls');
    ($self->{certificate}, $self->{key}) =
        $self->{authority}->issue($self->{name}, "$self->{dir}/server");
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 128,
        ReuseAddr => 1) or die "listen: $!";
    $self->{port} = $listener->sockport;
    $self->{process} = Process->start(name => 'TLS proxy',
        run => sub { $self->accept_loop($listener) });
    return $self;
}

sub port { return $_[0]{port} }
sub url  { my ($self, $path) = @_; return "fcgis://localhost:$self->{port}" . ($path // '') }

sub count       { my ($self, $what) = @_; return -s "$self->{dir}/$what" || 0 }
sub connections { return $_[0]->count('connections') }
sub handshakes  { return $_[0]->count('handshakes') }

sub note {
    my ($self, $what) = @_;
    open my $out, '>>', "$self->{dir}/$what" or return;
    syswrite $out, '.';
    return;
}

sub accept_loop {
    my ($self, $listener) = @_;
    $0 = 'TLS proxy';
    $SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $plain = $listener->accept or next;
        $self->note('connections');
        my $parent = $$;
        my $pid = fork // next;
        if ($pid) { close $plain; next }
        $SIG{CHLD} = 'DEFAULT';
        Process::end_with_parent($parent);
        close $listener;
        eval { $self->serve($plain) };
        POSIX::_exit(0);
    }
}

sub serve {
    my ($self, $plain) = @_;
    $plain = $self->bundle($plain) if $self->{bundles};
    my $client_authority = $self->{client_authority};
    my $tls = IO::Socket::SSL->start_SSL($plain, SSL_server => 1,
        SSL_cert_file => $self->{certificate}, SSL_key_file => $self->{key},
        $client_authority ? (SSL_ca_file => $client_authority->file, SSL_verify_mode => 3) : ())
        or return;
    $self->note('handshakes');
    my $to = $self->{to};
    my $backend = $to->path ? IO::Socket::UNIX->new(Peer => $to->path)
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to->port);
    return if !$backend;
    my $select = IO::Select->new($tls, $backend);
    while (1) {
        my @ready = $tls->pending ? ($tls) : $select->can_read;
        for my $from (@ready) {
            my $got = sysread $from, my $bytes, 65536 or return;
            my ($other, $at) = ($from == $tls ? $backend : $tls, 0);
            while ($at < $got) {
                my $sent = syswrite $other, $bytes, $got - $at, $at or return;
                $at += $sent;
            }
        }
    }
}

# A process between the client and us that bundles; returns our end.
sub bundle {
    my ($self, $client) = @_;
    my ($ours, $its) = IO::Socket::UNIX->socketpair(Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0)
        or die "socketpair: $!";
    my $parent = $$;
    my $pid = fork // die "fork: $!";
    return $ours if $pid;
    Process::end_with_parent($parent);
    close $ours;
    my $both = IO::Select->new($client, $its);
    my $ends;
    while (!$ends) {
        for my $from ($both->can_read) {
            sysread $from, my $bytes, 65536 or $ends = 1;
            if ($from == $its) {
                my $more = IO::Select->new($its);
                while (!$ends && $more->can_read($self->{bundles})) {
                    sysread $its, $bytes, 65536, length $bytes or $ends = 1;
                }
            }
            my $to = $from == $its ? $client : $its;
            my $at = 0;
            while ($at < length $bytes) {
                my $sent = syswrite $to, $bytes, length($bytes) - $at, $at or POSIX::_exit(0);
                $at += $sent;
            }
        }
    }
    POSIX::_exit(0);
}

sub stop {
    my ($self) = @_;
    return if $self->{owner} != $$;
    my $process = delete $self->{process} or return;
    kill 'KILL', -$process->pid;
    $process->stop('KILL');
    return;
}

sub DESTROY { my ($self) = @_; local ($@, $?, $!); $self->stop; return }

package TlsProxy::Authority;

use strict;
use warnings;

sub new {
    my ($class, $name) = @_;
    require IO::Socket::SSL::Utils;
    my $self = bless { dir => Httpd::temporary_dir('authority') }, $class;
    @$self{qw(certificate key)} =
        IO::Socket::SSL::Utils::CERT_create(CA => 1, subject => { commonName => $name });
    IO::Socket::SSL::Utils::PEM_cert2file($self->{certificate}, $self->file);
    return $self;
}

# Its own certificate.
sub file { my ($self) = @_; return "$self->{dir}/authority.pem" }

# Writes a certificate and its key for a name; returns the names of the files.
sub issue {
    my ($self, $name, $base) = @_;
    my ($certificate, $key) = IO::Socket::SSL::Utils::CERT_create(
        subject => { commonName => $name }, subjectAltNames => [[DNS => $name]],
        issuer_cert => $self->{certificate}, issuer_key => $self->{key},
        purpose => 'server,client');
    IO::Socket::SSL::Utils::PEM_cert2file($certificate, "$base.pem");
    IO::Socket::SSL::Utils::PEM_key2file($key, "$base.key");
    return ("$base.pem", "$base.key");
}

1;
