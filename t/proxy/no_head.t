# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-06: an answer without a head: 502, and the log has the appStatus, or what was received instead:
# its first 256 bytes, escaped.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

plan skip_all => 'stock logs nothing of the kind' if Httpd::is_stock();

my $binary = "line one\nline \"two\"\x01\x7f\xff<b>" . 'tail ' x 10;
my @cases = (
    # name, what the backend sends, appStatus, what the log line must and must not have
    ['nothing, appStatus 255',    undef,             255, qr/appStatus 255\b/],
    ['nothing, appStatus 70000',  undef,             70_000, qr/appStatus 70000\b/],
    ['nothing at all',            undef,             0, qr/appStatus 0\b/],
    ['an empty STDOUT',           '',                3, qr/appStatus 3\b/],
    ['a head that does not end',  "Content-Type: text/html\r\nX-Half: ye", 0,
        qr/Content-Type: text\/html\\r\\nX-Half: ye/],
    ['400 bytes of text',         'A' x 250 . 'BBBBBB' . 'Q' x 144, 0, qr/A{250}B{6}/, qr/Q/],
    ['control bytes',             $binary, 0, qr/line one\\nline (?:\\"|")two(?:\\"|")\\x01/,
        qr/[\x00-\x1f\x7f-\xff]/],
    ['half a head, appStatus 9',  'X-Half: ye',      9, qr/X-Half: ye/],
);
my @does = map {
    my ($name, $text, $app_status) = @$_;
    sub {
        my ($connection) = @_;
        $connection->stdout($text) if defined $text;
        $connection->end_request($app_status);
    };
} @cases;
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $does[ $request->{params}{QUERY_STRING} ]->($connection);
});
my $httpd = Httpd->start(config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} status=+I
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

for my $n (0 .. $#cases) {
    my ($name, undef, undef, $has, $has_not) = @{ $cases[$n] };
    $httpd->mark_log;
    my $response = $httpd->get("/app/$n?$n");
    is $response->{status}, 502, "$name: 502";
    unlike $response->{body}, qr/X-Half|AAAA|line one/, '... with nothing of it to the client';
    my @lines = $httpd->log_lines(qr/FC\d{4}/);
    is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    like $lines[0], qr/FC0251: .*answered 502/, '... which is FC0251';
    like $lines[0], $has, '... and tells what was received';
    unlike $lines[0], $has_not, '... and no more' if $has_not;
    like +($httpd->end_words("/app/$n"))[0], qr/^(?:protocol|bad_response)$/,
        '... the word of the access log';
    is scalar($backend->requests), $n + 1, '... and the request is not sent again';
}
is $httpd->in_flight, 0, 'nothing in flight';

$httpd->expect_log(qr/FC0251: .*answered 502/, times => scalar @cases);
$httpd->stop;

done_testing;
