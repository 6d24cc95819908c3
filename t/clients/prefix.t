# Licensed under the Apache License, Version 2.0; see LICENSE.
# The manager's page in a real browser behind a proxy that shows it by another path: all of it works,
# with and without JavaScript, and loading it again repeats nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1 route=one
BalancerMember http://127.0.0.1:2 route=two
</Proxy>
<Proxy balancer://other>
BalancerMember http://127.0.0.1:3
</Proxy>
<Location /balancer-manager>
Require ip 127.0.0.1
BalancerManagerRequire edit ip 127.0.0.1
</Location>
EOC
$httpd->expect_log(qr/FC0601/);
my $front = Httpd->start(ours => 0, modules => ['proxy_http'], config =>
    'ProxyPass /ops/lb http://127.0.0.1:' . $httpd->port . "/balancer-manager\n");

Browser::run('prefix.js', url => 'http://127.0.0.1:' . $front->port . '/ops/lb', direct => 'http://127.0.0.1:' . $httpd->port
    . '/balancer-manager');
is_deeply [map { $_->{weight} } @{ $httpd->balancer('app')->{members} }], [5, 6], 'what was done there has happened';
my @changes = $httpd->log_lines(qr/FC0601.*draining "off" -> "on"/);
is scalar @changes, 4, '... once';
$_->stop for $front, $httpd;
done_testing;
