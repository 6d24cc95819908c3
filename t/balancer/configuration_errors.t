# Licensed under the Apache License, Version 2.0; see LICENSE.
# A configuration that cannot work is refused at configtest, with the directive and the cure named.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

sub refused {
    my ($name, $options, @patterns) = @_;
    my ($code, $text) = Httpd->configtest(%$options);
    isnt $code, 0, "$name: refused";
    like $text, $_, "$name: says so" for @patterns;
    unlike $text, qr/AH00111|core dump|Segmentation/i, "$name: nothing else is wrong";
    return;
}

my $good = <<'EOC';
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    BalancerMember fcgi://127.0.0.1:9002 loadfactor=2
    ProxySet lbmethod=byrequests
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
my ($code, $text) = Httpd->configtest(config => $good);
is $code, 0, 'a good configuration passes' or diag $text;

# A name that is misspelt where requests are sent to it: mod_proxy makes a balancer of that name.
sub warnings { return [ (Httpd->configtest(config => $_[0]))[1] =~ /(FC058[678]: .*)/g ] }

my $cluster = $good =~ s/^ProxyPass.*\n//mr;
my $empty = qr/^FC0586: balancer:\/\/clutser has no members, .*503\. Fix: correct the name /;
for my $line ('ProxyPass /a/ balancer://clutser/', 'ProxyPassMatch ^/(.*\.php)$ balancer://clutser/srv/$1') {
    my $said = warnings("$cluster$line\n");
    is @$said, 1, "$line: one warning";
    like $said->[0], $empty, '... with the cure';
}
my $host = sub { "<VirtualHost 127.0.0.1:\@port\@>\nServerName $_[0].test\n$_[1]</VirtualHost>\n" };
is @{ warnings("ProxyPass /a/ balancer://clutser/\n" . $host->('a', '') . $host->('b', '')) }, 1,
    '... also if virtual hosts inherit it';
my $handler = sub { "<FilesMatch \"\\.php\$\">\n    SetHandler \"proxy:balancer://$_[0]\"\n</FilesMatch>\n" };
like warnings($cluster . $handler->('clutser'))->[0], qr/^FC0587: SetHandler on line \d+ of .*: there is no balancer:\/\/clutser, .*Fix:/,
    'SetHandler: a warning with the cure';
like warnings($good =~ s/fcgi:\/\/127.0.0.1:9002/fgci:\/\/127.0.0.1:9002/r)->[0],
    qr/^FC0588: BalancerMember on line \d+ of .*serves the scheme of fgci:\/\/127\.0\.0\.1:9002, /, 'an unknown scheme: a warning';
is_deeply warnings($_), [], 'no warning: ' . s/\n.*//sr for $cluster . $handler->('Cluster') . $handler->('cluster/'),
    $handler->('cluster') . $host->('a', $cluster), $good . $host->('a', "ProxyPass /a/ balancer://cluster/\n"), $good . $host->('a', $handler->('cluster')), $handler->('%{ENV:name}'),
    "<Proxy balancer://later>\n    ProxySet growth=2\n</Proxy>\n",
    map { "<Proxy balancer://cluster>\n    BalancerMember $_://127.0.0.1:1\n</Proxy>\n" } qw(fcgis http https h2 ws ajp scgi uwsgi);

refused('an unknown key of a member', { config => <<'EOC' }, qr/BalancerMember/, qr/nosuchkey|unknown/i);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 nosuchkey=1
</Proxy>
EOC
refused('an unknown key of a balancer', { config => <<'EOC' }, qr/ProxySet/, qr/nosuchkey|unknown/i);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    ProxySet nosuchkey=1
</Proxy>
EOC
refused('a bad value', { config => <<'EOC' }, qr/BalancerMember/, qr/LoadFactor/i);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 loadfactor=1000
</Proxy>
EOC
refused('mod_slotmem_shm is missing', { config => $good, without => ['slotmem_shm'] },
    qr/slotmem_shm/, qr/a2enmod slotmem_shm|LoadModule/);
refused('mod_proxy_balancer is loaded too', { config => $good, modules => ['proxy_balancer'] },
    qr/mod_proxy_balancer/, qr/a2dismod --force proxy_balancer/);
refused('mod_lbmethod_byrequests is loaded too',
    { config => $good, modules => ['lbmethod_byrequests'] },
    qr/mod_lbmethod_byrequests/, qr/a2dismod --force proxy_balancer/);
