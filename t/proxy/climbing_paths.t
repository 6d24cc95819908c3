# Licensed under the Apache License, Version 2.0; see LICENSE.
# A path with a "..", written out or encoded, reaches no backend, in whatever form of configuration; what
# only looks like one, and what httpd has resolved itself, does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

my $backend = Backend->echo;
my $to = $backend->url;
my %slashes = (off => 'Off', on => 'On', nodecode => 'NoDecode');
my $config = "<Proxy balancer://cluster>\n    BalancerMember $to\n</Proxy>\n";
$config .= <<"EOC" for sort keys %slashes;
<VirtualHost 127.0.0.1:\@port\@>
    ServerName $_.test
    DocumentRoot \@docroot\@
    AllowEncodedSlashes $slashes{$_}
    ProxyPass /pass/ $to/srv/app/
    ProxyPass /generic/ $to/srv/app/ nocanon
    <Location /generic/>
        ProxyFCGIBackendType GENERIC
    </Location>
    ProxyPass /nocanon/ $to/srv/app/ nocanon
    ProxyPassMatch "^/match/(.*)\$" "$to/srv/app/\$1"
    ProxyPass /balanced/ balancer://cluster/srv/app/
    RewriteEngine On
    RewriteRule "^/rewrite/(.*)\$" "$to/srv/app/\$1" [P]
    RewriteCond "%{QUERY_STRING}" "^file=(.*)\$"
    RewriteRule "^/query/" "$to/srv/app/%1?" [P]
    <Directory "\@docroot\@/handler">
        SetHandler "proxy:$to"
    </Directory>
</VirtualHost>
EOC
my $httpd = Httpd->start(modules => ['rewrite'], manager => 0, config => $config,
                         files => { 'handler/x.php' => '' });
my @forms = qw(pass generic nocanon match balanced rewrite handler);

sub ask { my ($host, $path) = @_; return $httpd->get($path, header => { Host => "$host.test" }) }

sub seen {
    my ($host, $path) = @_;
    my $params = Httpd::decode_json(ask($host, $path))->{params};
    return ($params->{SCRIPT_FILENAME} // 'none') . ($params->{PATH_INFO} // '');
}

# ---- Refused ----

my @climbing = ('..%2f..%2fx.php', 'a/..%2Fx.php', '%2e%2e%2fx.php', '%2E%2e%2fa/x.php', 'a%2f..', 'x.php/..%2fb');
for my $form (grep { $_ ne 'generic' } @forms) {
    is ask('nodecode', "/$form/$_")->{status}, 400, "NoDecode: /$form/$_" for @climbing, '%252e%252e/x.php';
}
for my $host (sort keys %slashes) {
    for my $form ('nocanon', 'generic') {
        is ask($host, "/$form/$_")->{status}, 400, "$host: /$form/$_"
            for 'a/../x.php', 'a/%2e%2e/x.php', 'a/%2E./x.php', 'a/..', "../$form/x.php", 'x.php/../b';
    }
    is ask($host, "/query/?file=$_")->{status}, 400, "$host: of a query: $_" for '../../x.php', 'a/..', '..';
}
isnt ask('on', "/pass/$_")->{status}, 200, "httpd itself: $_" for '..%2f..%2fx.php', '%2e%2e%2fx.php';
is_deeply [map { $_->{params}{SCRIPT_FILENAME} } $backend->requests], [], 'the backend has seen none of it';

# ---- Not refused ----

my $docroot = $httpd->docroot;
for my $form (grep { $_ ne 'handler' && $_ ne 'generic' } @forms) {
    is seen('nodecode', "/$form/$_->[0]"), "/srv/app/$_->[1]", "/$form/$_->[0]"
        for ['a..b/x.php', 'a..b/x.php'], ['.../x.php', '.../x.php'], ['..a/x.php', '..a/x.php'],
            ['a%2fb.php', 'a%2fb.php'], ['x.php/a..%2fb', 'x.php/a..%2fb'],
            ['x.php?file=../../y', 'x.php'];
}
for my $form (grep { !/nocanon|generic|handler/ } @forms) {
    is seen('off', "/$form/$_"), '/srv/app/x.php', "/$form/$_: httpd resolves it"
        for 'a/../x.php', 'a/%2e%2e/x.php', './x.php', 'a/.%2e/x.php';
}
is seen('off', '/handler/a/../x.php'), "$docroot/handler/x.php", '... for SetHandler as well';
is seen('off', '/query/?file=a/x.php'), '/srv/app/a/x.php', '... and a query that does not climb is rewritten';
$httpd->stop;

done_testing;
