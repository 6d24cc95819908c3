# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-07: limits that are set at run time hold at once, outlive restarts, and give way to an edited
# configuration; so do the deadline of a drain and a weight.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerApi;

my $backend = FastBackend->start(ms => 50);
my $other   = FastBackend->start;
sub config {
    my ($limit, %o) = @_;
    return join "\n", 'BalancerPersist ' . ($o{persist} // 'On'), '<Proxy balancer://cluster>',
        "BalancerMember @{[ $backend->url ]} maxinflight=$limit queue=50 queuetimeout=20s",
        "BalancerMember @{[ $other->url ]} lbset=1 status=+D", 'ProxySet growth=2', '</Proxy>',
        'ProxyPass /app/ balancer://cluster/', '';
}
my $httpd = Httpd->start(children => 2, threads => 16, config => config(1));
$httpd->expect_log(qr/AH00098/, optional => 1);    # it was killed: its pid file was left
my $api = ManagerApi->new($httpd);
my ($one, $two) = map { ManagerApi::member_path('cluster', $_->url) } $backend, $other;
sub limits { return [@{ $api->get($_[0] // $one)->{json} }{qw(limit queue_limit queue_timeout_us)}] }

# ---- At once ----

my $load = Load->start(port => $httpd->port, clients => 12, path => '/app/x');
ok wait_until(10, sub { $httpd->balancer->{queued} >= 8 }), 'clients wait for the only place';
is $backend->counts->{peak}, 1, '... the backend has one request at once';
is $api->patch($one, { limit => 6 })->{status}, 200, 'the limit is raised';
ok wait_until(5, sub { $backend->counts->{peak} == 6 }), '... who waited is let in';
$api->patch($one, { limit => 2 });
ok wait_until(10, sub { $api->get($one)->{json}{in_flight} <= 2 }), 'lowered: who is in may finish';
my $most = 0;
wait_until(1, sub { my $now = $api->get($one)->{json}{in_flight}; $most = $now if $now > $most; return 0 });
cmp_ok $most, '<=', 2, '... and no more come in';
$api->patch($one, { limit => 0 });
ok wait_until(10, sub { $httpd->balancer->{queued} == 0 }), 'without a limit nobody waits';
my $result = $load->stop;
is_deeply [keys %{ $result->{status} }], [200], 'every client was served' or diag explain $result;

# ---- Over restarts ----

$api->patch($one, { limit => 5, queue_limit => 7, queue_timeout => 2.5, weight => 5 });
$api->patch($two, { limit => 9, state => 'drain', drain_deadline => 3600 });
$api->post('balancers/cluster/members', { url => 'fcgi://127.0.0.1:1', limit => 3, queue_limit => 4 });
my $until = $api->get($two)->{json}{drain_until};
like $until, qr/Z$/, 'a drain with a deadline';
sub check_kept {
    my ($when) = @_;
    is_deeply limits(), [5, 7, 2_500_000], "$when: the limits";
    my $member = $api->get($one)->{json};
    is_deeply [@{ $member->{config} }{qw(limit queue_limit queue_timeout_us weight)}], [1, 50, 20_000_000, 1],
        '... and what the configuration says';
    is $member->{weight}, 5, '... the weight';
    is_deeply [@{ $api->get($two)->{json} }{qw(state drain_until limit)}], ['draining', $until, 9],
        '... the drain with its deadline';
    is_deeply [@{ limits(ManagerApi::member_path('cluster', 'fcgi://127.0.0.1:1')) }[0, 1]], [3, 4],
        '... those of an added member';
    return;
}
check_kept('now');
ok $httpd->graceful, 'a graceful restart';
check_kept('after it');
ok $httpd->restart, 'a restart in place';
check_kept('after it');
$httpd->kill_all;
$httpd->start;
check_kept('after kill -9 of everything');
$httpd->set_config(config(3));
ok $httpd->restart, 'a restart with an edited limit';
is_deeply limits(), [3, 7, 2_500_000], '... the configuration wins, for this one';
ok $httpd->wait_for_log(qr/FC0452: .* now says limit "3", so the run-time value "5"/), '... and a line says so';

# ---- A deadline that passes while httpd is down ----

$api->patch($two, { state => 'drain', drain_deadline => 1 });
$httpd->kill_all;
my $ended = now_monotonic() + 1;
wait_until(5, sub { now_monotonic() > $ended });
$httpd->start;
is_deeply [@{ $api->get($two)->{json} }{qw(state drain_until)}], ['disabled', undef], 'it is over at the next start';

# ---- Without BalancerPersist, and with a move ----

$api->patch($one, { limit => 6 });
$api->patch($one, { address => '127.0.0.1:2' });
is_deeply limits(ManagerApi::member_path('cluster', 'fcgi://127.0.0.1:2')), [6, 7, 2_500_000],
    'a member that is moved takes its limits along';
$httpd->set_config(config(3, persist => 'Off'));
ok $httpd->restart, 'without BalancerPersist';
is_deeply limits(), [3, 50, 20_000_000], '... all is as configured';

$httpd->stop;
done_testing;
