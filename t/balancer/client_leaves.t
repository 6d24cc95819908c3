# Licensed under the Apache License, Version 2.0; see LICENSE.
# A client leaves while PHP works on its request: the script goes on, so its slot is not free before the
# response begins. Else the next request would wait in PHP-FPM's backlog, where nobody can cancel it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Fpm;
use Httpd;

plan skip_all => 'stock has no maxinflight' if Httpd::is_stock();

my $head = "Content-Type: text/plain\r\n\r\n";
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $what = $request->{params}{QUERY_STRING};
        $connection->stderr("PHP Warning: still at work\n") if $what =~ /warns/;
        if ($what =~ /silent/) { $connection->wait_for_close(20); return }
        $connection->wait_for_gate('end', 30) if $what !~ /next/;
        return $connection->close if $what =~ /breaks/;
        $connection->stdout("${head}done");
        if ($what =~ /more/) { $connection->wait_for_close(20); return }
        $connection->end_request;
        return if !$request->{keep} || $connection->is_closed;
    }
});
my $url = $backend->url;
my $config = <<"EOC";
LogFormat "%h %t \\"%r\\" %>s %B %{fcgi-end}n" test
CustomLog \@root\@/access.log test
<LocationMatch "^/generic/">
    ProxyFCGIBackendType GENERIC
</LocationMatch>
EOC
my $limit = 'maxinflight=1 queue=5 queuetimeout=60s maxfails=1';
my %parameters = (fresh => $limit, kept => "$limit enablereuse=on", late => "$limit firstbyte=700ms", generic => $limit,
    killed => $limit);
$config .= "<Proxy balancer://$_>\nBalancerMember $url $parameters{$_}\n</Proxy>\nProxyPass /$_/ balancer://$_/\n"
    for sort keys %parameters;
my $fpm;
my $ran;
if (Fpm::is_installed()) {
    $ran = Httpd::temporary_dir('ran') . '/scripts';
    $fpm = Fpm->start(children => 2, files => { 'x.php' => '<?php file_put_contents("' . $ran . '", ".", FILE_APPEND);'
        . 'while (!file_exists(__DIR__ . "/go")) { usleep(10000); } echo "served";' });
    Httpd::write_file($ran, '');
    chmod 0666, $ran;
    $config .= "<Proxy balancer://fpm>\nBalancerMember @{[ $fpm->url ]} maxinflight=2 queue=50 queuetimeout=60s\n</Proxy>\n"
        . "ProxyPass /fpm/ balancer://fpm@{[ $fpm->docroot ]}/\n";
}
my $httpd = Httpd->start(children => 2, threads => 16, config => $config, debug_log => 'proxy_fastcgi:debug');

sub ask { my ($path) = @_; my $c = $httpd->connect; $c->request('GET', $path, header => { Connection => 'close' }); return $c }
sub queued { my ($name) = @_; return $httpd->balancer($name)->{queued} }
sub holds { my ($name, $in_flight, $queued) = @_; return $httpd->in_flight($name) == $in_flight && queued($name) == $queued }
sub comes_to { my @state = @_; return wait_until(10, sub { holds(@state) }) }
sub at_work {
    my ($path) = @_;
    $backend->close_gate('end');
    $backend->forget;
    my $client = ask($path);
    $backend->wait_for_event('request') or die("$path: the backend has no request");
    return $client;
}
my $kept_slots = 0;
sub leaves {
    my ($client, $how) = @_;
    $kept_slots++;
    $client->$how;
    return wait_until(10, sub { (() = $httpd->log_lines(qr/FC0340: .*slot/)) == $kept_slots });
}

# ---- Until the response begins ----

