# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-13: slowstart: the share of a member that comes back climbs evenly to full, under byrequests and
# bybusyness; not at the start of the server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max);
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerForm;

my $slowstart = 4;
my @methods = qw(byrequests bybusyness);
my %members = (
    byrequests => [map { FastBackend->start(ms => 5, processes => 2) } 1, 2],
    bybusyness => [map { Backend->answering(sub {
        my ($connection) = @_;
        $connection->wait_for_gate('open');
        $connection->stdout("Content-Type: text/plain\r\n\r\nheld");
        $connection->end_request;
    }) } 1, 2],
);
my $sick = Backend->refusing;
my $config = join '', map { <<"EOC" } @methods;
<Proxy balancer://$_>
    BalancerMember @{[ $members{$_}[0]->url ]}
    BalancerMember @{[ $members{$_}[1]->url ]} slowstart=$slowstart
    ProxySet lbmethod=$_ nonce=None
</Proxy>
ProxyPass /$_/ balancer://$_/
EOC
my $httpd = Httpd->start(children => 2, threads => 25, modules => ['lbmethod_bybusyness'],
    config => $config . <<"EOC");
<Proxy balancer://trial>
    BalancerMember @{[ $sick->url ]} maxfails=1 retry=1 slowstart=60
    BalancerMember @{[ $members{byrequests}[0]->url ]} lbset=1
</Proxy>
ProxyPass /trial/ balancer://trial/
EOC

sub second { my ($balancer) = @_; return $httpd->balancer($balancer)->{members}[1] }
sub switch {
    my ($balancer, $disabled) = @_;
    my $url = $members{$balancer}[1]->url;
    return ManagerForm::post($httpd, [b => $balancer, w => $url, w_status_D => $disabled],
        header => { Referer => 'http://localhost/balancer-manager' })->{status};
}

# returns  the times between which its climb begins
sub comes_back {
    my ($balancer) = @_;
    my $earliest = now_monotonic();
    is switch($balancer, 0), 200, "$balancer: enabled again";
    return ($earliest, now_monotonic());
}

# How far it has climbed, of 1.
sub climbed {
    my ($since, $now) = @_;
    my $climbed = ($now - $since) / $slowstart;
    return $climbed < 1 ? $climbed : 1;
}

for my $balancer (@methods) {
    is second($balancer)->{share_percent}, 100, "$balancer: at the start it has its full share";
    is switch($balancer, 1), 200, '... it is disabled';
}

# ---- byrequests: of the requests that come in a piece of the climb ----

{
    my $load = Load->start(port => $httpd->port, clients => 16, path => '/byrequests/x');
    $load->wait_until_running;
    my ($back) = comes_back('byrequests');
    my @before = $httpd->elected('byrequests');
    # each piece with the earliest and the latest time that it may be of
    my ($began, @pieces) = ($back);
    for my $piece (1 .. 6) {
        # no condition but the time itself
        wait_until(5, sub { now_monotonic() >= $back + $piece * $slowstart / 5 });
        my $ends = now_monotonic();
        my @elected = $httpd->elected('byrequests');
        my @won = map { $elected[$_] - $before[$_] } 0, 1;
        push @pieces, [$began, now_monotonic(), $won[1] / ($won[0] + $won[1] || 1)];
        ($began, @before) = ($ends, @elected);
    }
    my $result = $load->stop;
    is_deeply [keys %{ $result->{status} }], [200], '... all is served';
    for my $piece (@pieces) {
        my ($from, $to, $share) = @$piece;
        my ($least, $most) = map { my $weight = climbed($back, $_); $weight / (1 + $weight) } $from, $to;
        my $name = sprintf '... its share is %.2f to %.2f: %.2f', $least, $most, $share;
        ok $share > $least - 0.05 && $share < $most + 0.05, $name;
    }
    is second('byrequests')->{share_percent}, 100, '... the climb is over';
}

# ---- bybusyness: by the requests that are in flight, of which none ends ----

sub in_flight { return map { $_->{in_flight} } @{ $httpd->balancer('bybusyness')->{members} } }

my ($earliest, $latest) = comes_back('bybusyness');

# One more request. Whoever gets it is not fuller with it, for its weight, than the other one would be.
# returns  the client, and what is wrong with the choice
sub hold {
    my ($full, $climbing) = in_flight();
    my $from   = now_monotonic();
    my $client = $httpd->connect;
    $client->request('GET', '/bybusyness/x', header => { Connection => 'close' });
    wait_until(20, sub { $httpd->in_flight('bybusyness') > $full + $climbing }) or return ($client, 'not in flight');
    # weights are whole percents, and it begins with one
    my ($least, $most) = (climbed($latest, $from) - 0.02, climbed($earliest, now_monotonic()));
    ($least, $most) = map { max($_, 0.01) } $least, $most;
    my $is_right = (in_flight())[1] > $climbing ? $climbing + 1 <= $most * ($full + 1)
        : ($full + 1) * $least <= $climbing + 1;
    return $client if $is_right;
    return ($client, sprintf '%d and %d in flight, with %.2f to %.2f of its weight', $full, $climbing, $least, $most);
}

for my $piece (1 .. 6) {
    # no condition but the time itself
    wait_until(5, sub { now_monotonic() >= $earliest + ($piece - 1) * $slowstart / 5 });
    my (@clients, @wrong);
    for (1 .. 16) {
        my ($client, $wrong) = hold();
        push @clients, $client;
        push @wrong, $wrong // ();
    }
    is_deeply \@wrong, [], sprintf '... of 16 requests at a time it has %2$d, the other one %1$d', in_flight();
    $_->open_gate('open') for @{ $members{bybusyness} };
    is_deeply [map { $_->read_response->{status} } @clients], [(200) x 16], '... all is served';
    $_->close_gate('open') for @{ $members{bybusyness} };
    ok wait_until(20, sub { !$httpd->in_flight('bybusyness') }), '... and gone';
}
is second('bybusyness')->{share_percent}, 100, '... the climb is over';

# ---- After a trial ----

ok wait_until(5, sub {
    $httpd->get('/trial/x');
    $httpd->balancer('trial')->{members}[0]{state} eq 'error';
}), 'a member is out';
$sick->listen_now(answer => sub {
    $_[0]->stdout("Content-Type: text/plain\r\n\r\nback");
    $_[0]->end_request;
});
ok wait_until(5, sub { $httpd->get('/trial/x')->{body} eq 'back' }), '... and back by a trial';
cmp_ok $httpd->balancer('trial')->{members}[0]{share_percent}, '<', 50, '... with a small share';
$httpd->expect_log(qr/FC0251: .*connect_refused/);
$httpd->stop;

done_testing;
