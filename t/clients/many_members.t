# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-10: a page of 50 balancers with 100 members each stays usable in a browser.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use Httpd;

my $config = '';
for my $b (1 .. 50) {
    $config .= "<Proxy balancer://site-$b>\n" . join('', map {
        my $state = $_ == 50 ? ' status=+D' : '';
        "BalancerMember fcgi://10.0.$b.$_:9000 route=r$_$state\n"
    } 1 .. 100) . "</Proxy>\nProxyPass /$b/ balancer://site-$b/\n";
}
my $httpd = Httpd->start(config => $config);
Browser::run('many_members.js', url => 'http://127.0.0.1:' . $httpd->port . '/balancer-manager');
$httpd->stop;
done_testing;
