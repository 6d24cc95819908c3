# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-14: what a backend sends little by little reaches the client at once, with no special
# configuration: event streams, and other types when the backend pauses; through mod_deflate and
# over HTTP/2 too. X-Accel-Buffering is obeyed, and passed on: a proxy in front buffers too.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Compress::Zlib ();
use Backend;
use Deadline;
use Http2;
use Httpd;
use HttpSocket;

plan skip_all => 'stock keeps it back' if Httpd::is_stock();

use constant { LINES => 6, PAUSE => 0.2, SOON => 0.15 };    # seconds

# Each line tells when it was sent.
my %type = (events => "text/event-stream", charset => "text/event-stream; charset=utf-8",
            plain => 'text/plain', json => 'application/json', none => '',
            accel => "text/plain\r\nX-Accel-Buffering: no",
            yes => "text/plain\r\nX-Accel-Buffering: yes");
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $type = $type{ $request->{params}{QUERY_STRING} };
    $connection->stdout((length $type ? "Content-Type: $type\r\n" : '') . "X-Other: yes\r\n\r\n");
    for my $n (1 .. LINES) {
        $connection->stdout(sprintf "data: %d %.6f\n\n", $n, now_monotonic());
        select undef, undef, undef, PAUSE;    # its rhythm, which the client is to see
    }
    $connection->end_request;
});
my $httpd = Httpd->start(threads => 32, modules => [qw(filter deflate http2)], config => <<"EOC");
Protocols h2c http/1.1
ProxyPass /plain/    @{[ $backend->url('/plain/') ]}
ProxyPass /deflated/ fcgi://localhost:@{[ $backend->port ]}/deflated/
<Location /deflated/>
    SetOutputFilter DEFLATE
</Location>
EOC

# ---- Many clients at once: each is a handle, a decoder, and what it has seen ----

my @clients;
sub add_client {
    my ($name, $handle, $decode) = @_;
    push @clients, { name => $name, handle => $handle, decode => $decode, lines => 0, text => '',
                     took => [] };
    return;
}

# The body behind the head: as it is, or out of chunks.
sub http1_decoder {
    my ($next) = @_;
    my ($in, $head) = ('');
    return sub {
        my ($client, $bytes) = @_;
        $in .= $bytes;
        if (!defined $head) {
            return '' if $in !~ s/^(.*?\r\n\r\n)//s;
            $head = $client->{head} = $1;
        }
        my $out = '';
        if ($head !~ /Transfer-Encoding: chunked/i) { ($out, $in) = ($in, '') }
        else {
            while ($in =~ /^([0-9a-f]+)\r\n/i && length $in >= $+[0] + 2 + hex $1) {
                my ($start, $bytes) = ($+[0], hex $1);
                $out .= substr $in, $start, $bytes;
                substr $in, 0, $start + $bytes + 2, '';
            }
        }
        return $next ? $next->($out) : $out;
    };
}
sub inflater {
    my ($inflate) = Compress::Zlib::inflateInit(-WindowBits => Compress::Zlib::WANT_GZIP());
    return sub {
        my ($bytes) = @_;
        my ($out) = $inflate->inflate($bytes);
        return $out // '';
    };
}

for my $version ('1.1', '1.0') {
    for my $type (sort keys %type) {
        my $client = $httpd->connect;
        $client->request('GET', "/plain/x?$type", version => $version);
        add_client("HTTP/$version, $type", $client->{socket}, http1_decoder());
    }
}
for my $type ('events', 'plain') {
    my $client = $httpd->connect;
    $client->request('GET', "/deflated/x?$type", header => { 'Accept-Encoding' => 'gzip' });
    add_client("deflated, $type", $client->{socket}, http1_decoder(inflater()));
    add_client("HTTP/2, $type", Http2::open_lines($httpd->port, "/plain/x?$type"), sub { $_[1] })
        if Http2::is_installed();
}

my $deadline = now_monotonic() + LINES * PAUSE + 10;
while ((my @open = grep { $_->{handle} && $_->{lines} < LINES } @clients)
    && now_monotonic() < $deadline) {
    my $bits = '';
    vec($bits, fileno $_->{handle}, 1) = 1 for @open;
    select $bits, undef, undef, 1 or next;
    for my $client (grep { vec $bits, fileno $_->{handle}, 1 } @open) {
        my $got = sysread $client->{handle}, my $bytes, 65_536;
        my $now = now_monotonic();
        if (!$got) { delete $client->{handle}; next }
        $client->{text} .= $client->{decode}->($client, $bytes);
        while ($client->{text} =~ s/^data: (\d+) ([\d.]+)\n\n//) {
            $client->{lines}++ if $1 == $client->{lines} + 1;
            push @{ $client->{took} }, $now - $2;
        }
    }
}

for my $client (@clients) {
    my $name = $client->{name};
    is $client->{lines}, LINES, "$name: each line";
    # who keeps lines back keeps back each; that one or two come late is this machine's business
    my $median = (sort { $a <=> $b } @{ $client->{took} })[LINES / 2 - 1];
    in_time($median, SOON, '... at once');
    next if !$client->{head};
    my ($type) = $name =~ /(\w+)$/;
    my ($buffering) = $type{$type} =~ /(X-Accel-Buffering: \w+)/;
    like $client->{head}, qr/^$buffering\r$/m, '... X-Accel-Buffering is passed on' if $buffering;
    like $client->{head}, qr/^X-Other: yes\r$/m, '... other fields are';
    like $client->{head}, qr/^Content-Encoding: gzip\r$/mi, '... packed' if $name =~ /deflated/;
}
$httpd->stop;

done_testing;
