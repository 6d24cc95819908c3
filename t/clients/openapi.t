# Licensed under the Apache License, Version 2.0; see LICENSE.
# The description of the JSON interface is valid for validators, clean for Redoc's linter, and a generator
# makes types of it that know what a client may say. t/manager/openapi.t holds the interface against it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
</Proxy>
ProxyPass /app/ balancer://app/
EOC
Browser::run('openapi.js', url => 'http://127.0.0.1:' . $httpd->port . '/balancer-manager');
$httpd->stop;
done_testing;
