# Licensed under the Apache License, Version 2.0; see LICENSE.
# HttpSocket.pm - a raw HTTP/1 client: sends exactly these bytes, tells how the answer ended.
package HttpSocket;

use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SHUT_WR SO_RCVBUF IPPROTO_TCP TCP_NODELAY);
use Deadline;

use constant LONGEST_WAIT => 30;

# HttpSocket->connect(port, receive_buffer => bytes)
sub connect {
    my ($class, $port, %o) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp',
        $o{receive_buffer} ? (Sockopts => [[SOL_SOCKET, SO_RCVBUF, $o{receive_buffer}]]) : ())
        or die "connect to port $port: $!";
    binmode $socket;
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return bless { socket => $socket, buffer => '' }, $class;
}

# False when the server is gone or does not take the bytes before the deadline.
sub send {
    my ($self, $bytes, $seconds) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $deadline = Deadline->new($seconds // LONGEST_WAIT);
    my $at = 0;
    $self->{socket}->blocking(0);
    while ($at < length $bytes) {
        my $sent = syswrite $self->{socket}, $bytes, 262144, $at;
        if (defined $sent) { $at += $sent; next }
        last if !$!{EAGAIN} && !$!{EINTR};
        my $left = $deadline->left;
        last if $left <= 0;
        my $bits = '';
        vec($bits, fileno $self->{socket}, 1) = 1;
        select undef, $bits, undef, $left;
    }
    $self->{socket}->blocking(1);
    return $at == length $bytes;
}

# request(method, path, header => {}, body => bytes, version => '1.1'): sends a whole request.
sub request {
    my ($self, $method, $path, %o) = @_;
    my %header = (Host => 'localhost', %{ $o{header} || {} });
    $header{'Content-Length'} //= length $o{body}
        if defined $o{body} && !$header{'Transfer-Encoding'};
    my $head = "$method $path HTTP/" . ($o{version} // '1.1') . "\r\n";
    for my $name (sort keys %header) {
        $head .= "$name: $_\r\n" for ref $header{$name} ? @{ $header{$name} } : $header{$name};
    }
    $self->{method} = $method;
    return $self->send("$head\r\n" . ($o{body} // ''));
}

# One body as chunks of so many bytes.
sub chunked {
    my ($body, $chunk_bytes) = @_;
    my ($out, $at) = ('', 0);
    while ($at < length $body) {
        my $piece = substr $body, $at, $chunk_bytes;
        $out .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
        $at += length $piece;
    }
    return $out . "0\r\n\r\n";
}

# More bytes into the buffer: count, 0 at the end, undef at the deadline.
sub fill {
    my ($self, $seconds) = @_;
    my $bits = '';
    vec($bits, fileno $self->{socket}, 1) = 1;
    return if select($bits, undef, undef, $seconds) <= 0;
    my $got = sysread $self->{socket}, $self->{buffer}, 262144, length $self->{buffer};
    if (!defined $got) { $self->{was_reset} = 1; return 0 }
    return $got;
}

sub fill_before {
    my ($self, $deadline) = @_;
    while ((my $left = $deadline->left) > 0) {
        my $got = $self->fill($left);
        return $got if defined $got;
    }
    return;
}

# From here on a time is a number of seconds or a Deadline, which several reads then share.
sub deadline {
    my ($time) = @_;
    return ref $time ? $time : Deadline->new($time // LONGEST_WAIT);
}

# All bytes up to and with a pattern, undef when it does not come.
sub read_until {
    my ($self, $pattern, $time) = @_;
    my $deadline = deadline($time);
    while (1) {
        return substr $self->{buffer}, 0, $+[0], '' if $self->{buffer} =~ /$pattern/;
        $self->fill_before($deadline) or return;
    }
}

sub read_bytes {
    my ($self, $bytes, $time) = @_;
    my $deadline = deadline($time);
    while (length $self->{buffer} < $bytes) {
        $self->fill_before($deadline) or return;
    }
    return substr $self->{buffer}, 0, $bytes, '';
}

# The head of an answer: { status, reason, version, header => { lower-case name => value },
# fields => [[name, value]...] }; undef when none came.
sub read_head {
    my ($self, $time) = @_;
    my $text = $self->read_until(qr/\r\n\r\n/, $time) // return;
    my ($status_line, @lines) = split /\r\n/, $text;
    my ($version, $status, $reason) = $status_line =~ m{^HTTP/(\d\.\d) (\d{3}) ?(.*)$} or return;
    my (%header, @fields);
    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*)$/ or next;
        push @fields, [$name, $value];
        $header{lc $name} = exists $header{lc $name} ? "$header{lc $name}, $value" : $value;
    }
    return { version => $version, status => $status, reason => $reason, header => \%header,
             fields => \@fields, text => $text };
}

# A whole answer: the head's fields, body, complete (0 when it was cut), ended_by
# (length, chunks, close, none). Without an answer: status 0, complete 0.
# option method => 'HEAD' for answers without a body; interim answers are left out unless asked for
sub read_response {
    my ($self, %o) = @_;
    my $deadline = deadline($o{seconds});
    my $method = $o{method} // $self->{method} // 'GET';
    my $response;
    do {
        $response = $self->read_head($deadline)
            // return { status => 0, reason => 'no answer', header => {}, fields => [], body => '',
                        complete => 0, ended_by => 'none' };
    } while $response->{status} < 200 && !$o{interim};
    @$response{qw(body complete ended_by)} = ('', 1, 'none');
    return $response
        if $method eq 'HEAD' || $response->{status} < 200 || $response->{status} =~ /^(?:204|304)$/;
    if (($response->{header}{'transfer-encoding'} // '') =~ /chunked/i) {
        $response->{ended_by} = 'chunks';
        while (1) {
            my $line = $self->read_until(qr/\r\n/, $deadline);
            my ($bytes) = ($line // '') =~ /^([0-9a-fA-F]+)/;
            if (!defined $bytes) { $response->{complete} = 0; last }
            $bytes = hex $bytes;
            if (!$bytes) {
                my $trailer = $self->read_until(qr/^(?:[^\r\n]+\r\n)*\r\n/, $deadline);
                $response->{complete} = 0 if !defined $trailer;
                last;
            }
            my $chunk = $self->read_bytes($bytes + 2, $deadline);
            if (!defined $chunk) {
                $response->{body} .= delete $self->{buffer};
                $self->{buffer} = '';
                $response->{complete} = 0;
                last;
            }
            $response->{body} .= substr $chunk, 0, -2;
        }
    }
    elsif (defined(my $bytes = $response->{header}{'content-length'})) {
        $response->{ended_by} = 'length';
        my $body = $self->read_bytes($bytes, $deadline);
        if (!defined $body) {
            $response->{complete} = 0;
            $body = $self->{buffer};
            $self->{buffer} = '';
        }
        $response->{body} = $body;
    }
    else {
        $response->{ended_by} = 'close';
        while (1) {
            my $got = $self->fill_before($deadline);
            if (!defined $got) { $response->{complete} = 0; last }
            last if !$got;
        }
        $response->{complete} = 0 if $self->{was_reset};
        $response->{body} = $self->{buffer};
        $self->{buffer} = '';
    }
    return $response;
}

# Has the server closed the connection, within these seconds?
sub is_closed_within {
    my ($self, $seconds) = @_;
    my $deadline = Deadline->new($seconds);
    my $got;
    1 while $got = $self->fill_before($deadline);
    return defined $got ? 1 : 0;
}

sub half_close { my ($self) = @_; return shutdown $self->{socket}, SHUT_WR }
sub close      { my ($self) = @_; return CORE::close delete $self->{socket} }

# Go away with a TCP reset, as a browser does that is stopped.
sub abort {
    my ($self) = @_;
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
    return CORE::close delete $self->{socket};
}

# One request on a connection of its own.
sub once {
    my ($class, $port, $method, $path, %o) = @_;
    my $self = $class->connect($port);
    $self->request($method, $path, %o, header => { Connection => 'close', %{ $o{header} || {} } });
    return $self->read_response(%o);
}

1;
