# Licensed under the Apache License, Version 2.0; see LICENSE.
# ProxySet queueorder=, queuetarget= and queuereserve=, and BalancerPatienceHeader: where they may stand,
# what is refused, and what is warned of.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Configtest;
use Httpd;

my $backend = Backend->saying('served');
my $member = "BalancerMember @{[ $backend->url ]} maxinflight=1 queue=10 queuetimeout=5s";

sub section { my (@lines) = @_; return join("\n", '<Proxy "balancer://q">', $member, @lines, '</Proxy>') . "\n" }

refused('another order', section('ProxySet queueorder=random'), qr/balancer:\/\/q: queueorder=random is not fifo, lifo or adaptive/);
refused('no order', section('ProxySet queueorder='), qr/queueorder= is not fifo, lifo or adaptive/);
refused('a target of 0', section('ProxySet queuetarget=0'), qr/queuetarget=0 is not a duration from 1ms to 24h; use a number of seconds/);
refused('a target that is none', section('ProxySet queuetarget=soon'), qr/queuetarget=soon is not a duration/);
refused('a reserve below 0', section('ProxySet queuereserve=-1'), qr/queuereserve=-1 is not a whole number from 0 to/);
refused("what is not ours is mod_proxy's", section('ProxySet queueorder=lifo queuelength=5'), qr/unknown Balancer parameter/i);
refused("a worker's ProxySet", "<Proxy \"@{[ $backend->url ]}\">\nProxySet queueorder=lifo\n</Proxy>\n", qr/queueorder/);
refused('a directive in the wrong place', "BalancerPatienceHeader X-Wait\n", qr/BalancerPatienceHeader/);
refused('a header without a name', section('BalancerPatienceHeader'), qr/BalancerPatienceHeader takes one argument/);

warned('a reserve of all places', section('ProxySet queuereserve=10'), qr/FC0521: balancer:\/\/q: queuereserve=10 reserves the whole queue \(10 places\).*Fix:/);
warned('a target that is never exceeded', section('ProxySet queuetarget=5s'), qr/FC0522: balancer:\/\/q: queuetarget=5000ms can never be exceeded.*Fix:/);

taken('all of them among others', section('ProxySet lbmethod=byrequests queueorder=adaptive "queuetarget=1s" queuereserve=2 nofailover=On',
    'BalancerPatienceHeader X-Request-Deadline'));

# In a line of its own outside of the section, for the balancer of a virtual host too.
my $httpd = Httpd->start(config => section() . <<'EOC');
ProxySet balancer://q maxattempts=1 queueorder=lifo
<VirtualHost *:@port@>
    <Proxy "balancer://own">
        BalancerMember fcgi://127.0.0.1:9 maxinflight=1 queue=3 queuetimeout=8s
        ProxySet queuereserve=1 timeout=1
        ProxySet queueorder=fifo
    </Proxy>
    ProxyPass /own/ balancer://own/
    ProxyPass /q/   balancer://q/
    <Location /balancer-manager>
        SetHandler balancer-manager
        Require local
    </Location>
    ProxyPass /balancer-manager !
</VirtualHost>
EOC
is $httpd->get('/q/x')->{body}, 'served', 'a balancer set from outside serves';
is $httpd->balancer('q')->{queue}{order}, 'lifo', '... in the order that was set';
is $httpd->balancer('q')->{max_attempts}, 1, '... and mod_proxy had its own words';
my $own = $httpd->balancer('own');
is_deeply [@{ $own->{queue} }{qw(order reserve target_us)}, $own->{timeout_us}], ['fifo', 1, 2000000, 1000000],
    "a virtual host's balancer in several lines";
$httpd->stop;

done_testing;
