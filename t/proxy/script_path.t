# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-25: /a/index.php/extra/x?y gives PHP the same variables in every form of configuration.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

my $php = <<'EOP';
<?php
header('Content-Type: application/json');
$seen = [];
foreach (['SCRIPT_FILENAME', 'SCRIPT_NAME', 'PATH_INFO', 'PATH_TRANSLATED', 'REQUEST_URI', 'QUERY_STRING',
          'PHP_SELF', 'DOCUMENT_ROOT', 'REQUEST_METHOD', 'SERVER_PROTOCOL', 'REMOTE_ADDR', 'ORIG_SCRIPT_FILENAME'] as $name)
    $seen[$name] = $_SERVER[$name] ?? null;
$seen['GET'] = $_GET;
$seen['FILE'] = __FILE__;
echo json_encode($seen);
EOP

my $unix = Fpm->start(children => 2, files => {
    'a/index.php' => $php, 'front/index.php' => $php, 'front/.htaccess' => <<'EOC', 'index.php' => $php });
RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule ^(.*)$ index.php/$1 [L]
EOC
my $docroot = $unix->docroot;
my $tcp     = Fpm->start(children => 2, listen => 'tcp', docroot => $docroot);

my %form = (
    'sethandler-unix' => qq(<FilesMatch "\\.php\$">\nSetHandler "proxy:@{[ $unix->url ]}"\n</FilesMatch>),
    'sethandler-tcp'  => qq(<FilesMatch "\\.php\$">\nSetHandler "proxy:@{[ $tcp->url ]}"\n</FilesMatch>),
    'sethandler-balancer' => qq(<FilesMatch "\\.php\$">\nSetHandler "proxy:balancer://php"\n</FilesMatch>),
    'proxypass-unix'  => qq(ProxyPass / "unix:@{[ $unix->path ]}|fcgi://pass$docroot/"),
    'proxypass-tcp'   => qq(ProxyPass / @{[ $tcp->url ]}$docroot/),
    'proxypass-nocanon' => qq(ProxyPass / @{[ $tcp->url ]}$docroot/ nocanon),
    'proxypass-balancer' => qq(ProxyPass / balancer://php$docroot/),
    'proxypassmatch-unix' => qq(ProxyPassMatch "^/(.*\\.php(/.*)?)\$" "unix:@{[ $unix->path ]}|fcgi://match$docroot/\$1"),
    'proxypassmatch-tcp'  => qq(ProxyPassMatch "^/(.*\\.php(/.*)?)\$" "@{[ $tcp->url ]}$docroot/\$1"),
    'rewrite-p'       => qq(RewriteEngine On\nRewriteRule "^/(.*\\.php(/.*)?)\$" "@{[ $tcp->url ]}$docroot/\$1" [P]),
    'rewrite-p-directory' => qq(<Directory "$docroot">\nRewriteEngine On\nRewriteRule "^(.*\\.php(?:/.*)?)\$" "@{[ $tcp->url ]}$docroot/\$1" [P]\n</Directory>),
    'generic'         => qq(ProxyFCGIBackendType GENERIC\n<FilesMatch "\\.php\$">\nSetHandler "proxy:@{[ $tcp->url ]}"\n</FilesMatch>),
);
my $config = <<"EOC";
<Proxy balancer://php>
    BalancerMember @{[ $tcp->url ]}
</Proxy>
<Directory $docroot>
    Require all granted
    AllowOverride All
</Directory>
EOC
$config .= "<VirtualHost 127.0.0.1:\@port\@>\nServerName $_.test\nDocumentRoot $docroot\n$form{$_}\n</VirtualHost>\n"
    for sort keys %form;
my $httpd = Httpd->start(modules => ['rewrite'], manager => 0, config => $config);

sub ask {
    my ($form, $uri) = @_;
    my $response = $httpd->get($uri, header => { Host => "$form.test" });
    is $response->{status}, 200, "$form $uri: 200";
    return Httpd::decode_json($response);
}

for my $form (sort keys %form) {
    my $seen = ask($form, '/a/index.php/extra/x?y');
    is $seen->{FILE}, "$docroot/a/index.php", "$form: the script runs";
    is $seen->{SCRIPT_FILENAME}, "$docroot/a/index.php", "$form: SCRIPT_FILENAME is a clean path";
    is $seen->{SCRIPT_NAME}, '/a/index.php', "$form: SCRIPT_NAME";
    is $seen->{PATH_INFO}, '/extra/x', "$form: PATH_INFO";
    is $seen->{REQUEST_URI}, '/a/index.php/extra/x?y', "$form: REQUEST_URI as sent";
    is $seen->{QUERY_STRING}, 'y', "$form: QUERY_STRING";
    is $seen->{PHP_SELF}, '/a/index.php/extra/x', "$form: PHP_SELF";
    is $seen->{DOCUMENT_ROOT}, $docroot, "$form: DOCUMENT_ROOT";

    my $plain = ask($form, '/a/index.php');
    is $plain->{SCRIPT_FILENAME}, "$docroot/a/index.php",
        "$form: SCRIPT_FILENAME with no path info";
    is $plain->{SCRIPT_NAME}, '/a/index.php', "$form: SCRIPT_NAME with no path info";
    is $plain->{PATH_INFO} // '', '', "$form: no PATH_INFO";
    is $plain->{QUERY_STRING}, '', "$form: empty QUERY_STRING";

    my $empty = ask($form, '/a/index.php/x?');
    is $empty->{SCRIPT_FILENAME}, "$docroot/a/index.php", "$form: SCRIPT_FILENAME with an empty query";
    is $empty->{PATH_INFO}, '/x', "$form: PATH_INFO with an empty query";
    is ask($form, '/a/index.php?')->{PATH_INFO} // '', '', "$form: no PATH_INFO with an empty query";

    my $escaped = ask($form, '/a/index.php/b%20c/%C3%A9?q=%26%3D&r=1+2');
    is $escaped->{PATH_INFO}, "/b c/\x{e9}", "$form: PATH_INFO is unescaped";
    is $escaped->{REQUEST_URI}, '/a/index.php/b%20c/%C3%A9?q=%26%3D&r=1+2',
        "$form: REQUEST_URI is not";
    is_deeply $escaped->{GET}, { q => '&=', r => '1 2' }, "$form: \$_GET";
}

# ---- A rewrite to index.php ----

for my $form (grep { /^sethandler/ } sort keys %form) {
    my $seen = ask($form, '/front/extra/x?y');
    is $seen->{FILE}, "$docroot/front/index.php", "$form rewritten: the front controller runs";
    is $seen->{SCRIPT_FILENAME}, "$docroot/front/index.php", "$form rewritten: SCRIPT_FILENAME";
    is $seen->{SCRIPT_NAME}, '/front/index.php', "$form rewritten: SCRIPT_NAME";
    is $seen->{PATH_INFO}, '/extra/x', "$form rewritten: PATH_INFO";
    is $seen->{REQUEST_URI}, '/front/extra/x?y', "$form rewritten: REQUEST_URI as sent";
    is $seen->{QUERY_STRING}, 'y', "$form rewritten: QUERY_STRING";
}
$httpd->stop;

# ---- DirectoryIndex, FallbackResource, PATH_INFO variants, seen by a backend that shows all params ----

my $echo = Backend->echo;
my $to = $echo->url;
my $variants = Httpd->start(modules => ['rewrite'], manager => 0, files => {
    'index.php' => '', 'fallback/index.php' => '', 'a.b/c.php' => '' }, config => <<"EOC");
DirectoryIndex index.php
<Directory \@docroot\@/fallback>
    FallbackResource /fallback/index.php
</Directory>
<FilesMatch "\\.php\$">
    SetHandler "proxy:$to"
</FilesMatch>
ProxyPass /first/ $to/srv/
ProxyPass /last/ $to/
ProxyPass /whole/ $to/srv/
ProxyPass /set/ $to/srv/
SetEnvIf Request_URI "^/first/" proxy-fcgi-pathinfo=first-dot
SetEnvIf Request_URI "^/last/" proxy-fcgi-pathinfo=last-dot
<Location /set/>
    SetEnv GIVEN by-setenv
    SetEnv DROPPED by-setenv
    ProxyFCGISetEnvIf "true" ADDED "constant"
    ProxyFCGISetEnvIf "reqenv('REQUEST_URI') =~ m#^/set/(\\w+)#" WORD "word-\$1"
    ProxyFCGISetEnvIf "reqenv('REQUEST_URI') =~ m#nothing#" NEVER "never"
    ProxyFCGISetEnvIf "true" !DROPPED
    ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "/elsewhere%{reqenv:SCRIPT_NAME}"
</Location>
EOC
sub params { return $variants->json($_[0])->{params} }

my $docs = $variants->docroot;
my $p = params('/');
is $p->{SCRIPT_FILENAME}, "$docs/index.php", 'DirectoryIndex: SCRIPT_FILENAME';
is $p->{SCRIPT_NAME}, '/index.php', 'DirectoryIndex: SCRIPT_NAME';
is $p->{REQUEST_URI}, '/', 'DirectoryIndex: REQUEST_URI as sent';
$p = params('/fallback/no/such?z=1');
is $p->{SCRIPT_FILENAME}, "$docs/fallback/index.php", 'FallbackResource: SCRIPT_FILENAME';
is $p->{REQUEST_URI}, '/fallback/no/such?z=1', 'FallbackResource: REQUEST_URI as sent';

$p = params('/first/a.b/c.php/d');
is $p->{PATH_INFO}, '/c.php/d', 'first-dot: PATH_INFO follows the first dot';
is $p->{SCRIPT_FILENAME}, 'proxy:fcgi://localhost/srv/a.b/c.php/d',
    'first-dot: which of it is the script, PHP-FPM knows';
$p = params('/last/a.b/c.php/d');
is $p->{PATH_INFO}, '/d', 'last-dot: PATH_INFO follows the last dot';
$p = params("/last$docs/a.b/c.php/d");
is $p->{SCRIPT_FILENAME}, "$docs/a.b/c.php", 'last-dot: the script, when it is here';

$p = params('/set/thing?q');
is $p->{ADDED}, 'constant', 'ProxyFCGISetEnvIf sets a value';
is $p->{WORD}, 'word-thing', '... with a back-reference';
ok !exists $p->{NEVER}, '... not when its condition is false';
ok !exists $p->{DROPPED}, '... and removes with !';
is $p->{GIVEN}, 'by-setenv', 'SetEnv reaches the backend';
like $p->{SCRIPT_FILENAME}, qr{^/elsewhere/}, '... and SCRIPT_FILENAME can be replaced';
$variants->stop;

done_testing;
