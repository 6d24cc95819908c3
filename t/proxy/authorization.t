# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-27: the client's Authorization reaches the application only where ProxyFCGIPassAuth is On, and
# a Proxy header of the client never becomes HTTP_PROXY.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

my $echo = Backend->echo;
my $to   = $echo->url;
my $httpd = Httpd->start(config => <<"EOC", files => { 'by/x.php' => '' });
<Proxy balancer://cluster>
    BalancerMember $to
</Proxy>
ProxyPass /with/     $to/with/
ProxyPass /without/  $to/without/
ProxyPass /balanced/ balancer://cluster/balanced/
<Location /with/>
    ProxyFCGIPassAuth On
</Location>
<Location /with/not/>
    ProxyFCGIPassAuth Off
</Location>
<Location /balanced/>
    ProxyFCGIPassAuth On
</Location>
<FilesMatch "\\.php\$">
    SetHandler "proxy:$to"
</FilesMatch>
<Location /by/>
    ProxyFCGIPassAuth On
</Location>
EOC

my %sent = (Authorization => 'Bearer x', 'Proxy-Authorization' => 'Basic eDp5', Proxy => 'evil:1',
            'X-Token' => 'seen');
sub params {
    my ($path, %header) = @_;
    my $response = $httpd->get($path, header => { %sent, %header });
    is $response->{status}, 200, "$path: 200";
    return Httpd::decode_json($response)->{params};
}

for my $case (['/with/x', 1], ['/balanced/x', 1], ['/by/x.php', 1],
              ['/without/x', 0], ['/with/not/x', 0], ['/with/x', 1]) {
    my ($path, $is_passed) = @$case;
    my $seen = params($path);
    if ($is_passed) {
        is $seen->{HTTP_AUTHORIZATION}, 'Bearer x', "$path: HTTP_AUTHORIZATION is passed";
    }
    else {
        ok !exists $seen->{HTTP_AUTHORIZATION}, "$path: no HTTP_AUTHORIZATION";
        is scalar(grep { /Bearer x/ } values %$seen), 0, "$path: under no other name either";
    }
    is $seen->{HTTP_X_TOKEN}, 'seen', "$path: other headers are passed";
    ok !exists $seen->{HTTP_PROXY}, "$path: a Proxy header is no HTTP_PROXY";
    ok !exists $seen->{HTTP_PROXY_AUTHORIZATION}, "$path: Proxy-Authorization is never passed";
}
for my $name ('proxy', 'PROXY', 'pRoXy') {
    for my $path ('/with/x', '/without/x', '/by/x.php') {
        my $seen = params($path, $name => 'evil:2');
        is scalar(grep { /^HTTP_PROXY$/i } keys %$seen), 0, "$path: nor does a header $name";
    }
}
my $seen = params('/with/x', Authorization => 'Basic dXNlcjpwYXNz');
is $seen->{HTTP_AUTHORIZATION}, 'Basic dXNlcjpwYXNz', 'another scheme is passed as it is';
ok !exists $seen->{REMOTE_USER}, '... and makes no REMOTE_USER';
delete $sent{Authorization};
$seen = params('/with/x');
ok !exists $seen->{HTTP_AUTHORIZATION}, 'no Authorization, no HTTP_AUTHORIZATION';

$httpd->stop;

my ($code, $said) = Httpd->configtest(config => "ProxyFCGIPassAuth Maybe\n");
isnt $code, 0, 'a value other than On and Off is refused';
like $said, qr/ProxyFCGIPassAuth/, '... by name';

done_testing;