refused('both are loaded too',
    { config => $good, modules => ['proxy_balancer', 'lbmethod_byrequests'] },
    qr/a2dismod --force proxy_balancer/);
refused('they are loaded after ours', { config => join('', map { Httpd::load_module($_) }
    'proxy_balancer', 'lbmethod_byrequests') . $good }, qr/mod_proxy_balancer/, qr/mod_lbmethod_byrequests/);

my $long = 'n' x 400;
refused('a name that is too long', { config => <<"EOC" }, qr/too long/i);
<Proxy balancer://cluster>
    BalancerMember "unix:/run/short.sock|fcgi://$long"
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
refused('two members of one name', { config => <<'EOC' }, qr/BalancerMember/, qr/9001/);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    BalancerMember fcgi://127.0.0.1:9001 loadfactor=2
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
refused('an unknown lbmethod', { config => <<'EOC' }, qr/lbmethod/i, qr/bynosuch/);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    ProxySet lbmethod=bynosuch
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
refused('an lbmethod whose module is not loaded', { config => <<'EOC' }, qr/lbmethod/i, qr/bybusyness/);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    ProxySet lbmethod=bybusyness
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

refused('a limit for a plain worker', { config => <<'EOC' }, qr/maxinflight/, qr/Proxy balancer:/);
ProxyPass /app/ fcgi://127.0.0.1:9001/ maxinflight=4
EOC
refused("a bad value for one of our keys: $_", { config => <<"EOC" }, qr/BalancerMember/, qr/\Q$_\E/)
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 $_
</Proxy>
EOC
    for 'maxinflight=-1', 'maxfails=0', 'maxfails=17', 'failwindow=soon', 'failwindow=0', 'failwindow=25h',
        'queuetimeout=1y', 'queuetimeout=25h', 'stickywait=1441m', 'slowstart=25h', 'queue=many',
        'total=25h', 'idletimeout=9223372036854s';
refused("a member $_", { config => <<"EOC" }, qr/BalancerMember on line \d+.*(?:port is no|password|a balancer)/)
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    BalancerMember "$_" loadfactor=2
</Proxy>
EOC
    for 'fcgi://127.0.0.1:99999', 'fcgi://127.0.0.1:-1', 'http://127.0.0.1:0', 'unix:/run/x.sock|fcgi://x:65536',
        'balancer://other', 'unix:/run/x.sock|balancer://other', 'http://user:pass@127.0.0.1:80/';
{
    my (undef, $said) = Httpd->configtest(config => <<'EOC');
<Proxy balancer://cluster>
    BalancerMember http://user:s3cret@127.0.0.1:80/
</Proxy>
EOC
    unlike $said, qr/s3cret/, 'a password is not written to the log';
}
refused('defaults outside of a balancer', { config => <<'EOC' }, qr/BalancerMemberDefaults/, qr/<Proxy/);
<Proxy fcgi://127.0.0.1:9001>
    BalancerMemberDefaults maxinflight=4
</Proxy>
EOC
refused("a parameter of mod_proxy as a default: $_", { config => <<"EOC" }, qr/FC0435: .*\Q$_\E is a parameter of mod_proxy.*BalancerMember lines/)
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001
    BalancerMemberDefaults $_
</Proxy>
EOC
    for 'timeout=30', 'Retry=5';
refused("a bad default: $_", { config => <<"EOC" }, qr/BalancerMemberDefaults/, qr/\Q$_\E/)
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 maxinflight=2
    BalancerMemberDefaults $_
</Proxy>
EOC
    for 'maxfails=0', 'nosuchkey=1', 'queue', 'keepidle=x';
{
    my ($rc, $said) = Httpd->configtest(config => <<'EOC');
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 maxinflight=2 keepidle=1
    BalancerMemberDefaults maxinflight=4 queue=100 queuetimeout=500ms keepidle=2
    BalancerMember fcgi://127.0.0.1:9002
</Proxy>
EOC
    is $rc, 0, 'defaults before and after the members they are for' or diag $said;
}

# ---- BalancerOverflow ----

