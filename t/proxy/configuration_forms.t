# Licensed under the Apache License, Version 2.0; see LICENSE.
# Every stock way to send a request to a FastCGI server works unchanged: ProxyPass, ProxyPassMatch,
# SetHandler (also in .htaccess), RewriteRule [P]; over TCP, IPv6 and unix sockets, plain and
# through a balancer; and Debian's own php-fpm snippet. (F-25, L-15)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Fpm;
use Httpd;

my $tcp    = Backend->echo(name => 'tcp');
my $tcp6   = eval { Backend->echo(name => 'tcp6', listen => 'tcp6') };
my $unix   = Backend->echo(name => 'unix', listen => 'unix');
my $socket = $unix->path;

my %file = map { ("$_/x.php" => '<?php') } qw(handler_tcp handler_unix handler_balancer htaccess);
$file{'htaccess/.htaccess'} = "<Files *.php>\nSetHandler \"proxy:unix:$socket|fcgi://htaccess\"\n</Files>\n";

my $ipv6 = $tcp6 ? "ProxyPass /pass_tcp6/ @{[ $tcp6->url ]}/srv/\n" : '';
my $httpd = Httpd->start(modules => ['rewrite'], files => \%file, config => <<"EOC");
ProxyPass /pass_tcp/ @{[ $tcp->url ]}/srv/
$ipv6
ProxyPass /pass_unix/ "unix:$socket|fcgi://pass-unix/srv/"
ProxyPassMatch "^/match_tcp/(.*\\.php)\$" "@{[ $tcp->url ]}/srv/\$1"
ProxyPassMatch "^/match_unix/(.*\\.php)\$" "unix:$socket|fcgi://match-unix/srv/\$1"
<Proxy balancer://cluster>
    BalancerMember @{[ $tcp->url ]}
</Proxy>
<Proxy balancer://sockets>
    BalancerMember "unix:$socket|fcgi://member"
</Proxy>
ProxyPass /pass_balancer/ balancer://cluster/srv/
ProxyPass /pass_balancer_unix/ balancer://sockets/srv/
<Directory \@docroot\@/handler_tcp>
    SetHandler "proxy:@{[ $tcp->url ]}"
</Directory>
<Directory \@docroot\@/handler_unix>
    <FilesMatch "\\.php\$">
        SetHandler "proxy:unix:$socket|fcgi://handler-unix"
    </FilesMatch>
</Directory>
<Directory \@docroot\@/handler_balancer>
    <FilesMatch "\\.php\$">
        SetHandler "proxy:balancer://cluster"
    </FilesMatch>
</Directory>
RewriteEngine On
RewriteRule "^/rewrite_tcp/(.*)\$" "@{[ $tcp->url ]}/srv/\$1" [P]
RewriteRule "^/rewrite_balancer/(.*)\$" "balancer://cluster/srv/\$1" [P]
EOC

my $docroot = $httpd->docroot;
my %expected = (
    pass_tcp           => ['tcp',  '/srv/x.php'],
    $tcp6 ? (pass_tcp6 => ['tcp6', '/srv/x.php']) : (),
    pass_unix          => ['unix', '/srv/x.php'],
    match_tcp          => ['tcp',  '/srv/x.php'],
    match_unix         => ['unix', '/srv/x.php'],
    pass_balancer      => ['tcp',  '/srv/x.php'],
    pass_balancer_unix => ['unix', '/srv/x.php'],
    rewrite_tcp        => ['tcp',  '/srv/x.php'],
    rewrite_balancer   => ['tcp',  '/srv/x.php'],
    handler_tcp        => ['tcp',  "$docroot/handler_tcp/x.php"],
    handler_unix       => ['unix', "$docroot/handler_unix/x.php"],
    handler_balancer   => ['tcp',  "$docroot/handler_balancer/x.php"],
    htaccess           => ['unix', "$docroot/htaccess/x.php"],
);
for my $form (sort keys %expected) {
    my ($backend, $filename) = @{ $expected{$form} };
    my $response = $httpd->get("/$form/x.php?one=1&two=%20");
    is $response->{status}, 200, "$form: 200" or next;
    my $seen = Httpd::decode_json($response);
    is $seen->{backend}, $backend, "$form: the right server";
    is $seen->{params}{SCRIPT_FILENAME}, $filename, "$form: SCRIPT_FILENAME";
    is $seen->{params}{QUERY_STRING}, 'one=1&two=%20', "$form: QUERY_STRING";
    is $seen->{params}{REQUEST_URI}, "/$form/x.php?one=1&two=%20", "$form: REQUEST_URI";
}
SKIP: {
    skip 'no IPv6 here', 1 if !$tcp6;
    pass 'IPv6';
}
$httpd->stop;

# ---- Debian's snippet, with the socket that it names ----

SKIP: {
    my ($snippet) = glob '/etc/apache2/conf-available/php*-fpm.conf';
    skip 'no Debian php-fpm snippet here', 4 if !$snippet || !Fpm::is_installed();
    open my $in, '<', $snippet or die "$snippet: $!";
    my ($path) = join('', <$in>) =~ m{SetHandler "proxy:unix:([^|]+)\|};
    skip 'only root can make the socket that the snippet names', 4 if $> != 0;
    skip 'another PHP-FPM is on that socket', 4 if -e $path;
    my ($dir) = $path =~ m{^(.*)/};
    mkdir $dir;
    my $fpm = Fpm->start(path => $path);
    my $debian = Httpd->new(modules => ['proxy_fcgi'], config => "Include $snippet\n",
        files => { 'x.php' => '<?php header("X-By: fpm"); echo $_SERVER["SCRIPT_FILENAME"], "|", strlen($_SERVER["HTTP_X_BIG"] ?? "");',
                   'y.phps' => 'source' });
    $debian->{config} .= "LimitRequestFieldSize 30000\n";
    $debian->start;
    my $response = $debian->get('/x.php', header => { 'X-Big' => 'b' x 20_000 });
    is $response->{status}, 200, 'the snippet of Debian works unchanged';
    is $response->{header}{'x-by'}, 'fpm', '... PHP-FPM answers';
    is $response->{body}, $debian->docroot . '/x.php|20000',
        '... through our module, though mod_proxy_fcgi (that cuts a header of 20,000 bytes) is loaded too';
    is $debian->get('/y.phps')->{status}, 403, '... its other rules hold';
    $debian->expect_log(qr/AH01630/, times => 1);
    $debian->stop;
    $fpm->stop;
    unlink $path;
}

done_testing;
