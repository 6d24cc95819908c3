# Licensed under the Apache License, Version 2.0; see LICENSE.
# Virtual hosts that inherit a balancer, with and without settings of their own, a configured member and one
# that an operator adds: all see the same discovered members, while they change, over graceful restarts and
# killed child processes.
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
use ManagerApi;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $backend = FastBackend->start(host => '0.0.0.0');
my ($fixed, $extra) = map { FastBackend->start } 1 .. 2;
my $dns   = DnsServer->start(records => { php => ['127.0.0.2', '127.0.0.3'] });
my $httpd = Httpd->start(children => 2, debug_log => 'balancer_byrequests:info', config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('php', $backend->port, 'discovermax=3'),
                          'BalancerMember ' . $fixed->url, 'ProxySet growth=1') . <<'EOC');
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
ProxyPass /own/ balancer://app/ timeout=31
</VirtualHost>
<VirtualHost 127.0.0.1:@port2@>
ServerName heir.test
ProxyPass /heir/ balancer://app/
</VirtualHost>
EOC
sub set { my @now = map { "127.0.0.$_" } @_; $dns->set(php => \@now); return @now }
sub load { my ($port, $path) = @_; return Load->start(port => $port, clients => 1, pause => 0.005, path => $path, keep => 0) }

Discovery::settles($httpd, ['127.0.0.2', '127.0.0.3'], 'two discovered members', 'app');
my @load = (load($httpd->port, '/app/x'), load($httpd->port2, '/own/x'));
$_->wait_until_running for @load;
my $api = ManagerApi->new($httpd);
for my $round (1 .. 6) {
    Discovery::settles($httpd, [set(4, 5)], "round $round: others", 'app');
    is $api->post('balancers/app/members', { url => $extra->url })->{status}, 201, '... an operator adds one' if $round % 2;
    is $api->delete(ManagerApi::member_path('app', $extra->url))->{status}, 202, '... and removes it' if !($round % 2);
    Discovery::settles($httpd, [set(2, 3, 6)], '... and others again', 'app');
    ok $httpd->graceful, '... a graceful restart' if $round % 3 == 0;
}
Discovery::had_no_errors($_, 'no client saw an error') for @load;
my ($victim) = $httpd->children;
set(7);
$httpd->kill_child($victim);
Discovery::settles($httpd, [set(8, 9)], 'a child is killed in the middle', 'app');
is_deeply [sort map { $_->{origin} } @{ $httpd->balancer('app')->{members} }], [qw(configured discovered discovered)], 'nobody else is left';
ok wait_until(10, sub { $httpd->in_flight == 0 }), 'nothing is in flight';
$httpd->stop;
done_testing;
