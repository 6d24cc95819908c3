# Licensed under the Apache License, Version 2.0; see LICENSE.
# Http2Frames.pm - an HTTP/2 client that says itself how much it takes (RFC 9113): for what curl does
# not do. The server needs Protocols h2c; one request on a connection.
#
#   my $client = Http2Frames->get($port, '/x', window => 0);
#   $client->open_window(1_000_000);      # now the body may come, up to so many bytes
#   $client->read_body(5)->{body};        # has_head, body, is_complete
package Http2Frames;

use strict;
use warnings;
use Deadline;
use HttpSocket;

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6, GOAWAY => 7,
               WINDOW_UPDATE => 8, END_STREAM => 1, END_HEADERS => 4, ACK => 1 };

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return pack('CnCCN', length($payload) >> 16, length($payload) & 0xffff, $type, $flags, $stream)
         . $payload;
}

# A field without indexing and without Huffman code (RFC 7541, 6.2.2); lengths below 127.
sub field {
    my ($name, $value) = @_;
    return pack 'CC/aC/a', 0, $name, $value;
}

# get(port, path, window => bytes that the stream may send before it is asked for more)
sub get {
    my ($class, $port, $path, %o) = @_;
    my $self = bless { socket => HttpSocket->connect($port), body => q() }, $class;
    $self->{socket}->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nN', 4, $o{window} // 65_535)
        . frame(HEADERS, END_STREAM | END_HEADERS, 1, field(':method', 'GET') . field(':scheme', 'http')
            . field(':authority', 'localhost') . field(':path', $path)));
    return $self;
}

# So many bytes more, for the stream and for the connection.
sub open_window {
    my ($self, $bytes) = @_;
    return $self->{socket}->send(join '', map { frame(WINDOW_UPDATE, 0, $_, pack 'N', $bytes) } 0, 1);
}

# One more frame: type, flags, payload; undef when none comes.
sub read_frame {
    my ($self, $deadline) = @_;
    my $header = $self->{socket}->read_bytes(9, $deadline) // return;
    my ($high, $low, $type, $flags) = unpack 'CnCC', $header;
    my $payload = $self->{socket}->read_bytes($high << 16 | $low, $deadline);
    if (!defined $payload) {    # it is still on its way
        substr $self->{socket}{buffer}, 0, 0, $header;
        return;
    }
    if ($type == SETTINGS && !($flags & ACK)) { $self->{socket}->send(frame(SETTINGS, ACK, 0, '')) }
    if ($type == PING && !($flags & ACK)) { $self->{socket}->send(frame(PING, ACK, 0, $payload)) }
    return ($type, $flags, $payload);
}

# What has come until the stream's end, or the deadline; more with the next call.
sub read_body {
    my ($self, $seconds) = @_;
    my $deadline = Deadline->new($seconds);
    while (!$self->{is_over} && defined((my ($type, $flags, $payload) = $self->read_frame($deadline))[0])) {
        if ($type == HEADERS) { $self->{has_head} = 1 }
        if ($type == DATA) { $self->{body} .= $payload }
        $self->{is_complete} = 1 if $type <= HEADERS && $flags & END_STREAM;
        $self->{is_over} = 1 if $self->{is_complete} || $type == RST_STREAM || $type == GOAWAY;
    }
    return $self;
}

sub close { my ($self) = @_; return $self->{socket}->close }

1;
