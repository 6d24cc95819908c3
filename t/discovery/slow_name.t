# Licensed under the Apache License, Version 2.0; see LICENSE.
# A name whose name server is silent delays no other name: the members of those follow DNS as ever.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Discovery;
use Httpd;
use ScriptedDns;

plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $dns   = ScriptedDns->start(addresses => ['127.0.0.2'], says => ScriptedDns::AS_NAMED);
my $httpd = Httpd->start(config => "BalancerResolver @{[ $dns->address ]} timeout=30s retries=0\n"
    . Discovery::balancer(slow => Discovery::line('silence', 9000))
    . Discovery::balancer(fast => Discovery::line('good', 9000)));

Discovery::settles($httpd, ['127.0.0.2'], 'a name that is answered has its member', 'fast');
ok Discovery::goes_on($httpd, 10, 'fast'), '... and is asked again and again';
$dns->say('good', addresses => ['127.0.0.3']);
Discovery::settles($httpd, ['127.0.0.3'], '... its members follow', 'fast');
is Discovery::source($httpd, 'slow')->{queries}, 0, 'all the while, the other name waits for its first answer';
is Discovery::source($httpd, 'slow')->{state}, 'waiting', '... as it says';
$httpd->stop;

done_testing;
