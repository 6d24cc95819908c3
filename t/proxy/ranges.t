# Licensed under the Apache License, Version 2.0; see LICENSE.
# An answer of an application is cut into ranges only when it says that it may be (Accept-Ranges:
# bytes), and only for GET (RFC 9110, 14.2), whatever its size; its own 206 passes. HEAD tells no
# length that GET would not have, where a filter changes the body.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use FcgiRecord;
use Http2;
use Httpd;

plan skip_all => 'stock cuts what is small' if Httpd::is_stock();

my $folder = Httpd::temporary_dir('files');
my $file = "$folder/file";
{ open my $out, '>', $file or die; print {$out} 'abcdefghij' }

my %head = (none => '', no => "Accept-Ranges: none\r\n", bytes => "Accept-Ranges: bytes\r\n",
            two => "Accept-Ranges: lines, Bytes\r\n", length => "Content-Length: 10\r\n",
            etag => "ETag: \"x\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
            part => "Status: 206 Partial Content\r\nContent-Range: bytes 0-9/100\r\n",
            sendfile => "X-Sendfile: $file\r\n");
# Everything in one write, so that the filters see the end with the rest: else httpd cuts nothing.
my $backend = Backend->answering(sub {
    my ($c, $r) = @_;
    my ($what) = $r->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    my $body = $r->{params}{QUERY_STRING} eq 'large' ? 'abcdefghij' x 5_000 : 'abcdefghij';
    $body = '' if $r->{params}{REQUEST_METHOD} eq 'HEAD' || $what eq 'sendfile';
    my $length = $r->{params}{QUERY_STRING} eq 'large' && $what eq 'length' ? "Content-Length: 50000\r\n" : $head{$what};
    $c->send(FcgiRecord::record(FCGI_STDOUT, $c->{id}, "${length}Content-Type: text/plain\r\n\r\n$body")
        . FcgiRecord::record(FCGI_END_REQUEST, $c->{id}, FcgiRecord::end_request_body()));
});
my $httpd = Httpd->start(modules => [qw(http2 filter deflate headers expires brotli substitute)], config => <<"EOC");
Protocols h2c http/1.1
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]}
</Proxy>
ProxyPass /plain/    balancer://cluster/plain/
ProxyPass /deflate/  balancer://cluster/deflate/
ProxyPass /bytype/   balancer://cluster/bytype/
ProxyPass /brotli/   balancer://cluster/brotli/
ProxyPass /replace/  balancer://cluster/replace/
ProxyPass /headers/  balancer://cluster/headers/
ProxyFCGISendfileRoot $folder
<Location /deflate/>
    SetOutputFilter DEFLATE
</Location>
<Location /bytype/>
    AddOutputFilterByType DEFLATE text/plain
</Location>
<Location /brotli/>
    SetOutputFilter BROTLI_COMPRESS
</Location>
<Location /replace/>
    SetOutputFilter SUBSTITUTE
    Substitute s/abc/a/
</Location>
<Location /headers/>
    Header set X-Own yes
    ExpiresActive On
    ExpiresDefault "access plus 1 hour"
</Location>
EOC

# ---- Ranges ----

my %range = (header => { Range => 'bytes=2-4' });
for my $what ('none', 'no', 'length', 'etag') {
    for my $size ('small', 'large') {
        my $r = $httpd->get("/plain/$what?$size", %range);
        is $r->{status}, 200, "$what, $size: a range is not cut: 200";
        is length $r->{body}, $size eq 'small' ? 10 : 50_000, '... the whole body';
        is $r->{header}{'accept-ranges'}, $what eq 'no' ? 'none' : undef, '... Accept-Ranges as the application has it';
        ok !exists $r->{header}{'content-range'}, '... no Content-Range';
    }
}
is $httpd->get('/plain/none?small', header => { Range => 'bytes=900-' })->{status}, 200, 'behind the end: no 416';
for my $what ('bytes', 'two') {
    my $r = $httpd->get("/plain/$what?small", %range);
    is $r->{status}, 206, "$what: the application says that ranges may be cut: 206";
    is $r->{body}, 'cde', '... the right bytes';
    is $httpd->get("/plain/$what?small", header => { Range => 'bytes=900-' })->{status}, 416, '... and 416';
}
for my $what ('none', 'bytes', 'sendfile') {
    my $r = $httpd->post("/plain/$what?small", 'a=1', %range);
    is $r->{status}, 200, "$what: POST with Range: 200";
    is $r->{body}, 'abcdefghij', '... the whole body';
}
my $r = $httpd->get('/plain/part?small', header => { Range => 'bytes=0-9' });
is $r->{status}, 206, 'a 206 of the application';
is $r->{header}{'content-range'}, 'bytes 0-9/100', '... with its range';
is $r->{body}, 'abcdefghij', '... and its bytes';
$r = $httpd->get('/plain/sendfile', %range);
is $r->{status}, 206, 'X-Sendfile: ranges are those of the file';
is $r->{body}, 'cde', '... the right bytes';
if (Http2::is_installed()) {
    $r = Http2::get($httpd->port, '/plain/none?small', options => ['-H', 'Range: bytes=2-4']);
    is $r->{status}, 200, 'HTTP/2: not cut';
    $r = Http2::get($httpd->port, '/plain/bytes?small', options => ['-H', 'Range: bytes=2-4']);
    is $r->{status}, 206, 'HTTP/2: cut when the application says so';
}

# ---- HEAD ----

my %gzip = (header => { 'Accept-Encoding' => 'gzip, br' });
is $httpd->get('/deflate/length?large', %gzip)->{header}{'content-encoding'}, 'gzip', 'GET is packed';
for my $path (qw(deflate bytype brotli replace)) {
    $r = $httpd->send('HEAD', "/$path/length?large", %gzip);
    is $r->{status}, 200, "HEAD /$path: 200";
    is $r->{header}{'content-length'}, undef, '... tells no length of the body before the filter';
    my $get = $httpd->get("/$path/length?large", %gzip);
    is $r->{header}{$_}, $get->{header}{$_}, "... $_ as with GET" for qw(content-type content-encoding vary);
}
for my $path (qw(plain headers)) {
    is $httpd->send('HEAD', "/$path/length?large", %gzip)->{header}{'content-length'}, 50_000,
        "HEAD /$path: its length, which no filter changes";
    is $httpd->get("/$path/length?large", %gzip)->{header}{'content-length'}, 50_000, '... as with GET';
}
is $httpd->send('HEAD', '/headers/length?large')->{header}{'x-own'}, 'yes', '... where filters mind the head';

$httpd->expect_log(qr/FC0251: .*filter_error.*sent its own response/, optional => 1);
$httpd->stop;

done_testing;
