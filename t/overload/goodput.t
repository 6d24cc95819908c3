# Licensed under the Apache License, Version 2.0; see LICENSE.
# More requests than can be served, and clients that leave: what can be served in time is served. Fewer
# requests, or clients that wait for their answer: as ever, first in, first out, and nobody is refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Crowd;
use Deadline;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

# Each script that has run to its end leaves a dot: with them, what is served in time is compared with what
# this machine can serve at all, however busy it is.
my $dir = Httpd::temporary_dir('ended');
chmod 0777, $dir;
my $ended = "$dir/scripts";
open my $out, '>', $ended or die "$ended: $!";
close $out;
chmod 0666, $ended;
my $page = '<?php usleep((int)$_GET["ms"] * 1000); echo "done"; file_put_contents("' . $ended . '", ".", FILE_APPEND);';
my @fpm = map { Fpm->start(children => 4, files => { 'x.php' => $page }) } 1 .. 3;
my $root = $fpm[0]->docroot;
my $httpd = Httpd->start(children => 2, threads => 64, config => <<"EOC");
SetEnvIf Request_URI important balancer-priority=0
<Proxy balancer://adaptive>
    BalancerMember @{[ $fpm[0]->url ]} maxinflight=4 queue=400 queuetimeout=5s
</Proxy>
<Proxy balancer://two>
    BalancerMember unix:@{[ $fpm[1]->path ]}|fcgi://one maxinflight=2 queue=50 queuetimeout=12s
    BalancerMember unix:@{[ $fpm[2]->path ]}|fcgi://two maxinflight=2 queue=50 queuetimeout=12s
</Proxy>
ProxyPass /adaptive/important/ balancer://adaptive/$root/
ProxyPass /adaptive/ balancer://adaptive/$root/
ProxyPass /two/      balancer://two/@{[ $fpm[1]->docroot ]}/
EOC
$fpm[2]->file('x.php', $page);
my $crowd = Crowd->new(port => $httpd->port);
sub good { return grep { $_->{status} == 200 } @_ }
sub queue { return $httpd->balancer($_[0])->{queue} }

# ---- Twice as many as can be served: pages of 0.4 s, 10 a second; each tenth is important ----

$httpd->expect_log(qr/FC0425: balancer:\/\/adaptive: (?:queue_timeout|no_time)/, optional => 1);
my @answers = $crowd->open_loop(rate => 20, seconds => 16, patience => 2, path => sub {
    return $_[0] % 10 ? '/adaptive/x.php?ms=400' : '/adaptive/important/x.php?ms=400';
});
my $pace = Deadline::pace();
my ($good, $ran) = (scalar(good(@answers)), -s $ended);
cmp_ok $good, '>=', 0.8 * $ran, 'at twice the capacity most scripts run for clients that are still there'
    or diag "$good of $ran";    # the first seconds are those in which the queue is found to stand
my $rate = good(grep { $_->{at} > 5 } @answers) / 11;
cmp_ok $rate * $pace, '>=', 9, '... and 90 % of the capacity are served in time' or diag "$rate of 10 a second";
in_time(Crowd::percentile(0.5, good(@answers)), 1.2, '... half of them soon');
my @important = grep { $_->{path} =~ /important/ } @answers;
cmp_ok good(@important), '>=', @important / ($pace > 2 ? 1.25 : 1), '... of the important ones all'
    or diag scalar(good(@important)) . ' of ' . scalar(@important);
cmp_ok $httpd->balancer('adaptive')->{refused}{client_abort} // 0, '>', 20, '... the others are those who left';

ok wait_until(3, sub { !queue('adaptive')->{oldest_us} }), 'afterwards the queue is empty';
@answers = $crowd->open_loop(rate => 5, seconds => 5, patience => 2, path => '/adaptive/x.php?ms=400');
is scalar(good(@answers)), scalar(@answers), 'half of what can be served is served';
in_time(Crowd::percentile(0.99, @answers), 1.2, '... soon');

# ---- 20 clients that wait for their answers: 2 pools of 2, pages of 1 s, so each waits for 4 s ----

my $stood = 0;
@answers = $crowd->closed_loop(clients => 20, seconds => 9, path => sub {
    $stood ||= queue('two')->{standing};
    return '/two/x.php?ms=1000';
});
is scalar(good(@answers)), scalar(@answers), 'clients in a closed loop: nobody is refused';
ok !$stood, '... the queue never stands';
in_time(Crowd::percentile(1, @answers), 7, '... and nobody is passed over');

$httpd->stop;
$_->stop for @fpm;

done_testing;
