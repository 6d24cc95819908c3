# Licensed under the Apache License, Version 2.0; see LICENSE.
# FastCGI URLs that cannot work, or would go elsewhere, are refused at configtest; what hardly works is
# warned of; both with the line and the cure. What can only be seen at run time is said there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

sub said { return Httpd->configtest(modules => ['rewrite', 'setenvif'], config => $_[0]) }

sub refused {
    my ($name, $config, @patterns) = @_;
    my ($code, $text) = said($config);
    isnt $code, 0, "$name: refused";
    like $text, $_, '... and says why' for @patterns;
    return $text;
}
sub warned {
    my ($name, $config, @patterns) = @_;
    my ($code, $text) = said($config);
    is $code, 0, "$name: accepted" or diag $text;
    like $text, $_, '... with a warning' for @patterns;
    return;
}
sub accepted {
    my ($name, $config) = @_;
    my ($code, $text) = said($config);
    is $code, 0, "$name: accepted" or diag $text;
    unlike $text, qr/FC0/, '... without a word';
    return;
}

# ---- Ports and passwords ----

for my $url ('fcgi://127.0.0.1:99999/', 'fcgi://127.0.0.1:-1/', 'fcgi://127.0.0.1:0/', 'fcgis://[::1]:65536/') {
    my $port = qr/line \d+ of .*: the URL's port is not a number from 1 to 65535/;
    refused("ProxyPass $url", "ProxyPass /a/ $url\n", qr/FC0300: ProxyPass on $port/);
    refused("SetHandler $url", "<Location /a/>\nSetHandler \"proxy:$url\"\n</Location>\n", qr/FC0300: SetHandler on $port/);
    refused("<Proxy $url>", "<Proxy \"$url\">\n</Proxy>\n", qr/FC0300: <Proxy on $port/);
    refused("RewriteRule $url", "RewriteEngine On\nRewriteRule ^/a/(.*) ${url}\$1 [P]\n", qr/FC0300: RewriteRule on $port/);
}
unlike refused('a password', "ProxyPass /a/ fcgi://me:s3cret\@127.0.0.1:9000/\n", qr/FC0300: .*password/), qr/s3cret/,
    '... which is not written to the log';
accepted('variables in a URL', "ProxyPassMatch ^/a/(\\d+)/(.*) fcgi://127.0.0.1:90\$1/\$2\n"
    . "RewriteEngine On\nRewriteRule ^/b/(.*) fcgi://%{ENV:where}/\$1 [P]\nRewriteRule ^/c/(\\d+) fcgi://127.0.0.1:\$1/ [P]\n");

# ---- Paths ----

refused('a path that climbs', "ProxyPass /a/ fcgi://127.0.0.1:9000/srv/a/../b/\n", qr/FC0301: .*contains "\.\."/, qr/Fix/);
accepted('names with dots', "ProxyPass /a/ fcgi://127.0.0.1:9000/srv/..a/b../\n");

# ---- Sockets ----

my $long = '/run/' . 'x' x 103;
refused('SetHandler with a long path', qq(<Location /a/>\nSetHandler "proxy:unix:$long|fcgi://php"\n</Location>\n),
    qr/FC0302: SetHandler on line \d+ .*is limited to 107 bytes; $long has 108/);
refused('RewriteRule with a long path', qq(RewriteEngine On\nRewriteRule ^/a "unix:$long|fcgi://php/" [P]\n),
    qr/FC0302: RewriteRule/);
refused('ProxyPass with a long path', qq(ProxyPass /a/ "unix:$long|fcgi://php/"\n), qr/too long|FC0302/);
refused('hcstatus with a long path', <<"EOC", qr/hcstatus=.*limited to 107 bytes/);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 "hcstatus=unix:$long|fcgi://php/status"
</Proxy>
EOC

my $clash = qr/FC0303: .*would be sent to \/run\/a\.sock: .*Fix: give each socket its own host after the '\|'/;
refused('two sockets of one name', <<'EOC', qr/ProxyPass on line/, $clash);
ProxyPass /a/ "unix:/run/a.sock|fcgi://php/"
ProxyPass /b/ "unix:/run/b.sock|fcgi://php/"
EOC
refused('two sockets, one name the beginning of the other', <<'EOC', $clash);
ProxyPass /a/ "unix:/run/a.sock|fcgi://php/srv/"
ProxyPass /b/ "unix:/run/b.sock|fcgi://php/srv/b/"
EOC
refused('two sockets, ProxyPassMatch', <<'EOC', $clash);
ProxyPassMatch "^/a/(.*)$" "unix:/run/a.sock|fcgi://php/srv/$1"
ProxyPassMatch "^/b/(.*)$" "unix:/run/b.sock|fcgi://php/srv/$1"
EOC
refused('two sockets, <Proxy> and SetHandler', <<'EOC', qr/SetHandler on line/, $clash);
<Proxy "unix:/run/a.sock|fcgi://localhost/" enablereuse=on>
</Proxy>
<FilesMatch "\.php$">
    SetHandler "proxy:unix:/run/b.sock|fcgi://localhost/"
