# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-15: a stock configuration works unchanged and its members are chosen as the stock manual says:
# +H, +R, +D, +S, +N, +I, lbset, route, redirect, nofailover, sticky sessions by cookie and by
# path, ProxySet keys; the same environment variables and notes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

# ---- Members: each says its name. Some will be ended on the way. ----

my (%backend, %ended);
sub member_url { my ($name) = @_; return ($backend{$name} //= Backend->echo(name => $name))->url }
sub end_member { my ($name) = @_; $backend{$name}->stop; $ended{$name} = 1; return }

my %balancer = (
    # hot standby: only when nobody else of the set is left
    standby => [['standby_a', ''], ['standby_b', ''], ['standby_h', 'status=+H']],
    # hot spare: in the place of a member that is out
    spare   => [['spare_a', ''], ['spare_b', ''], ['spare_r', 'status=+R']],
    # sets: the lower number first
    sets    => [['sets_a', 'lbset=0'], ['sets_b', 'lbset=1'], ['sets_c', 'lbset=1'],
        ['sets_d', 'lbset=2']],
    # disabled, stopped
    states  => [['states_a', ''], ['states_d', 'status=+D'], ['states_s', 'status=+S']],
    # drained: only its own sessions
    drain   => [['drain_a', 'route=a'], ['drain_n', 'route=n status=+N']],
    # ignore errors: tried again at once
    ignore  => [['ignore_a', 'status=+I'], ['ignore_b', '']],
    # sticky
    sticky  => [['sticky_a', 'route=a'], ['sticky_b', 'route=b'], ['sticky_c', 'route=c']],
    both    => [['both_a', 'route=a'], ['both_b', 'route=b']],
    redirect => [['redirect_a', 'route=a redirect=b'], ['redirect_b', 'route=b'],
        ['redirect_c', 'route=c']],
    nofail  => [['nofail_a', 'route=a'], ['nofail_b', 'route=b']],
    # every key that stock knows
    keys    => [['keys_a',
        'loadfactor=2 min=0 max=10 smax=5 ttl=60 acquire=3000 connectiontimeout=5 timeout=10 retry=5 '
                         . 'keepalive=On flushpackets=auto flushwait=20 enablereuse=on iobuffersize=16384 receivebuffersize=4096 '
                         . 'lbset=0 route=a redirect=b responsefieldsize=8192'],
                ['keys_b', 'disablereuse=on route=b loadfactor=1.5']],
    # all out
    dead    => [['dead_a', 'retry=30'], ['dead_b', 'retry=30']],
    # short retry
    retry   => [['retry_a', 'retry=1']],
);
my %set = (
    drain    => 'stickysession=ROUTEID',
    sticky   => 'stickysession=ROUTEID',
    both     => 'stickysession=JSESSIONID|jsessionid scolonpathdelim=On',
    redirect => 'stickysession=ROUTEID',
    nofail   => 'stickysession=ROUTEID nofailover=On',
    keys     => 'lbmethod=byrequests maxattempts=1 stickysession=ROUTEID timeout=5 failonstatus=599 failontimeout=Off nofailover=Off '
              . 'forcerecovery=On nonce=None growth=4 stickysessionsep=. scolonpathdelim=Off',
);
my $config = '';
for my $name (sort keys %balancer) {
    $config .= "<Proxy balancer://$name>\n";
    $config .= "BalancerMember @{[ member_url($_->[0]) ]} $_->[1]\n" for @{ $balancer{$name} };
    $config .= "ProxySet $set{$name}\n" if $set{$name};
    $config .= "</Proxy>\nProxyPass /$name/ balancer://$name/\n";
}
my $httpd = Httpd->start(modules => ['headers', 'rewrite'], config => <<"EOC");
$config
BalancerGrowth 3
BalancerInherit On
BalancerPersist Off
LogFormat "%{session-sticky}n|%{session-route}n|%{BALANCER_WORKER_ROUTE}e|%{BALANCER_ROUTE_CHANGED}e|%U" sessions
CustomLog \@root\@/sessions.log sessions
<Location /sticky/>
    Header add Set-Cookie "ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
</Location>
# ProxyPass with the members' settings as its own parameters
ProxyPass /inline/ balancer://inline/ lbmethod=byrequests stickysession=ROUTEID
<Proxy balancer://inline>
    BalancerMember @{[ member_url('inline_a') ]} route=a
</Proxy>
EOC

sub ask {
    my ($balancer, %o) = @_;
    my $response = $httpd->get("/$balancer/" . ($o{path} // 'x'),
        header => { $o{cookie} ? (Cookie => $o{cookie}) : () });
    my $seen = $response->{status} == 200 ? Httpd::decode_json($response)
        : { backend => "status $response->{status}", params => {} };
    $seen->{response} = $response;
    return $seen;
}
# How often each member answers, over so many requests.
sub shares {
    my ($balancer, $requests, %o) = @_;
    my %count;
    $count{ ask($balancer, %o)->{backend} }++ for 1 .. $requests;
    return \%count;
}
sub state_of {
    my ($name) = @_;
    my ($balancer) = $name =~ /^([a-z]+)_/;
    return $httpd->member($backend{$name}->port, $balancer)->{state};
}

# ---- +H ----

is_deeply shares('standby', 6), { standby_a => 3, standby_b => 3 },
    '+H: the standby has no turn while others can';
is state_of('standby_h'), 'standby', '+H: its state';
end_member('standby_a');
is_deeply shares('standby', 4), { standby_b => 4 }, '+H: one of two out: the other has all';
end_member('standby_b');
is_deeply shares('standby', 4), { standby_h => 4 }, '+H: both out: the standby';

# ---- +R ----

is_deeply shares('spare', 6), { spare_a => 3, spare_b => 3 },
    '+R: the spare has no turn while all are well';
is state_of('spare_r'), 'spare', '+R: its state';
end_member('spare_a');
ask('spare') for 1 .. 6;    # find out: three failures put it out
my $with_spare = shares('spare', 10);
is_deeply [sort keys %$with_spare], ['spare_b', 'spare_r'],
    '+R: in the place of the one that is out';

# ---- lbset ----

is_deeply shares('sets', 4), { sets_a => 4 }, 'lbset: only set 0';
end_member('sets_a');
is_deeply shares('sets', 4), { sets_b => 2, sets_c => 2 }, 'lbset: then set 1';
end_member('sets_b');
is_deeply shares('sets', 4), { sets_c => 4 }, 'lbset: ... to its last member';
end_member('sets_c');
is_deeply shares('sets', 4), { sets_d => 4 }, 'lbset: then set 2';

# ---- +D, +S, +N, +I ----

is_deeply shares('states', 4), { states_a => 4 }, '+D and +S have no turn';
is state_of('states_d'), 'disabled', '+D: its state';
is state_of('states_s'), 'stopped', '+S: its state';
end_member('states_a');
is_deeply shares('states', 3), { 'status 503' => 3 }, '... not even when nobody else is left';

is_deeply shares('drain', 4), { drain_a => 4 }, '+N: no new sessions';
is_deeply shares('drain', 3, cookie => 'ROUTEID=1.n'), { drain_n => 3 },
    '+N: its own sessions go on';
is state_of('drain_n'), 'draining', '+N: its state';

end_member('ignore_a');
is shares('ignore', 6)->{ignore_b}, 6, '+I: the other one serves';
is state_of('ignore_a'), 'ok', '+I: an error does not put it out';

# ---- Sticky sessions ----

is_deeply shares('sticky', 3, cookie => "ROUTEID=id.$_"), { "sticky_$_" => 3 }, "cookie: route $_"
    for qw(a b c);
is_deeply shares('sticky', 3, cookie => "other=1; ROUTEID=id.b; more=2"), { sticky_b => 3 },
    'cookie: among others';
is_deeply shares('sticky', 3, cookie => "xROUTEID=id.a; ROUTEID=id.b"), { sticky_b => 3 },
    'cookie: not by a part of its name';
my $seen = ask('sticky', cookie => 'ROUTEID=id.b');
is $seen->{params}{BALANCER_NAME}, 'balancer://sticky', 'BALANCER_NAME';
is $seen->{params}{BALANCER_WORKER_NAME}, $backend{sticky_b}->url, 'BALANCER_WORKER_NAME';
is $seen->{params}{BALANCER_WORKER_ROUTE}, 'b', 'BALANCER_WORKER_ROUTE';
is $seen->{params}{BALANCER_SESSION_STICKY}, 'ROUTEID', 'BALANCER_SESSION_STICKY';
is $seen->{params}{BALANCER_SESSION_ROUTE}, 'b', 'BALANCER_SESSION_ROUTE';
ok !exists $seen->{params}{BALANCER_ROUTE_CHANGED},
    'no BALANCER_ROUTE_CHANGED while the route holds';
ok !$seen->{response}{header}{'set-cookie'}, '... so no new cookie';
open my $sessions, '<', $httpd->root . '/sessions.log' or die "sessions.log: $!";
my ($line) = grep { m{/sticky/} } reverse <$sessions>;
like $line, qr{^ROUTEID\|b\|b\|-\|},
    'notes session-sticky and session-route, and %{}e, for the log';

$seen = ask('sticky');
is $seen->{params}{BALANCER_ROUTE_CHANGED}, '1', 'a new session: BALANCER_ROUTE_CHANGED';
like $seen->{response}{header}{'set-cookie'}, qr/^ROUTEID=\.[abc];/,
    '... and a cookie by mod_headers';
ok !exists $seen->{params}{BALANCER_SESSION_ROUTE}, '... no BALANCER_SESSION_ROUTE';
$seen = ask('sticky', cookie => 'ROUTEID=id.nosuch');
like $seen->{backend}, qr/^sticky_/, 'an unknown route: some member';
is $seen->{params}{BALANCER_ROUTE_CHANGED}, '1', '... and BALANCER_ROUTE_CHANGED';

end_member('sticky_b');
$seen = ask('sticky', cookie => 'ROUTEID=id.b');
like $seen->{backend}, qr/^sticky_[ac]$/, "a session whose member fails moves on";
is $seen->{params}{BALANCER_ROUTE_CHANGED}, '1', '... with BALANCER_ROUTE_CHANGED';
like $seen->{response}{header}{'set-cookie'}, qr/^ROUTEID=\.[ac];/, '... and a new cookie';
like $seen->{params}{BALANCER_WORKER_ROUTE}, qr/^[ac]$/, '... with the route of the new member';

is_deeply shares('both', 3, cookie => "JSESSIONID=id.$_"), { "both_$_" => 3 },
    "cookie or path: cookie, route $_" for qw(a b);
is_deeply shares('both', 3, path => "x;jsessionid=id.$_"), { "both_$_" => 3 },
    "cookie or path: path, route $_" for qw(a b);
is_deeply shares('both', 3, path => "x;jsessionid=id.$_?q=1"), { "both_$_" => 3 },
    "cookie or path: path and query, route $_" for qw(a b);
is_deeply shares('both', 3, path => "x;jsessionid=id.b;v=1"), { both_b => 3 },
    'cookie or path: a semicolon ends it';
is_deeply shares('both', 3, path => "x?jsessionid=id.$_"), { "both_$_" => 3 },
    "cookie or path: query, route $_" for qw(a b);

# ---- redirect, nofailover ----

is_deeply shares('redirect', 3, cookie => 'ROUTEID=id.a'), { redirect_a => 3 },
    'redirect: not while its member is well';
end_member('redirect_a');
ask('redirect', cookie => 'ROUTEID=id.a');
is_deeply shares('redirect', 6, cookie => 'ROUTEID=id.a'), { redirect_b => 6 },
    'redirect: the sessions of a failed member go to the named one';

is_deeply shares('nofail', 2, cookie => 'ROUTEID=id.a'), { nofail_a => 2 },
    'nofailover: a session at its member';
end_member('nofail_a');
is_deeply shares('nofail', 3, cookie => 'ROUTEID=id.a'), { 'status 503' => 3 },
    'nofailover: the session of a failed member breaks';
is_deeply shares('nofail', 2, cookie => 'ROUTEID=id.b'), { nofail_b => 2 },
    'nofailover: other sessions go on';
is ask('nofail')->{backend}, 'nofail_b', 'nofailover: and new ones';

# ---- Keys ----

my $keys = shares('keys', 7);
is_deeply $keys, { keys_a => 4, keys_b => 3 }, 'loadfactor=2 and 1.5: 4 to 3';
is ask('keys', cookie => 'ROUTEID=id.b')->{backend}, 'keys_b', '... and sticky';
is ask('inline', cookie => 'ROUTEID=id.a')->{backend}, 'inline_a',
    'settings as parameters of ProxyPass';

# ---- All out; back again ----

end_member('dead_a');
end_member('dead_b');
is_deeply shares('dead', 3), { 'status 503' => 3 }, 'nobody left: 503';

my $port = $backend{retry_a}->port;
end_member('retry_a');
is ask('retry')->{backend}, 'status 503', 'retry=1: out';
$backend{retry_a} = Backend->echo(name => 'retry_a', port => $port);
ok Deadline::wait_until(10, sub { ask('retry')->{backend} eq 'retry_a' }),
    'retry=1: tried again, and back';
is state_of('retry_a'), 'ok', '... its state';

$httpd->expect_log(qr/FC0251: .*connect_refused/);
$httpd->expect_log(qr/FC0421: balancer:\/\/nofail: .*route a/, times => 3);
$httpd->expect_log(qr/FC0422: balancer:\/\/(?:states|dead|retry): no_member/, optional => 1);
$httpd->stop;

done_testing;
