# Licensed under the Apache License, Version 2.0; see LICENSE.
# One limit over three fronts, of which one is cut off from the store, or hears and is heard late, or loses the
# process that talks to it: never more than the limit, and when that is over the front has its part again, and
# all that the others do not need.
# FLEET_SECONDS=600 for more of it, with the default times; it then also tells how soon a front has what it needs.
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
my $seconds = $ENV{FLEET_SECONDS} || 0;
srand($ENV{FLEET_SEED} // 1);

my $scene = FleetLimit->start(proxied => 1, $seconds ? (words => '') : (), httpd => { children => 2, threads => 50 });
my @fronts = $scene->fronts;
$_->expect_log(qr/FC0560/, optional => 1) for @fronts;

# ---- One is cut off, or late, or halted, or killed ----

# What happens between it and the store, for so long.
sub proxied {
    my ($what, @seconds) = @_;
    return sub { my ($front) = @_; $front->{proxy}->does($what); for_a_while(@seconds); $front->{proxy}->does('pass') };
}
sub halted {
    my ($front) = @_;
    my $pid = Fleet::talks($front, $front->{proxy}{port});
    kill 'STOP', $pid;
    for_a_while(0.5, 5);
    kill 'CONT', $pid;
    return;
}
# Its own requests are not cut, which the member would notice later than the others: it has none then.
sub killed { my ($front) = @_; $front->kill_child(Fleet::talks($front, $front->{proxy}{port})); return }

my @faults = (
    [ 'nothing passes between it and the store', proxied('drop', 4, 6), 1 ],
    [ 'what it says arrives, but no reply', proxied('hold 0', 1, 6), 1 ],
    [ 'all is late', proxied('late 300', 2, 4), 1 ],
    [ 'all is so late that it has given up', proxied('late 1500', 4, 6), 1 ],
    [ 'the process that talks to the store is halted', \&halted, 1 ],
    [ 'the process that talks to the store is killed', \&killed, 0 ],
);

my ($until, $rounds) = (now_monotonic() + $seconds, 0);
while (now_monotonic() < $until || $rounds < @faults) {
    my ($name, $happens, $has_demand) = @{ $faults[ $rounds % @faults ] };
    my $front = $fronts[ rand @fronts ];
    my @load = $scene->load_on(grep { $has_demand || $_ != $front } @fronts);
    $scene->is_used or fail 'all of it is used before';
    $happens->($front);
    $_->stop for @load;
    $scene->is_idle or fail 'no requests are left';
    ($load[0]) = $scene->load_on($front);
    ok $scene->is_used, "$name: afterwards it has all that nobody else needs" if $rounds < @faults;
    $scene->is_used or last;
    $load[0]->stop;
    my $peak = $scene->peak;
    $peak <= $LIMIT or fail("$name: $peak requests at a time"), last;
    $rounds++;
}
is $scene->peak, $LIMIT, "never more than $LIMIT at a time";

# ---- How soon a front has what it needs ----

if ($seconds) {
    ok wait_until(30, sub { !grep { !Fleet::is_up($_) } @fronts }), 'all are well';
    my @took;
    for my $n (1 .. 30) {
        $scene->is_idle;
        for_a_while(2, 4);
        my $began = now_monotonic();
        my ($load) = $scene->load_on($fronts[ $n % @fronts ]);
        $scene->is_used or fail "time $n: all of it is used";
        push @took, now_monotonic() - $began;
        $load->stop;
    }
    @took = sort { $a <=> $b } @took;
    diag sprintf '95 %% of the limit used by a front with demand, the others idle, after s: min %.2f median %.2f max %.2f of %d',
        @took[ 0, @took / 2, -1 ], scalar @took;
    diag "rounds of faults: $rounds";
}

$scene->stop;
done_testing;