</FilesMatch>
EOC
refused('a host that a socket has the name of', <<'EOC', $clash);
ProxyPass /a/ "unix:/run/a.sock|fcgi://127.0.0.1:9000/"
ProxyPass /b/ fcgi://127.0.0.1:9000/
EOC
my $host = sub { "<VirtualHost 127.0.0.1:\@port\@>\nServerName $_[0].test\nProxyPass /a/ \"unix:/run/$_[0].sock|fcgi://php/\"\n</VirtualHost>\n" };
refused('two sockets, main server and virtual host', qq(ProxyPass /m/ "unix:/run/a.sock|fcgi://php/"\n) . $host->('b'), $clash);
accepted('two sockets of one name in two virtual hosts', $host->('a') . $host->('b'));
accepted('one socket twice', <<'EOC');
ProxyPass /a/ "unix:/run/a.sock|fcgi://php/srv/a/"
ProxyPass /b/ "unix:/run/a.sock|fcgi://php/srv/b/"
EOC
accepted('the longer name first, as ProxyPass wants it', <<'EOC');
ProxyPass /b/ "unix:/run/b.sock|fcgi://php/srv/b/"
ProxyPass /a/ "unix:/run/a.sock|fcgi://php/srv/"
EOC
accepted("the manual's <Proxy> for SetHandler, with two sockets", <<'EOC');
<Proxy "fcgi://localhost/" enablereuse=on max=10>
</Proxy>
<Location /a/>
    SetHandler "proxy:unix:/run/a.sock|fcgi://localhost/"
</Location>
<Location /b/>
    SetHandler "proxy:unix:/run/b.sock|fcgi://localhost/"
</Location>
EOC

# ---- No slash at the end ----

