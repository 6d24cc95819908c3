# Licensed under the Apache License, Version 2.0; see LICENSE.
# Replies of the store that come cut, garbled, byte by byte or not at all (each byte: t/unit/test_redis_engine.c):
# the front says so once, and is back by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;
use RedisProxy;
use RedisServer;

Fleet::skip_unless_testable();

my $redis = RedisServer->start;
my $proxy = RedisProxy->start($redis);
my $fleet = Fleet->start(fronts => 1, redis => $redis, url => $proxy->url, words => 'interval=100ms lease=2s');
my ($httpd) = $fleet->fronts;
Fleet::comes_up($httpd, 'a proxy that passes everything on');

# The reply to ROLE has 29 bytes; the round is behind it.
for my $broken (['cut 0', 'closed'], ['cut 5', 'closed'], ['cut 40', 'closed'], ['hold 0', 'timeout'], ['hold 60', 'timeout'],
                ['flip 0', 'protocol'], ['flip 7', 'protocol|timeout'], ['flip 29', 'protocol|error']) {
    $proxy->does($broken->[0]);
    Fleet::goes_alone($httpd, $broken->[1] . '|closed', "replies: $broken->[0]");
    ok wait_until(20, sub { $proxy->has_done }), '... so it was';
    $proxy->does('pass');
    Fleet::comes_up($httpd, '... and then in order: it is back');
}

$proxy->does('dribble');
wait_until(20, sub { !Fleet::is_up($httpd) });    # the connection before has been closed
Fleet::comes_up($httpd, 'byte by byte');
my $before = $redis->ask('HGET', 'fc:{shop}:front', 'web1');
ok wait_until(10, sub { $redis->ask('HGET', 'fc:{shop}:front', 'web1') ne $before }), '... rounds go on';
$fleet->stop;

done_testing;
