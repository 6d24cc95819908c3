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
use FastBackend;
use Fleet;
use Load;

Fleet::skip_unless_testable();

my $LIMIT   = 40;
my $seconds = $ENV{FLEET_SECONDS} || 20;
srand($ENV{FLEET_SEED} // 1);

my $backend = FastBackend->start(ms => 100);
my ($redis, $copy) = map { RedisServer->start } 1, 2;
my $fleet = Fleet->start(redis => $redis, url => $redis->url . ",127.0.0.1:$copy->{port}", httpd => { threads => 50 }, config => <<"EOC");
<Proxy balancer://app>
    BalancerMember @{[ $backend->url ]} maxinflight=$LIMIT queue=500 queuetimeout=60s
    ProxySet fleet=limits
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my @fronts = $fleet->fronts;
$_->expect_log(qr/FC0560|FC0573|AH00098/, optional => 1) for @fronts;

sub in_flight { return $backend->counts->{in_flight} }
sub is_used   { my ($name) = @_; return ok wait_until(30, sub { in_flight() >= $LIMIT * 0.95 }), $name }
sub load_on   { return map { Load->start(port => $_->port, clients => 45, path => '/app/x') } @_ }

# ---- All is well ----

ok wait_until(30, sub { $_->log_lines(qr/FC0574/) }), "$_->{front} takes part" for @fronts;
my ($alone) = load_on($fronts[0]);
is_used('one front with all the demand has all but what the idle ones keep');
my @load = ($alone, load_on(@fronts[1, 2]));
ok wait_until(30, sub { !grep { $_->in_flight('app') < $LIMIT / 3 - 2 } @fronts }), 'who else needs it gets its part';
is_used('... and all of it is used');
is $backend->counts->{peak}, $LIMIT, '... and no more';

# ---- And nothing is ----

sub pids { my ($front) = @_; return ($front->pid, $front->children) }
sub for_a_while { my ($from, $to) = @_; my $until = now_monotonic() + $from + rand($to - $from); wait_until(60, sub { now_monotonic() >= $until }); return }

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
    my $peak = $backend->counts->{peak};
    if ($peak > $LIMIT) { fail "$name: $peak requests at a time"; last }
}
diag map { "$_: $done{$_}\n" } sort keys %done if $ENV{FLEET_SECONDS};
is $backend->counts->{peak}, $LIMIT, "never more than $LIMIT at a time";
is_used('all of it is used again');
$_->stop for @load;

$fleet->stop;
done_testing;
