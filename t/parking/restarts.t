# Licensed under the Apache License, Version 2.0; see LICENSE.
# Requests that are parked when httpd restarts, or when its child is about to end, are answered; when
# a child is killed, what they held is free again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;
use HttpSocket;
use Parking;
use Process;

Parking::skip_unless_possible();

my $slow = FastBackend->start(bytes => 10, ms => 1500);
my $config = <<"EOC";
<Proxy balancer://b>
    BalancerMember @{[ $slow->url ]} maxinflight=40 queue=200 queuetimeout=20s
</Proxy>
ProxyPass /app/ balancer://b/
EOC

# A child that does not end tells what it waits for.
sub all_end {
    my ($httpd, $what, @pids) = @_;
    my $have_ended = wait_until(20, sub { !grep { Process::is_alive($_) } @pids });
    ok $have_ended, "... $what" or diag Process::stacks($httpd->pid);
    return;
}

sub all_are_answered {
    my ($clients, $what) = @_;
    is scalar(grep { $_->read_response->{status} == 200 } @$clients), @$clients, "$what: all are answered";
    return;
}

# ---- Graceful restart and stop ----
my $httpd = Parking::start(children => 2, threads => 8, config => $config);
for my $round (1 .. 2) {
    my @old = $httpd->children;
    my @clients = Parking::clients($httpd, 60, '/app/x');
    ok wait_until(5, sub { Parking::parked($httpd) >= 55 }), "graceful restart $round: requests are parked";
    ok $httpd->graceful_begin, '... it restarts';
    all_are_answered(\@clients, "graceful restart $round");
    all_end($httpd, 'the old children end', @old);
    ok wait_until(5, sub { $httpd->in_flight == 0 && Parking::parked($httpd) == 0 }), '... all counts are 0';
}

# ---- A child that is killed ----
my @clients = Parking::clients($httpd, 60, '/app/x');
ok wait_until(5, sub { $httpd->in_flight == 40 && Parking::parked($httpd) >= 55 }), 'requests are parked';
my %sockets = map { $_ => Parking::descriptors($_)->{socket} } $httpd->children;
my ($busiest) = sort { $sockets{$b} <=> $sockets{$a} } keys %sockets;    # the other may have none
$httpd->kill_child($busiest);
my %ends;
for my $client (@clients) {
    $ends{ $client->read_response->{status} }++;
}
ok $ends{0}, 'a child is killed: its own requests are lost';
is +($ends{200} // 0) + $ends{0}, 60, '... and no others';
ok wait_until(5, sub { $httpd->in_flight == 0 }), '... what they held is free';
ok wait_until(5, sub { Parking::parked($httpd) == 0 }), '... nothing is parked';
is $httpd->balancer->{queued}, 0, '... nobody waits';
@clients = Parking::clients($httpd, 40, '/app/x');
all_are_answered(\@clients, 'afterwards');

@clients = Parking::clients($httpd, 30, '/app/x');
ok wait_until(5, sub { Parking::parked($httpd) >= 28 }), 'graceful stop: requests are parked';
kill 'WINCH', $httpd->pid;
all_are_answered(\@clients, 'graceful stop');
all_end($httpd, 'httpd ends', $httpd->pid);
$httpd->stop;

# ---- MaxConnectionsPerChild ----
$httpd = Parking::start(children => 2, threads => 8, config => "$config\nMaxConnectionsPerChild 25\n");
@clients = map { my @some = Parking::clients($httpd, 20, '/app/x'); @some } 1 .. 5;
all_are_answered(\@clients, 'MaxConnectionsPerChild');
ok wait_until(10, sub { $httpd->in_flight == 0 && Parking::parked($httpd) == 0 }), '... all counts are 0';
$httpd->stop;

done_testing;
