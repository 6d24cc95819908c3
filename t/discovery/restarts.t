# Licensed under the Apache License, Version 2.0; see LICENSE.
# Discovered members over graceful restarts, killed child processes and full restarts: one process asks, and
# another goes on when it is killed; a graceful restart keeps members with their numbers, also while DNS is
# away.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Discovery;
use DnsServer;
use FastBackend;
use Httpd;
use Load;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my @three   = map { "127.0.0.$_" } 2 .. 4;
my $backend = FastBackend->start(host => '0.0.0.0');
my $dns     = DnsServer->start(records => { php => \@three });
my $config  = sub { Discovery::resolver($dns) . Discovery::balancer(app => Discovery::line('php', $backend->port, @_)) };
my $httpd   = Httpd->start(children => 3, threads => 16, debug_log => 'balancer_byrequests:info', config => $config->());
sub members { my %members = Discovery::members($httpd, 'app'); return map { $members{$_} } sort keys %members }
sub asking_pid {
    my ($line) = reverse $httpd->log_lines(qr/FC052[345]/);
    return ($line // '') =~ /\[pid (\d+)/ ? $1 : 0;
}

Discovery::settles($httpd, \@three, 'three members', 'app');

# ---- kill -9, while requests run ----

my $load = Load->start(port => $httpd->port, clients => 3, pause => 0.005, path => '/app/x', keep => 0);
$load->wait_until_running;
for my $round (1 .. 2) {
    my @now = map { "127.0.$round.$_" } 1 .. 3;
    $dns->set(php => \@now);
    Discovery::settles($httpd, \@now, "round $round: others", 'app');
    my $asking = asking_pid();
    ok $asking, '... by one process';
    # Clients of this process lose their connection: they are to be no part of the result.
    my $result = $load->stop;
    is_deeply [keys %{ $result->{status} }], [200], '... no client saw an error';
    $httpd->kill_child($asking);
    $load = Load->start(port => $httpd->port, clients => 3, pause => 0.005, path => '/app/x', keep => 0);
    $dns->set(php => \@three);
    Discovery::settles($httpd, \@three, '... it is killed: another process goes on', 'app');
    ok wait_until(10, sub { asking_pid() && asking_pid() != $asking }), '... indeed';
    $httpd->wait_for_children(3);
}

# ---- Graceful restarts, in the middle of changes and of the load ----

my @elected = map { $_->{elected} } members();
my $queries = Discovery::source($httpd, 'app')->{queries};
ok $httpd->graceful, 'a graceful restart';
is_deeply Discovery::addresses($httpd, 'app'), \@three, '... the members are there at once';
is scalar(grep { (members())[$_]{elected} < $elected[$_] } 0 .. 2), 0, '... and count on';
cmp_ok Discovery::source($httpd, 'app')->{queries}, '>=', $queries, '... so do the queries';
$dns->set(php => [@three[0, 1], '127.0.2.1']);
ok $httpd->graceful, 'a change and a graceful restart at once';
Discovery::settles($httpd, [@three[0, 1], '127.0.2.1'], '... the change is seen', 'app');
$dns->set(php => \@three);
$httpd->set_config($config->('maxinflight=3'));
ok $httpd->graceful, 'a graceful restart with another limit in the line';
Discovery::settles($httpd, \@three, '... the members are those of DNS', 'app');
is_deeply [map { $_->{limit} } members()], [3, 3, 3], '... and have the new limit';

# ---- A graceful restart while DNS is away ----

$dns->stop;
$httpd->expect_log(qr/FC0526: balancer:\/\/app: .*php/);
Discovery::becomes($httpd, 'stale', 'DNS is away', 'app');
ok $httpd->graceful, '... a graceful restart';
is_deeply Discovery::addresses($httpd, 'app'), \@three, '... keeps the members';
ok Discovery::goes_on($httpd, 2, 'app'), '... asks in vain';
is_deeply Discovery::addresses($httpd, 'app'), \@three, '... and keeps them';
Discovery::had_no_errors($load, '... and no client saw an error in all this');

# ---- A full restart while DNS is away ----

$httpd->expect_log(qr/FC0422: balancer:\/\/app: no_member/);
ok $httpd->restart, 'a full restart while DNS is away: httpd starts';
is_deeply Discovery::addresses($httpd, 'app'), [], '... without members';
is Discovery::source($httpd, 'app')->{state}, 'waiting', '... and waits for the first answer';
is $httpd->get('/app/x')->{status}, 503, '... a request gets its 503 at once';
$dns->start_again;
Discovery::settles($httpd, \@three, 'DNS is back: so are the members', 'app');
is $httpd->get('/app/x')->{status}, 200, '... which answer';
$httpd->stop;

# ---- The line goes, and comes back ----

$httpd = Httpd->start(config => $config->() . 'ProxyTimeout 20');
Discovery::settles($httpd, \@three, 'members of a line', 'app');
$httpd->set_config(Discovery::balancer(app => "BalancerMember fcgi://127.0.0.9:@{[ $backend->port ]}"));
ok $httpd->graceful, '... that is taken out of the configuration';
is_deeply [map { $_->{hostname} } @{ $httpd->balancer('app')->{members} }], ['127.0.0.9'], '... are no members any more';
$httpd->set_config($config->());
ok $httpd->graceful, '... and is put in again';
Discovery::settles($httpd, \@three, '... are again', 'app');
$httpd->stop;

done_testing;
