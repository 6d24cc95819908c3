# Licensed under the Apache License, Version 2.0; see LICENSE.
# maxinflight=auto: the limit is what PHP-FPM's status page says, for each process manager, and after a
# reload to other numbers; operators set it to a number, and back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fpm;
use Httpd;
use ManagerApi;

plan skip_all => 'php-fpm is not installed' if !Fpm::is_installed();
plan skip_all => 'PHP-FPM before 8.0 has no pm.status_listen' if Fpm::major_version() < 8;

my $dir = Httpd::temporary_dir('auto');
chmod 0777, $dir;
my $hang = <<'EOC';
<?php while (!file_exists(__DIR__ . '/gate')) { usleep(20000); } echo 'done';
EOC
sub pm {
    my ($name, $pm, %o) = @_;
    return "pm.status_listen = $dir/$name.sock\npm = $pm\n" . join '', map { "pm.$_ = $o{$_}\n" } sort keys %o;
}
my %pool = (
    static   => pm('static', 'static', max_children => 3),
    dynamic  => pm('dynamic', 'dynamic', max_children => 4, start_servers => 1, min_spare_servers => 1, max_spare_servers => 2),
    ondemand => pm('ondemand', 'ondemand', max_children => 2),
);
my %fpm = map { $_ => Fpm->start(listen => 'tcp', pool => $pool{$_}, files => { 'hang.php' => $hang, 'ok.php' => 'fine' }) }
    sort keys %pool;
sub open_status { my ($name) = @_; return wait_until(10, sub { chmod 0777, "$dir/$name.sock" }) }
open_status($_) for keys %fpm;
sub url { my ($name) = @_; return $fpm{$name}->url }
my $config = join '', map { <<"EOC" } sort keys %fpm;
<Proxy balancer://$_>
    BalancerMember @{[ url($_) ]} maxinflight=auto queue=50 queuetimeout=60s hcinterval=200ms "hcstatus=unix:$dir/$_.sock|fcgi://x/fpm-status"
</Proxy>
ProxyPass /$_/ balancer://$_@{[ $fpm{$_}->docroot ]}/
EOC
my $httpd = Httpd->start(children => 2, threads => 32, config => "BalancerPersist On\n$config");

sub member { my ($name) = @_; return $httpd->balancer($name)->{members}[0] }
sub limit_is { my ($name, $limit) = @_; return wait_until(10, sub { member($name)->{limit} == $limit }) }
sub fill {
    my ($name, $count) = @_;
    return map { my $c = $httpd->connect; $c->request('GET', "/$name/hang.php"); $c } 1 .. $count;
}
sub finish {
    my ($name, @clients) = @_;
    $fpm{$name}->file('gate', '');
    return grep { $_->read_response->{body} ne 'done' } @clients;
}

# ---- static ----

ok limit_is('static', 3), 'static: the limit is all processes';
ok member('static')->{limit_is_auto}, '... and is automatic';
is member('static')->{config}{limit}, 'auto', '... as configured';
my @clients = fill('static', 8);
ok wait_until(10, sub { $httpd->balancer('static')->{queued} == 5 }), '... more requests wait in the queue';
is member('static')->{in_flight}, 3, '... and not in the backlog';
like $httpd->get('/balancer-manager')->{body}, qr/3 of 3 \(auto\)/, '... on the page';
like $httpd->get('/balancer-manager/metrics')->{body}, qr/in_flight_limit_auto\{[^}]*balancer="static"[^}]*\} 1/, '... in the metrics';
like $httpd->get('/balancer-manager?format=text')->{body}, qr{3/3 auto}, '... in the text';
is finish('static', @clients), 0, '... all are served';

# ---- dynamic, ondemand ----

