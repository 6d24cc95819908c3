# Licensed under the Apache License, Version 2.0; see LICENSE.
# One process of an httpd talks to the store. When it is killed another one goes on, and nobody notices; a graceful
# restart hands it to a new process. Nothing waits for a store that hangs. Two httpds of one name see that.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;

Fleet::skip_unless_testable();

my $fleet = Fleet->start(fronts => 1, httpd => { children => 3, threads => 4 });
my ($httpd) = $fleet->fronts;
my $redis = $fleet->redis;
Fleet::comes_up($httpd);

sub talks { return Fleet::talks($httpd, $redis->port) }

# What the store has of this front: number and incarnation.
sub document { return (split ' ', $redis->ask('HGET', 'fc:{shop}:front', 'web1') // '')[2, 3] }
sub goes_on {
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($before) = document();
    return ok(wait_until(20, sub { (document())[0] > $before }), $name);
}

# ---- Killed ----

my ($first, $incarnation) = document();
for my $time (1 .. 3) {
    my $talker = talks();
    like $talker, qr/^\d+$/, 'one child talks to the store';
    $httpd->kill_child($talker);
    ok wait_until(20, sub { my @now = Fleet::talkers($httpd, $redis->port); @now == 1 && $now[0] != $talker }), '... it is killed: another one does';
    goes_on('... and goes on with what it says');
    $httpd->wait_for_children;
}
is Fleet::partings($httpd), 0, 'the front was never alone';
is +(document())[1], $incarnation, '... it is still the same';

# ---- A graceful restart ----

my $old = talks();
ok $httpd->graceful, 'a graceful restart';
isnt talks(), $old, '... another process talks';
goes_on('... and goes on');
is Fleet::partings($httpd), 0, '... nobody was alone';
is +(document())[1], $incarnation, '... it is the same front to the others';

# ---- The store hangs ----

$redis->halt;
Fleet::goes_alone($httpd, 'timeout');
ok $httpd->graceful, 'a graceful restart while the store hangs';
ok !Fleet::is_up($httpd), '... the new process finds it hanging, too';
my $stopping = now_monotonic();
$httpd->stop;
in_time(now_monotonic() - $stopping, 4, 'httpd ends without waiting for it');
$redis->continue;

# ---- Another life ----

$httpd = $fleet->start_front('web1', children => 1);
Fleet::comes_up($httpd, 'started again');
goes_on('... it goes on');
isnt +(document())[1], $incarnation, '... as another incarnation';
$httpd->kill_all;
$httpd->expect_log(qr/AH00098/, optional => 1);    # its pid file is still there
$httpd->start;
Fleet::comes_up($httpd, 'killed and started again');
goes_on('... it goes on');
is Fleet::partings($httpd), 0, '... its former life does not disturb it';

# ---- Two of one name ----

my $twin = $fleet->start_front('web1');
Fleet::goes_alone($_, 'name_taken', 'two of one name are alone') for $httpd, $twin;
$twin->stop;
Fleet::comes_up($httpd, '... until there is one');
$httpd->stop;

done_testing;
