#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# threads.t - how many threads of ours a child process has: one more than without our modules, and
# with parking (event) one that watches clients; checks, discovery and a fleet have theirs in one child only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Backend;
use Deadline qw(wait_until);
use Fleet;
use Httpd;
use Test::More;

my $backend = Backend->echo;
my $member  = $backend->url;
my $plain = "<Proxy balancer://app>\n    BalancerMember $member\n</Proxy>\nProxyPass /app/ balancer://app/\n";
my $fleet = Fleet::why_not() ? '' : "BalancerFleet redis://127.0.0.1:1 name=shop front=web1\n";
my $busy  = $fleet . <<"EOC";
BalancerPersist On
<Proxy balancer://app>
    BalancerMember $member hcmethod=TCP hcinterval=100ms
    BalancerMember fcgi://localhost:@{[ $backend->port ]} discover=a discovermax=2
</Proxy>
ProxyPass /app/ balancer://app/
EOC

sub threads { my ($pid) = @_; return scalar(() = glob "/proc/$pid/task/*") }

# How many threads each child has comes to be so: httpd starts its own one after the other.
sub come_to {
    my ($httpd, $test) = @_;
    my @now;
    return wait_until(10, sub { @now = map { threads($_) } $httpd->children; $test->(@now) }) || diag "threads: @now";
}

for my $mpm (qw(prefork worker event)) {
    my %size = (mpm => $mpm, $mpm eq 'prefork' ? (children => 1, threads => 5) : (children => 5, threads => 4));
    # main thread, listener, those of requests; ours
    my $httpds = $mpm eq 'prefork' ? 1 : 2 + $size{threads};
    my $own = $mpm eq 'event' && Httpd::is_at_least('2.4.63') ? 2 : 1;
    my $httpd = Httpd->start(%size, config => $plain);
    is $httpd->get('/app/x')->{status}, 200, "$mpm: served";
    ok come_to($httpd, sub { !grep { $_ != $httpds + $own } @_ }), "... with threads of ours: $own";
    $httpd->stop;

    $httpd = Httpd->start(%size, config => $busy);
    ok wait_until(15, sub { ($httpd->member($backend->port)->{check}{passes} // 0) >= 2 }), "$mpm: checks";
    ok come_to($httpd, sub { (grep { $_ == $httpds + $own } @_) >= @_ - 3 }), '... discovery and a fleet are the work of one child each';
    $httpd->expect_log(qr/FC0528/, optional => 1);    # DNS does not know localhost
    $httpd->expect_log(qr/FC0560/, optional => 1);
    $httpd->stop;
}

done_testing;
