# Licensed under the Apache License, Version 2.0; see LICENSE.
# More addresses than discovermax: a fair choice of them that stays as it is; the others are counted, and
# told in one line.
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
use List::Util qw(sum0);

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $backend = FastBackend->start(host => '0.0.0.0');
my @all     = map { "127.0.0.$_" } 2 .. 101;
my $dns     = DnsServer->start(records => { php => \@all });
my $httpd   = Httpd->start(config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('php', $backend->port, 'discovermax=10')));
$httpd->expect_log(qr/FC05\d\d: balancer:\/\/app: .*php.*discovermax/, times => 1);

sub chosen { return @{ Discovery::addresses($httpd, 'app') } }
sub source { return Discovery::source($httpd, 'app') }

ok wait_until(20, sub { chosen() == 10 }), '100 addresses, 10 members';
is_deeply [@{ source() }{qw(addresses dropped members)}], [100, 90, 10], '... and it is told how many are not';
my @first = chosen();
isnt "@first", "@{[ sort map { \"127.0.0.$_\" } 2 .. 11 ]}", '... not just the first ten';
ok Discovery::goes_on($httpd, 5, 'app'), 'the same records, in another order each time';
is_deeply [chosen()], \@first, '... the choice stays';

# ---- Others vanish ----

my %is_chosen = map { $_ => 1 } @first;
my @others = grep { !$is_chosen{$_} } @all;
$dns->set(php => [@first, @others[0 .. 39]]);
ok wait_until(20, sub { source()->{addresses} == 50 }), '50 of those that are no members vanish';
is_deeply [chosen()], \@first, '... the choice stays';

# ---- A chosen one vanishes ----

$dns->set(php => [@first[1 .. 9], @others[0 .. 39]]);
ok wait_until(20, sub { chosen() == 10 && "@{[ chosen() ]}" ne "@first" }), 'one of the ten vanishes: another takes its place';
my %now = map { $_ => 1 } chosen();
is scalar(grep { $now{$_} } @first[1 .. 9]), 9, '... the others stay';

# ---- Few enough ----

$dns->set(php => [@first[1 .. 9]]);
Discovery::settles($httpd, [@first[1 .. 9]], 'nine addresses: nine members', 'app');
is source()->{dropped}, 0, '... and none is dropped';
$httpd->stop;

done_testing;
