# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-12: with eight children one process checks, about once in an interval in all; killed, another
# goes on within 2 s; a graceful restart hands over and forgets nothing; a member that hangs delays
# no other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

sub passing {
    return Backend->saying('pong', @_);
}
my $hangs = sub { $_[0]->wait_for_close(60) };

sub config {
    my (%member) = @_;
    return join '', map {
        "<Proxy balancer://$_>\nBalancerMember $member{$_}\n</Proxy>\nProxyPass /$_/ balancer://$_/\n"
    } sort keys %member;
}

# The process that made the last check.
sub checking_pid {
    my ($httpd) = @_;
    my ($line) = reverse $httpd->log_lines(qr/FC0553/);
    return ($line // '') =~ /\[pid (\d+)/ ? $1 : 0;
}
sub checked_at { my ($backend) = @_; return map { $_->{at} } $backend->events('request') }

# ---- One of eight ----

# One process makes no more checks than this since then, and several would make more.
sub checks_of_one { return 2 + (now_monotonic() - $_[0]) / 0.17 }

my $good = passing();
my $began = now_monotonic();
my $httpd = Httpd->start(children => 8, threads => 2,
    debug_log => 'balancer_byrequests:debug proxy_fastcgi:debug', config =>
        config(good => $good->url . ' hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=5s'));
my $started = now_monotonic();
ok $good->wait_for_event('request', 15, 20), 'checks are made';
my @at = checked_at($good);
in_time($at[0] - $started, 2, '... the first soon after the start');
cmp_ok scalar(@at), '<=', checks_of_one($began), '... one in an interval, in all';
in_time(($at[-1] - $at[0]) / $#at, 1, '... and not much less');
my %pid = map { /\[pid (\d+)/ ? ($1 => 1) : () } $httpd->log_lines(qr/FC0553/);
is scalar keys %pid, 1, '... by one process';
my @gaps = sort { $a <=> $b } map { $at[$_] - $at[$_ - 1] } 1 .. $#at;
cmp_ok $gaps[-1] - $gaps[0], '>', 0.005, '... with some jitter';

# ---- The checking process dies ----

for my $round (1 .. 3) {
    my $before = checking_pid($httpd);
    my $seen = () = checked_at($good);
    kill 'KILL', $before;
    my $killed = now_monotonic();
    ok wait_until(10, sub { (grep { $_ > $killed } checked_at($good)) >= 3 }),
        "killed, round $round: checks go on";
    my @after = grep { $_ > $killed } checked_at($good);
    in_time($after[0] - $killed, 2, '... within 2 s (' . ($after[0] - $killed) . ')');
    cmp_ok scalar(@after), '<=', checks_of_one($killed), '... still by one process';
    isnt checking_pid($httpd), $before, '... another one';
    $httpd->wait_for_children(8);
}

# ---- Graceful restart ----

my $marked = now_monotonic();
my $old = checking_pid($httpd);
ok $httpd->graceful, 'graceful restart';
my $resumed = now_monotonic();
ok wait_until(10, sub { (grep { $_ > $resumed } checked_at($good)) >= 5 }), '... checks go on';
my @since = grep { $_ > $marked } checked_at($good);
cmp_ok scalar(@since), '<=', checks_of_one($marked), '... no more often than before';
my ($longest) = sort { $b <=> $a } map { $since[$_] - $since[$_ - 1] } 1 .. $#since;
in_time($longest, 4, "... without a long pause ($longest)");
isnt checking_pid($httpd), $old, '... by a new process';
$httpd->stop;

# ---- What was down is down after a graceful restart ----

my $sick = Backend->answering($hangs);
$httpd = Httpd->start(children => 2, threads => 4, config =>
    config(sick => $sick->url . ' hcmethod=FCGI hcuri=/ping hcinterval=60s hctimeout=200ms'));
sub sick_state { return $httpd->member($sick->port)->{state} }
ok wait_until(10, sub { sick_state() eq 'health_fail' }), 'a member is down, its next check far away';
ok $httpd->graceful, 'graceful restart';
ok wait_until(5, sub { sick_state() eq 'health_fail' }), '... it is still down';
is scalar($sick->connections), 1, '... by the check before the restart';
$httpd->stop;

# ---- Members that hang, and the others ----

my @deaf = map { Backend->answering($hangs) } 1 .. 5;
my $other = passing();
my %member = (other => $other->url . ' hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=5s');
$member{"deaf$_"} = $deaf[$_]->url . ' hcmethod=FCGI hcuri=/ping hcinterval=20s hctimeout=20s'
    for 0 .. $#deaf;
my $no_tls = Backend->start(script => $hangs);    # it never shakes hands
$member{no_tls} = "fcgis://127.0.0.1:@{[ $no_tls->port ]} hcmethod=GET hcuri=/ping hctimeout=20s";
$httpd = Httpd->start(modules => ['ssl'], config => "SSLProxyEngine On\n" . config(%member));
ok $no_tls->wait_for_event('connection'), 'one that hangs before TLS, too';
ok $_->wait_for_event('request'), 'a member that hangs is being checked' for @deaf;
my $from = now_monotonic();
ok wait_until(20, sub { (grep { $_ > $from } checked_at($other)) >= 10 }), 'another one passes';
my $took = (grep { $_ > $from } checked_at($other))[9] - $from;
in_time($took, 10, "... ten times meanwhile ($took s)");
my $ending = now_monotonic();
$httpd->expect_log(qr/AH01873|AH0\d+: .*SSL|SSL Library Error/, optional => 1);
$httpd->stop;
in_time(now_monotonic() - $ending, 8, 'httpd ends without waiting for the checks that hang');

done_testing;
