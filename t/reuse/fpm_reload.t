# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-23: while PHP-FPM is restarted nobody listens on its socket for a moment. With connectwait=
# requests wait for it: nobody sees an error, and no member is put out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fpm;
use Httpd;
use Load;
use Process;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

use constant AWAY_SECONDS => 1;

for my $listen ('unix', 'tcp') {
    my $fpm = Fpm->start(children => 8, listen => $listen, control_timeout => '1s', files => {
        'x.php' => '<?php echo "served ", strlen(file_get_contents("php://input"));' });
    my $where = $fpm->docroot;
    my $other = $listen eq 'unix' ? "unix:@{[ $fpm->path ]}|fcgi://plain" : "fcgi://localhost:@{[ $fpm->port ]}";
    my $httpd = Httpd->start(children => 2, threads => 32, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember "@{[ $fpm->url ]}" enablereuse=on connectwait=30s
</Proxy>
<Proxy balancer://single>
    BalancerMember "$other" connectwait=30s
</Proxy>
ProxyPass /kept/   balancer://cluster$where/
ProxyPass /single/ balancer://single$where/
EOC
    my $piece = $listen eq 'tcp' ? $fpm->port : $fpm->path;
    for my $form (['kept', 'cluster', 'GET'], ['single', 'single', 'POST']) {
        my ($path, $balancer, $method) = @$form;
        my $name = "$listen, $path, $method";
        is $httpd->get("/$path/x.php")->{status}, 200, "$name: served before" for 1 .. 4;

        $fpm->stop;
        my $gone = now_monotonic();
        my $load = Load->start(port => $httpd->port, clients => 50, requests => 50, bodies => 1,
            path => "/$path/x.php", method => $method, $method eq 'POST' ? (body => 'b' x 1000) : ());
        # the simulated reload: for so long nobody listens there
        select undef, undef, undef, AWAY_SECONDS;
        $fpm->start_again;
        my $result = $load->finish(30);
        is_deeply $result->{status}, { 200 => 50 }, "$name: all fifty in the gap are served"
            or diag explain $result;
        is $result->{failed}, 0, "$name: none failed";
        is_deeply $result->{bodies}, { 'served ' . ($method eq 'POST' ? 1000 : 0) => 50 },
            "$name: each with its whole body";
        in_time($result->{slowest}, 2.5, "$name: the slowest waited not much longer");
        my $member = $httpd->member($piece, $balancer);
        is $member->{state}, 'ok', "$name: the member is not put out";
        is $member->{failures}, 0, "$name: no failure is counted";
        is $httpd->in_flight($balancer), 0, "$name: nothing is in flight";
    }

    # A reload by signal under load, with connections kept.
    my $load = Load->start(port => $httpd->port, clients => 4, path => '/kept/x.php');
    $load->wait_until_running;
    ok $fpm->reload, "$listen: PHP-FPM replaces itself under load";
    is $httpd->get('/kept/x.php')->{status}, 200, "$listen: served after it";
    my $result = $load->stop;
    is_deeply [keys %{ $result->{status} }], [200], "$listen: a reload by signal under load: all are served"
        or diag explain $result;
    is $result->{failed}, 0, "$listen: none failed" or diag explain $result->{failures};
    is $httpd->member($piece, 'cluster')->{state}, 'ok', "$listen: the member is not put out";
    is $httpd->member($piece, 'cluster')->{failures}, 0, "$listen: no failure is counted";
    $httpd->stop;
}

# When it does not come back, the wait ends.
my $fpm = Fpm->start(children => 1, files => { 'x.php' => '<?php echo "served";' });
my $httpd = Httpd->start(config => <<"EOC");
ProxyPass /waits/ "@{[ $fpm->url ]}@{[ $fpm->docroot ]}/" connectwait=500ms
ProxyPass /never/ "unix:@{[ $fpm->path ]}|fcgi://never@{[ $fpm->docroot ]}/"
EOC
$fpm->stop;
my $began = now_monotonic();
my $response = $httpd->get('/waits/x.php');
my $took = now_monotonic() - $began;
is $response->{status}, 503, 'it does not come back: 503';
cmp_ok $took, '>=', 0.45, '... after connectwait';
in_time($took, 1.5, '... and not much longer');
$began = now_monotonic();
is $httpd->get('/never/x.php')->{status}, 503, 'without connectwait: 503';
in_time(now_monotonic() - $began, 0.4, '... at once');
$httpd->expect_log(qr/FC0251: .*connect_refused/, times => 2);
$httpd->stop;

done_testing;
