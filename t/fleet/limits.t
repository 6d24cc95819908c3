# Licensed under the Apache License, Version 2.0; see LICENSE.
# maxinflight over three fronts: the member never sees more requests than that, while fronts are halted and
# killed, and the store is halted, killed, emptied, and replaced by a copy that lacks the last writes. When all
# is well, all of it is used, also by one front alone.
# FLEET_SECONDS=600 for more of it than the 20 seconds of `make check`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;
use FleetLimit;

Fleet::skip_unless_testable();

my $LIMIT   = FleetLimit::LIMIT;
my $seconds = $ENV{FLEET_SECONDS} || 20;
srand($ENV{FLEET_SEED} // 1);

my ($redis, $copy) = map { RedisServer->start } 1, 2;
my $scene = FleetLimit->start(redis => $redis, url => $redis->url . ",127.0.0.1:$copy->{port}", httpd => { threads => 50 });
my @fronts = $scene->fronts;
$_->expect_log(qr/FC0560|FC0573|AH00098/, optional => 1) for @fronts;

# ---- All is well ----

my ($alone) = $scene->load_on($fronts[0]);
ok $scene->is_used, 'one front with all the demand has all but what the idle ones keep';
my @load = ($alone, $scene->load_on(@fronts[1, 2]));
ok wait_until(30, sub { !grep { $_->in_flight('app') < $LIMIT / 3 - 2 } @fronts }), 'who else needs it gets its part';
ok $scene->is_used, '... and all of it is used';
is $scene->peak, $LIMIT, '... and no more';

# ---- And nothing is ----

sub pids { my ($front) = @_; return ($front->pid, $front->children) }
my %faults = (
    'a front is halted' => sub {
        my @pids = pids($fronts[ rand @fronts ]);
        kill 'STOP', @pids;
        for_a_while(0.2, 5);
        kill 'CONT', @pids;
    },
    'a front is killed' => sub {    # what it had sent is done before it is back
        my $front = $fronts[ rand @fronts ];
        $front->kill_all;
        for_a_while(0.5, 4);
        $front->start;
    },
    'the store is halted' => sub { $redis->halt; for_a_while(0.2, 5); $redis->continue },
    'the store is emptied' => sub { $redis->ask('FLUSHALL') },
    'the store is killed, and comes back with nothing' => sub { $redis->stop('KILL'); for_a_while(0.1, 4); $redis->start_again },
    'another store has a copy that lacks the last writes' => sub {
        $copy->ask('REPLICAOF', '127.0.0.1', $redis->{port});
        wait_until(10, sub { grep { /master_link_status:up/ } $copy->ask('INFO', 'replication') });
        $copy->ask('REPLICAOF', 'NO', 'ONE');
        for_a_while(0.2, 3);
        $redis->stop('KILL');
        for_a_while(1, 4);
        $redis->start_again;
    },
);
my ($until, %done) = now_monotonic() + $seconds;
my @names = sort keys %faults;
while (now_monotonic() < $until || keys %done < @names) {    # each of them, at least once
    push @names, my $name = shift @names;
    $faults{$name}->();
    $done{$name}++;
    for_a_while(0.1, 4);
    my $peak = $scene->peak;
    if ($peak > $LIMIT) { fail "$name: $peak requests at a time"; last }
}
diag map { "$_: $done{$_}\n" } sort keys %done if $ENV{FLEET_SECONDS};
is $scene->peak, $LIMIT, "never more than $LIMIT at a time";
ok $scene->is_used, 'all of it is used again';
$_->stop for @load;

$scene->stop;
done_testing;
