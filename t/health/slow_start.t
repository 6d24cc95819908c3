# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-13: slowstart: the share of a member that comes back climbs evenly to full, under byrequests and
# bybusyness; not at the start of the server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerForm;

my $slowstart = 4;
my @methods = qw(byrequests bybusyness);
my %members = map { $_ => [map { FastBackend->start(ms => 5, processes => 2) } 1, 2] } @methods;
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

for my $balancer (@methods) {
    is second($balancer)->{share_percent}, 100, "$balancer: at the start it has its full share";
    is switch($balancer, 1), 200, '... it is disabled';
    my $load = Load->start(port => $httpd->port, clients => 16, path => "/$balancer/x");
    $load->wait_until_running;
    my $back = now_monotonic();
    is switch($balancer, 0), 200, '... and enabled again, under load';
    my @before = $httpd->elected($balancer);
    # each piece with the earliest and the latest time that it may be of
    my ($began, @pieces) = ($back);
    for my $piece (1 .. 6) {
        # no condition but the time itself
        wait_until(5, sub { now_monotonic() >= $back + $piece * $slowstart / 5 });
        my $ends = now_monotonic();
        my @elected = $httpd->elected($balancer);
        my @won = map { $elected[$_] - $before[$_] } 0, 1;
        push @pieces, [$began, now_monotonic(), $won[1] / ($won[0] + $won[1] || 1)];
        ($began, @before) = ($ends, @elected);
    }
    my $result = $load->stop;
    is_deeply [keys %{ $result->{status} }], [200], '... all is served';
    for my $piece (@pieces) {
        my ($from, $to, $share) = @$piece;
        my ($least, $most) = map {
            my $climbed = ($_ - $back) / $slowstart;
            $climbed < 1 ? $climbed / (1 + $climbed) : 0.5;
        } $from, $to;
        my $name = sprintf '... its share is %.2f to %.2f: %.2f', $least, $most, $share;
        ok $share > $least - 0.05 && $share < $most + 0.05, $name;
    }
    is second($balancer)->{share_percent}, 100, '... the climb is over';
}

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
