# Licensed under the Apache License, Version 2.0; see LICENSE.
# Http2Stream.pm - one GET over HTTP/2 (prior knowledge) by a client that says itself how much it takes.
#
#   my $s = Http2Stream->open($port, '/x', window => 0,     # bytes of DATA that may come (65535)
#                             header => { 'accept-encoding' => 'gzip' });    # names in lower case
#   $s->allow(1_000_000);                                   # so many more
#   $s->read_response(seconds => 5);    # as HttpSocket's: status, body, complete, ended_by;
#                                       # what has come until then: more with the next call
#   $s->reset; $s->close;
package Http2Stream;

use strict;
use warnings;
use Deadline;
use HttpSocket;

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6, GOAWAY => 7,
    WINDOW_UPDATE => 8, CONTINUATION => 9,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8, PRIORITY => 0x20,
    HEADER_TABLE_SIZE => 1, ENABLE_PUSH => 2, INITIAL_WINDOW_SIZE => 4, CANCEL => 8,
    STREAM => 1,
};

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

# A field whose name is the n-th of HPACK's static table, not to be indexed.
sub field { my ($name, $value) = @_; return pack('CC/a*', $name, $value) }

sub open {
    my ($class, $port, $path, %o) = @_;
    my $socket = HttpSocket->connect($port);
    my $self = bless { socket => $socket, status => 0, body => '' }, $class;
    # no dynamic table: then each status is told in itself
    my $settings = pack 'nNnNnN', HEADER_TABLE_SIZE, 0, ENABLE_PUSH, 0,
        INITIAL_WINDOW_SIZE, $o{window} // 65_535;
    my $fields = "\x82\x86" . field(1, 'localhost') . "\x04" . length_of($path) . $path
        . join '', map { pack 'xC/a*C/a*', $_, $o{header}{$_} } sort keys %{ $o{header} || {} };
    $socket->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(SETTINGS, 0, 0, $settings)
        . frame(HEADERS, END_STREAM | END_HEADERS, STREAM, $fields));
    return $self;
}

# HPACK's integer with a prefix of seven bits (RFC 7541, 5.1), for strings without Huffman code.
sub length_of {
    my ($string) = @_;
    my $bytes = length $string;
    return pack 'C', $bytes if $bytes < 127;
    die "too long a path\n" if $bytes - 127 > 127;
    return pack 'CC', 127, $bytes - 127;
}

sub allow {
    my ($self, $bytes) = @_;
    return $self->{socket}->send(join '', map { frame(WINDOW_UPDATE, 0, $_, pack 'N', $bytes) } 0, STREAM);
}

# The answer to it brings what httpd has not sent yet for want of more.
sub ping { my ($self) = @_; return $self->{socket}->send(frame(PING, 0, 0, 'anybody?')) }

sub reset {
    my ($self) = @_;
    return $self->{socket}->send(frame(RST_STREAM, 0, STREAM, pack 'N', CANCEL));
}

sub close { my ($self) = @_; return $self->{socket}->close }

# The status in a block of fields, where it stands first (RFC 9113, 8.3).
sub status_of {
    my ($block) = @_;
    $block =~ s/^[\x20-\x3f]//;    # a change of the table's size
    my ($first, $second) = unpack 'CC', $block;
    my %indexed = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404, 14 => 500);
    return $indexed{ $first & 0x7f } // 0 if $first & 0x80;
    my $value = substr $block, 2, $second & 0x7f;
    return $second & 0x80 ? digits($value) : $value;
}

# Digits in HPACK's Huffman code (RFC 7541, appendix B).
sub digits {
    my ($bytes) = @_;
    my $bits = unpack 'B*', $bytes;
    my $out = '';
    while ($bits =~ s/^(?:000(00|01|10)|01(1001|1010|1011|1100|1101|1110|1111))// ) {
        $out .= defined $1 ? oct "0b$1" : oct("0b$2") - 6;
    }
    return $out;
}

# One frame: type, flags, payload; nothing at the deadline or the end.
sub read_frame {
    my ($self, $deadline) = @_;
    my $header = $self->{socket}->read_bytes(9, $deadline) // return;
    my ($high, $low, $type, $flags) = unpack 'CnCC', $header;
    my $payload = $self->{socket}->read_bytes($high << 16 | $low, $deadline);
    if (!defined $payload) {    # it is still on its way
        substr $self->{socket}{buffer}, 0, 0, $header;
        return;
    }
    return ($type, $flags, $payload);
}

# What a frame means for our stream.
# returns  how the answer has ended, undef while it has not
sub take_frame {
    my ($self, $type, $flags, $payload) = @_;
    if (($type == SETTINGS || $type == PING) && !($flags & ACK)) {
        $self->{socket}->send(frame($type, ACK, 0, $type == PING ? $payload : ''));
    }
    return 'reset' if $type == RST_STREAM;
    return 'close' if $type == GOAWAY && unpack('x4N', $payload);    # with an error
    return if $type != DATA && $type != HEADERS;
    if ($flags & PADDED) {
        my $padding = unpack 'C', $payload;
        $payload = substr $payload, 1, length($payload) - 1 - $padding;
    }
    if ($type == DATA) { $self->{body} .= $payload }
    else {
        my $status = status_of($flags & PRIORITY ? substr $payload, 5 : $payload);
        $self->{status} = $status if $status >= 200;
    }
    return $flags & END_STREAM ? 'end' : undef;
}

# Open the window for everything, and read.
sub take_all {
    my ($self, $seconds) = @_;
    $self->allow(1_000_000_000);
    return $self->read_response(seconds => $seconds);
}

sub read_response {
    my ($self, %o) = @_;
    my $deadline = Deadline->new($o{seconds} // 30);
    while (!$self->{ended_by}) {
        my @frame = $self->read_frame($deadline) or last;
        $self->{ended_by} = $self->take_frame(@frame);
    }
    my $ended_by = $self->{ended_by} // 'none';
    return { status => $self->{status}, body => $self->{body}, header => {},
             complete => $ended_by eq 'end' ? 1 : 0, ended_by => $ended_by };
}

1;
