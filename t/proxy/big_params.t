# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-16: large request headers reach PHP-FPM whole or the request is refused; none is left out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

my $fpm = Fpm->start(children => 2, files => { 'headers.php' => <<'EOP' });
<?php
header('Content-Type: application/json');
$seen = [];
foreach ($_SERVER as $name => $value)
    if (strncmp($name, 'HTTP_X_', 7) === 0)
        $seen[$name] = [strlen($value), sha1($value)];
echo json_encode(['seen' => $seen, 'pid' => getmypid()]);
EOP
my $echo  = Backend->echo;
my $httpd = Httpd->start(config => <<"EOC");
LimitRequestFieldSize 100000
LimitRequestFields 200
LimitRequestLine 100000
ProxyPass /php/ "unix:@{[ $fpm->path ]}|fcgi://fpm@{[ $fpm->docroot ]}/"
ProxyPass /echo/ @{[ $echo->url('/') ]}
EOC

sub value_of {
    my ($bytes, $salt) = @_;
    return substr sha1_hex("$salt$bytes") x (1 + $bytes / 40), 0, $bytes;
}

sub arrives {
    my ($name, %header) = @_;
    my $response = $httpd->get('/php/headers.php', header => \%header);
    is $response->{status}, 200, "$name: 200" or return;
    my $seen = Httpd::decode_json($response)->{seen};
    my %expected = map {
        my $variable = 'HTTP_' . uc $_;
        $variable =~ tr/-/_/;
        $variable => [length $header{$_}, sha1_hex($header{$_})];
    } keys %header;
    is_deeply $seen, \%expected, "$name: whole at PHP";
    $response = $httpd->get('/echo/', header => \%header);
    my ($request) = reverse $echo->requests;
    ok !$request->{pair_crosses_border}, "$name: no pair crosses a record border";
    return;
}

arrives('one of 20,000 bytes', 'X-Big' => value_of(20_000, 'a'));
arrives('one of 60,000 bytes', 'X-Big' => value_of(60_000, 'b'));
arrives('300 KB in all', map { ("X-Part-$_" => value_of(10_000, $_)) } 1 .. 30);
arrives('sizes around the two forms of a length',
    map { ("X-Size-$_" => value_of($_, 'c')) } 1, 126, 127, 128, 129, 255, 256, 65_000);

# 70,000 bytes do not fit into a record.
$echo->forget;
for my $path ('/php/headers.php', '/echo/x') {
    my $response = $httpd->get($path, header => { 'X-Huge' => value_of(70_000, 'd') });
    like $response->{status}, qr/^(?:431|500)$/, "70,000 bytes to $path are refused";
}
is scalar($echo->requests), 0, '... no part of such a request reaches a member as a request';
$httpd->expect_log(qr/FC0251: .*HTTP_X_HUGE/, times => 2);

is $httpd->get('/php/headers.php')->{status}, 200, 'the next request is served';
is $httpd->get('/echo/?' . 'q' x 60_000)->{status}, 200, 'a query string of 60,000 bytes';
my ($long) = reverse $echo->requests;
is length $long->{params}{QUERY_STRING}, 60_000, '... whole';
ok !$long->{pair_crosses_border}, '... with no pair over a record border';
$httpd->stop;

done_testing;
