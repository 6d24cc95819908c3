# Licensed under the Apache License, Version 2.0; see LICENSE.
# FcgiRecord.pm - FastCGI records and name/value pairs as bytes (FastCGI 1.0, 3.3 and 3.4).
package FcgiRecord;

use strict;
use warnings;
use Exporter 'import';

use constant {
    FCGI_BEGIN_REQUEST => 1, FCGI_ABORT_REQUEST => 2, FCGI_END_REQUEST => 3, FCGI_PARAMS => 4,
    FCGI_STDIN => 5, FCGI_STDOUT => 6, FCGI_STDERR => 7, FCGI_DATA => 8, FCGI_GET_VALUES => 9,
    FCGI_GET_VALUES_RESULT => 10, FCGI_UNKNOWN_TYPE => 11,
    FCGI_REQUEST_COMPLETE => 0, FCGI_CANT_MPX_CONN => 1, FCGI_OVERLOADED => 2,
    FCGI_UNKNOWN_ROLE => 3,
};
our @EXPORT = grep { /^FCGI_/ } keys %FcgiRecord::;

# One record; content of at most 65535 bytes.
sub record {
    my ($type, $id, $content, $padding, $version) = @_;
    $content //= '';
    $padding //= 0;
    return pack('CCnnCx', $version // 1, $type, $id, length $content, $padding)
         . $content . "\0" x $padding;
}

sub end_request_body { my ($app, $protocol) = @_; return pack 'NCx3', $app // 0, $protocol // 0 }

sub encode_length { my ($n) = @_; return $n < 128 ? pack 'C', $n : pack 'N', $n | 0x80000000 }

sub encode_pairs {
    my @pairs = @_;
    my $out = '';
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $out .= encode_length(length $name) . encode_length(length $value) . $name . $value;
    }
    return $out;
}

sub decode_length {
    my ($bytes, $at) = @_;
    return if length $$bytes <= $$at;
    my $n = unpack 'C', substr $$bytes, $$at, 1;
    if ($n < 128) { $$at++; return $n }
    return if length $$bytes < $$at + 4;
    $n = unpack('N', substr $$bytes, $$at, 4) & 0x7fffffff;
    $$at += 4;
    return $n;
}

# returns  name, value, name, value ...; what does not fit any more is left out
sub decode_pairs {
    my ($bytes) = @_;
    my ($at, @pairs) = (0);
    while ($at < length $bytes) {
        my $name_bytes  = decode_length(\$bytes, \$at) // last;
        my $value_bytes = decode_length(\$bytes, \$at) // last;
        last if $at + $name_bytes + $value_bytes > length $bytes;
        push @pairs, substr($bytes, $at, $name_bytes),
            substr($bytes, $at + $name_bytes, $value_bytes);
        $at += $name_bytes + $value_bytes;
    }
    return @pairs;
}

1;