my %most = (dynamic => 4, ondemand => 2);
for my $name (sort keys %most) {
    ok wait_until(10, sub { member($name)->{fpm} }), "$name: the numbers are read";
    is member($name)->{limit}, 0, '... there is no limit yet';
    ok member($name)->{limit_is_auto}, '... though it is automatic';
    @clients = ();
    for my $count (1 .. $most{$name} + 3) {    # of many at once ondemand sees the first only
        push @clients, fill($name, 1);
        wait_until(10, sub { $httpd->in_flight($name) + $httpd->balancer($name)->{queued} >= $count });
    }
    ok wait_until(20, sub { member($name)->{fpm}{max_children_reached} > 0 }), '... it is full for the first time';
    ok limit_is($name, $most{$name}), '... then the limit is what it has';
    my @lines = $httpd->log_lines(qr/FC0539: balancer:\/\/$name/);
    cmp_ok scalar @lines, '<=', 2, '... within two readings, each of which is in the log';
    like $lines[-1], qr/limit \d -> $most{$name} /, '... the last one is right';
    is finish($name, @clients), 0, '... all are served';
    unlink $fpm{$name}->docroot . '/gate';
    @clients = fill($name, $most{$name} + 3);
    ok wait_until(10, sub { $httpd->balancer($name)->{queued} == 3 }), '... now more requests wait in the queue';
    is member($name)->{in_flight}, $most{$name}, '... and not in the backlog';
    is finish($name, @clients), 0, '... all are served';
}
ok wait_until(20, sub { member('dynamic')->{fpm}{total} < 4 }), 'dynamic: children end when they are idle';
is member('dynamic')->{limit}, 4, '... the limit stays';

# ---- Reloaded to other numbers ----

for ([static => pm('static', 'static', max_children => 5), 5],
     [dynamic => pm('dynamic', 'dynamic', max_children => 3, start_servers => 1, min_spare_servers => 1, max_spare_servers => 1), 0],
     [ondemand => pm('ondemand', 'static', max_children => 1), 1]) {
    my ($name, $pool, $limit) = @$_;
    my $since = $fpm{$name}->status->{'start time'};
    $fpm{$name}{pool} = $pool;
    $fpm{$name}->write_config;
    wait_until(5, sub { time > $since });    # FPM tells whole seconds
    ok $fpm{$name}->reload, "$name: reloaded";
    open_status($name);
    ok limit_is($name, $limit), $limit ? "... the limit is the new one" : '... the limit is forgotten';
}
unlink $fpm{dynamic}->docroot . '/gate';
@clients = fill('dynamic', 6);
ok limit_is('dynamic', 3), 'dynamic: full again: the limit is the new one';
is finish('dynamic', @clients), 0, '... all are served';

# ---- Operators, and restarts ----

my $api = ManagerApi->new($httpd);
my $path = ManagerApi::member_path('static', url('static'));
is $api->patch($path, { limit => 2 })->{status}, 200, 'an operator sets a number';
is member('static')->{limit}, 2, '... which holds';
ok !member('static')->{limit_is_auto}, '... and is not automatic';
like $httpd->get('/balancer-manager')->{body}, qr/of 2 \(config auto\)/, '... as the page says';
$httpd->graceful;
is member('static')->{limit}, 2, '... over a graceful restart';
$httpd->restart;
is member('static')->{limit}, 2, '... and over a restart, as it is saved';
is $api->patch($path, { limit => 'many' })->{status}, 400, 'other words are refused';
is $api->patch($path, { limit => 'auto' })->{status}, 200, 'the operator sets it back to auto';
ok limit_is('static', 5), '... and the limit is what PHP-FPM says';
ok member('static')->{limit_is_auto}, '... automatic';
$httpd->graceful;
is member('static')->{limit}, 5, '... which is not forgotten over a graceful restart';
$httpd->restart;
ok limit_is('static', 5), '... and is read again after a restart';

$httpd->stop;

# ---- configtest ----

sub configtest { my ($member) = @_; return Httpd->configtest(config => "<Proxy balancer://a>\nBalancerMember $member\n</Proxy>\n") }
my ($code, $said) = configtest('fcgi://127.0.0.1:9 maxinflight=auto');
isnt $code, 0, 'maxinflight=auto without hcstatus is an error';
like $said, qr/FC0540: balancer:\/\/a: member fcgi:\/\/127.0.0.1:9: maxinflight=auto needs .* hcstatus=/, '... with the remedy';
($code, $said) = configtest('fcgi://127.0.0.1:9 maxinflight=auto hcstatus=/status');
is $code, 0, 'a status page of the pool itself is none';
like $said, qr/FC0541: .*pm.status_listen/, '... but it is said what is better';
($code, $said) = configtest("fcgi://127.0.0.1:9 maxinflight=auto hcstatus=fcgi://127.0.0.1:10/status");
is $code, 0, 'a page of its own';
unlike $said, qr/FC054/, '... is all right';
($code, $said) = configtest('fcgi://127.0.0.1:9 maxinflight=automatic hcstatus=/status');
isnt $code, 0, 'another word';
like $said, qr/maxinflight=automatic/, '... is refused';
$_->stop for values %fpm;
done_testing;
