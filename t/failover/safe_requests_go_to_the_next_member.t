# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-02: the first member reads the whole request and closes with no output. A request that may be
# sent again goes to the second member with every byte; a third one is never tried.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Httpd;
use HttpSocket;

plan skip_all => 'stock has no such directives' if Httpd::is_stock();

my $twelve = 'twelve bytes';
# 20 MB that differ everywhere
my $large = join '', map { sha1_hex($_) x 512 } 1 .. 1024;

my @cases = (
    ['GET',                  '/off', 'GET',     undef],
    ['HEAD',                 '/off', 'HEAD',    undef],
    ['DELETE',               '/off', 'DELETE',  undef],
    ['OPTIONS',              '/off', 'OPTIONS', undef],
    ['PUT of 12 bytes',      '/off', 'PUT',     $twelve],
    ['PUT of 20 MB',         '/off', 'PUT',     $large],
    ['chunked PUT of 20 MB', '/off', 'PUT',     $large, 'chunked'],
    ['POST of 12 bytes',     '/on',  'POST',    $twelve],
    ['POST of 20 MB',        '/on',  'POST',    $large],
    ['chunked POST of 20 MB', '/on', 'POST',    $large, 'chunked'],
    ['PATCH of 12 bytes',    '/on',  'PATCH',   $twelve],
);
# forcerecovery is off: one failure puts a member out of service, so each case has its own balancer
sub dying { return Backend->answering(sub { $_[0]->close }, name => $_[0]) }

sub balancer {
    my ($name, @members) = @_;
    return "<Proxy balancer://$name>\n"
         . join('', map { 'BalancerMember ' . $_->url . "\n" } @members) . "</Proxy>\n";
}

my $second = Backend->echo(name => 'second');
my $third  = Backend->echo(name => 'third');
my (@first, $config);
for my $n (0 .. $#cases) {
    push @first, dying("first$n");
    $config .= balancer("case$n", $first[$n], $second)
             . "ProxyPass $cases[$n][1]/case$n/ balancer://case$n/\n";
}
my @dying   = map { dying("dying$_") } 0 .. 5;
my @refuses = map { Backend->refusing } 0 .. 1;
my $httpd = Httpd->start(config => $config
    . balancer('two_die', @dying[0, 1], $third) . "ProxyPass /off/two_die/ balancer://two_die/\n"
    . balancer('post_dies', @dying[2, 3], $third)
    . "ProxyPass /on/post_dies/ balancer://post_dies/\n"
    . balancer('refuse_and_die', $refuses[0], $dying[4], $third)
    . "ProxyPass /off/refuse_and_die/ balancer://refuse_and_die/\n"
    . balancer('streamed', $dying[5], $third) . "ProxyPass /stream/ balancer://streamed/\n"
    . <<'EOC');
<Location /on/>
    ProxyFCGIRetryNonIdempotent On
</Location>
<Location /stream/>
    ProxyFCGIRequestBody Stream
</Location>
EOC

# ---- The second member serves ----

for my $n (0 .. $#cases) {
    my ($name, $prefix, $method, $body, $is_chunked) = @{ $cases[$n] };
    $second->forget;
    my $response = $httpd->send($method, "$prefix/case$n/x",
        !defined $body ? () : $is_chunked
            ? (header => { 'Transfer-Encoding' => 'chunked' },
               body => HttpSocket::chunked($body, 300_000))
            : (body => $body));
    is $response->{status}, 200, "$name: 200" or diag $response->{body};
    is Httpd::decode_json($response)->{backend}, 'second', '... the answer of the second member'
        if $method ne 'HEAD';
    my ($had, @twice) = $first[$n]->requests;
    my ($seen, @more) = $second->requests;
    is scalar(@twice) + @more, 0, '... each member is asked once';
    is $seen->{params}{REQUEST_METHOD}, $method, '... the method';
    if (defined $body) {
        is $had->{stdin_sha1}, sha1_hex($body), '... the first one had it all';
        is $seen->{stdin_bytes}, length $body, '... the second has all bytes';
        is $seen->{stdin_sha1}, sha1_hex($body), '... the right ones';
        is $seen->{params}{CONTENT_LENGTH}, length $body, '... and CONTENT_LENGTH';
    }
    is_deeply [$httpd->end_words("$prefix/case$n/x")], ['ok'], '... the word of the access log';
    is $httpd->member($first[$n]->port, "case$n")->{failures}, 1, '... a failure of the first';
    is $httpd->in_flight("case$n"), 0, '... nothing in flight';
}
$httpd->expect_log(qr/FC0251: .*backend_eof.*another member gets it/, times => 3 + @cases);

# ---- No third try ----

for my $case (['two_die', '/off', 'PUT', @dying[0, 1]],
              ['post_dies', '/on', 'POST', @dying[2, 3]]) {
    my ($name, $prefix, $method, @members) = @$case;
    $third->forget;
    is $httpd->send($method, "$prefix/$name/x", body => $twelve)->{status}, 502,
        "$method, two members die: 502";
    is scalar($_->requests), 1, '... ' . $_->name . ' was asked once' for @members;
    is $third->connections, 0, '... the third is not called';
    is_deeply [$httpd->end_words("$prefix/$name/x")], ['backend_eof'], '... the word';
    is $httpd->in_flight($name), 0, '... nothing in flight';
}
$httpd->expect_log(qr/FC0251: .*backend_eof.*answered 502/, times => 3);

# One that refuses has not died of the request.
is $httpd->send('PUT', '/off/refuse_and_die/x', body => $twelve)->{status}, 200,
    'one refuses, one dies: the third serves';
$httpd->expect_log(qr/FC0251: .*connect_refused.*another member gets it/, times => 1);

# ---- What was not spooled cannot be sent again ----

$third->forget;
is $httpd->send('PUT', '/stream/x', body => $large)->{status}, 502, 'PUT of 20 MB, streamed: 502';
is scalar($dying[5]->requests), 1, '... the first member had it';
is $third->connections, 0, '... the second is not called';

opendir my $folder, $httpd->tmp_dir or die "tmp: $!";
is_deeply [grep { !/^\.\.?$/ } readdir $folder], [], 'no file is left behind';
$httpd->stop;

done_testing;
