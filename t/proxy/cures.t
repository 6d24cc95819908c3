# Licensed under the Apache License, Version 2.0; see LICENSE.
# The one log line of a failed try says what an administrator can do about it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

my $died = qr/closed without a response: has a child of PHP-FPM died/;
my $drops_tcp = Backend->start(script => sub { $_[0]->close });
my $drops_unix = Backend->start(listen => 'unix', script => sub { $_[0]->close });
my $closed = Backend->echo(listen => 'unix');
chmod 0, $closed->path or die "chmod: $!";

# name => [URL, status, what the line says]
my %case = (
    listens_not => [Backend->refusing->url, 503, qr/connect_refused .*nobody listens there: is the backend running\?/],
    no_socket   => ['unix:/nowhere/php.sock|fcgi://nowhere', 503,
        qr/connect_refused .*no such socket: is the backend running, and is the path right\?/],
    no_access   => ["unix:@{[ $closed->path ]}|fcgi://closed", 503,
        qr/connect_failed .*no access to the socket: see listen\.owner and listen\.mode of PHP-FPM, the permissions .*SELinux/],
    no_route    => ['fcgi://255.255.255.255:9000', 503, qr/connect_failed .*cannot connect: Network is unreachable/],
    drops_tcp   => [$drops_tcp->url, 502,    # as PHP-FPM does, which says nothing of it
        qr/backend_eof .*$died, or does listen\.allowed_clients not permit this machine\?/],
    drops_unix  => ["unix:@{[ $drops_unix->path ]}|fcgi://drops", 502, qr/backend_eof .*$died\?/],
);
my $httpd = Httpd->start(config => join '', map { "ProxyPass /$_/ \"$case{$_}[0]/\"\n" } sort keys %case);
for my $name (sort keys %case) {
    is $httpd->get("/$name/x.php")->{status}, $case{$name}[1], "$name: $case{$name}[1]";
    $httpd->expect_log(qr/FC0251: .*$case{$name}[2]/, times => 1);
}
$httpd->stop;
done_testing;
