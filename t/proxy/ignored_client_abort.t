# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-09: the client goes away while PHP-FPM or a scripted backend works. By default the connection to
# the backend is closed at once, its slot is free, and "client_abort" is told at level info;
# with ProxyFCGIIgnoreClientAbort On the script ends by itself and its slot counts until then.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Fpm;
use Httpd;

plan skip_all => 'stock has no such directives' if Httpd::is_stock();

use constant SOON => 1;    # seconds

my $head = "Content-Type: text/plain\r\n\r\n";

# By the query: is the client to see a piece of the answer before it leaves?
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $what = $request->{params}{QUERY_STRING};
        $connection->stdout("${head}begins\n") if $what =~ /begun/;
        if ($what =~ /work/) {      # is the connection still open after some work?
            $connection->note($connection->wait_for_close(0.7) ? 'closed_early' : 'worked');
            $connection->wait_for_gate('end', 10);
            $connection->stdout($what =~ /begun/ ? 'ends' : "${head}ends");
            $connection->end_request;
            $connection->note('ended');
        }
        elsif ($what =~ /sleep/) { $connection->wait_for_close(10) or $connection->note('slept') }
        else {
            $connection->stdout("${head}on $connection->{number}");
            $connection->end_request;
        }
        return if !$request->{keep} || $connection->is_closed;
    }
});
my $url = $backend->url;
my $config = <<"EOC";
<Proxy balancer://default>
    BalancerMember $url
</Proxy>
<Proxy balancer://kept>
    BalancerMember $url enablereuse=on
</Proxy>
<Proxy balancer://ignored>
    BalancerMember $url
</Proxy>
ProxyPass /default/ balancer://default/
ProxyPass /kept/ balancer://kept/
ProxyPass /ignored/ balancer://ignored/
<LocationMatch "^/(fpm_)?ignored/">
    ProxyFCGIIgnoreClientAbort On
</LocationMatch>
EOC
my $fpm;
if (Fpm::is_installed()) {
    $fpm = Fpm->start(listen => 'tcp', children => 3, files => {
        'sleep.php' => '<?php sleep(10); echo "slept";',
        'short.php' => '<?php touch($_GET["begun"]); usleep(1500000); touch($_GET["ended"]);
                        echo "x";',
        'quick.php' => '<?php echo "quick";',
    });
    for my $name ('default', 'ignored') {
        $config .= "<Proxy balancer://fpm_$name>\nBalancerMember @{[ $fpm->url ]}\n</Proxy>\n"
                 . "ProxyPass /fpm_$name/ balancer://fpm_$name@{[ $fpm->docroot ]}/\n";
    }
}
my $httpd = Httpd->start(children => 1, config => $config, debug_log => 'proxy_fastcgi:info');

# ---- Default: the backend is left at once ----

