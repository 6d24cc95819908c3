# Licensed under the Apache License, Version 2.0; see LICENSE.
# Backend.pm - a FastCGI backend that does what a Perl sub says, well or badly.
#
#   my $b = Backend->echo;                                  # answers with JSON of what it got
#   my $b = Backend->answering(sub { my ($c, $request) = @_; $c->stdout("..."); $c->end_request });
#   my $b = Backend->start(script => sub { my ($c) = @_; ... });    # one call for each connection
#   my $b = Backend->refusing;                              # a port on which nobody listens
#
# What it saw is written to a file as it happens; $b->requests, $b->connections and $b->events
# read it.
package Backend;

use strict;
use warnings;
use Carp;
use Digest::SHA qw(sha1_hex);
use Fcntl qw(:flock O_WRONLY O_APPEND O_CREAT);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();
use Socket qw(SOMAXCONN);
use Deadline;
use Process;

my $json = JSON::PP->new->latin1->canonical;

# Options:  script   sub, called with a Backend::Connection for each accepted connection
#           answer   sub, called with connection and request for each complete request
#           listen   tcp (default), tcp6, unix
#           host     address to listen at (default 127.0.0.1; 0.0.0.0: every address 127.0.0.N)
#           path     of the unix socket (default: in a directory of its own)
#           backlog  of the listening socket
#           one_at_a_time   serve connections one after another (default: a process for each)
#           name     for messages
sub start {
    my ($class, %o) = @_;
    my $self = bless { name => 'backend', %o, owner => $$ }, $class;
    $self->{dir} = File::Temp->newdir('backend-XXXXXX', TMPDIR => 1);
    chmod 0755, $self->{dir};
    $self->{seen} = "$self->{dir}/seen";
    $self->open_socket;
    $self->{process} = Process->start(name => $self->{name}, run => sub { $self->accept_loop });
    close delete $self->{socket};
    return $self;
}

sub answering {
    my ($class, $answer, %o) = @_;
    return $class->start(%o, answer => $answer);
}

# Answers with JSON: params, order of their names, stdin_bytes, stdin_sha1, its own name.
sub echo {
    my ($class, %o) = @_;
    my $name = $o{name} // 'backend';
    return $class->answering(sub {
        my ($connection, $request) = @_;
        my $body = $json->encode({
            backend => $name, params => $request->{params}, order => $request->{order},
            stdin_bytes => $request->{stdin_bytes}, stdin_sha1 => $request->{stdin_sha1},
            connection => $connection->{number}, keep => $request->{keep},
        });
        $connection->stdout("Content-Type: application/json\r\n\r\n$body");
        $connection->end_request;
    }, %o);
}

# Answers 200 with these bytes.
sub saying {
    my ($class, $text, %o) = @_;
    return $class->answering(sub {
        my ($connection) = @_;
        $connection->stdout("Content-Type: text/plain\r\n\r\n$text");
        $connection->end_request;
    }, %o);
}

# The port is ours, but nobody listens: connections are refused until listen_now().
sub refusing {
    my ($class, %o) = @_;
    my $self = bless { name => 'refusing', %o, owner => $$ }, $class;
    $self->{dir} = File::Temp->newdir('backend-XXXXXX', TMPDIR => 1);
    $self->{seen} = "$self->{dir}/seen";
    socket my $socket, Socket::PF_INET(), Socket::SOCK_STREAM(), 0 or die "socket: $!";
    bind $socket, Socket::pack_sockaddr_in(0, Socket::INADDR_LOOPBACK()) or die "bind: $!";
    $self->{socket} = $socket;
    ($self->{port}) = Socket::unpack_sockaddr_in(getsockname $socket);
    $self->{url} = "fcgi://127.0.0.1:$self->{port}";
    return $self;
}

# Start to serve on the refusing port.
sub listen_now {
    my ($self, %o) = @_;
    @$self{ keys %o } = values %o;
    listen $self->{socket}, SOMAXCONN or die "listen: $!";
    $self->{process} = Process->start(name => $self->{name}, run => sub { $self->accept_loop });
    close delete $self->{socket};
    return $self;
}

