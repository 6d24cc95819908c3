# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a store can be but away: it wants a password, is a replica, full, loading, paused, emptied, failed over. A
# front says which, in a word, and is back by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;
use RedisServer;

Fleet::skip_unless_testable();
plan skip_all => 'Redis before 7.0 has fewer ways to fail on demand' if !RedisServer::is_at_least('7.0');

# All of its fronts have a document in this store.
sub are_all_there {
    my ($redis, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(wait_until(20, sub { join(' ', $redis->fronts('shop')) eq 'web1 web2' }), $name) || diag $redis->fronts('shop');
}

# ---- A password ----

my $redis = RedisServer->start(password => 'geheim');
my $fleet = Fleet->start(fronts => 1, redis => $redis);
Fleet::goes_alone($fleet->fronts, 'auth', 'a store that wants a password, and none is configured');
$fleet->stop;
$fleet = Fleet->start(fronts => 1, redis => $redis, password => 'falsch');
Fleet::goes_alone($fleet->fronts, 'auth', '... and a wrong one');
unlike join("\n", ($fleet->fronts)[0]->log_lines), qr/falsch/, '... which does not appear in the log';
$redis->set(requirepass => 'falsch');
$redis->{password} = 'falsch';
Fleet::comes_up($fleet->fronts, '... and then the right one');
$fleet->stop;
$redis->ask(qw(ACL SETUSER web on >wort ~fc:* +@all));
$fleet = Fleet->start(fronts => 1, redis => $redis, password => 'wort', words => 'user=web interval=200ms lease=2s');
Fleet::comes_up($fleet->fronts, 'a user of an access list');
$redis->ask(qw(ACL SETUSER web -hset));
Fleet::goes_alone($fleet->fronts, 'auth', '... who may not write any more');
$redis->ask(qw(ACL SETUSER web +hset -role));
Fleet::comes_up($fleet->fronts, '... or not ask for the role, which does not matter');
$fleet->stop;
$redis->stop;

# ---- Two fronts, and what happens to their store ----

$redis = RedisServer->start(settings => ['enable-debug-command yes']);
$fleet = Fleet->start(fronts => 2, redis => $redis, words => 'interval=200ms lease=2s');
my ($one, $two) = $fleet->fronts;
Fleet::comes_up($_) for $one, $two;
are_all_there($redis, 'both are there');

$redis->set(maxmemory => 1);
Fleet::goes_alone($_, 'full') for $one, $two;
$redis->set(maxmemory => 0);
Fleet::comes_up($_) for $one, $two;

$redis->ask('REPLICAOF', '127.0.0.1', Httpd::free_port());
Fleet::goes_alone($_, 'readonly') for $one, $two;
$redis->ask('REPLICAOF', 'NO', 'ONE');
Fleet::comes_up($_) for $one, $two;

$redis->ask('CLIENT', 'PAUSE', 600_000, 'WRITE');
Fleet::goes_alone($_, 'timeout') for $one, $two;
$redis->ask('CLIENT', 'UNPAUSE');
Fleet::comes_up($_) for $one, $two;

my $partings = Fleet::partings($one);
$redis->ask('FLUSHALL');
are_all_there($redis, 'an emptied store gets all of it again');
$redis->ask('HDEL', 'fc:{shop}:front', 'web2');
are_all_there($redis, '... and one document that is missing');
is Fleet::partings($one), $partings, '... nobody is alone for that';

# ---- A busy store: a script of somebody that does not end ----

$redis->set('busy-reply-threshold', 100);
my $script = Process->start(name => 'script', run => sub { eval { $redis->ask('EVAL', 'while true do end', 0) } });
Fleet::goes_alone($_, 'loading|timeout') for $one, $two;
ok wait_until(20, sub { eval { $redis->ask('SCRIPT', 'KILL') } || $@ =~ /NOTBUSY/ }), 'the script is ended';
Fleet::comes_up($_) for $one, $two;
$script->stop;

# ---- Loading: what is in it takes a while ----

$redis->ask('SET', "key$_", 'x' x 2000) for 1 .. 100;
$redis->set('key-load-delay', 50_000);
$redis->set('loading-process-events-interval-bytes', 1024);
my $reload = Process->start(name => 'reload', run => sub { eval { $redis->ask('DEBUG', 'RELOAD') } });
Fleet::goes_alone($_, 'loading|timeout') for $one, $two;
$redis->set('key-load-delay', 0);
Fleet::comes_up($_) for $one, $two;
$reload->stop;
are_all_there($redis, 'what was loaded goes on');

# ---- Something else under the key ----

$redis->ask('DEL', 'fc:{shop}:front');
eval { $redis->ask('SET', 'fc:{shop}:front', 'x') };
wait_until(5, sub { Fleet::reason($one) eq 'error' }) || eval { $redis->ask('DEL', 'fc:{shop}:front'); $redis->ask('SET', 'fc:{shop}:front', 'x') };
Fleet::goes_alone($_, 'error', "$_->{front}: a key of another type") for $one, $two;
$redis->ask('DEL', 'fc:{shop}:front');
Fleet::comes_up($_) for $one, $two;
$fleet->stop;

# ---- A unix socket, and another database ----

$fleet = Fleet->start(fronts => 2, redis => $redis, url => $redis->socket_url . '?db=3');
Fleet::comes_up($_, "$_->{front} by a unix socket") for $fleet->fronts;
ok wait_until(10, sub { $redis->ask('INFO', 'keyspace') =~ /db3:/ }), '... in its database';
$fleet->stop;
$redis->stop;

# ---- Several addresses: the first that takes writes ----

my $master  = RedisServer->start;
my $replica = RedisServer->start(replica_of => $master);
my $url = 'redis://127.0.0.1:' . join(',127.0.0.1:', Httpd::free_port(), $replica->port, $master->port);
$fleet = Fleet->start(fronts => 2, url => $url, redis => $master);
($one, $two) = $fleet->fronts;
Fleet::comes_up($_, "$_->{front} finds the master among three") for $one, $two;
are_all_there($master, '... and writes to it');
ok wait_until(10, sub { (my @all = $replica->fronts('shop')) == 2 }), '... which its replica gets';
$master->stop;
$replica->ask('REPLICAOF', 'NO', 'ONE');
wait_until(20, sub { Fleet::partings($_) }) for $one, $two;
$_->expect_log(qr/FC0560/) for $one, $two;
Fleet::comes_up($_, "$_->{front} follows to the one that is master now") for $one, $two;
$replica->ask('DEL', 'fc:{shop}:front');
are_all_there($replica, '... and writes to it');
$fleet->stop;
$replica->stop;

# ---- Sentinels ----

$master   = RedisServer->start;
$replica  = RedisServer->start(replica_of => $master);
my $guard = RedisServer->start(sentinel_of => $master);
ok wait_until(20, sub { my %m = $guard->ask('SENTINEL', 'MASTER', 'fleet'); $m{'num-slaves'} == 1 }), 'a sentinel knows the replica';
$fleet = Fleet->start(fronts => 2, redis => $master,
    url => 'sentinel://127.0.0.1:' . Httpd::free_port() . ',127.0.0.1:' . $guard->port . '/fleet');
($one, $two) = $fleet->fronts;
Fleet::comes_up($_, "$_->{front} asks a sentinel") for $one, $two;
are_all_there($master, '... and writes to the master');
$master->stop;
Fleet::goes_alone($_, 'closed|refused|readonly|timeout') for $one, $two;
Fleet::comes_up($_, "$_->{front} is back after the failover") for $one, $two;
are_all_there($replica, '... and writes to the new master');
$fleet->stop;
my $unknown = Fleet->start(fronts => 1, redis => $replica, url => 'sentinel://127.0.0.1:' . $guard->port . '/other');
Fleet::goes_alone($unknown->fronts, 'no_master', 'a name that no sentinel knows');
$unknown->stop;

done_testing;