for my $name ('fresh', 'kept') {
    for my $how ('close', 'abort', 'half_close') {
        my $client = at_work("/$name/$how?works");
        ok leaves($client, $how), "$name, $how: a client leaves while the backend works";
        my $next = ask("/$name/x?next");
        ok comes_to($name, 1, 1), '... its slot is not free: the next request waits';
        is scalar($backend->requests), 1, '... in the queue, not in the backend';
        is scalar($backend->events('peer_closed')), 0, '... whose connection is not closed';
        $backend->open_gate('end');
        is $next->read_response->{body}, 'done', '... until the response begins';
        is_deeply [$httpd->end_words("/$name/$how?works")], ['client_abort'], '... the word';
        is $client->read_until(qr/./, 5) // '', '', '... the client gets nothing' if $how eq 'half_close';
    }
}
my $client = at_work('/fresh/x?warns');
ok leaves($client, 'close') && $httpd->wait_for_log(qr/FC0230.*still at work/), 'a line in the error log is no response';
is $httpd->in_flight('fresh'), 1, '... the slot is not free';
$backend->open_gate('end');
ok comes_to('fresh', 0, 0), '... until there is one';

$client = at_work('/fresh/x?more');
leaves($client, 'close');
$backend->open_gate('end');
ok $backend->wait_for_event('peer_closed'), 'a response that goes on is not waited for';
ok comes_to('fresh', 0, 0), '... the slot is free';

# ---- Or does not ----

$client = at_work('/fresh/x?breaks');
leaves($client, 'close');
$backend->open_gate('end');
ok comes_to('fresh', 0, 0), 'the backend closes the connection: the slot is free';
is scalar($backend->requests), 1, '... the request is not sent again';
is $httpd->member($backend->port, 'fresh')->{failures}, 0, '... which is no failure of the member';

$client = at_work('/late/x?silent');
leaves($client, 'close');
ok $backend->wait_for_event('peer_closed'), 'no response in time (firstbyte): the connection is closed';
ok comes_to('late', 0, 0), '... the slot is free';
is $httpd->member($backend->port, 'late')->{failures}, 0, '... which is no failure of the member';
is_deeply [$httpd->end_words('/late/x?silent')], ['client_abort'], '... the word';

$client = at_work('/generic/x?silent');
$client->close;
ok $backend->wait_for_event('peer_closed'), 'ProxyFCGIBackendType GENERIC: the connection is closed at once';
ok comes_to('generic', 0, 0), '... the slot is free';

# ---- Over a graceful restart, and when the child is killed ----

$client = at_work('/killed/x?works');
leaves($client, 'close');
ok $httpd->graceful_begin, 'a graceful restart';
my $next = ask('/killed/x?next');
ok comes_to('killed', 1, 1), '... the slot is still taken';
$backend->open_gate('end');
is $next->read_response->{body}, 'done', '... until the response begins';

$client = at_work('/killed/x?works');
leaves($client, 'close');
is $httpd->in_flight('killed'), 1, 'another one';
$httpd->kill_child($_) for $httpd->children;
ok comes_to('killed', 0, 0), '... the child processes are killed: the slot is free';
is $httpd->get('/killed/x?next')->{body}, 'done', '... the next request is served';

# ---- PHP-FPM ----

SKIP: {
    skip 'PHP-FPM is not installed', 1 if !$fpm;
    for my $running (1, 2) {
        my $leaver = ask('/fpm/x.php');
        ok wait_until(10, sub { -s $ran == $running }), "FPM: script $running of 2 runs";
        leaves($leaver, 'close');
    }
    for my $n (1 .. 5) {
        my $leaver = ask('/fpm/x.php');
        ok comes_to('fpm', 2, 1), '... another request waits';
        $leaver->close;
        ok comes_to('fpm', 2, 0), '... and leaves';
    }
    my $patient = ask('/fpm/x.php');
    ok comes_to('fpm', 2, 1), '... a patient one stays';
    is $fpm->file('go', ''), $fpm->file('go', ''), 'the scripts end';
    is $patient->read_response->{body}, 'served', '... it is served';
    is -s $ran, 3, '... by the third script: none ran for those who had left';
    ok comes_to('fpm', 0, 0), '... at rest nothing is in flight';
}

$httpd->expect_log(qr/FC0230: .*still at work/);
$httpd->stop;

done_testing;
