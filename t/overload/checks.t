# Licensed under the Apache License, Version 2.0; see LICENSE.
# Busy is not dead: while all children of PHP-FPM are at work its ping goes unanswered, and that is no
# reason to refuse anybody. A member that is silent although it has nothing to do, one that has answered
# nobody for as long as a request may take, and one that refuses connections go out all the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FullBacklog;
use Fpm;
use Httpd;
use Process;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();

my %scripts = ('slow.php' => '<?php usleep(2000000); echo "served";', 'ok.php' => '<?php echo "fine";');
my @pool = map { Fpm->start(children => 2, listen => 'tcp', files => {%scripts}) } 1 .. 4;
my $docroot = $pool[0]->docroot;

# The README's checks, five times as fast.
my $check = 'hcmethod=FCGI hcuri=/fpm-ping hcinterval=400ms hctimeout=400ms hcfails=3 hcpasses=2';
my $scripted = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $is_check = $request->{params}{SCRIPT_NAME} eq '/ping';
    my $is_sick = $is_check && $connection->is_gate_open('sick');
    $connection->wait_for_gate('page', 60) if !$is_check;
    $connection->stdout('Status: ' . ($is_sick ? '500 Sick' : '200 OK') . "\r\n\r\nscripted");
    $connection->end_request;
});
my $full = FullBacklog->start(listen => 'unix');
my $httpd = Httpd->start(children => 2, threads => 32, debug_log => 'balancer_byrequests:debug',
    config => <<"EOC");
LogFormat "%h %t \\"%r\\" %>s %B %{fcgi-end}n" test
CustomLog \@root\@/access.log test
<Proxy balancer://full>
    BalancerMember @{[ $pool[0]->url ]} $check
    BalancerMember @{[ $pool[1]->url ]} $check
    BalancerMemberDefaults maxinflight=2 queue=50 queuetimeout=60s
</Proxy>
ProxyPass /full/ balancer://full$docroot/
<Proxy balancer://mute>
    BalancerMember @{[ $pool[2]->url ]} $check firstbyte=4s
    BalancerMember @{[ $pool[3]->url ]} $check firstbyte=4s lbset=1
</Proxy>
ProxyPass /mute/ balancer://mute$docroot/
<Proxy balancer://backlog>
    BalancerMember @{[ $full->url ]} hcmethod=TCP hcinterval=100ms hctimeout=400ms hcfails=3
</Proxy>
ProxyPass /backlog/ balancer://backlog/
<Proxy balancer://queue>
    BalancerMember @{[ $scripted->url ]} maxinflight=1 queue=5 queuetimeout=60s hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=10s
</Proxy>
ProxyPass /queue/ balancer://queue/
EOC