warned('no slash behind the host', "ProxyPass /a/ fcgi://127.0.0.1:9000\n",
    qr{FC0304: ProxyPass on line \d+ .*/a/x goes to the host 127\.0\.0\.1:9000x\. Fix: fcgi://127\.0\.0\.1:9000/});
warned('... in a <Location>', "<Location \"/a/\">\nProxyPass fcgi://127.0.0.1:9000\n</Location>\n", qr/FC0304/);
warned('... behind a socket', "ProxyPass /a/ unix:/run/a.sock|fcgi://php\n", qr/FC0304/);
my $cluster = "<Proxy balancer://cluster>\n    BalancerMember fcgi://127.0.0.1:9001\n</Proxy>\n";
warned('no slash behind the balancer', "${cluster}ProxyPass / balancer://cluster\n",
    qr{FC0502: .* / ends with a slash .*/x goes to the balancer balancer://clusterx\. Fix: balancer://cluster/});
accepted('no slash on either side', "${cluster}ProxyPass /a fcgi://127.0.0.1:9000\nProxyPass /b balancer://cluster\n");
accepted('a slash on both', "${cluster}ProxyPass /a/ fcgi://127.0.0.1:9000/\nProxyPass /b/ balancer://cluster/\n");
accepted('no URL at all', "ProxyPass /a/ !\n<Location /b/>\nProxyPass !\n</Location>\n");

# ---- ProxyFCGISetEnvIf ----

my $prefix = qr/FC0305: ProxyFCGISetEnvIf on line \d+ .*never start with "proxy:".*Fix: remove/;
warned("a condition on stock's prefix", <<'EOC', $prefix);
ProxyFCGISetEnvIf "reqenv('SCRIPT_FILENAME') =~ m#^proxy:fcgi://localhost:9000(/.*)$#" SCRIPT_FILENAME "$1"
EOC
warned('... in a section', <<'EOC', $prefix);
<Location /a/>
    ProxyFCGISetEnvIf "reqenv('PATH_TRANSLATED') =~ m|^proxy:balancer://x(/.*)|" PATH_TRANSLATED "$1"
</Location>
EOC
accepted('other conditions', <<'EOC');
ProxyFCGISetEnvIf "reqenv('PATH_TRANSLATED') =~ m#(/.*prefix)(\d+)(.*)#" PATH_TRANSLATED "$1$3"
ProxyFCGISetEnvIf true SCRIPT_FILENAME "/srv%{reqenv:SCRIPT_NAME}"
EOC

# ---- Units that mod_proxy ignores ----

# httpd 2.5 knows them for timeout and retry
my $reads = sub { qr/FC0356: \Q$_[0]\E on line \d+ of .*: mod_proxy reads \Q$_[1]\E as $_[2] seconds\. Fix: write a number/ };
warned('ttl of a worker', "ProxyPass /a/ fcgi://127.0.0.1:9000/ ttl=1m\n", $reads->('ProxyPass', 'ttl=1m', 1));
warned('ttl of a member', "<Proxy balancer://cluster>\n    BalancerMember fcgi://127.0.0.1:9001 ttl=2h route=a\n</Proxy>\n",
    $reads->('BalancerMember', 'ttl=2h', 2));
warned('ProxySet', "<Proxy fcgi://127.0.0.1:9000>\n    ProxySet ttl=5min\n</Proxy>\n", $reads->('ProxySet', 'ttl=5min', 5));
warned('<Proxy>', "<Proxy fcgi://127.0.0.1:9000 ttl=5min>\n</Proxy>\n", $reads->('<Proxy', 'ttl=5min', 5));
warned('ProxyTimeout', "ProxyTimeout 500ms\n", $reads->('ProxyTimeout', '500ms', 500));
if (!Httpd::is_at_least('2.5')) {
    warned($_, "ProxyPass /a/ fcgi://127.0.0.1:9000/ $_\n", $reads->('ProxyPass', $_, 3)) for 'timeout=3ms', 'retry=3m';
}
accepted('whole seconds, and parameters with units', "ProxyTimeout 30s\nProxyPass /a/?timeout=5m fcgi://127.0.0.1:9000/ "
    . "timeout=30 retry=5s ttl=60 connectiontimeout=500ms acquire=2s firstbyte=1m\n");

# ---- iobuffersize ----

my $size = qr/FC0306: fcgi:.*iobuffersize=99999999999 .*more than 16 MB/;
refused('a plain worker', "ProxyPass /a/ fcgi://127.0.0.1:9000/ iobuffersize=99999999999\n", $size);
refused('a member', <<'EOC', $size);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 iobuffersize=99999999999
</Proxy>
EOC
accepted('16 MB', "ProxyPass /a/ fcgi://127.0.0.1:9000/ iobuffersize=16777216\n");

# ---- At run time ----

my $unix = Backend->echo(listen => 'unix');
my $tcp = Backend->echo;
my $httpd = Httpd->start(modules => ['rewrite'], files => {
    'unix/x.php' => '', 'tcp/x.php' => '', 'long/x.php' => '', 'long/.htaccess' => "SetHandler \"proxy:unix:$long|fcgi://php\"\n" },
    config => <<"EOC");
LogFormat "%{fcgi-member}n" member
CustomLog \@root\@/member.log member
<Directory "\@docroot\@/unix">
    SetHandler "proxy:@{[ $unix->url ]}"
</Directory>
<Directory "\@docroot\@/tcp">
    SetHandler "proxy:@{[ $tcp->url ]}"
</Directory>
RewriteEngine On
RewriteRule "^/rewritten/(.*)\$" "@{[ $tcp->url ]}/srv/\$1" [P]
RewriteRule "^/glued/(.*)\$" "fcgi://a..b\$1" [P]
EOC
is $httpd->get("/$_/x.php")->{status}, 200, "/$_/x.php" for 'unix', 'tcp', 'rewritten';
is $httpd->get('/long/x.php')->{status}, 503, 'a long path in .htaccess';
is $httpd->get('/glued/x.php')->{status}, 503, 'a host that nobody finds';
$httpd->expect_log(qr/FC0251: .*member unix:$long\|fcgi:\/\/php: connect_failed .*is limited to 107 bytes/, times => 1);
$httpd->expect_log(qr/FC0251: .*member fcgi:\/\/a\.\.bx\.php: connect_failed .*cannot resolve its host name; does the URL .* end with a slash/,
    times => 1);
$httpd->stop;
open my $in, '<', $httpd->root . '/member.log' or die $!;
chomp(my @members = <$in>);
is_deeply [sort @members], [sort $unix->url, ($tcp->url) x 2, "unix:$long|fcgi://php", 'fcgi://a..bx.php'],
    'fcgi-member names the socket or the address of each';    # with prefork, in any order

done_testing;
