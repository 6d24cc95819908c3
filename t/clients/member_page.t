# Licensed under the Apache License, Version 2.0; see LICENSE.
# The page of a member in a real browser, under load: at three widths, light and dark, for somebody who edits and
# for somebody who only looks, live and without JavaScript.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Browser;
use Deadline;
use Fpm;
use Httpd;
use Load;
use ManagerApi;

my @fpm = map { Fpm->start(children => 4, listen => 'tcp', files => { 'a.php' => '<?php usleep(1000 * mt_rand(5, 40)); echo "fine";' }) } 1 .. 2;
my $mute = Backend->refusing;
my $docroot = $fpm[0]->docroot;
my $check = 'hcmethod=GET hcuri=/fpm-ping hcinterval=500ms hcstatus=/fpm-status hcfails=2';
my $httpd = Httpd->start(threads => 16, config => <<"EOC");
<Proxy balancer://shop>
    BalancerMember @{[ $fpm[0]->url ]} route=a $check maxinflight=8 queue=50 queuetimeout=5s enablereuse=on keepidle=2
    BalancerMember @{[ $fpm[1]->url ]} route=b $check loadfactor=2 slowstart=5m maxfails=5 failwindow=20s
    BalancerMember @{[ $mute->url ]} route=<script>gone retry=600 maxfails=1
</Proxy>
ProxyPass /shop/ balancer://shop$docroot/
<Location /watch>
    SetHandler balancer-status
</Location>
EOC
$httpd->expect_log(qr/connect_refused|FC0601|AH/);
my $api = ManagerApi->new($httpd);
my $one = ManagerApi::member_path('shop', $fpm[0]->url);
$api->patch($one, { weight => 3, limit => 6 });
$api->patch($one, { state => $_ }) for qw(drain ready disable ready);
my $load = Load->start(port => $httpd->port, clients => 4, path => '/shop/a.php');
ok $load->wait_until_running, 'load runs';
ok wait_until(20, sub { $httpd->member($mute->url)->{state} eq 'error' }), 'one is in error';

my $base = 'http://127.0.0.1:' . $httpd->port;
Browser::run('member_page.js', url => "$base/balancer-manager", viewer => "$base/watch", first => $fpm[0]->url, gone => $mute->url);

is $load->stop->{failed}, 0, 'no request of the load failed';
$httpd->stop;
$_->stop for @fpm;
done_testing;
