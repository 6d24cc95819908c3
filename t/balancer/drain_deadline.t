# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-14: an operator drains a member until a time: no new sessions, its own go on, and at the deadline
# it is out for its own as well; by routes and by our own cookie, over all child processes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerForm;

my %backend = map { $_ => Backend->echo(name => $_) } qw(a b);
my %words = (routes => ['route=a', 'route=b', 'ProxySet stickysession=ROUTEID'],
             cookies => ['', '', 'BalancerStickyCookie RT']);
my $config = join '', map { <<"EOC" } sort keys %words;
<Proxy balancer://$_>
BalancerMember @{[ $backend{a}->url ]} $words{$_}[0]
BalancerMember @{[ $backend{b}->url ]} $words{$_}[1]
$words{$_}[2]
ProxySet nonce=None
</Proxy>
ProxyPass /$_/ balancer://$_/
EOC
my $httpd = Httpd->start(children => 2, threads => 4, config => $config,
    debug_log => 'balancer_byrequests:notice');

sub change {
    my ($balancer, %values) = @_;
    return ManagerForm::post($httpd, [b => $balancer, w => $backend{a}->url, %values],
        header => { Origin => 'http://localhost' });
}
sub member { return $httpd->member($backend{a}->port, $_[0]) }
sub ask {
    my ($balancer, $cookie) = @_;
    my $response = $httpd->get("/$balancer/x", header => { $cookie ? (Cookie => $cookie) : () });
    my $seen = Httpd::decode_json($response);
    ($seen->{cookie}) = ($response->{header}{'set-cookie'} // '') =~ /^(RT=[^;]*)/;
    return $seen;
}
sub shares {
    my ($balancer, $requests, $cookie) = @_;
    my %count;
    $count{ ask($balancer, $cookie)->{backend} }++ for 1 .. $requests;
    return \%count;
}

my %session = (routes => 'ROUTEID=id.a');
for (1 .. 2) {
    my $seen = ask('cookies');
    $session{cookies} = $seen->{cookie} if $seen->{backend} eq 'a';
}

# ---- With a deadline ----

for my $balancer (sort keys %session) {
    is member($balancer)->{drain_until}, undef, "$balancer: no deadline at first";
    my $seconds = int(3 * Deadline::pace());    # enough for what follows
    my $began = now_monotonic();
    is change($balancer, w_drain_deadline => $seconds)->{status}, 200, "$balancer: drained, $seconds s";
    my $member = member($balancer);
    is $member->{state}, 'draining', '... its state';
    like $member->{drain_until}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, '... and until when';
    is_deeply shares($balancer, 4), { b => 4 }, '... no new sessions';
    is_deeply shares($balancer, 4, $session{$balancer}), { a => 4 }, '... its own go on';

    my ($moved, $asked) = (undef, 4);
    ok wait_until(10 + $seconds, sub {
        $asked++;
        $moved = ask($balancer, $session{$balancer});
        $moved->{backend} eq 'b';
    }), 'its own sessions are out, too';
    cmp_ok now_monotonic() - $began, '>=', $seconds - 0.1, '... but not before the deadline';
    is $moved->{params}{BALANCER_ROUTE_CHANGED}, '1', '... BALANCER_ROUTE_CHANGED';
    is_deeply shares($balancer, 6, $session{$balancer}), { b => 6 }, '... for all processes';
    $member = member($balancer);
    is_deeply [@$member{qw(state drain_until)}], ['disabled', undef], '... it is disabled';
    is scalar(my @lines = $httpd->log_lines(
        qr/FC0485: balancer:\/\/$balancer: member .*draining -> disabled/)), 1, '... one line tells it';

    change($balancer, w_status_D => 0);
    is member($balancer)->{state}, 'ok', 'enabled again';
    my $tries = 0;    # the other one has to catch up with what its sessions made
    1 while ++$tries < $asked + 20 && ask($balancer)->{backend} ne 'a';
    cmp_ok $tries, '<', $asked + 20, "... it takes new sessions (the ${tries}th)";
}

# ---- Changes of mind ----

change('routes', w_status_N => 1);
is_deeply [@{ member('routes') }{qw(state drain_until)}], ['draining', undef],
    'a drain without a deadline';
like change('routes', w_drain_deadline => 100)->{body}, qr/drain_until - -&gt; \d{4}-/,
    'a deadline for it, as the page tells';
my $until = member('routes')->{drain_until};
change('routes', w_drain_deadline => 200);
isnt member('routes')->{drain_until}, $until, '... another';
change('routes', w_drain_deadline => '', w_lf => 2);
isnt member('routes')->{drain_until}, undef, '... an empty one changes nothing';
change('routes', w_drain_deadline => 0);
is_deeply [@{ member('routes') }{qw(state drain_until)}], ['draining', undef], '... none';
change('routes', w_drain_deadline => 100);
change('routes', w_status_N => 0);
is_deeply [@{ member('routes') }{qw(state drain_until)}], ['ok', undef], 'the end of the drain';
change('routes', w_status_N => 1);
is member('routes')->{drain_until}, undef, '... takes its deadline along';
change('routes', w_status_N => 0);
change('routes', w_drain_deadline => 0);
is member('routes')->{state}, 'ok', 'no deadline, no drain';

# Nobody asks: the manager ends it as well.
change('routes', w_drain_deadline => 1);
ok wait_until(10, sub { member('routes')->{state} eq 'disabled' }), 'a deadline without requests';

# ---- Wrong ----

is change('routes', w_drain_deadline => $_)->{status}, 400, "w_drain_deadline=$_ is refused"
    for '-1', '1.5', 'soon', '2592001';
my $wrong = change('routes', w_drain_deadline => 5, w_status_N => 0, w_status_D => 0);
is $wrong->{status}, 400, 'a time to drain, and the end of the drain: refused';
is member('routes')->{state}, 'disabled', '... with all that came with it';

$httpd->stop;
done_testing;
