# Licensed under the Apache License, Version 2.0; see LICENSE.
# A name without addresses (NXDOMAIN, no data) keeps the last members for the time of onempty: many members,
# none, many again, and no request is lost.
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

my @many    = map { "127.0.0.$_" } 2 .. 9;
my @other   = map { "127.0.1.$_" } 1 .. 8;
my $backend = FastBackend->start(host => '0.0.0.0');
my $dns     = DnsServer->start(records => { php => \@many });
my @balancers = qw(default keep short);
sub line { return Discovery::line('php', $backend->port, @_) }
my $httpd = Httpd->start(children => 2, config => Discovery::resolver($dns)
    . Discovery::balancer(default => line())
    . Discovery::balancer(keep => line('onempty=keep'))
    . Discovery::balancer(short => line('onempty=200ms'))
    . Discovery::balancer(queued => line('onempty=0', 'maxinflight=50'), 'BalancerMemberDefaults queue=50 queuetimeout=20s'));
$httpd->expect_log(qr/FC05\d\d: balancer:\/\/(?:default|keep|short|queued): .*fcgi:\/\/php/);
sub state_of { return Discovery::source($httpd, $_[0])->{state} }

Discovery::settles($httpd, \@many, "$_: many members", $_) for @balancers, 'queued';
my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => sub { $_[1] % 2 ? '/default/x' : '/keep/x' });
$load->wait_until_running;

for my $round ([nxdomain => sub { $dns->remove('php') }], [no_data => sub { $dns->set(php => []) }]) {
    my ($error, $empty) = @$round;
    $empty->();
    Discovery::becomes($httpd, 'empty', "$error: the source is empty", $_) for @balancers;
    is Discovery::source($httpd, $_)->{error}, $error, "$error: ... $_ says why" for @balancers;
    ok Discovery::goes_on($httpd, 4, $_), "$error: ... $_ goes on asking" for qw(default keep);
    is_deeply Discovery::addresses($httpd, $_), \@many, "$error: ... $_ keeps its members" for qw(default keep);
    Discovery::settles($httpd, [], "$error: ... but not for longer than onempty", 'short');
    is $httpd->get('/short/x')->{status}, 503, '... a request then gets a 503';
    $dns->set(php => \@many);
    Discovery::becomes($httpd, 'ok', "$error: there are addresses again", $_) for @balancers;
    Discovery::settles($httpd, \@many, "$error: ... many members again", 'short');
    is $httpd->get('/short/x')->{status}, 200, '... which answer';
}
$httpd->expect_log(qr/FC0422: balancer:\/\/short: no_member/);

# ---- Others instead of those ----

$dns->remove('php');
Discovery::becomes($httpd, 'empty', undef, 'default');
$dns->set(php => \@other);
Discovery::settles($httpd, \@other, "$_: no address, and then others: all are replaced", $_) for @balancers;
Discovery::had_no_errors($load, 'who asks default or keep, sees no error');

# ---- A queue holds requests until there are members again ----

$dns->remove('php');
Discovery::settles($httpd, [], 'a balancer with a queue: no members', 'queued');
my @clients = map { my $client = $httpd->connect; $client->request('GET', '/queued/x'); $client } 1 .. 5;
ok wait_until(10, sub { $httpd->balancer('queued')->{queued} == 5 }), '... requests wait';
$dns->set(php => ['127.0.0.2']);
is $_->read_response->{status}, 200, '... and are served when there is a member' for @clients;

$httpd->stop;
done_testing;
