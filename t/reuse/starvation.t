# Licensed under the Apache License, Version 2.0; see LICENSE.
# Kept connections of one virtual host do not take PHP-FPM's children away from another one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(max);
use Deadline;
use Fpm;
use Httpd;
use Load;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

use constant RUN_SECONDS => 3;
use constant LEAST_SHARE => 0.7;

my $fpm = Fpm->start(children => 16, files => {
    'x.php' => '<?php usleep(20000); echo "hello";' });    # so that the children are what is scarce
my $where = $fpm->docroot;
my $member = $fpm->path;
my $hosts = '';
for my $host ('first', 'second', 'single') {
    my $reuse = $host eq 'single' ? 'off' : 'on';
    $hosts .= <<"EOC";
<Proxy balancer://$host>
    BalancerMember "unix:$member|fcgi://$host" enablereuse=$reuse
</Proxy>
<VirtualHost 127.0.0.1:\@port\@>
    ServerName $host.test
    ProxyPass / balancer://$host$where/
</VirtualHost>
EOC
}
my $httpd = Httpd->start(children => 2, threads => 40, manager => 0, config => $hosts);

# Requests per second of 32 clients of this host.
sub rate {
    my ($host) = @_;
    my $load = Load->start(port => $httpd->port, clients => 32, path => '/x.php',
        header => { Host => "$host.test" });
    $load->wait_until_running(20);
    my $began = now_monotonic();
    select undef, undef, undef, RUN_SECONDS;    # the time of the measurement
    my $result = $load->stop;
    my $took = now_monotonic() - $began;
    is $result->{failed}, 0, "$host: none failed" or diag explain $result->{failures};
    is_deeply [keys %{ $result->{status} }], [200], "$host: all served" or diag explain $result->{status};
    in_time($result->{slowest}, 5, "$host: nobody waits for long");
    return $result->{requests} / $took;
}

# Other work on the machine hits one of the three now and then, but not in each round: they starve
# always, or never.
my ($first_share, $second_share) = (0, 0);
for my $round (1 .. 3) {
    my $single = rate('single');
    my $first = rate('first');          # leaves its idle connections behind
    my $kept = $fpm->connections;
    my $second = rate('second');
    note sprintf 'requests per second: %.0f without reuse, %.0f with (first host), %.0f with (second '
        . 'host, %d connections of the first were kept)', $single, $first, $second, $kept;
    $first_share  = max($first_share, $first / $single);
    $second_share = max($second_share, $second / $single);
    last if $first_share >= LEAST_SHARE && $second_share >= LEAST_SHARE;
}
cmp_ok $first_share, '>=', LEAST_SHARE, 'reuse in one host: as good as none';
cmp_ok $second_share, '>=', LEAST_SHARE, 'reuse in another host after it: as good as none';
is $fpm->ping, 'pong', 'PHP-FPM can still be reached';
$httpd->stop;

done_testing;
