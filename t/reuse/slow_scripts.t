# Licensed under the Apache License, Version 2.0; see LICENSE.
# Scripts that take long do not end reuse: on a unix socket it is seen that a child has taken the
# request, so nobody is thought to wait for one.
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

my $fpm = Fpm->start(children => 6, files => { 'slow.php' => '<?php usleep(150000); echo "slow";' });
my $httpd = Httpd->start(children => 1, threads => 16, config => <<"EOC");
ProxyPass /app/ @{[ $fpm->url($fpm->docroot) ]}/ enablereuse=on keepidle=4
EOC
my $load = Load->start(port => $httpd->port, clients => 3, requests => 45, path => '/app/slow.php');
my %seen;    # connections, each of which lives for 150 ms at least
wait_until(60, sub {
    $seen{$_} = 1 for $fpm->connection_lines;
    return (my @done = glob "$load->{dir}/result.*[0-9]") == 3;
});
my $result = $load->finish;
is_deeply $result->{status}, { 200 => 45 }, '45 slow requests, 3 at a time'
    or diag explain $result->{failures};
cmp_ok scalar(keys %seen), '>=', 2, '... on ' . keys(%seen) . ' connections:';
cmp_ok scalar(keys %seen), '<', 45 / 2, '... few';
$httpd->stop;

done_testing;
