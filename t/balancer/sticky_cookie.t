# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-18: BalancerStickyCookie sets a cookie once; its requests go to the same member, over all child
# processes; a forged one is ignored and renewed; when its member fails the session moves, with
# BALANCER_ROUTE_CHANGED=1 and a new cookie; the value tells no address and no route.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;
use HttpSocket;
use ManagerForm;

my %backend;
sub member_url { my ($name) = @_; return ($backend{$name} //= Backend->echo(name => $name))->url }

# Answers with the head that its path asks for.
my %head = (
    plain    => "Content-Type: text/plain\r\n",
    own      => "Content-Type: text/plain\r\nSet-Cookie: own=1\r\nSet-Cookie: more=2\r\n",
    missing  => "Status: 404 Not Found\r\nContent-Type: text/plain\r\n",
    moved    => "Status: 302 Found\r\nLocation: http://else.test/\r\nContent-Type: text/plain\r\n",
    local    => "Location: /heads/plain\r\n",
    cached   => "Content-Type: text/plain\r\nCache-Control: max-age=60\r\n",
);
sub heads {
    my ($name) = @_;
    return $backend{$name} = Backend->answering(sub {
        my ($connection, $request) = @_;
        my ($wanted) = $request->{params}{REQUEST_URI} =~ m{/(\w+)$};
        $connection->stdout("$head{$wanted}\r\n$name");
        $connection->end_request;
    }, name => $name);
}

my $dir = Httpd::temporary_dir('key');
chmod 0600, Httpd::write_file("$dir/key", 'k' x 16);

# A member that is out when the first session of its balancer is given to it.
my $refusing = Backend->refusing;
my %cookie = (
    app     => [['app_a', 'app_b', 'app_c'], 'RT httponly samesite=Lax'],
    fails   => [['fails_a', 'fails_b'], 'RT secure httponly samesite=Strict path=/fails maxage=1h'],
    keyed   => [['keyed_a', 'keyed_b'], "RT domain=example.com keyfile=$dir/key"],
    both    => [['both_a route=a', 'both_b route=b'], 'RT', 'stickysession=ROUTEID'],
    hold    => [['hold_a', 'hold_b'], 'RT', 'nofailover=On'],
    redirect => [['redirect_a redirect=b', 'redirect_b route=b', 'redirect_c'], 'RT'],
    drain   => [['drain_a', 'drain_b'], 'RT', 'nonce=None'],
    weights => [['weights_a', 'weights_b loadfactor=2'], 'RT'],
);
my $config = '';
for my $name (sort keys %cookie) {
    my ($members, $words, $set) = @{ $cookie{$name} };
    $config .= "<Proxy balancer://$name>\nBalancerStickyCookie $words\n";
    for (@$members) {
        my ($member, $parameters) = /^(\w+)(.*)$/;
        $config .= "BalancerMember @{[ member_url($member) ]}$parameters\n";
    }
    $config .= ($set ? "ProxySet $set\n" : '') . "</Proxy>\nProxyPass /$name/ balancer://$name/\n";
}
heads($_) for 'heads_a', 'heads_b';
my $httpd = Httpd->start(children => 3, threads => 4,
    files => { 'x.txt' => 'of a file' }, modules => ['headers', 'cache', 'cache_disk', 'proxy_http'],
    debug_log => 'balancer_byrequests:notice', config => <<"EOC");
$config
<Proxy balancer://heads>
BalancerStickyCookie RT
BalancerMember $backend{heads_a}{url}
BalancerMember $backend{heads_b}{url}
</Proxy>
ProxyPass /heads/ balancer://heads/
ProxyPass /overridden/ balancer://heads/
<Location /overridden/>
ProxyErrorOverride On
</Location>
ProxyPass /local/ balancer://heads/
<Location /local/>
ProxyFCGIInternalRedirect On
</Location>
ErrorDocument 404 "no such page"
<Proxy balancer://failover>
BalancerStickyCookie RT
BalancerMember @{[ $refusing->url ]}
BalancerMember @{[ member_url('failover_b') ]}
</Proxy>
ProxyPass /failover/ balancer://failover/
# members of another scheme: mod_proxy's own loop, and headers in another table
<Proxy balancer://web>
BalancerStickyCookie RT
BalancerMember http://127.0.0.1:\@port2\@ status=+I
BalancerMember @{[ $refusing->url =~ s/fcgi/http/r ]}
</Proxy>
ProxyPass /web/ balancer://web/
Listen 127.0.0.1:\@port2\@
<VirtualHost 127.0.0.1:\@port2\@>
Header set Cache-Control "no-store, max-age=60"
Header set Last-Modified "Mon, 02 Jan 2006 15:04:05 GMT"
</VirtualHost>
CacheEnable disk /web/
CacheRoot \@root\@/state
CacheEnable disk /heads/
CacheIgnoreNoLastMod On
CacheHeader On
EOC

sub ask {
    my ($balancer, $cookie, %o) = @_;
    my $response = $httpd->get("/$balancer/" . ($o{path} // 'x'),
        header => { defined $cookie ? (Cookie => $cookie) : () });
    my $seen = $response->{status} == 200 && $response->{body} =~ /^\{/
        ? Httpd::decode_json($response)
        : { backend => "status $response->{status}", params => {} };
    $seen->{response} = $response;
    ($seen->{cookie}) = ($response->{header}{'set-cookie'} // '') =~ /^(RT=[^;]*)/;
    return $seen;
}
sub set_cookies {
    my ($response) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq 'set-cookie' } @{ $response->{fields} };
}
sub elected_at {
    my ($balancer, $cookie, $requests) = @_;
    my %count;
    for (1 .. $requests) {
        my $seen = ask($balancer, $cookie);
        $count{ $seen->{backend} }++;
        $count{'a cookie'}++ if $seen->{cookie};
    }
    return \%count;
}

# ---- Set once, then the same member ----

my $first = ask('app');
is $first->{response}{header}{'set-cookie'}, "$first->{cookie}; Path=/; HttpOnly; SameSite=Lax",
    'the first answer sets the cookie, with its attributes';
like $first->{cookie}, qr/^RT=[\w-]{22}$/, '... its value is 22 characters of base64url';
is $first->{params}{BALANCER_ROUTE_CHANGED}, '1',
    '... BALANCER_ROUTE_CHANGED, as for new routes of stickysession';
is_deeply elected_at('app', $first->{cookie}, 12), { $first->{backend} => 12 },
    'with it: the same member, in all children, and not set again';
ok !exists ask('app', $first->{cookie})->{params}{BALANCER_ROUTE_CHANGED},
    '... no BALANCER_ROUTE_CHANGED';
is_deeply elected_at('app', "a=b; $first->{cookie}; c=d", 2), { $first->{backend} => 2 },
    'among other cookies';
is_deeply elected_at('app', "RT=other; $first->{cookie}", 2), { $first->{backend} => 2 },
    'behind another one of its name, as browsers send those of other paths';

my %cookie_of;
$cookie_of{ $_->{backend} } = $_->{cookie} for map { ask('app') } 1 .. 50;
is_deeply [sort keys %cookie_of], ['app_a', 'app_b', 'app_c'], 'new sessions go to all members';
is_deeply elected_at('app', $cookie_of{$_}, 4), { $_ => 4 }, "... and stay: $_"
    for sort keys %cookie_of;
is_deeply [sort { $a <=> $b } $httpd->elected('weights')], [0, 0], 'sessions count as elections:';
my %weight_of;
$weight_of{ $_->{backend} } = $_->{cookie} for map { ask('weights') } 1 .. 3;
ask('weights', $weight_of{weights_a}) for 1 .. 3;
ask('weights') for 1 .. 6;
is_deeply [$httpd->elected('weights')], [4, 8], '... the other ones get the next new ones';

# ---- What the value tells ----

for my $name (sort keys %cookie_of) {
    my ($value) = $cookie_of{$name} =~ /=(.*)/;
    my $port = $backend{$name}->port;
    unlike $value, qr/$port|127|app|fcgi/, "$name: neither address nor name in the value";
}
isnt ask('app')->{cookie}, ask('fails')->{cookie}, 'another balancer has other values';

# ---- Forged ----

for my $forged ('A' x 22, 'x', '', 'a' x 3000, substr($first->{cookie}, 3, 21),
                substr($first->{cookie}, 3) . 'A', '%00', '..', ask('fails')->{cookie} =~ s/RT=//r) {
    my $seen = ask('app', "RT=$forged");
    like $seen->{backend}, qr/^app_/, 'a forged cookie (' . substr($forged, 0, 30) . ') is ignored';
    like $seen->{cookie} // '', qr/^RT=[\w-]{22}$/, '... and renewed';
    is ask('app', $seen->{cookie})->{backend}, $seen->{backend}, '... with one that holds';
}

# ---- Its member fails ----

my %fails;
$fails{ $_->{backend} } = $_ for map { ask('fails') } 1 .. 2;
is $fails{fails_a}{response}{header}{'set-cookie'},
    "$fails{fails_a}{cookie}; Path=/fails; Max-Age=3600; Secure; HttpOnly; SameSite=Strict",
    'all attributes';
$backend{fails_a}->stop;
my $moved = ask('fails', $fails{fails_a}{cookie});
is $moved->{backend}, 'fails_b', 'its member has failed: another one';
is $moved->{params}{BALANCER_ROUTE_CHANGED}, '1', '... BALANCER_ROUTE_CHANGED=1';
is $moved->{cookie}, $fails{fails_b}{cookie}, '... and a new cookie, that of the other one';
is_deeply [scalar set_cookies($moved->{response})], [1], '... and only that';
is_deeply elected_at('fails', $moved->{cookie}, 3), { fails_b => 3 }, '... which holds';
is ask('fails', $fails{fails_a}{cookie})->{cookie}, $fails{fails_b}{cookie},
    'in error: the next request of such a session moves at once';

my @tried = map { ask('failover') } 1 .. 2;
is $_->{backend}, 'failover_b', 'elected, failed, and another one answers' for @tried;
is_deeply [map { scalar set_cookies($_->{response}) } @tried], [1, 1], '... one cookie';
is $tried[0]{cookie}, $tried[1]{cookie}, '... of the member that has answered';
is_deeply elected_at('failover', $tried[0]{cookie}, 2), { failover_b => 2 }, '... which holds';

my %hold;
$hold{ $_->{backend} } = $_->{cookie} for map { ask('hold') } 1 .. 2;
$backend{hold_a}->stop;
is_deeply elected_at('hold', $hold{hold_a}, 2), { 'status 503' => 2 },
    'nofailover=On: the session of a failed member breaks';
is ask('hold')->{backend}, 'hold_b', '... a new one does not';
is ask('hold', 'RT=' . 'A' x 22)->{backend}, 'hold_b', '... nor one with a forged cookie';

my %redirect;
$redirect{ $_->{backend} } = $_->{cookie} for map { ask('redirect') } 1 .. 3;
$backend{redirect_a}->stop;
ask('redirect', $redirect{redirect_a});
is_deeply elected_at('redirect', $redirect{redirect_a}, 4), { redirect_b => 4, 'a cookie' => 4 },
    "redirect= of a failed member: its sessions go to the named one, with that one's cookie";

# ---- Draining, disabled ----

my %drain;
$drain{ $_->{backend} } = $_->{cookie} for map { ask('drain') } 1 .. 2;
sub set_status {
    my (%flag) = @_;
    my @flags = map { ("w_status_$_" => $flag{$_}) } sort keys %flag;
    return ManagerForm::post($httpd, [b => 'drain', w => $backend{drain_a}->url, @flags],
        header => { Origin => 'http://localhost' })->{status};
}
is set_status(N => 1), 200, 'a member is drained';
is_deeply elected_at('drain', undef, 4), { drain_b => 4, 'a cookie' => 4 }, '... no new sessions';
is_deeply elected_at('drain', $drain{drain_a}, 4), { drain_a => 4 }, '... its own go on';
set_status(N => 0, D => 1);
is_deeply elected_at('drain', $drain{drain_a}, 2), { drain_b => 2, 'a cookie' => 2 },
    'disabled: its own move';

# ---- Beside stickysession ----

my %both;
$both{ $_->{backend} } = $_->{cookie} for map { ask('both') } 1 .. 2;
is_deeply elected_at('both', "ROUTEID=id.a; $both{both_b}", 2), { both_a => 2 },
    'a route of stickysession comes first, and leaves our cookie as it is';
is_deeply elected_at('both', "ROUTEID=id.nosuch; $both{both_b}", 2), { both_b => 2 },
    'a route of nobody: then our cookie';
is_deeply elected_at('both', $both{both_b}, 2), { both_b => 2 }, 'no route: our cookie';
$backend{both_a}->stop;
my $lost = ask('both', "ROUTEID=id.a; $both{both_a}");
is $lost->{backend}, 'both_b', 'both name a failed member: another one';
is $lost->{cookie}, $both{both_b}, '... and a new cookie';

# ---- Errors, redirects, other cookies ----

my @own = set_cookies($httpd->get('/heads/own'));
is_deeply [map { s/^RT=.*/RT/r } @own], ['RT', 'own=1', 'more=2'],
    'cookies of the application go with ours, each in a field of its own';
for (['/heads/missing', 404, 'an error page of the application'],
     ['/heads/moved', 302, 'a redirect'],
     ['/overridden/missing', 404, 'an error page of httpd']) {
    my ($path, $status, $name) = @$_;
    my $response = $httpd->get($path);
    is $response->{status}, $status, $name;
    like $response->{header}{'set-cookie'} // '', qr/^RT=[\w-]{22}; Path=\/$/, '... has the cookie';
    like $response->{header}{'cache-control'} // '', qr/private="Set-Cookie"/, '... is private';
}
for my $try (1 .. 3) {
    my $local = $httpd->get('/local/local');
    is scalar(my ($only) = set_cookies($local)), 1, 'a local redirect: one cookie';
    my ($its) = $only =~ /^(RT=[^;]*)/;
    is $httpd->get('/heads/plain', header => { Cookie => $its })->{body}, $local->{body},
        '... of the member that has answered';
}

# ---- Caches ----

my $fresh = $httpd->get('/heads/cached');
like $fresh->{header}{'cache-control'}, qr/private="Set-Cookie"/,
    'an answer with our cookie is private in it';
like $fresh->{header}{'cache-control'}, qr/max-age=60/, '... and as cacheable as it was otherwise';
like $fresh->{header}{'x-cache'}, qr/^MISS/, '... httpd keeps it out of its own cache';
my $second = $httpd->get('/heads/cached');
like $second->{header}{'x-cache'}, qr/^MISS/, '... so that the next client gets a cookie of its own';
my ($its) = $second->{header}{'set-cookie'} =~ /^(RT=[^;]*)/;
my $known = $httpd->get('/heads/cached', header => { Cookie => $its });
like $known->{header}{'x-cache'}, qr/^MISS/, 'the first answer without our cookie is kept';
unlike $known->{header}{'cache-control'}, qr/private/, '... it is not private';
my $hit = $httpd->get('/heads/cached');
like $hit->{header}{'x-cache'}, qr/^HIT/, '... and then comes from the cache';
is_deeply [set_cookies($hit)], [], '... without a cookie';

# ---- Members of another scheme ----

# httpd 2.5 keeps what came after a failover in spite of its no-store, also with the stock modules
my $obeys = !Httpd::is_at_least('2.5.0');
for my $try (1 .. 3) {
    my $path = '/web/x.txt' . ($obeys ? '' : "?$try");
    my $web = $httpd->get($path);
    is $web->{body}, 'of a file', 'an http:// member answers';
    like $web->{header}{'x-cache'}, qr/^MISS/, "... and httpd's cache obeys its no-store" if $obeys;
    is scalar(my ($only) = set_cookies($web)), 1, '... with one cookie, also after a failover';
    my ($its) = $only =~ /^(RT=[^;]*)/;
    is_deeply [set_cookies($httpd->get($path, header => { Cookie => $its }))], [],
        '... of itself';
}

# ---- Few candidates are tried ----

my $known_cookie = ask('app')->{cookie};
my $nobodys = 'RT=' . 'A' x 22;
for my $case ([7, 0], [8, 1]) {
    my ($before, $is_renewed) = @$case;
    my $seen = ask('app', join '; ', ($nobodys) x $before, $known_cookie);
    is defined $seen->{cookie} ? 1 : 0, $is_renewed, "a session behind $before cookies of nobody";
}

# ---- Restarts ----

my %keyed;
$keyed{ $_->{backend} } = $_ for map { ask('keyed') } 1 .. 2;
is $keyed{keyed_a}{response}{header}{'set-cookie'},
    "$keyed{keyed_a}{cookie}; Path=/; Domain=example.com", 'keyfile: no attribute of the cookie';
ok $httpd->graceful, 'a graceful restart';
is_deeply elected_at('app', $cookie_of{$_}, 3), { $_ => 3 }, "... the random key holds: $_"
    for sort keys %cookie_of;
is_deeply elected_at('keyed', $keyed{$_}{cookie}, 3), { $_ => 3 }, "... keyfile: $_"
    for sort keys %keyed;
ok $httpd->restart, 'a restart in place';
is_deeply elected_at('app', $cookie_of{app_b}, 3), { app_b => 3 }, '... the random key holds';

$httpd->expect_log(qr/FC0251: .*connect_refused/);
$httpd->expect_log(qr/AH00957|AH00959|AH01114/);
$httpd->expect_log(qr/FC0421: balancer:\/\/hold: .*cookie of .*nofailover/, times => 2);
$httpd->stop;
$httpd->start;
is_deeply elected_at('keyed', $keyed{$_}{cookie}, 3), { $_ => 3 },
    "a full stop and start: with a keyfile the sessions go on: $_" for sort keys %keyed;
my $again = ask('app', $cookie_of{app_b});
ok $again->{cookie} && $again->{cookie} ne $cookie_of{app_b}, '... with a random key they do not';
$httpd->stop;

done_testing;
