# Licensed under the Apache License, Version 2.0; see LICENSE.
# A script sees what it sees behind mod_proxy_fcgi and mod_proxy_balancer: the whole of $_SERVER, in
# every form of configuration, for every kind of URL. Both run here, before the same PHP-FPM and the
# same backend that tells what is sent; each difference has its reason, and each reason a difference.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();
plan skip_all => 'both are compared in one run' if Httpd::is_stock();
Httpd::needs_version('2.4.59', 'sets other variables in its stock modules');

# ---- What is asked for ----

my $show = "<?php header('Content-Type: application/json'); \$seen = \$_SERVER;"
         . " \$seen['ran'] = __FILE__; echo json_encode(\$seen);";
my %files = map { $_ => $show } qw(index.php e.php a/index.php page.html app b.d/index.php sub/index.php
    front/index.php query/index.php fallback/index.php action/handler.php), 'with space/index.php';
my @fpm = (children => 3, pool => "clear_env = yes\n");
my $unix = Fpm->start(@fpm, files => { %files, 'action/page.act' => 'text',
    'front/.htaccess' => "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)\$ index.php/\$1 [L]\n",
    'query/.htaccess' => "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)\$ index.php?q=\$1 [L,QSA]\n",
    'fallback/.htaccess' => "FallbackResource /fallback/index.php\n",
    'action/.htaccess' => "AddHandler act .act\nAction act /action/handler.php\n",
});
my $root = $unix->docroot;
my $tcp  = Fpm->start(@fpm, listen => 'tcp', docroot => $root);
my $echo = Backend->echo;
my ($socket, $to) = ($unix->path, $tcp->url);

my @urls = (
    '/index.php', '/index.php?a=1&b=%20c', '/sub/', '/sub/index.php?',
    '/a/index.php/extra/x?y=1', '/a/index.php/', '/b.d/index.php/x', '/a//index.php/x//y',
    '/a/index.php/b%25c', '/with%20space/index.php', '/with%20space/index.php/c%20d/%C3%A9',
    '/page.html', '/page.html/a', '/page.html/a/b?c', '/page.html/x.php', '/app', '/app/x', '/app/x/y.html?z',
    '/front/extra/x?y', '/front/', '/query/extra/x?y=1', '/fallback/no/such?z=1',
    '/action/page.act', '/action/page.act/info', '/rewritten/x?y', '/rewritten-pt/x/y',
    '/no/such/page?q', '/no/such.php/x', '/e.php/404',
);

# ---- In which forms ----

