# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-20: kept connections that are idle occupy at most keepidle= children of PHP-FPM, over all
# processes of httpd together, so that others can still reach it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fpm;
use Httpd;
use Load;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

use constant PING_SECONDS => 0.5;    # a tenth of a second, and room

for my $case (['balanced', 'unix'], ['balanced', 'tcp'], ['plain', 'unix'], ['plain', 'tcp']) {
    my ($form, $listen) = @$case;
    my $name = "$form, $listen";
    my $fpm = Fpm->start(children => 4, listen => $listen, files => {
        'x.php' => '<?php usleep(2000); echo "hello";' });
    my $where = $fpm->docroot;
    my $httpd = Httpd->start(children => 4, threads => 8,
        config => $form eq 'plain' ? <<"EOC" : <<"EOD");
ProxyPass /x/ "@{[ $fpm->url ]}$where/" enablereuse=on keepidle=2
EOC
<Proxy balancer://cluster>
    BalancerMember "@{[ $fpm->url ]}" enablereuse=on keepidle=2
</Proxy>
ProxyPass /x/ balancer://cluster$where/
EOD
    # the bound holds for each quiet time, not only for the first
    for my $round (1, 2) {
        my $result = Load->start(port => $httpd->port, clients => 8, requests => 200,
            path => '/x/x.php')->finish;
        is_deeply $result->{status}, { 200 => 200 }, "$name: two hundred requests served"
            or diag explain $result;
        is $result->{failed}, 0, "$name: none failed";
        wait_until(1, sub { $fpm->connections <= 2 });
        cmp_ok $fpm->connections, '<=', 2, "$name: a second later at most two connections are idle";
        for my $n (1 .. 3) {
            my $began = now_monotonic();
            is $fpm->ping // 'nothing', 'pong', "$name: PHP-FPM answers over a new connection";
            in_time(now_monotonic() - $began, PING_SECONDS, '... at once');
        }
    }
    # Both are of use: one client after another needs no new ones.
    $httpd->get('/x/x.php') for 1 .. 4;
    cmp_ok $fpm->connections, '>=', 1, "$name: connections are kept at all";
    is $httpd->in_flight('cluster'), 0, "$name: nothing is in flight" if $form eq 'balanced';
    $httpd->stop;
}

# Where a process of httpd has died its idle connections are not counted for ever.
my $fpm = Fpm->start(children => 4, files => { 'x.php' => '<?php echo getmypid();' });
my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember "@{[ $fpm->url ]}" enablereuse=on keepidle=1
</Proxy>
ProxyPass / balancer://cluster@{[ $fpm->docroot ]}/
EOC
for my $round (1 .. 3) {
    Load->start(port => $httpd->port, clients => 4, requests => 40, path => '/x.php')->finish;
    $httpd->kill_child($_) for $httpd->children;
}
# one client after another: where a connection may still be kept, a child of PHP-FPM has many requests
my $result = Load->start(port => $httpd->port, clients => 1, requests => 30, path => '/x.php')->finish;
is_deeply $result->{status}, { 200 => 30 }, 'after its processes were killed: served';
ok wait_until(5, sub { $fpm->connections == 1 }),
    'after its processes were killed: one connection is kept, as keepidle=1 says'
    or diag 'connections: ' . $fpm->connections;
$httpd->expect_log(qr/AH00052|AH00051|exit signal Killed/, optional => 1);
$httpd->stop;

done_testing;