refused('BalancerOverflow for a plain worker', { config => <<'EOC' }, qr/BalancerOverflow/, qr/<Proxy "balancer:/);
<Proxy "fcgi://127.0.0.1:9000/">
    BalancerOverflow Off
</Proxy>
EOC
refused('overflow as a word of ProxySet', { config => <<"EOC" }, qr/overflow/);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9000
    ProxySet overflow=Off
</Proxy>
EOC

# ---- BalancerStickyCookie ----

my $keys = Httpd::temporary_dir('keys');
sub key_file { my ($name, $bytes) = @_; return Httpd::write_file("$keys/$name", 'k' x $bytes) }
for my $mode (0600, 0640, 0644, 0602) {
    my $file = key_file('mode', 32);
    chmod $mode, $file;
    my ($rc, $said) = Httpd->configtest(config => with_cookie("RT keyfile=$file"));
    is $rc, 0, sprintf 'a key file of mode %o', $mode;
    ($mode & 6 ? \&like : \&unlike)->($said, qr/FC0501: BalancerStickyCookie: .*\Q$file\E\. Fix: chmod 600/,
        '... with or without a warning');
}
sub with_cookie {
    my ($words) = @_;
    return "<Proxy balancer://cluster>\n    BalancerMember fcgi://127.0.0.1:9001\n"
        . "    BalancerStickyCookie $words\n</Proxy>\nProxyPass /app/ balancer://cluster/\n";
}
refused("BalancerStickyCookie $_->[0]", { config => with_cookie($_->[0]) },
    qr/BalancerStickyCookie/, $_->[1])
    for ['', qr/name of the cookie/],
        ['RT=x', qr/name has a character/],
        ['RT nosuch', qr/nosuch: use secure/],
        ['RT secure=1', qr/secure=1: use/],
        ['RT samesite=None', qr/add secure/],
        ['RT samesite=some secure', qr/Lax, Strict or None/],
        ['__Host-RT', qr/__Host-/],
        ['RT path=app', qr/path must start with/],
        ['RT "path=/; Secure"', qr/path has a character/],
        ['RT domain=', qr/domain/],
        ['RT maxage=0', qr/maxage=0: .*duration/],
        ['RT maxage=1y', qr/maxage=1y: .*duration/],
        ["RT keyfile=$keys/nosuch", qr/nosuch cannot be opened/],
        ["RT keyfile=$keys", qr/cannot be read/],
        ['RT keyfile=' . key_file('short', 15), qr/must have 16 to 4096 bytes.*openssl rand/],
        ['RT keyfile=' . key_file('empty', 0), qr/must have 16 to 4096 bytes/],
        ['RT keyfile=' . key_file('long', 4097), qr/must have 16 to 4096 bytes/];
refused('BalancerStickyCookie outside of a balancer',
    { config => "$good\nBalancerStickyCookie RT\n" },
    qr/BalancerStickyCookie not allowed here/);
refused('BalancerStickyCookie for a plain worker', { config => <<'EOC' }, qr/BalancerStickyCookie/,
<Proxy fcgi://127.0.0.1:9001>
    BalancerStickyCookie RT
</Proxy>
EOC
    qr/<Proxy "balancer:/);
for my $words ('RT', 'RT secure samesite=None', '__Host-RT secure', 'RT domain=a.test maxage=12h',
               'RT keyfile=' . key_file('least', 16), 'RT keyfile=' . key_file('most', 4096)) {
    my ($rc, $said) = Httpd->configtest(config => with_cookie($words));
    is $rc, 0, "BalancerStickyCookie $words" or diag $said;
}

# What stock accepts stays accepted.
($code, $text) = Httpd->configtest(config => <<'EOC', modules => ['lbmethod_bybusyness', 'proxy_hcheck', 'watchdog', 'proxy_fcgi']);
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:9001 hcmethod=TCP hcinterval=30
    BalancerMember fcgi://127.0.0.1:9002
    ProxySet lbmethod=bybusyness
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
is $code, 0, 'another lbmethod, mod_proxy_hcheck and mod_proxy_fcgi beside ours' or diag $text;
($code, $text) = Httpd->configtest(config => $good, without => ['proxy_fastcgi']);
is $code, 0, 'the balancer without the FastCGI handler' or diag $text;
($code, $text) = Httpd->configtest(config => "ProxyPass /app/ fcgi://127.0.0.1:9001/\n",
    without => ['balancer_byrequests', 'balancer_manager', 'slotmem_shm'], manager => 0);
is $code, 0, 'the FastCGI handler without the balancer' or diag $text;

done_testing;