sub member { my ($name, $i) = @_; return $httpd->balancer($name)->{members}[$i // 0] }
sub ask { my ($path) = @_; my $c = $httpd->connect; $c->request('GET', $path); return $c }
sub metric {
    my ($name, $balancer) = @_;
    return map { / (\S+)$/ } grep { /balancer="$balancer"/ }
        $httpd->get('/balancer-manager/metrics')->{body} =~ /^fastcgi_cluster_$name(\{.*)$/gm;
}
sub signal {    # all of a pool
    my ($signal, $pool) = @_;
    kill $signal, $pool->pid, Process::children_of($pool->pid);
    return;
}

# ---- All children are at work, and many wait ----

ok wait_until(10, sub { member('full', 0)->{check}{passes} > 1 && member('full', 1)->{check}{passes} > 1 }),
    'both members pass their checks';
my @clients = map { ask('/full/slow.php') } 1 .. 20;
my $busy;
ok wait_until(10, sub { $busy = member('full'); $busy->{check}{busy} > 0 }), 'all children are at work: its check finds a member busy';
is $busy->{state}, 'ok', '... which is in service';
is $busy->{check}{fails}, 0, '... and has failed no check';
like $busy->{check}{outcome}, qr/timeout/, '... although it did not answer';
cmp_ok +(metric('check_busy', 'full'))[0] + (metric('check_busy', 'full'))[1], '>', 0, '... in the metrics, too';
like $httpd->get('/balancer-manager')->{body}, qr/\bbusy\b/, '... and on the page';
is_deeply [map { my $a = $_->read_response; "$a->{status} $a->{body}" } @clients], [('200 served') x 20],
    'everybody is served';
is_deeply [grep { /no_member/ } $httpd->access_lines], [], '... nobody was without a member';
is scalar(() = $httpd->log_lines(qr/FC055[12]: balancer:\/\/full/)), 0, '... and no member went or came';
ok scalar(() = $httpd->log_lines(qr/FC0536: balancer:\/\/full: member fcgi:.*busy/)), '... one line says what a check found';
ok wait_until(10, sub { member('full')->{check}{busy} == 0 }), 'then checks pass again';

# ---- Stopped, with requests in flight ----

signal(STOP => $pool[2]);
@clients = map { ask('/mute/ok.php') } 1 .. 2;
ok $httpd->wait_for_log(qr/FC0536: balancer:\/\/mute/), 'stopped with requests in flight: busy at first';
ok wait_until(20, sub { push @clients, ask('/mute/ok.php'); member('mute')->{state} eq 'health_fail' }),
    '... it goes out when nobody was answered within the time limit of a request, also while more come';
like +($httpd->log_lines(qr/FC0(?:536|551): balancer:\/\/mute/))[0], qr/FC0536/, '... and not before';
is member('mute', 1)->{state}, 'ok', 'the other one stays';
is $httpd->get('/mute/ok.php')->{body}, 'fine', '... and serves';
signal(CONT => $pool[2]);
$_->read_response for @clients;
ok wait_until(20, sub { member('mute')->{state} eq 'ok' }), 'it comes back when it goes on';

# ---- Stopped, and idle ----

signal(STOP => $pool[0]);
ok wait_until(10, sub { member('full')->{state} eq 'health_fail' }), 'stopped and idle: it goes out';
is $httpd->get('/full/ok.php')->{body}, 'fine', '... the other one serves';
signal(CONT => $pool[0]);
ok wait_until(20, sub { member('full')->{state} eq 'ok' }), '... and it comes back';

# ---- Killed, while it is busy ----

@clients = map { ask('/full/slow.php') } 1 .. 4;
ok wait_until(10, sub { $httpd->in_flight('full') == 4 }), 'all are busy';
signal(KILL => $pool[0]);
$pool[0]->stop;
ok wait_until(10, sub { member('full')->{state} =~ /error|health_fail/ }), 'killed while it is busy: it is out';
ok wait_until(10, sub { member('full')->{check}{fails} >= 3 && member('full')->{check}{outcome} eq 'connect_refused' }),
    '... and its checks fail';
$_->read_response for @clients;
is_deeply [map { $httpd->get('/full/ok.php')->{status} } 1 .. 5], [(200) x 5], '... nobody is refused';

# ---- A full backlog ----

ok wait_until(10, sub { member('backlog')->{state} eq 'health_fail' }), 'a full backlog of an idle member: it goes out';
is member('backlog')->{check}{outcome}, 'connect_busy', '... the reason';

# ---- Who waits is not refused because checks fail ----

ok wait_until(10, sub { member('queue')->{check}{passes} > 0 }), 'a member of its own';
@clients = ask('/queue/x');
ok wait_until(10, sub { $httpd->in_flight('queue') == 1 }), '... has a request in flight';
push @clients, map { ask('/queue/x') } 1 .. 2;
ok wait_until(10, sub { $httpd->balancer('queue')->{queued} == 2 }), 'two wait for it';
$scripted->open_gate('sick');
ok wait_until(10, sub { member('queue')->{state} eq 'health_fail' }), 'it fails its checks by what it answers: out';
is $httpd->get('/queue/x')->{status}, 503, '... who comes now is refused';
$scripted->open_gate('page');
is shift(@clients)->read_response->{status}, 200, '... the request in flight is served';
is $httpd->balancer('queue')->{queued}, 2, '... who waits goes on waiting';
$scripted->close_gate('sick');
is_deeply [map { $_->read_response->{status} } @clients], [200, 200], '... and is served when it is back';

$httpd->expect_log(qr/FC0251: .*(?:first_byte_timeout|connect_refused|backend_eof)/);
$httpd->expect_log(qr/FC0422: balancer:\/\/queue/);
$httpd->stop;
$scripted->stop;
$_->stop for @pool;
done_testing;
