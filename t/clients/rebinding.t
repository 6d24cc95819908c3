# Licensed under the Apache License, Version 2.0; see LICENSE.
# A page of evil.test, whose name now leads to this machine (DNS rebinding), in a real browser: for it
# the manager is a part of its own site. It gets no token, and changes nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
</Proxy>
<Location /friends>
SetHandler balancer-manager
BalancerManagerHost friend.test
BalancerManagerRequire edit local
</Location>
EOC
$httpd->expect_log(qr/FC0653: manager: refused: the Host header names "evil\.test"/);
$httpd->expect_log(qr/FC0601: balancer:\/\/app .*weight "1\.00" -> "3\.00"/, times => 1);
Browser::run('rebinding.js', port => $httpd->port);
is_deeply [map { $_->{weight} } @{ $httpd->balancer('app')->{members} }], [3, 1], 'only a friend has changed something';
$httpd->stop;
done_testing;