# What is PHP: names that end in .php, and two files that do not.
my $is_php = '(?:\.php|page\.html|/app)(?:/.*)?$';
sub handler {
    my ($to) = @_;
    return "<FilesMatch \"(?:\\.php\$|^page\\.html\$|^app\$)\">\nSetHandler \"proxy:$to\"\n</FilesMatch>";
}
my $generic = 'ProxyFCGIBackendType GENERIC';
my %form = (
    'SetHandler unix'       => handler("unix:$socket|fcgi://fpm"),
    'SetHandler tcp'        => handler($to),
    'SetHandler balancer'   => handler('balancer://php'),
    'SetHandler Directory'  => "<Directory \"$root\">\n" . handler($to) . "\n</Directory>",
    'SetHandler Location'   => "<LocationMatch \"$is_php\">\nSetHandler \"proxy:$to\"\n</LocationMatch>",
    'SetHandler echo'       => handler($echo->url),
    'SetHandler generic'    => "$generic\n" . handler($echo->url),
    'SetHandler pathinfo'   => "SetEnvIf Request_URI . proxy-fcgi-pathinfo=unescape\n" . handler($to),
    'ProxyPass tcp'         => "ProxyPass / $to$root/",
    'ProxyPass unix'        => "ProxyPass / \"unix:$socket|fcgi://pass$root/\"",
    'ProxyPass balancer'    => "ProxyPass / balancer://php$root/",
    'ProxyPass Location'    => "<Location />\nProxyPass $to$root/\n</Location>",
    'ProxyPass echo'        => "ProxyPass / @{[ $echo->url ]}$root/",
    'ProxyPass generic'     => "$generic\nProxyPass / @{[ $echo->url ]}$root/",
    'ProxyPass generic balancer' => "$generic\nProxyPass / balancer://echo$root/",
    'ProxyPass pathinfo'    => "SetEnvIf Request_URI . proxy-fcgi-pathinfo=first-dot\nProxyPass / $to$root/",
    'ProxyPassMatch tcp'      => "ProxyPassMatch \"^/(.*$is_php)\" \"$to$root/\$1\"",
    'ProxyPassMatch balancer' => "ProxyPassMatch \"^/(.*$is_php)\" \"balancer://php$root/\$1\"",
    'RewriteRule P'           => "RewriteRule \"^/(.*$is_php)\" \"$to$root/\$1\" [P]",
    'RewriteRule P balancer'  => "RewriteRule \"^/(.*$is_php)\" \"balancer://php$root/\$1\" [P]",
    'RewriteRule P Directory' => "<Directory \"$root\">\nRewriteEngine On\n"
        . "RewriteRule \"^(.*$is_php)\" \"$to$root/\$1\" [P]\n</Directory>",
);
# Where httpd does not have the files: "elsewhere" is what PHP-FPM calls the folder.
my $far = $> != 0 ? undef : Fpm->start(@fpm, listen => 'tcp', files => \%files);
if ($far) {
    ($far->docroot =~ m{^(.*)/}) or die;
    $far->stop;
    $far->{pool} .= "chroot = $1\n";
    $far->write_config;
    $far->run or die $far->log_text;
    rename $far->docroot, "$1/elsewhere" or die;
    $form{'ProxyPass far'} = "ProxyPass / @{[ $far->url ]}/elsewhere/";
    $form{'ProxyPass far balancer'} = 'ProxyPass / balancer://far/elsewhere/';
}
my %of_main_server = map { ("$_, main server" => $form{$_}) }
    'SetHandler tcp', 'ProxyPass balancer', 'RewriteRule P Directory';

# ---- The servers ----

my $common = join('', map { "<Proxy balancer://$_->[0]>\nBalancerMember @{[ $_->[1]->url ]}\n</Proxy>\n" }
                      ['php', $tcp], ['echo', $echo], $far ? ['far', $far] : ()) . <<"EOC";
<Directory "$root">
    Require all granted
    AllowOverride All
</Directory>
DirectoryIndex index.php
EOC
my $site = <<"EOC";
DocumentRoot "$root"
RewriteEngine On
RewriteRule ^/rewritten/(.*)\$ /index.php?to=\$1 [PT,QSA]
RewriteRule ^/rewritten-pt/(.*)\$ /a/index.php/\$1 [PT]
ErrorDocument 404 /e.php/404
EOC
sub host_of { my ($form) = @_; (my $name = $form) =~ s/\W+/-/g; return "$name.test" }
sub both {
    my ($config) = @_;
    my @more = (manager => 0, any_log => 1, config => $config);
    my @modules = qw(rewrite actions);
    return (Httpd->start(@more, modules => [@modules]),
            Httpd->start(@more, modules => [@modules, Httpd::stock_modules()], ours => 0));
}

