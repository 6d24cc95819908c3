#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# threads.t - how many threads of ours a child process has: one more than without our modules, and
# with parking (event) one that watches clients; checks and discovery have theirs in one child only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Backend;
use Deadline qw(wait_until);
use Httpd;
use Test::More;

my $backend = Backend->echo;
my $member  = $backend->url;
my $plain = "<Proxy balancer://app>\n    BalancerMember $member\n</Proxy>\nProxyPass /app/ balancer://app/\n";
my $busy  = <<"EOC";
BalancerPersist On
<Proxy balancer://app>
    BalancerMember $member hcmethod=TCP hcinterval=100ms
    BalancerMember fcgi://localhost:@{[ $backend->port ]} discover=a discovermax=2
</Proxy>
ProxyPass /app/ balancer://app/
EOC

sub threads { my ($pid) = @_; return scalar(() = glob "/proc/$pid/task/*") }

# Threads of each child, sorted; read when they no longer change.
sub threads_of {
    my ($httpd) = @_;
    my @before = (0);
    wait_until(10, sub {
        my @now = sort { $a <=> $b } map { threads($_) } $httpd->children;
        my $same = @now == @before && "@now" eq "@before";
        @before = @now;
        return $same;
    });
    return @before;
}

for my $mpm (qw(prefork worker event)) {
    my %size = (mpm => $mpm, $mpm eq 'prefork' ? (children => 1, threads => 3) : (children => 3, threads => 4));
    my $own = $mpm eq 'event' ? 2 : 1;
    my $without = Httpd->start(%size, ours => 0, manager => 0, defaults => 1);
    my ($httpds_own) = threads_of($without);
    $without->stop;

    my $httpd = Httpd->start(%size, config => $plain);
    is $httpd->get('/app/x')->{status}, 200, "$mpm: served";
    my @threads = threads_of($httpd);
    is_deeply \@threads, [($httpds_own + $own) x @threads], "... with $own more than without our modules";
    $httpd->stop;

    $httpd = Httpd->start(%size, config => $busy);
    ok wait_until(15, sub { ($httpd->member($backend->port)->{check}{passes} // 0) >= 2 }), "$mpm: checks";
    my @more = grep { $_ > $httpds_own + $own } map { threads($_) } $httpd->children;
    cmp_ok scalar(@more), '<=', 2, '... and discovery are the work of one child each';
    $httpd->expect_log(qr/FC0528/, optional => 1);    # DNS does not know localhost
    $httpd->stop;
}

done_testing;
