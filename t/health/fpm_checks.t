# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-12 on a real PHP-FPM: the ping path goes unanswered while all children hang. As long as their
# requests may still be answered the member is busy, then it goes down, and comes back after; its status
# page, on a socket of its own, tells its numbers all the time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Fpm;
use Httpd;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();
plan skip_all => 'PHP-FPM before 8.0 has no pm.status_listen' if Fpm::major_version() < 8;

my $dir = Httpd::temporary_dir('status');
chmod 0777, $dir;
my $hang = <<'EOC';
<?php while (!file_exists(__DIR__ . '/gate')) { usleep(20000); } echo 'done';
EOC
my %scripts = ('hang.php' => $hang, 'ok.php' => '<?php echo "fine";');
my $own_socket = Fpm->start(children => 2, listen => 'tcp', files => {%scripts},
                            pool => "pm.status_listen = $dir/status.sock\n");
my $same_socket = Fpm->start(children => 2, files => {%scripts});
chmod 0777, "$dir/status.sock";
my $mute = Backend->refusing;

my $check = 'firstbyte=4s hcmethod=FCGI hcuri=/fpm-ping hcinterval=200ms hctimeout=1s hcfails=3 hcpasses=2';
my $httpd = Httpd->start(threads => 16, config => <<"EOC");
<Proxy balancer://own>
    BalancerMember "@{[ $own_socket->url ]}" $check "hcstatus=unix:$dir/status.sock|fcgi://x/fpm-status"
</Proxy>
ProxyPass /own/ balancer://own@{[ $own_socket->docroot ]}/
<Proxy balancer://same>
    BalancerMember @{[ $same_socket->url ]} $check hcstatus=/fpm-status
</Proxy>
ProxyPass /same/ balancer://same@{[ $same_socket->docroot ]}/
# numbers alone: nothing is checked
<Proxy balancer://numbers>
    BalancerMember @{[ $same_socket->url ]} hcstatus=/fpm-status hcinterval=200ms
    BalancerMember @{[ $mute->url ]} hcstatus=/fpm-status hcinterval=200ms
</Proxy>
EOC

sub first { my ($name) = @_; return $httpd->balancer($name)->{members}[0] }

# ---- All is well ----

for my $name (qw(own same)) {
    ok wait_until(10, sub { my $m = first($name); $m->{check}{passes} >= 2 && $m->{fpm} }),
        "$name: the ping path answers";
    my $member = first($name);
    is $member->{state}, 'ok', "$name: it is up";
    is $member->{fpm}{total}, 2, "$name: FPM says how many children it has";
    is $member->{fpm}{idle} + $member->{fpm}{active}, 2, "$name: ... idle and active";
    is $member->{fpm}{listen_queue}, 0, "$name: ... nobody waits";
    like $member->{fpm}{at}, qr/^\d{4}-/, "$name: ... and when that was";
    is $member->{fpm}{max_children_reached}, 0, "$name: ... it was never short of children";
}
ok wait_until(10, sub { first('numbers')->{fpm} }), 'a status page without a check is read';
is first('numbers')->{check}, undef, '... and is no check';
is $httpd->balancer('numbers')->{members}[1]{state}, 'ok', '... of a member that is not there';

# ---- All children hang ----

my %fpm = (own => $own_socket, same => $same_socket);
my @clients;
for my $name (qw(own same)) {
    for (1 .. 4) {
        my $client = $httpd->connect;
        $client->request('GET', "/$name/hang.php");
        push @clients, $client;
    }
}
ok wait_until(10, sub { first($_)->{check}{busy} > 0 }), "$_: all children are at work: it is busy" for qw(own same);
is first($_)->{state}, 'ok', "$_: ... and in service" for qw(own same);
is $_->read_response->{status}, 504, 'a request runs into its time limit' for splice @clients;
ok wait_until(30, sub { first($_)->{state} eq 'health_fail' }), "$_: all children hang: it goes down"
    for qw(own same);
is first($_)->{check}{outcome}, 'first_byte_timeout', "$_: the reason" for qw(own same);
ok wait_until(10, sub { my $f = first('own')->{fpm}; $f->{idle} == 0 && $f->{listen_queue} > 0 }),
    'own: the status page on its own socket says why';
is first('own')->{fpm}{active}, 2, 'own: ... both are busy';
is $httpd->get('/own/ok.php')->{status}, 503, 'own: no new request goes there';

# ---- And are free again ----

$fpm{$_}->file('gate', '') for qw(own same);
ok wait_until(30, sub { first($_)->{state} eq 'ok' }), "$_: it comes back" for qw(own same);
is $httpd->get("/$_/ok.php")->{body}, 'fine', "$_: and serves" for qw(own same);

# ---- No FPM at all ----

$own_socket->stop;
ok wait_until(30, sub { first('own')->{state} eq 'health_fail' }), 'FPM ends: down';
is first('own')->{check}{outcome}, 'connect_refused', '... the reason';
$httpd->expect_log(qr/FC0422: balancer:\/\/own/);
$httpd->expect_log(qr/FC0251: .*first_byte_timeout/);
$httpd->stop;

done_testing;