for my $balancer ('default', 'kept') {
    for my $case (['sleep', 'before the answer'], ['sleep-begun', 'within the answer']) {
        my ($what, $when) = @$case;
        for my $how ('close', 'abort') {
            my $name = "$balancer, $when, $how";
            my $path = "/$balancer/$what/$how";
            $backend->forget;
            $httpd->mark_log;
            my $client = $httpd->connect;
            $client->request('GET', "$path?$what");
            ok $backend->wait_for_event('request'), "$name: the backend has the request";
            ok defined $client->read_until(qr/begins\n/, 5), '... the client has a piece'
                if $what =~ /begun/;
            is $httpd->in_flight($balancer), 1, '... one request in flight';
            my $left = now_monotonic();
            $client->$how;
            ok $backend->wait_for_event('peer_closed', 1, 10), '... the backend is left';
            my $took = (($backend->events('peer_closed'))[0]{at} // 1e9) - $left;
            in_time($took, SOON, '... at once');
            ok wait_until(SOON, sub { !$httpd->in_flight($balancer) }), '... its slot is free';
            is $httpd->member($backend->port, $balancer)->{failures}, 0, '... no failure';
            is_deeply [$httpd->end_words($path)], ['client_abort'], '... the word';
            my @lines = $httpd->log_lines(qr/FC0251/);
            is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
            like $lines[0] // '', qr/:info\].*FC0251: .*client_abort/, '... of level info';
        }
    }
}
$backend->forget;
like $httpd->get('/kept/x?quick')->{body}, qr/^on \d+$/, 'an answer of its own after that';
is $backend->connections, 1, '... on a new connection';

# A client that sends its next request early has not gone.
{
    my $client = $httpd->connect;
    $backend->forget;
    $backend->open_gate('end');
    $client->send("GET /default/1?work HTTP/1.1\r\nHost: x\r\n\r\n"
                . "GET /default/2?quick HTTP/1.1\r\nHost: x\r\n\r\n");
    is $client->read_response->{body}, 'ends', 'a pipelined request is no abort';
    like $client->read_response->{body}, qr/^on /, '... it is served after the first';
    $backend->close_gate('end');
}

# ---- On: the script ends by itself ----

for my $case (['work', 'before the answer'], ['work-begun', 'within the answer']) {
    my ($what, $when) = @$case;
    for my $how ('close', 'abort') {
        my $name = "ignored, $when, $how";
        $backend->forget;
        $backend->close_gate('end');
        my $client = $httpd->connect;
        $client->request('GET', "/ignored/$what/$how?$what");
        ok $backend->wait_for_event('request'), "$name: the backend has the request";
        ok defined $client->read_until(qr/begins\n/, 5), '... the client has a piece'
            if $what =~ /begun/;
        $client->$how;
        ok $backend->wait_for_event('worked'), '... the backend is not left';
        is $httpd->in_flight('ignored'), 1, '... its slot counts';
        $backend->open_gate('end');
        ok $backend->wait_for_event('ended'), '... the script ends by itself';
        ok wait_until(SOON, sub { !$httpd->in_flight('ignored') }), '... then the slot is free';
        is $httpd->member($backend->port, 'ignored')->{failures}, 0, '... no failure';
    }
}
is scalar($backend->events('closed_early')), 0, 'no connection was closed early';

# ---- PHP-FPM ----

# Connections to a port that are open at both ends (state 01 in /proc/net/tcp).
sub open_connections {
    my ($port) = @_;
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my $remote = sprintf '0100007F:%04X', $port;
    return scalar grep { (split)[2] eq $remote && (split)[3] eq '01' } <$in>;
}

SKIP: {
    skip 'PHP-FPM is not installed', 1 if !$fpm;
    my $client = $httpd->connect;
    $client->request('GET', '/fpm_default/sleep.php');
    ok wait_until(5, sub { open_connections($fpm->port) == 1 }), 'FPM: a script sleeps';
    $client->close;
    ok wait_until(SOON, sub { !open_connections($fpm->port) }),
        '... its connection is closed at once';
    ok wait_until(SOON, sub { !$httpd->in_flight('fpm_default') }), '... the slot is free';
    is_deeply [$httpd->end_words('/fpm_default/sleep.php')], ['client_abort'], '... the word';
    is $httpd->get('/fpm_default/quick.php')->{body}, 'quick', '... and the next one is served';

    my ($begun, $ended) = map { $fpm->docroot . "/$_" } 'begun', 'ended';
    chmod 0777, $fpm->docroot;
    $client = $httpd->connect;
    $client->request('GET', "/fpm_ignored/short.php?begun=$begun&ended=$ended");
    ok wait_until(5, sub { -e $begun }), 'FPM, ignored: a script works';
    $client->close;
    ok wait_until(5, sub { $httpd->in_flight('fpm_ignored') == 0 || -e $ended }),
        '... until it has ended or its slot is free';
    ok -e $ended, '... it has ended by itself, and before its slot was free';
    ok wait_until(SOON, sub { !$httpd->in_flight('fpm_ignored') }), '... then the slot is free';
}

$httpd->expect_log(qr/:info\].*FC0251: .*client_abort/);
$httpd->stop;

done_testing;
