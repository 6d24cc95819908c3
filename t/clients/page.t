# Licensed under the Apache License, Version 2.0; see LICENSE.
# The manager's page in a real browser, before real PHP-FPM under load: what it shows is alive, and
# what an operator does there with mouse, keyboard or without JavaScript harms no request.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Browser;
use Fpm;
use Httpd;
use Load;

my $script = '<?php usleep(1000 * mt_rand(10, 60)); echo "fine";';
my @fpm = map { Fpm->start(children => 4, listen => 'tcp', files => { 'a.php' => $script }) }
    1 .. 3;
my $mute = Backend->refusing;
my $docroot = $fpm[0]->docroot;
my $check = 'hcmethod=FCGI hcuri=/fpm-ping hcinterval=500ms hcstatus=/fpm-status';

my $httpd = Httpd->start(threads => 32, config => <<"EOC");
<Proxy balancer://shop>
    BalancerMember @{[ $fpm[0]->url ]} route=a $check maxinflight=8 queue=50 queuetimeout=5s
    BalancerMember @{[ $fpm[1]->url ]} route=b $check loadfactor=2 slowstart=5m
    BalancerMember @{[ $fpm[2]->url ]} "route=<script>'&quot;\xc3\xa9" $check
    BalancerMember @{[ $mute->url ]} route=gone retry=600 maxfails=1
    ProxySet growth=2 stickysession=SID
</Proxy>
ProxyPass /shop/ balancer://shop$docroot/
<Proxy balancer://reports>
    BalancerMember @{[ $fpm[0]->url ]} status=+N
    BalancerMember @{[ $fpm[1]->url ]}
</Proxy>
ProxyPass /reports/ balancer://reports$docroot/
EOC
$httpd->expect_log(qr/connect_refused|FC0601|AH/);

my $load = Load->start(port => $httpd->port, clients => 4, path => '/shop/a.php');
ok $load->wait_until_running, 'load runs';
my $reports = Load->start(port => $httpd->port, clients => 1, path => '/reports/a.php');
ok $reports->wait_until_running, '... on both balancers';

Browser::run('page.js', url => 'http://127.0.0.1:' . $httpd->port . '/balancer-manager',
    first => $fpm[0]->url, second => $fpm[1]->url);

for my $result ($load->stop, $reports->stop) {
    is $result->{failed}, 0, 'no request of the load failed';
    is_deeply [keys %{ $result->{status} }], [200], '... all of them were served';
    cmp_ok $result->{requests}, '>', 50, '... and there were many';
}
$httpd->stop;
$_->stop for @fpm;
done_testing;
