# Licensed under the Apache License, Version 2.0; see LICENSE.
# The store of a fleet is gone for a while, under load: no request notices. Each front says so once, goes on with
# what it knows and with its part of the limits, and is back by itself.
# FLEET_SECONDS=60 for so long; else until some requests were served.
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

my @backends = map { FastBackend->start } 1, 2;
my $fleet = Fleet->start(config => "<Proxy balancer://app>\n" . join('', map { 'BalancerMember ' . $_->url . " maxinflight=30 queue=50\n" } @backends)
    . "ProxySet fleet=intent,view,limits\n</Proxy>\nProxyPass /app/ balancer://app/\n");
my @fronts = $fleet->fronts;
my $redis  = $fleet->redis;
sub elected { my ($front) = @_; my $sum = 0; $sum += $_ for $front->elected('app'); return $sum }

Fleet::comes_up($_) for @fronts;
ok wait_until(10, sub { join(' ', $redis->fronts('shop')) eq 'web1 web2 web3' }), 'all fronts have said that they are there';
ok wait_until(30, sub { $_->log_lines(qr/FC0574/) }), "$_->{front} takes part" for @fronts;
my @load = map { Load->start(port => $_->port, clients => 3, path => '/app/x', pause => 0.005) } @fronts;

# ---- Killed, and nothing there for many tries ----

$redis->stop('KILL');
Fleet::goes_alone($_, 'closed|refused') for @fronts;
my $until = now_monotonic() + ($ENV{FLEET_SECONDS} // 0);
wait_until(600, sub { now_monotonic() >= $until });
my %before = map { $_->{front} => elected($_) } @fronts;
ok wait_until(30, sub { !grep { elected($_) < $before{ $_->{front} } + 100 } @fronts }), 'requests go on';
$redis->start_again;
Fleet::comes_up($_, "$_->{front} is back by itself") for @fronts;
ok wait_until(10, sub { join(' ', $redis->fronts('shop')) eq 'web1 web2 web3' }), '... and all say again what the store has lost';

# ---- Halted: it takes connections, and answers nothing ----

$redis->halt;
Fleet::goes_alone($_, 'timeout') for @fronts;
$redis->continue;
Fleet::comes_up($_, "$_->{front} is back when the store goes on") for @fronts;

# ---- Requests, and lines ----

for my $load (@load) {
    my $result = $load->stop;
    is_deeply [[keys %{ $result->{status} }], $result->{failed}], [[200], 0], "no request failed ($result->{requests})";
}
is Fleet::partings($_), 2, "$_->{front} has one line each time" for @fronts;
$fleet->stop;

# ---- Not there when httpd starts ----

my $late = Fleet->start(fronts => 1, redis => $redis, url => 'redis://127.0.0.1:' . Httpd::free_port());
Fleet::goes_alone($late->fronts, 'refused', 'httpd starts without the store');
$late->stop;

done_testing;