sub url  { my ($self, $path) = @_; return $self->{url} . ($path // '') }
sub port { return $_[0]{port} }
sub path { return $_[0]{path} }
sub name { return $_[0]{name} }

# ---- What it saw ----

sub events {
    my ($self, $kind) = @_;
    open my $in, '<', $self->{seen} or return;
    my @events = map { $json->decode($_) } grep { /\n\z/ } <$in>;
    return grep { !defined $kind || $_->{event} eq $kind } @events;
}

sub requests    { my @events = $_[0]->events('request'); return @events }
sub connections { my @events = $_[0]->events('connection'); return scalar @events }

# Forget what was seen; for a new count.
sub forget { my ($self) = @_; truncate $self->{seen}, 0; return $self }

sub wait_for_event {
    my ($self, $kind, $count, $seconds) = @_;
    $count //= 1;
    return wait_until($seconds // 10, sub { (my @e = $self->events($kind)) >= $count });
}

# Makes requests, one after another, until one comes on a connection that served another before. Under a
# load there may be none on a slow machine: where requests wait for long, httpd keeps no connections.
sub wait_for_reuse {
    my ($self, $request) = @_;
    return wait_until(60, sub {    # with prefork, each child has to have one first
        my $before = $self->connections;
        $request->() for 1, 2;
        return $self->connections < $before + 2;
    });
}

# A gate that a script can wait for: $connection->wait_for_gate('name').
sub open_gate {
    my ($self, $name) = @_;
    open my $out, '>', "$self->{dir}/gate.$name" or die "gate: $!";
    return;
}
sub close_gate { my ($self, $name) = @_; unlink "$self->{dir}/gate.$name"; return }

sub stop {
    my ($self) = @_;
    return if $self->{owner} != $$;
    close delete $self->{socket} if $self->{socket};
    if (my $process = delete $self->{process}) {
        kill 'KILL', -$process->pid;
        $process->stop('KILL');
        for my $death ($self->events('died')) {
            print STDERR "# the script of $self->{name} died: $death->{why}\n";
        }
    }
    unlink $self->{path} if $self->{path};
    return;
}

sub DESTROY { my ($self) = @_; local ($@, $?, $!); $self->stop; return }

# ---- The process ----

sub open_socket {
    my ($self) = @_;
    my $kind = $self->{listen} // 'tcp';
    my $backlog = $self->{backlog} // SOMAXCONN;
    if ($kind eq 'unix') {
        $self->{path} //= "$self->{dir}/socket";
        unlink $self->{path};
        $self->{socket} = IO::Socket::UNIX->new(Local => $self->{path}, Listen => $backlog)
            or die "listen on $self->{path}: $!";
        chmod 0777, $self->{path};
        $self->{url} = "unix:$self->{path}|fcgi://$self->{name}";
    }
    elsif ($kind eq 'tcp6') {
        $self->{socket} = IO::Socket::IP->new(LocalHost => '::1', LocalPort => $self->{port} // 0,
            Listen => $backlog, ReuseAddr => 1) or die "listen on [::1]: $!";
        $self->{port} = $self->{socket}->sockport;
        $self->{url} = "fcgi://[::1]:$self->{port}";
    }
    else {
        $self->{socket} = IO::Socket::INET->new(LocalAddr => $self->{host} // '127.0.0.1',
            LocalPort => $self->{port} // 0, Listen => $backlog, ReuseAddr => 1)
            or die "listen on 127.0.0.1: $!";
        $self->{port} = $self->{socket}->sockport;
        $self->{url} = "fcgi://127.0.0.1:$self->{port}";
    }
    return;
}

sub accept_loop {
    my ($self) = @_;
    $0 = "scripted backend $self->{name}";
    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = 'IGNORE';
    my $number = 0;
    while (1) {
        accept my $socket, $self->{socket} or next;
        $number++;
        binmode $socket;
        my $connection = Backend::Connection->new($self, $socket, $number);
        $connection->note('connection');
        if ($self->{one_at_a_time}) {
            $self->serve($connection);
            next;
        }
        my $pid = fork // next;
        if (!$pid) {
            Process::end_with_parent(getppid());
            close $self->{socket};
            $self->serve($connection);
            POSIX::_exit(0);
        }
        close $socket;
        delete $connection->{socket};
    }
}

sub serve {
    my ($self, $connection) = @_;
    my $done = eval {
        if ($self->{answer}) {
            while (my $request = $connection->read_request) {
                $self->{answer}->($connection, $request);
                last if !$request->{keep} || $connection->is_closed;
            }
        }
        else {
            $self->{script}->($connection);
        }
        1;
    };
    $connection->note('died', why => "$@") if !$done;
    $connection->close;
    return;
}

package Backend::Connection;

use strict;
use warnings;
use Digest::SHA;
use Fcntl qw(:flock O_WRONLY O_APPEND O_CREAT);
use Socket qw(SOL_SOCKET SO_LINGER SHUT_WR IPPROTO_TCP TCP_NODELAY);
use Deadline;
use FcgiRecord;

use constant LONGEST_WAIT => 60;

sub new {
    my ($class, $backend, $socket, $number) = @_;
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return bless { backend => $backend, socket => $socket, number => $number, buffer => '',
                   id => 1, request_number => 0 }, $class;
}

sub number     { return $_[0]{number} }
sub is_closed  { return !$_[0]{socket} }

# The address at which the peer has found us.
sub local_address {
    my ($self) = @_;
    return Socket::inet_ntoa((Socket::unpack_sockaddr_in(getsockname $self->{socket}))[1]);
}

# Write down an event for the test to read.
sub note {
    my ($self, $event, %more) = @_;
    sysopen my $out, $self->{backend}{seen}, O_WRONLY | O_APPEND | O_CREAT, 0666 or return;
    flock $out, LOCK_EX;
    syswrite $out, $json->encode({ event => $event, connection => $self->{number},
                                   at => now_monotonic(), %more }) . "\n";
    return;
}

# ---- Reading ----

sub fill {
    my ($self, $seconds) = @_;
    my $socket = $self->{socket} or return 0;
    my $bits = '';
    vec($bits, fileno $socket, 1) = 1;
    return 0 if select($bits, undef, undef, $seconds // LONGEST_WAIT) <= 0;
    return sysread $socket, $self->{buffer}, 262144, length $self->{buffer};
}

# So many bytes, undef when the peer closed before.
sub read_bytes {
    my ($self, $bytes) = @_;
    while (length $self->{buffer} < $bytes) {
        $self->fill or return;
    }
    return substr $self->{buffer}, 0, $bytes, '';
}

# { version, type, id, content, padding } or undef at the end.
sub read_record {
    my ($self) = @_;
    my $header = $self->read_bytes(8) // return;
    my ($version, $type, $id, $bytes, $padding) = unpack 'CCnnC', $header;
    my $content = $self->read_bytes($bytes) // return;
    $self->read_bytes($padding) // return if $padding;
    return { version => $version, type => $type, id => $id, content => $content,
             padding => $padding };
}

sub note_record {
    my ($request, $record) = @_;
    push @{ $request->{records} },
        [ $record->{type}, length $record->{content}, $record->{padding} ];
    return;
}

# BEGIN_REQUEST and all PARAMS; the body is not read.
sub read_begin_and_params {
    my ($self) = @_;
    my $request = { params => {}, order => [], records => [], stdin => '', keep => 0 };
    my $params = '';
    while (1) {
        my $record = $self->read_record // return;
        note_record($request, $record);
        if ($record->{type} == FCGI_BEGIN_REQUEST) {
            $self->{id} = $request->{id} = $record->{id};
            ($request->{role}, my $flags) = unpack 'nC', $record->{content};
            $request->{keep} = $flags & 1;
        }
        elsif ($record->{type} == FCGI_PARAMS) {
            last if !length $record->{content};
            $params .= $record->{content};
            # A pair that crosses a record border: PHP-FPM drops such a connection.
            my @pairs = FcgiRecord::decode_pairs($record->{content});
            $request->{pair_crosses_border} = 1
                if length FcgiRecord::encode_pairs(@pairs) != length $record->{content};
        }
        elsif ($record->{type} == FCGI_ABORT_REQUEST) {
            $self->note('abort');
            return;
        }
    }
    my @pairs = FcgiRecord::decode_pairs($params);
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @{ $request->{order} }, $name;
        $request->{params}{$name} = $value;
    }
    $request->{params_bytes} = length $params;
    return $request;
}

# One more piece of the body: undef at its end or when the peer closed (then cut is set).
sub read_stdin {
    my ($self, $request) = @_;
    my $record = $self->read_record;
    if (!$record || $record->{type} == FCGI_ABORT_REQUEST) {
        $request->{cut} = 1;
        return;
    }
    note_record($request, $record);
    return if !length $record->{content};
    return $record->{content};
}

# A whole request, noted for the test: id, keep, params, order, stdin, stdin_bytes, stdin_sha1, records.
# returns  undef when the peer closed; a request cut in its body is noted as "cut"
sub read_request {
    my ($self) = @_;
    my $request = $self->read_begin_and_params // return;
    return $self->read_body($request);
}

sub read_body {
    my ($self, $request) = @_;
    my $digest = Digest::SHA->new(1);
    my $bytes = 0;
    while (defined(my $piece = $self->read_stdin($request))) {
        $digest->add($piece);
        $bytes += length $piece;
        $request->{stdin} .= $piece if $bytes < 33_554_432;
    }
    $request->{stdin_bytes} = $bytes;
    $request->{stdin_sha1} = $digest->hexdigest;
    $self->note_request($request, $request->{cut} ? 'cut' : 'request');
    return if $request->{cut};
    return $request;
}

sub note_request {
    my ($self, $request, $event) = @_;
    $self->note($event // 'request', number => ++$self->{request_number},
        map { $_ => $request->{$_} } grep { exists $request->{$_} }
        qw(id keep role params order params_bytes stdin_bytes stdin_sha1 pair_crosses_border));
    return;
}

# True when the peer has closed; waits for it up to the deadline. Unread input is dropped.
sub wait_for_close {
    my ($self, $seconds) = @_;
    my $deadline = now_monotonic() + ($seconds // 10);
    while ((my $left = $deadline - now_monotonic()) > 0) {
        my $socket = $self->{socket} or return 1;
        my $bits = '';
        vec($bits, fileno $socket, 1) = 1;
        select $bits, undef, undef, $left or return 0;
        my $got = sysread $socket, my $ignored, 65536;
        if (!$got) {
            $self->note('peer_closed');
            return 1;
        }
    }
    return 0;
}

# Has the test opened the gate? Wait until it has.
sub is_gate_open { my ($self, $name) = @_; return -e "$self->{backend}{dir}/gate.$name" }
sub wait_for_gate {
    my ($self, $name, $seconds) = @_;
    return wait_until($seconds // LONGEST_WAIT, sub { $self->is_gate_open($name) });
}

# ---- Writing: false when the peer is gone ----

sub send {
    my ($self, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $socket = $self->{socket} or return 0;
        my $sent = syswrite $socket, $bytes, length($bytes) - $at, $at;
        return 0 if !defined $sent && !$!{EINTR};
        $at += $sent // 0;
    }
    return 1;
}

# One write to the socket for each piece, so that the peer can read them apart.
sub send_split {
    my ($self, $bytes, @at) = @_;
    my $from = 0;
    for my $to ((grep { $_ < length $bytes } @at), length $bytes) {
        $self->send(substr $bytes, $from, $to - $from) or return 0;
        $from = $to;
    }
    return 1;
}

sub record {
    my ($self, $type, $id, $content, $padding, $version) = @_;
    return $self->send(FcgiRecord::record($type, $id, $content, $padding, $version));
}

sub stream {
    my ($self, $type, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $piece = substr $bytes, $at, 65528;
        $self->record($type, $self->{id}, $piece) or return 0;
        $at += length $piece;
    }
    return 1;
}

sub stdout { my ($self, $bytes) = @_; return $self->stream(FCGI_STDOUT, $bytes) }
sub stderr { my ($self, $bytes) = @_; return $self->stream(FCGI_STDERR, $bytes) }

# The empty STDOUT record and END_REQUEST, in one write.
sub end_request {
    my ($self, $app_status, $protocol_status) = @_;
    return $self->send(FcgiRecord::record(FCGI_STDOUT, $self->{id}, '')
        . FcgiRecord::record(FCGI_END_REQUEST, $self->{id},
                             FcgiRecord::end_request_body($app_status, $protocol_status)));
}

# END_REQUEST alone.
sub end_request_only {
    my ($self, $app_status, $protocol_status) = @_;
    return $self->record(FCGI_END_REQUEST, $self->{id},
                         FcgiRecord::end_request_body($app_status, $protocol_status));
}

sub half_close { my ($self) = @_; return shutdown $self->{socket}, SHUT_WR }

sub close {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    return CORE::close $socket;
}

# Close with a TCP reset.
sub reset {
    my ($self) = @_;
    my $socket = delete $self->{socket} or return;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
    return CORE::close $socket;
}

1;
