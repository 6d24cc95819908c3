# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-26: with ProxyFCGICheckScript On a script that is not there, or a file that is no script, is
# answered by httpd itself: no backend hears of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;
use HttpSocket;

my $echo = Backend->echo;
my $to   = $echo->url;
my %form = (
    sethandler     => qq(<FilesMatch "\\.php\$">\nSetHandler "proxy:$to"\n</FilesMatch>),
    proxypassmatch => qq(ProxyPassMatch "^/(.*\\.php(/.*)?)\$" "$to\@docroot\@/\$1"),
    proxypass      => qq(ProxyPass /balancer-manager !\nProxyPass / "$to\@docroot\@/"),
    balancer       => qq(ProxyPassMatch "^/(.*\\.php(/.*)?)\$" "balancer://cluster\@docroot\@/\$1"),
);
my $config = "<Proxy balancer://cluster>\nBalancerMember $to\n</Proxy>\n";
for my $form (sort keys %form) {
    $config .= "<VirtualHost 127.0.0.1:\@port\@>\nServerName $form.$_.test\n"
             . "ErrorDocument 404 \"our own page\"\n$form{$form}\n"
             . ($_ eq 'on' ? "ProxyFCGICheckScript On\n" : '') . "</VirtualHost>\n" for 'on', 'off';
}
my $httpd = Httpd->start(config => $config, files => {
    'ok.php' => '<?php', 'up/evil.jpg' => 'not a script', 'up/fine.php' => '<?php',
    'folder.php/inside.txt' => 'text', 'with space.php' => '<?php' });

# A raw request: the path goes out as it is.
sub ask {
    my ($host, $path) = @_;
    return $httpd->get($path, header => { Host => "$host.test" });
}

my @missing = (
    ['/missing.php',            qr/^404$/],
    ['/missing.php/extra',      qr/^404$/],
    ['/up/missing.php?x=1',     qr/^404$/],
    ['/up/evil.jpg/x.php',      qr/^404$/],
    ['/up/evil.jpg/x.php/y',    qr/^404$/],
    ['/up/evil.jpg%2Fx.php',    qr/^404$/],
    ['/folder.php',             qr/^(?:404|301)$/],    # a directory: mod_dir may add its slash
    ['/ok.php%20',              qr/^404$/],
    ['/a%00.php',               qr/^40[04]$/],
    ['/ok.php%00.jpg',          qr/^40[04]$/],
    ['/../x.php',               qr/^400$/],
    ['/up/../../x.php',         qr/^400$/],
    ['/%2e%2e/x.php',           qr/^40[04]$/],
);
for my $form (sort keys %form) {
    $echo->forget;
    for (@missing) {
        my ($path, $wanted) = @$_;
        my $response = ask("$form.on", $path);
        like $response->{status}, $wanted, "$form $path: refused by httpd";
    }
    is ask("$form.on", '/missing.php')->{body}, 'our own page', "$form: our own ErrorDocument";
    is $echo->connections, 0, "$form: no connection to the backend"
        or diag explain [map { $_->{params}{SCRIPT_FILENAME} } $echo->requests];

    for my $path ('/ok.php', '/ok.php?x=1', '/ok.php/extra/x', '/up/fine.php', '/with%20space.php') {
        my $response = ask("$form.on", $path);
        is $response->{status}, 200, "$form $path: a script that is there is served";
        my $seen = Httpd::decode_json($response)->{params};
        ok -f ($seen->{SCRIPT_FILENAME} // ''), "$form $path: SCRIPT_FILENAME is that file"
            or diag $seen->{SCRIPT_FILENAME};
    }
    $echo->forget;
    is ask("$form.off", '/missing.php')->{status}, 200, "$form, off: the backend decides";
    is $echo->connections, 1, "$form, off: ... it was asked";
}
my $member = $httpd->member($echo->port, 'cluster');
is $member->{state}, 'ok', 'refused requests do not blame the member';
is $member->{failures}, 0, '... and are no failures';
is $httpd->in_flight('cluster'), 0, '... and nothing is in flight';

# what httpd says about a refused request is for the diary, whatever its level
$httpd->expect_log(qr/FC0\d+: .*(?:missing|x|ok|folder)\.php/, optional => 1);
$httpd->expect_log(qr/AH(?:10244|00026|00127|00036|10508|10450)/, optional => 1);
$httpd->stop;

done_testing;
