# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-13: the backend sends 50 MB at once, the client reads slowly. The backend has soon got rid of
# everything and its slot is free; the client gets every byte; httpd does not grow by it.
# ProxyFCGIAbsorbLimit 0 switches that off.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock has no such thing' if Httpd::is_stock();

use constant { MB => 1_048_576, PIECES => 50, SOON => 5 };

my $block  = join '', map { sha1_hex($_) } 1 .. 26_214;    # 40 bytes each: nearly 1 MB
$block .= 'x' x (MB - 8 - length $block);
my $body   = join '', map { sprintf('%07d:', $_) . $block } 1 .. PIECES;
my $digest = sha1_hex($body);

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $what = $request->{params}{QUERY_STRING};
    $connection->stdout("Content-Type: text/plain\r\n"
        . ($what =~ /length/ ? 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n");
    $connection->stdout($what =~ /small/ ? 'small' : $body);
    $connection->end_request;
    $connection->note('done');
});
my $config = '';
for my $name ('default', 'limited', 'off') {
    $config .= <<"EOC";
<Proxy balancer://$name>
    BalancerMember @{[ $backend->url ]} enablereuse=on
</Proxy>
ProxyPass /$name/ balancer://$name/
EOC
}
my $httpd = Httpd->start(children => 1, threads => 8, modules => ['filter', 'deflate'],
    config => $config . <<'EOC');
<Location /limited/>
    ProxyFCGIAbsorbLimit 10M
</Location>
<Location /off/>
    ProxyFCGIAbsorbLimit 0
</Location>
EOC

# A client that takes little at a time: its receive buffer is small.
sub slow_client {
    my ($path) = @_;
    $backend->forget;
    my $client = $httpd->connect(receive_buffer => 65_536);
    $client->request('GET', $path);
    return $client;
}

# About 100 KB in each second, for 1.5 s.
sub read_slowly {
    my ($client) = @_;
    my $until = now_monotonic() + 1.5;
    while (now_monotonic() < $until) {
        sysread $client->{socket}, $client->{buffer}, 10_240, length $client->{buffer};
        select undef, undef, undef, 0.1;
    }
    return;
}

sub check_whole {
    my ($client) = @_;
    my $response = $client->read_response(seconds => 20);
    is length $response->{body}, length $body, '... the client gets all bytes';
    is sha1_hex($response->{body}), $digest, '... the right ones';
    ok $response->{complete}, '... and a proper end';
    return;
}

is $httpd->get('/default/x?small')->{status}, 200, 'warmed up' for 1 .. 3;

for my $what ('open', 'length') {
    my $before = $httpd->child_kilobytes('VmRSS');
    my $client = slow_client("/default/x?$what");
    ok $backend->wait_for_event('done', 1, SOON), "$what: the backend has got rid of 50 MB";
    ok wait_until(1, sub { !$httpd->in_flight('default') }), '... its slot is free';
    is $httpd->get('/default/y?small')->{body}, 'small',
        '... its connection serves another request';
    SKIP: {
        $httpd->needs_threads(1);
        is $backend->connections, 0, '... (the same one)';
    }
    my $grown = $httpd->child_kilobytes('VmRSS') - $before;
    cmp_ok $grown, '<', 16 * 1024, '... httpd has not grown by it (kB)';
    check_whole($client);
    $grown = $httpd->child_kilobytes('VmRSS') - $before;
    cmp_ok $grown, '<', 16 * 1024, '... httpd has not grown by sending it either (kB)';
}

# A client that leaves with everything still to be sent: nothing is left behind.
sub spooled_files {
    return scalar grep { index(readlink($_) // '', $httpd->tmp_dir) == 0 } map { glob "/proc/$_/fd/*" } $httpd->children;
}
{
    my $client = slow_client('/default/gone?open');
    ok $backend->wait_for_event('done', 1, SOON), 'a client that leaves: the backend has done';
    cmp_ok spooled_files(), '>=', 1, '... what it sent is on disk';
    $client->abort;
    ok wait_until(5, sub { !spooled_files() }), '... and goes with the client';
}

# Above the limit the backend waits for the client.
{
    my $client = slow_client('/limited/x?open');
    read_slowly($client);
    is $httpd->in_flight('limited'), 1, '10M: the member is still held after a while';
    is scalar($backend->events('done')), 0, '... the backend still sends';
    check_whole($client);
    ok wait_until(1, sub { !$httpd->in_flight('limited') }), '... then its slot is free';
}

# Off: the backend goes at the client's pace.
{
    my $client = slow_client('/off/x?open');
    read_slowly($client);
    is $httpd->in_flight('off'), 1, '0: the member is held as long as the client reads';
    is scalar($backend->events('done')), 0, '... the backend still sends';
    is spooled_files(), 0, '... nothing is on disk';
    check_whole($client);
    ok wait_until(1, sub { !$httpd->in_flight('off') }), '... then its slot is free';
}

opendir my $folder, $httpd->tmp_dir or die "tmp: $!";
is_deeply [grep { !/^\.\.?$/ } readdir $folder], [], 'no file is left behind';
$httpd->expect_log(qr/client_abort/, optional => 1);
$httpd->stop;

done_testing;
