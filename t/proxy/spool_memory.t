# Licensed under the Apache License, Version 2.0; see LICENSE.
# ProxyFCGISpoolMemory: so much of a request body is spooled without a file, and can be sent again
# from there. What follows a large body on its connection is not lost with it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use BadDisk;
use Backend;
use Httpd;
use HttpSocket;

plan skip_all => 'stock spools elsewhere' if Httpd::is_stock();

use constant { KB => 1024, MB => 1_048_576 };

my $disk = BadDisk->new;
my $text = substr join('', map { sprintf '%07d:', $_ } 1 .. MB), 0, 3 * MB;
my $sum  = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    $connection->stdout("Content-Type: text/plain\r\n\r\n$request->{params}{CONTENT_LENGTH} $request->{stdin_sha1}");
    $connection->end_request;
});
my $leaves = Backend->start(script => sub { $_[0]->read_request });    # and closes the connection
my $httpd = Httpd->start(children => 1, threads => 8, env => $disk->env, config => <<"EOC");
ProxyPass /default/ @{[ $sum->url ]}/
ProxyPass /large/ @{[ $sum->url ]}/
ProxyPass /none/ @{[ $sum->url ]}/
<Proxy balancer://cluster>
    BalancerMember @{[ $leaves->url ]} loadfactor=100
    BalancerMember @{[ $sum->url ]}
</Proxy>
ProxyPass /cluster/ balancer://cluster/
<LocationMatch "^/(large|cluster)/">
    ProxyFCGISpoolMemory 300K
    ProxyFCGIRetryNonIdempotent On
</LocationMatch>
<Location /none/>
    ProxyFCGISpoolMemory 0
</Location>
EOC

sub post {
    my ($path, $bytes, $how) = @_;
    my $body = substr $text, 0, $bytes;
    return $httpd->post($path, $body) if $how eq 'length';
    return $httpd->send('POST', $path, header => { 'Transfer-Encoding' => 'chunked' },
                        body => HttpSocket::chunked($body, 30_000));
}
sub answer { my ($bytes) = @_; return "$bytes " . sha1_hex(substr $text, 0, $bytes) }

# ---- Where a file is needed ----

$disk->fails('write', 'ENOSPC');
my $refused = 0;
for my $how ('length', 'chunks') {
    for my $case (['default', 64 * KB], ['large', 300 * KB], ['none', 0]) {
        my ($path, $most) = @$case;
        for my $bytes (grep { $_ >= 0 } 1, 64 * KB, 64 * KB + 1, 200_000, $most - 1, $most, $most + 1, MB) {
            my $response = post("/$path/", $bytes, $how);
            my $fits = $bytes <= $most;
            $refused += !$fits;
            is $response->{status}, $fits ? 200 : 500, "$path, $bytes bytes, $how: " . ($fits ? 'no file' : 'a file');
            is $response->{body}, answer($bytes), '... all of it' if $fits;
        }
    }
}
$httpd->expect_log(qr/FC0220/, times => $refused);
$disk->works;
for my $how ('length', 'chunks') {
    for my $path ('default', 'large', 'none') {
        is post("/$path/", $_, $how)->{body}, answer($_), "$path, $_ bytes, $how, with a file"
            for 1, 300 * KB + 1, 300 * KB + 65_536, 3 * MB;
    }
}

# ---- Sent again ----

for my $bytes (250_000, 3 * MB) {
    is post('/cluster/', $bytes, 'length')->{body}, answer($bytes), "$bytes bytes go to the next member, whole";
}
$httpd->expect_log(qr/FC0251: .*backend_eof.*another member gets it/);

# ---- Behind a large body ----

{
    my $client = $httpd->connect;
    my @head = map { "POST /large/ HTTP/1.1\r\nHost: x\r\nContent-Length: $_\r\n\r\n" } 3 * MB, 400 * KB, 5;
    $client->send($head[0] . $text . $head[1] . substr($text, 0, 400 * KB) . $head[2] . substr($text, 0, 5));
    is $client->read_response->{body}, answer($_), "one after the other on one connection: $_ bytes"
        for 3 * MB, 400 * KB, 5;
}

for my $mistake ('ProxyFCGISpoolMemory much', 'ProxyFCGISpoolMemory -1') {
    my ($code, $said) = Httpd->configtest(config => "$mistake\n");
    isnt $code, 0, "$mistake: refused";
    like $said, qr/ProxyFCGISpoolMemory: '(?:much|-1)' is not a size/, '... with what is wrong';
}
is_deeply [glob $disk->folder . '/*'], [], 'no file is left';
$httpd->stop;

done_testing;
