# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-09: one call changes many members: 200 of them, 100 KB; with one wrong value none, and every mistake
# is named. The same by forms, which ask before they do what hurts.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use ManagerApi;
use ManagerForm;

my @urls = map { "http://127.0.0.1:$_" } 1001 .. 1200;
my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], config => join "\n",
    '<Proxy balancer://big>', (map { "BalancerMember $_" } @urls), '</Proxy>', 'ProxyPass /big/ balancer://big/',
    '<Proxy balancer://small>', (map { "BalancerMember $urls[$_]" } 0 .. 2), 'ProxySet growth=2', '</Proxy>',
    'ProxyPass /small/ balancer://small/', '');
my $api = ManagerApi->new($httpd);
sub members { my ($key) = @_; return @{ $api->get("balancers/$key")->{json}{members} } }
sub weights { my ($key) = @_; my %seen; $seen{ $_->{weight} }++ for members($key); return \%seen }

# ---- 200 members in 100 KB ----

my $padding = 'x' x 60;    # a route may have 63 characters, with httpd 2.5 more
my @changes = map { { balancer => 'big', member => $urls[$_], weight => 2 + $_ % 50, limit => 100 + $_,
    route => sprintf('%s%03d', $padding, $_), redirect => sprintf('%s%03d', $padding, 199 - $_),
    queue_limit => 1000 + $_, queue_timeout => 1.5, standby => JSON::PP::false, spare => JSON::PP::false,
    ignore_errors => JSON::PP::true, lbset => $_ % 99, state => 'ready', drain_deadline => 0 } } 0 .. 199;
$changes[0]{route} = 'first';
my $body = JSON::PP->new->canonical->pretty->encode(\@changes);
cmp_ok length $body, '>', 70_000, sprintf 'a body of %d KB', length($body) / 1024;
$body .= ' ' x (102_400 - length $body);

my @wrong = map { { %$_ } } @changes;
$wrong[150]{weight} = 500;
my $refused = $api->patch('members', \@wrong);
is $refused->{status}, 400, 'with one wrong value';
is_deeply $refused->{json}{errors}, [{ index => 150, member => $urls[150], field => 'weight',
    detail => 'must be a number from 1 to 100, such as 2 or 1.25' }], '... it is named';
is_deeply weights('big'), { 1 => 200 }, '... and nothing is changed';
@wrong[3, 77] = ({ %{ $wrong[3] }, member => 'http://127.0.0.1:9999' }, { %{ $wrong[77] }, colour => 'red', limit => 'x' });
is_deeply [map { join ' ', @$_{qw(index field)} } @{ $api->patch('members', \@wrong)->{json}{errors} }],
    ['3 member', '77 colour', '77 limit', '150 weight'], 'each of several mistakes';

my $done = $api->patch('members', $body);
is $done->{status}, 200, 'the right one' or diag $done->{body};
my %told = map { $_->{member} => 1 } @{ $done->{json}{changed} };
is scalar(keys %told), 200, '... all are changed';
my @now = members('big');
is_deeply [map { [@$_{qw(weight limit route redirect queue_limit lbset)}] } @now],
    [map { [@$_{qw(weight limit route redirect queue_limit lbset)}] } @changes], '... as was asked';
is_deeply $api->patch('members', $body)->{json}{changed}, [], '... again: no change';

# ---- All members of a balancer, of all ----

is scalar @{ $api->patch('balancers/big/members', { member => '*', weight => 7 })->{json}{changed} }, 196,
    'all members of a balancer, but for those who had it already';
is_deeply [weights('big'), weights('small')], [{ 7 => 200 }, { 1 => 3 }], '... of this one';
$api->patch('members', { balancer => '*', member => '*', weight => 8 });
is_deeply [weights('big'), weights('small')], [{ 8 => 200 }, { 8 => 3 }], 'all members of all';
$api->patch('members', [{ balancer => 'small', member => '*', weight => 3 },
                        { balancer => 'big', member => $urls[5], weight => 4 }]);
is_deeply [weights('big'), weights('small')], [{ 8 => 199, 4 => 1 }, { 3 => 3 }], 'of several balancers';

# ---- A call as large as can be ----

