# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-21: a script that has answered by fastcgi_finish_request() and works on keeps its child busy
# and its connection silent. The next request must not wait for it while another child is idle.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

use constant AT_ONCE => 1;    # 300 ms, and room

my %script = (
    'finish.php' => '<?php echo "finished"; fastcgi_finish_request();'
                  . ' while (!file_exists(__DIR__ . "/may_end")) { usleep(10000); clearstatcache(); }'
                  . ' file_put_contents(__DIR__ . "/ended", "x", FILE_APPEND);',
    'quick.php'  => '<?php echo "quick"; file_put_contents(__DIR__ . "/ran", $_GET["token"] . "\n", FILE_APPEND);',
);

sub lines_of {
    my ($file) = @_;
    open my $in, '<', $file or return ();
    chomp(my @lines = <$in>);
    return @lines;
}

my $slowest = 0;
sub at_once {
    my ($httpd, $name, $method, $path, $wanted) = @_;
    my $began = now_monotonic();
    my $response = $httpd->send($method, $path, seconds => 10, $method eq 'POST' ? (body => 'twelve bytes') : ());
    my $took = now_monotonic() - $began;
    is $response->{status}, 200, "$name: 200";
    is $response->{body}, $wanted, "$name: its own answer";
    in_time($took, AT_ONCE, "$name: at once");
    return;
}

for my $listen ('unix', 'tcp') {
    my $fpm = Fpm->start(children => 2, listen => $listen, files => { %script });
    my $dir = $fpm->docroot;
    chmod 0777, $dir;
    my $httpd = Httpd->start(children => 1, threads => 8, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember "@{[ $fpm->url ]}" enablereuse=on
</Proxy>
ProxyPass / balancer://cluster$dir/
EOC
    at_once($httpd, "$listen: a request before", 'GET', '/quick.php?token=before', 'quick');
    at_once($httpd, "$listen: the answer of finish.php", 'GET', '/finish.php', 'finished');
    for my $n (1 .. 3) {
        at_once($httpd, "$listen: GET $n after it", 'GET', "/quick.php?token=get$n", 'quick');
        at_once($httpd, "$listen: POST $n after it", 'POST', "/quick.php?token=post$n", 'quick');
    }
    is scalar(my @ended = lines_of("$dir/ended")), 0, "$listen: all that while finish.php still runs";
    open my $may_end, '>', "$dir/may_end" or die "$dir: $!";
    ok wait_until(10, sub { -s "$dir/ended" }), "$listen: the script runs to its end";

    # Both children have been freed: whatever was sent into the silent connection has run by now.
    my ($pongs) = (0);
    ok wait_until(5, sub { ($fpm->ping // '') eq 'pong' && ++$pongs >= 4 }), "$listen: PHP-FPM is idle again";
    # A GET that was sent into the silent connection runs there too, one day: it is safe. A POST is not.
    my %ran;
    $ran{$_}++ for lines_of("$dir/ran");
    is_deeply [map { $ran{$_} // 0 } 'before', map { "post$_" } 1 .. 3], [1, 1, 1, 1],
        "$listen: each POST has run exactly once";
    is scalar(grep { !$ran{"get$_"} } 1 .. 3), 0, "$listen: each GET has run";
    is -s "$dir/ended", 1, "$listen: so has finish.php";

    # Several of them in a row: each takes a child, the last waits for nobody while one is left.
    is $httpd->in_flight('cluster'), 0, "$listen: nothing is in flight";
    is $httpd->member($listen eq 'tcp' ? $fpm->port : $fpm->path, 'cluster')->{failures}, 0,
        "$listen: the member has no failures";
    $httpd->stop;
}

done_testing;
