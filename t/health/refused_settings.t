# Licensed under the Apache License, Version 2.0; see LICENSE.
# Settings of checks that cannot work are refused at configtest, with the member and the cure named;
# those that can pass, with mod_proxy_hcheck and without it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

sub config {
    my ($parameters, %o) = @_;
    my $url = $o{url} // 'fcgi://127.0.0.1:9001';
    return ($o{before} // '') . "<Proxy balancer://cluster>\n    BalancerMember $url $parameters\n"
        . ($o{inside} // '') . "</Proxy>\nProxyPass /app/ balancer://cluster/\n" . ($o{after} // '');
}

my @hcheck = (modules => [qw(watchdog proxy_hcheck)]);

sub refused {
    my ($name, $config, $pattern, %o) = @_;
    my ($code, $text) = Httpd->configtest(config => $config, %o);
    isnt $code, 0, "$name: refused";
    like $text, $pattern, '... and says so';
    unlike $text, qr/AH00111|core dump|Segmentation/i, '... nothing else is wrong';
    return;
}

sub accepted {
    my ($name, $config, %o) = @_;
    my ($code, $text) = Httpd->configtest(config => $config, %o);
    is $code, 0, "$name: accepted" or diag $text;
    return;
}

# ---- Refused ----

my $fcgi = 'hcmethod=FCGI hcuri=/ping';
refused($_->[0], config($_->[0]), $_->[1]) for (
    ['hcmethod=CPING',                  qr/9001: hcmethod=CPING is not a FastCGI check; use FCGI/],
    ['hcmethod=GET11 hcuri=/ping',      qr/hcmethod=GET11 .*use FCGI/],
    ['hcmethod=FCGI',                   qr/member fcgi:.*9001: .*hcuri=\/path/],
    ['hcmethod=FCGI hcuri=ping',        qr/hcuri=ping does not start with a slash/],
    ["$fcgi hcinterval=10ms",           qr/hcinterval=10ms is not a duration from 100ms to 24h/],
    ["$fcgi hcinterval=soon",           qr/hcinterval=soon is not a duration/],
    ["$fcgi hctimeout=0",               qr/hctimeout=0 is not a duration from 100ms to 24h/],
    ["$fcgi hcinterval=25h",            qr/hcinterval=25h is not a duration from 100ms to 24h/],
    ["$fcgi hcfails=-1",                qr/hcfails=-1 is not a whole number from 1 to 1000/],
    ["$fcgi hcfails=0",                 qr/hcfails=0 is not a whole number from 1 to 1000/],
    ["$fcgi hcpasses=0",                qr/hcpasses=0 is not a whole number from 1 to 1000/],
    ["$fcgi hcpasses=many",             qr/hcpasses=many is not a whole number/],
    ["$fcgi hcexpr=nosuch",             qr/member fcgi:.*hcexpr=nosuch: no such ProxyHCExpr/],
    ['hctemplate=nosuch',               qr/hctemplate=nosuch: no such ProxyHCTemplate/],
    ["$fcgi hcnosuch=1",                qr/unknown parameter hcnosuch=1; use hcmethod/],
    ["$fcgi hcstatus=status",           qr/hcstatus=status: use \/path/],
    ["$fcgi hcstatus=fcgi://host/x",    qr/hcstatus=fcgi:\/\/host\/x: use/],
    ["$fcgi hcstatus=http://h:80/x",    qr/hcstatus=http:.*: use/],
    ["$fcgi hcstatus=fcgi://h:99999/x", qr/hcstatus=fcgi:.*: use/],
);
refused('hcexpr without an answer',
    config('hcmethod=TCP hcexpr=e', before => "ProxyHCExpr e {%{REQUEST_STATUS} == 200}\n"),
    qr/hcexpr needs a response/);
refused('an expression that cannot be parsed', config('', before => "ProxyHCExpr e {%{nosuch -}\n"),
    qr/ProxyHCExpr/);
refused('a template without values', config('', before => "ProxyHCTemplate t hcmethod\n"),
    qr/ProxyHCTemplate t: 'hcmethod' is not key=value/);
refused('a template that is for others', config('hctemplate=t',
    before => "ProxyHCTemplate t hcmethod=CPING\n"), qr/member fcgi:.*hcmethod=CPING is not a FastCGI check/);
refused('a bad default', config($fcgi, inside => "BalancerMemberDefaults hcfails=x\n"),
    qr/BalancerMemberDefaults: .*hcfails=x/);
refused('a plain worker', "ProxyPass /a/ fcgi://127.0.0.1:9001/ $fcgi\n",
    qr/only members of a balancer are checked\. Fix: add a <Proxy balancer:/);
refused('an http member without mod_proxy_hcheck',
    config('hcmethod=GET', url => 'http://127.0.0.1:80'), qr/a2enmod proxy_hcheck/,
    modules => ['proxy_http']);
refused('without mod_proxy_fastcgi', config($fcgi), qr/a2enmod proxy_fastcgi/,
    without => ['proxy_fastcgi']);

# ---- Accepted ----

my $all = config("$fcgi hcinterval=10 hctimeout=500ms hcpasses=2 hcfails=3 hcexpr=e hcstatus=/s",
                 after => "ProxyHCExpr e {hc('body') =~ /pong/ && %{HC_BODY} =~ /pong/}\n");
accepted('all parameters, the expression behind', $all);
accepted('all parameters, beside mod_proxy_hcheck', $all, @hcheck);
accepted('units of stock', config("$fcgi hcinterval=1min"));
accepted('hcmethod=NONE', config('hcmethod=NONE'));
accepted('a status page alone', config('hcstatus=fcgi://127.0.0.1:9100/status'));
accepted('a status page on a unix socket',
    config('"hcstatus=unix:/run/status.sock|fcgi://any/status"'));
accepted('fcgis', config($fcgi, url => 'fcgis://127.0.0.1:9443'), modules => ['ssl']);
accepted('defaults for all', config('', inside => "BalancerMemberDefaults $fcgi hcfails=3\n"));
accepted('a template', config('hctemplate=t hcfails=5',
    before => "ProxyHCTemplate t hcmethod=GET hcuri=/ping hcfails=3\n"), @hcheck);
accepted("mod_proxy_hcheck's members beside ours",
    config($fcgi, inside => "BalancerMember http://127.0.0.1:80 hcmethod=OPTIONS hctemplate=t\n",
           before => "ProxyHCTemplate t hcinterval=5\n"),
    modules => [qw(watchdog proxy_hcheck proxy_http)]);
accepted('expressions in a virtual host and in the main server', <<'EOC');
ProxyHCExpr e {%{REQUEST_STATUS} == 200}
<VirtualHost *:81>
ProxyHCExpr f {%{REQUEST_STATUS} == 204}
<Proxy balancer://a>
    BalancerMember fcgi://127.0.0.1:9001 hcmethod=FCGI hcuri=/ping hcexpr=e
    BalancerMember fcgi://127.0.0.1:9002 hcmethod=FCGI hcuri=/ping hcexpr=f
</Proxy>
</VirtualHost>
EOC
accepted('without mod_proxy_fastcgi, TCP checks of mod_proxy_hcheck',
    config('hcmethod=TCP'), @hcheck, without => ['proxy_fastcgi']);

done_testing;