my $huge = sub { my ($text, $times) = @_; return '[' . join(',', ($text) x $times) . ']' };
is scalar @{ $api->patch('members', $huge->('0', 400_000))->{json}{errors} }, 1000, 'of many mistakes the first 1000';
my $all_of_all = $api->patch('members', $huge->('{"balancer":"*","member":"*","weight":2}', 20_000));
is $all_of_all->{status}, 400, 'all members, 20,000 times';
like $all_of_all->{body}, qr/too many/, '... is refused before it is counted out';
is $api->patch('members', '[' x 3000 . ']' x 3000)->{status}, 400, 'what is nested too deep is no JSON for us';
is $api->patch('members', ' ' x 1_048_577)->{status}, 413, 'more than 1 MB is not read';

# ---- Together or not at all ----

my @small = members('small');
$api->patch('balancers/small/members', { member => $urls[0], weight => 9 });
my $stale = $api->patch('members', [map { { balancer => 'small', member => $_->{url}, etag => $_->{etag}, weight => 5 } } @small]);
is $stale->{status}, 412, 'one of them was changed meanwhile';
is_deeply [map { $_->{member} } @{ $stale->{json}{errors} }], [$urls[0]], '... it is named';
is_deeply weights('small'), { 9 => 1, 3 => 2 }, '... and none is changed';
for my $case ([[{ member => $urls[0], weight => 2 }, { member => $urls[0], weight => 3 }], 400, 'named twice', 'twice the same'],
              [[map { { member => $_, address => "127.0.0.1:9" . $_ =~ s/.*:1//r } } @urls[0, 1]], 400, 'at a time', 'two moves'],
              [[map { { member => $_, remove => JSON::PP::true } } @urls[0 .. 2]], 409, 'last member', 'all are removed'],
              [[{ weight => 2 }], 400, 'missing', 'no member'], [[{ member => 1 }], 400, 'strings', 'a member that is no text'],
              [['x'], 400, 'object', 'no object'], [[{ member => $urls[0], etag => 'x' }], 400, 'etag', 'no etag']) {
    my ($changes, $status, $why, $name) = @$case;
    my $answer = $api->patch('balancers/small/members', $changes);
    is $answer->{status}, $status, "refused: $name";
    like $answer->{body}, qr/$why/, '... with the reason';
}
is_deeply $api->patch('members', [])->{json}{changed}, [], 'nothing is no change';
like $api->patch('balancers/small/members', { member => '*', weight => 2 },
    header => { 'If-Match' => $api->get('balancers/small')->{header}{etag} })->{body}, qr/its own etag/, 'If-Match is for one';
is $api->patch('members', { member => $urls[0], weight => 2 })->{status}, 400, 'which balancer?';
is_deeply weights('small'), { 9 => 1, 3 => 2 }, '... and nothing is changed';

# ---- Forms ----

my $page = '/balancer-manager';
my $token = $api->token;
sub form { return ManagerForm::post($httpd, [b => 'small', nonce => $token, @_]) }
sub states { return join ' ', map { $_->{state} } members('small') }

is form(w => $urls[0], w => $urls[2], action => 'drain', confirm => 1)->{status}, 200, 'a form for two members';
is states(), 'draining ok draining', '... and not the others';
form(w => $urls[0], action => 'ready');
is states(), 'ok ok draining', 'what does not hurt needs no confirmation';
form(w => $urls[0], action => 'drain');
is states(), 'draining ok draining', '... nor does a drain while others are usable';
for my $case ([[w => $urls[1], action => 'drain'], 'the drain of the last usable one'],
              [[w => $urls[1], action => 'disable'], 'disable'], [[w => $urls[1], action => 'stop'], 'stop'],
              [[w => $urls[1], action => 'remove'], 'remove'], [[b_all => 1, action => 'ready'], 'all'],
              [[w => $urls[0], w => $urls[1], w_lf => 2], 'two members']) {
    my ($pairs, $name) = @$case;
    is form(@$pairs)->{status}, 200, "waits for confirmation: $name";
    is states(), 'draining ok draining', '... nothing is done yet';
}
sub question { my ($text) = form(@_)->{body} =~ m{(<section class="confirm".*?</section>)}s; return $text // '' }
my $last = question(w => $urls[1], action => 'drain');
like $last, qr{<h2[^>]*>Drain this member of balancer://small\?</h2>}, 'the question says what would be done';
like $last, qr{<li>\Q$urls[1]\E: ok, 0 in flight</li>}, '... to whom';
like $last, qr{class="outage">This is the last usable member: new requests will get 503\.<}, '... and what comes of it';
form(w => $urls[1], action => 'stop', confirm => 1);
is states(), 'draining stopped draining', 'confirmed';
$httpd->expect_log(qr/FC0422/, times => 1);
is $httpd->get('/small/x')->{status}, 503, '... and that is what comes of it';
like question(w => $urls[1], action => 'remove'), qr/No member in service is affected/, 'one that is out already';
form(w => $urls[1], action => 'ready');
form(w => $urls[0], w_status_N => 0, w_status_H => 1);
like question(w => $urls[1], action => 'disable'), qr{class="outcome">No regular member .*: the hot standby \Q$urls[0]\E takes over},
    'a hot standby takes over';
form(w => $urls[0], w_status_H => 0, b_tmo => 3);
like question(w => $urls[1], action => 'disable'), qr{class="outcome">1 of 3 members will be left in service}, 'others are left';
like question(w => $urls[0], w => $urls[1], action => 'stop'), 
    qr{>Stop 2 members of .*These are the last usable members: new requests will wait up to 3 s for another one, and then get 503\.<}s,
    'the last ones';
unlike question(b_all => 1, action => 'ready'), qr/class="out/, 'to make them ready takes nothing away';
form(w => $urls[0], w_status_N => 1, b_tmo => 0);
form(w => $urls[1], action => 'stop', confirm => 1);
form(w => $urls[1], w_status_S => 0, w_status_D => 1);
is states(), 'draining disabled draining', "stock's parameters mean it";
form(b_all => 1, action => 'ready', confirm => 1);
is states(), 'ok ok ok', 'all members';
is form(w => $urls[0], w => 'http://127.0.0.1:999', action => 'drain', confirm => 1)->{status}, 404, 'one is not there';
is form(w => $urls[0], action => 'jump')->{status}, 400, 'no such action';
my $nobody = form(action => 'drain');
is $nobody->{status}, 400, 'whom?';
like $nobody->{body}, qr/no member was selected/, '... it asks';
unlike $nobody->{body}, qr/name="b_tmo"/, '... and shows the list, no form';
is states(), 'ok ok ok', '... nothing is done';
my $etag = (members('small'))[0]{etag};
is form(w => $urls[0], w_limit => 5, w_queue_limit => 6, w_queue_timeout => '500ms', etag => $etag)->{status}, 200,
    'limits, with what the page had seen';
is_deeply [@{ (members('small'))[0] }{qw(limit queue_limit queue_timeout_us)}], [5, 6, 500_000], '... are set';
is form(w => $urls[0], w_limit => 6, etag => $etag)->{status}, 412, 'the same page once more';
is((members('small'))[0]{limit}, 5, '... changes nothing');
is form(w => $urls[0], w_limit => 6, etag => 'x')->{status}, 400, 'no etag at all';
is form(w => $urls[0], $_->[0] => $_->[1])->{status}, 400, "$_->[0]=$_->[1] is refused"
    for [w_limit => -1], [w_limit => 1_000_001], [w_queue_limit => 'x'], [w_queue_timeout => '25h'];
form(w => $urls[0], w => $urls[1], action => 'remove', confirm => 1);
is scalar(grep { $_->{state} eq 'ok' } members('small')), 1, 'two are removed at once';

# ---- A balancer that a virtual host has inherited: the members are the same ----

$httpd->stop;
$httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
</Proxy>
ProxyPass /app/ balancer://app/
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
ServerName heir.test
<Proxy balancer://app>
ProxySet timeout=5
</Proxy>
ProxyPass /app/ balancer://app/
</VirtualHost>
EOC
$api = ManagerApi->new($httpd);
my @vhosts = map { $_->{vhost} } @{ $httpd->json("$page/v1/status")->{balancers} };
is scalar @vhosts, 2, 'both are shown';
my $both = $api->patch('members', { balancer => '*', member => '*', weight => 4 });
is $both->{status}, 200, '"*" names each member once' or diag $both->{body};
is scalar @{ $both->{json}{changed} || [] }, 2, '... and changes it once';
is $api->patch('members', { balancer => '*', vhost => $vhosts[1], member => '*', weight => 5 })->{status}, 200,
    '... also by the one that has inherited them';
like $api->patch('members', [map { { balancer => 'app', vhost => $_, member => 'http://127.0.0.1:1', weight => 6 } }
    @vhosts])->{body}, qr/named twice/, 'who names a member in both names it twice';
is_deeply [map { $_->{weight} } @{ $httpd->json("$page/v1/status")->{balancers}[0]{members} }], [5, 5],
    '... and nothing is changed';

$httpd->stop;
done_testing;
