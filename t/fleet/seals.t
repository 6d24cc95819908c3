# Licensed under the Apache License, Version 2.0; see LICENSE.
# Who can write the store, but does not know the secret, cannot speak for a front: that is ignored, and said once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;

Fleet::skip_unless_testable();

my $fleet = Fleet->start(fronts => 2);
my ($one, $two) = $fleet->fronts;
my $redis = $fleet->redis;
Fleet::comes_up($_) for $one, $two;
is scalar(() = $one->log_lines(qr/FC0563/)), 0, 'with a secret there is no notice';

# ---- Forged ----

sub complaints { my ($httpd, $front) = @_; return scalar(() = $httpd->log_lines(qr/FC0562: fleet: the front of the front \Q$front\E is ignored/)) }
sub puts_right { my ($front, $forged) = @_; return wait_until(20, sub { $redis->ask('HGET', 'fc:{shop}:front', $front) ne $forged }) }

ok wait_until(10, sub { my @all = $redis->fronts('shop'); @all == 2 }), 'both are there';
my ($digest, @rest) = (split ' ', $redis->ask('HGET', 'fc:{shop}:front', 'web2'))[1 .. 4];
my %forged = ('without a seal' => "v1 - @rest", 'with a seal of another text' => "v1 $digest " . ($rest[0] + 1) . " @rest[1, 2]",
              'nothing of the kind' => "\0\xff" x 1000);
for my $how (sort keys %forged) {
    my $before = complaints($one, 'web2');
    $redis->ask('HSET', 'fc:{shop}:front', 'web2', $forged{$how});
    ok wait_until(10, sub { complaints($one, 'web2') > $before || puts_right('web2', $forged{$how}) }), "a document $how is noticed";
    ok puts_right('web2', $forged{$how}), '... web2 writes its own again';
}
$redis->ask('HSET', 'fc:{shop}:front', 'web9', 'v1 - 1 1 {}');
ok wait_until(10, sub { complaints($_, 'web9') }), "$_->{front}: a front that does not exist is told" for $one, $two;
my ($before) = (split ' ', $redis->ask('HGET', 'fc:{shop}:front', 'web1'))[2];
ok wait_until(10, sub { (split ' ', $redis->ask('HGET', 'fc:{shop}:front', 'web1'))[2] > $before + 2 }), '... rounds go on';
is complaints($one, 'web9'), 1, '... and it is told once';
$_->expect_log(qr/FC0562/) for $one, $two;
$fleet->stop;

# ---- Another secret, and none ----

$redis->ask('FLUSHALL');
my $first = Fleet->start(fronts => 1, redis => $redis);
my $other = Fleet->start(fronts => 0, redis => $redis, secret => 'quite another secret');
my $web2  = $other->start_front('web2');
Fleet::comes_up($_, "$_->{front} has its own secret") for $first->fronts, $web2;
ok wait_until(20, sub { complaints($web2, 'web1') && complaints(($first->fronts)[0], 'web2') }), 'each ignores the other';
$_->expect_log(qr/FC0562/) for $first->fronts, $web2;
$_->stop for $web2, $first->fronts;

$redis->ask('FLUSHALL');
my $open = Fleet->start(fronts => 1, redis => $redis, secret => '');
Fleet::comes_up($open->fronts, 'without a secret');
is scalar(() = ($open->fronts)[0]->log_lines(qr/FC0563: BalancerFleet: without secretfile=/)), 1, '... there is a notice';
$open->stop;

done_testing;
