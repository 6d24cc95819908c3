# Licensed under the Apache License, Version 2.0; see LICENSE.
# The access log of conf.d/proxy_fastcgi.conf has one object of JSON a line, whatever the client sends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Encode ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock has no such format' if Httpd::is_stock();

my ($format) = Httpd::read_file("$FindBin::RealBin/../../conf.d/proxy_fastcgi.conf")
    =~ /^( *LogFormat "(?:[^"\\]|\\.)*" fastcgi_json)$/ms;
ok $format, 'conf.d has the format';
my $backend = Backend->saying('answer');
my $httpd = Httpd->start(modules => [qw(auth_basic authn_anon authn_core authz_user)], config => <<"EOC");
$format
CustomLog \@root\@/access.json fastcgi_json
AllowEncodedSlashes NoDecode
<Proxy balancer://app>
    BalancerMember @{[ $backend->url ]} maxinflight=4 queue=4
</Proxy>
ProxyPass /app/ balancer://app/
ErrorDocument 404 /page.html
<Location /app/>
    ProxyFCGITrace On
</Location>
<Location /app/user/>
    AuthType Basic
    AuthName "anybody"
    AuthBasicProvider anon
    Anonymous *
    Require valid-user
</Location>
EOC
$httpd->file('page.html', 'page');
$httpd->expect_log(qr/AH10244: invalid URI path/, optional => 1);    # some of the bytes by chance
my $json = JSON::PP->new->utf8;    # dies of what is no JSON, and of bytes that are no UTF-8

# The lines that the log has got since this was called last, when there are so many.
my $seen = 0;
sub new_lines {
    my ($count) = @_;
    my @lines;
    wait_until(20, sub {
        open my $in, '<', $httpd->root . '/access.json' or return;
        @lines = <$in>;
        return @lines >= $seen + $count && $lines[-1] =~ /\n\z/;
    });
    my @new = splice @lines, $seen;
    $seen += @new;
    return @new;
}

# One request; its line, read.
sub entry {
    my ($path, %header) = @_;
    my $client = $httpd->connect;
    $client->request('GET', $path, header => { %header });
    $client->read_response;
    my @lines = new_lines(1);
    is scalar @lines, 1, 'one line';
    my $entry = eval { $json->decode($lines[0] // '') };
    ok $entry, '... of JSON' or diag "$@: $lines[0]";
    return $entry // {};
}

# ---- What is in it ----

my $entry = entry('/app/a%20b?q=1', Referer => 'http://example.com/', 'User-Agent' => 'Test "1"');
is $entry->{path}, '/app/a b', 'the path';
is $entry->{query}, 'q=1', 'the query';
is $entry->{method}, 'GET', 'the method';
is $entry->{protocol}, 'HTTP/1.1', 'the protocol';
is $entry->{status}, 200, 'the status';
is $entry->{bytes}, 6, 'the bytes';
is $entry->{client}, '127.0.0.1', 'the client';
is $entry->{vhost}, 'localhost', 'the host';
is $entry->{user}, undef, 'nobody has logged in: null';
is $entry->{referer}, 'http://example.com/', 'the referrer';
is $entry->{user_agent}, 'Test "1"', 'the user agent';
is $entry->{fcgi_member}, $backend->url, 'the member';
is $entry->{fcgi_end}, 'ok', 'how it ended';
is $entry->{fcgi_tries}, 1, 'its tries';
like $entry->{trace_id}, qr/^[0-9a-f]{32}$/, 'its trace';
like $entry->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'the time';
my ($line) = map { $json->encode($_) } $entry;
like $line, qr/"$_":\d+[,}]/, "$_ is a number" for qw(status bytes duration_us fcgi_tries fcgi_backend_us fcgi_connect_us);
$entry = entry('/app/user/x', Authorization => 'Basic ' . encode_base64("o'b\"r\\\xC3\xA4n\n\x07:x", ''));
is $entry->{user}, "o'b\"r\\\x{E4}n\n\x{FFFD}", 'the user, with what is in the name';
$entry = entry('/page.html');
is $entry->{$_}, undef, "$_ of what is no FastCGI: null"
    for qw(fcgi_member fcgi_end fcgi_tries fcgi_queue_us fcgi_backend_us trace_id span_id query referer);
$entry = entry('/missing');
is "$entry->{status} $entry->{path}", '404 /missing', 'the path is that of the client, before internal redirects';

# ---- Whatever comes ----

# What httpd refuses to read, it logs, too.
my %nasty = (
    quotes      => '/app/"\\"?"\\u0000"',
    controls    => '/app/' . join('', map { sprintf '%%%02X', $_ } 1 .. 31, 127),
    utf8        => '/app/' . join('', map { sprintf '%%%02X', ord } split //, Encode::encode('UTF-8', "\x{E4}\x{20AC}\x{1F418}")),
    invalid     => '/app/%FF%FE%C3%28%ED%A0%80%F5%80%80%80%C0%80',
    raw_bytes   => "/app/\xFF\xE4?\xC3\x80\xFF",
    raw_quotes  => "/app/a?\"}\x7F{\"x\":1",
    json        => '/app/x?{"status":200}',
    long        => '/app/' . '%22%5C' x 1200,
    long_query  => '/app/x?' . '"' x 7000,
    percent     => '/app/%25%31?%%%',
    slash       => '/app/a%2Fb%5Cc',
);
for my $name (sort keys %nasty) {
    $entry = entry($nasty{$name});
    ok $entry->{status}, "$name: $entry->{status}";
}
my %expected = (
    utf8     => "/app/\x{E4}\x{20AC}\x{1F418}",
    invalid  => '/app/' . "\x{FFFD}" x 2 . "\x{FFFD}(" . "\x{FFFD}" x 9,
    controls => '/app/' . join('', map { $_ == 9 || $_ == 10 || $_ == 13 ? chr : "\x{FFFD}" } 1 .. 31, 127),
    long     => '/app/' . '"\\' x 1200,
);
is entry($nasty{$_})->{path}, $expected{$_}, "$_: the path as it was meant" for sort keys %expected;
for my $value ("a\tb", "\"}\\", "\xFF\xFE\xC3", "\x{C3}\x{A4}", "\\x22\\v", 'x' x 7000) {
    $entry = entry('/app/x', 'User-Agent' => $value, Referer => $value);
    is $entry->{user_agent}, $entry->{referer}, 'a header of ' . length($value) . ' bytes';
}

# Bytes by chance, as request lines and headers; the seed says which.
my $seed = time;
srand $seed;
my $requests = 200;
for (1 .. $requests) {
    my $bytes = join '', map { my $c = chr rand 256; $c =~ /[\r\n\0 ]/ ? '%' : $c } 1 .. 1 + rand 60;
    my $client = $httpd->connect;
    $client->send("GET /app/$bytes HTTP/1.1\r\nHost: localhost\r\nUser-Agent: $bytes\r\nConnection: close\r\n\r\n");
    $client->read_response;
}
my @lines = new_lines($requests);
cmp_ok scalar @lines, '>=', $requests, 'a line for each of many requests';
is_deeply [grep { !eval { $json->decode($_) } } @lines], [], "each line is JSON (seed $seed)";

# An empty line, and a method that is none.
for my $text ("\"\\ /app/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /app/x\r\n\r\n", "\"\r\n\r\n") {
    my $client = $httpd->connect;
    $client->send($text);
    $client->read_response;
    my @bad = grep { !eval { $json->decode($_) } } new_lines(1);
    is_deeply \@bad, [], 'what is no request is JSON, too';
}

$httpd->stop;
done_testing;