# What a script sees, without what is of the one request only.
sub seen_by {
    my ($httpd, $form, $url) = @_;
    my $response = $httpd->get($url, header => { Host => host_of($form) });
    my $said = $response->{body} =~ /^\{/ ? Httpd::decode_json($response) : undef;
    return { status => $response->{status}, answer => substr $response->{body}, 0, 40 } if !$said;
    my $seen = $said->{params} // $said;
    delete @$seen{qw(REMOTE_PORT REQUEST_TIME REQUEST_TIME_FLOAT UNIQUE_ID)};
    my ($port, $member) = ($httpd->port, join '|', map { $_->port } grep { $_ } $tcp, $echo, $far);
    s/\b$port\b/PORT/g, s/:(?:$member)\b/:MEMBER/g, s/\Q$root\E/ROOT/g
        for grep { defined && !ref } values %$seen;
    return { %$seen, status => $response->{status} };
}

# ---- The reasons: form, URL, variable, what it is here and with stock ----

my $split = qr{^/(?:\w+\.php|page\.html|app|\w[^/]*/+\w+\.php|front|action|no|rewritten-pt)/};
my $address = qr{proxy:fcgi://127\.0\.0\.1:MEMBERROOT};
my @reasons = (
    ['a plain path is sent, with the path info split off; stock leaves both to PHP-FPM',
        qr/ echo$/, qr/./, qr/^(?:SCRIPT_FILENAME|SCRIPT_NAME|PATH_INFO|PATH_TRANSLATED)$/, qr{^/|^ROOT}, qr/./],
    ['stock tells the address of a member',
        qr/./, qr/./, qr/^(?:ORIG_PATH_TRANSLATED|SCRIPT_FILENAME)$/, qr{^-$|^ROOT/|^proxy:fcgi://localhostROOT/}, qr/^$address/],
    ['a name in .php is taken for the script, so that ProxyFCGICheckScript can refuse a.jpg/x.php;'
        . ' PHP runs the file before it (security.limit_extensions), but has no path info',
        qr/^(?:Proxy|Rewrite)/, qr{^/page\.html/x\.php$}, qr/^(?:PATH_INFO|PATH_TRANSLATED|SCRIPT_NAME|ORIG_SCRIPT_NAME)$/, qr/./, qr/./],
    ['stock sends an encoded path (before 2.4.63 with SetHandler, too), and PHP finds no file for it; here it is decoded',
        Httpd::is_at_least('2.4.64') ? qr/^(?:Proxy|Rewrite)/ : qr/./, qr{^/with%20space/},    # snapshots of 2.4.63 did so, too
        qr/^(?:status|answer|SCRIPT_FILENAME)$/, qr/./, qr/404|File not found|%20/],
    ['PATH_INFO is decoded (RFC 3875, 4.1.5), and so is what PHP makes of it',
        qr/^(?:Proxy|Rewrite)/, qr{b%25c$}, qr/^(?:PATH_INFO|PATH_TRANSLATED|PHP_SELF|SCRIPT_NAME|ORIG_\w+)$/,
        qr{^-$|b%c$|^/a/index\.php$}, qr/./],
    ['PHP remembers the names that it has split; here they come split',
        qr/^(?:Proxy|Rewrite)/, $split, qr/^ORIG_SCRIPT_(?:FILENAME|NAME)$/, qr/^-$/, qr{/}],
);

my %used;
sub compare {
    my ($form, $url, $here, $there) = @_;
    my %all = (%$here, %$there);
    %all = (status => 1) if $here->{status} ne $there->{status};
    my @strange;
    for my $variable (sort keys %all) {
        my ($ours, $stock) = map { $_->{$variable} // '-' } $here, $there;
        next if $ours eq $stock;
        my ($reason) = grep { $form =~ $_->[1] && $url =~ $_->[2] && $variable =~ $_->[3]
            && $ours =~ $_->[4] && $stock =~ $_->[5] } @reasons;
        $reason ? $used{ $reason->[0] }++ : push @strange, "$variable is '$ours', with stock '$stock'";
    }
    ok !@strange, "$form: $url" or diag join "\n", @strange;
    return;
}

my @servers = ([ \%form, both($common . join '', map {
    "<VirtualHost 127.0.0.1:\@port\@>\nServerName @{[ host_of($_) ]}\n$site$form{$_}\n</VirtualHost>\n"
} sort keys %form) ]);
push @servers, [ { $_ => $of_main_server{$_} }, both("$common$site$of_main_server{$_}\n") ]
    for sort keys %of_main_server;
for (@servers) {
    my ($forms, $ours, $stock) = @$_;
    for my $form (sort keys %$forms) {
        compare($form, $_, seen_by($ours, $form, $_), seen_by($stock, $form, $_)) for @urls;
    }
}
ok $used{ $_->[0] }, "there is such a difference: $_->[0]" for @reasons;

done_testing;
