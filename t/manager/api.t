# Licensed under the Apache License, Version 2.0; see LICENSE.
# The JSON interface: what it takes, what it refuses and how; M-04 (stale changes), M-05 (once).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Httpd;
use ManagerApi;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['lbmethod_bybusyness'],
    debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1/a+b%20c route=one maxinflight=3 queue=4 queuetimeout=1500ms
BalancerMember http://127.0.0.1:2 route=two
ProxySet growth=2
</Proxy>
ProxyPass /app/ balancer://app/
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
ServerName first.test
<Proxy balancer://twin>
BalancerMember http://127.0.0.1:3
</Proxy>
ProxyPass /twin/ balancer://twin/
</VirtualHost>
<VirtualHost 127.0.0.1:@port2@>
ServerName second.test
<Proxy balancer://twin>
BalancerMember http://127.0.0.1:3
</Proxy>
ProxyPass /twin/ balancer://twin/
</VirtualHost>
EOC
my $api = ManagerApi->new($httpd);
my ($one, $two) = map { ManagerApi::member_path('app', $_) }
    'http://127.0.0.1:1/a+b%20c', 'http://127.0.0.1:2';

sub is_problem {
    my ($answer, $status, $detail, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is_one = $answer->{status} == $status && ($answer->{json}{status} // 0) == $status
        && $answer->{header}{'content-type'} eq 'application/problem+json'
        && $answer->{body} =~ $detail;
    ok $is_one, $name or diag "$answer->{status} $answer->{body}";
    return;
}

# ---- Looking ----

my $member = $api->get($one);
is $member->{status}, 200, 'a member by its URL, percent-encoded';
is $member->{json}{url}, 'http://127.0.0.1:1/a+b%20c', '... it is the one';
like $member->{header}{etag}, qr/^"[0-9a-f]{16}"$/, '... with an ETag';
is $member->{header}{etag}, qq("$member->{json}{etag}"), '... which the JSON has as well';
is_deeply [@{ $member->{json}{config} }{qw(limit queue_limit queue_timeout_us)}], [3, 4, 1_500_000],
    '... the limits of the configuration';
my $app = $api->get('balancers/app');
is scalar @{ $app->{json}{members} }, 2, 'a balancer with its members';
is $app->{header}{etag}, qq("$app->{json}{etag}"), '... with an ETag';
is $api->call('HEAD', $one)->{header}{etag}, $member->{header}{etag}, 'HEAD says the same';
is $api->get('balancers/APP')->{status}, 200, 'names of balancers are lower case, however written';
is_problem($api->get('balancers/no'), 404, qr/no balancer no/, 'no such balancer');
is_problem($api->get('balancers/app/members/no'), 404, qr/no member no/, 'no such member');
is_problem($api->get($_), 404, qr/There is no/, "no $_")
    for 'no', 'members/x', 'balancers', 'balancers/', 'balancers/app/x', 'balancers/app/members/';
is_problem($api->get($one =~ s{members/}{members%2F}r), 404, qr/There is no/, 'a slash that is encoded ends no name');
is_problem($api->get('balancers/twin'), 409, qr/first\.test.*second\.test/s,
    'which of two balancers of one name?');
like $api->get('balancers/twin?vhost=' . $api->get('balancers/twin')->{json}{vhosts}[1])->{json}{vhost},
    qr/^second\.test/, '... this one';
is_deeply [map { $_->{vhost} =~ s/:.*//r } @{ $httpd->status->{balancers} }], [qw(localhost first.test second.test)],
    'virtual hosts stand in the order of the configuration';
is_problem($api->get('balancers/app?vhost=%zz'), 400, qr/encoded/, 'a broken query');

# ---- Methods ----

my %allowed = ('audit' => 'GET, HEAD, OPTIONS', 'balancers/app' => 'GET, HEAD, PATCH, OPTIONS',
               'balancers/app/members' => 'GET, HEAD, PATCH, POST, OPTIONS',
               $one => 'GET, HEAD, PATCH, DELETE, OPTIONS', 'members' => 'PATCH, OPTIONS');
for my $path (sort keys %allowed) {
    my $options = $api->call('OPTIONS', $path);
    is_deeply [$options->{status}, $options->{header}{allow}], [204, $allowed{$path}], "OPTIONS $path";
    my $put = $api->call('PUT', $path, {});
    is_problem($put, 405, qr/accepts only/, "PUT $path");
    is $put->{header}{allow}, $allowed{$path}, '... says what it takes';
}

# ---- Changing a member ----

my $changed = $api->patch($one, { weight => 2.5, lbset => 1, route => 'uno', redirect => 'two',
    limit => 5, queue_limit => 6, queue_timeout => 2.5, ignore_errors => JSON::PP::true });
is $changed->{status}, 200, 'a member is changed';
is_deeply [sort @{ ManagerApi::changes($changed) }],
    ['ignore_errors off -> on', 'lbset 0 -> 1', 'limit 3 -> 5', 'queue_limit 4 -> 6',
     'queue_timeout 1500ms -> 2500ms', 'redirect  -> two', 'route one -> uno',
     'weight 1.00 -> 2.50'], '... and the answer tells what was';
$member = $api->get($one);
is_deeply [@{ $member->{json} }{qw(weight lbset route redirect limit queue_limit queue_timeout_us)}],
    [2.5, 1, 'uno', 'two', 5, 6, 2_500_000], '... so it is';
is $changed->{header}{etag}, $member->{header}{etag}, '... with the ETag that it has now';
is_deeply $api->patch($one, { weight => 2.5, limit => 5 })->{json}{changed}, [],
    'the same again is no change';
is_deeply ManagerApi::changes($api->patch($one, { route => undef, redirect => '', weight => 1 })),
    ['weight 2.50 -> 1.00', 'route uno -> ', 'redirect two -> '], 'null and "" clear a text';

for my $number (qw(1e300 1e308 1e20 -1e300 -1 12345678901234567890 9223372036854775807 1e15)) {
    for my $setting (qw(weight limit lbset queue_limit queue_timeout drain_deadline)) {
        is $api->patch($one, qq({"$setting":$number}))->{status}, 400, "$setting cannot be $number";
    }
}

my %state = (drain => 'draining', disable => 'disabled', stop => 'stopped', ready => 'ok');
for my $word (qw(drain disable stop ready)) {
    is $api->patch($two, { state => $word })->{status}, 200, "state $word";
    is $api->get($two)->{json}{state}, $state{$word}, '... it is';
}
$api->patch($two, { state => 'drain', drain_deadline => 600 });
like $api->get($two)->{json}{drain_until}, qr/Z$/, 'a drain until';
$api->patch($two, { state => 'ready' });
is $api->get($two)->{json}{drain_until}, undef, '... and its end';

# ---- Changing a balancer ----

$changed = $api->patch('balancers/app', { lbmethod => 'bybusyness', timeout => 5, max_attempts => 3,
    sticky => 'SID|sid', nofailover => JSON::PP::true });
is_deeply ManagerApi::changes($changed), ['lbmethod byrequests -> bybusyness', 'timeout 0 -> 5',
    'max_attempts 1 -> 3', 'nofailover off -> on', 'sticky  -> SID|sid'], 'a balancer is changed';
is_deeply ManagerApi::changes($api->patch('balancers/app', { sticky => undef,
    lbmethod => 'byrequests' })), ['lbmethod bybusyness -> byrequests', 'sticky SID|sid -> '],
    '... and back';

# ---- Members come, move and go ----

my $added = $api->post('balancers/app/members',
    { url => 'http://127.0.0.1:9', state => 'drain', weight => 3, limit => 7 });
is $added->{status}, 201, 'a member is added';
like $added->{header}{location}, qr{^/balancer-manager/v1/balancers/app/members/http%3A%2F%2F127.0.0.1%3A9$},
    '... and the answer says where it is';
(my $new = $added->{header}{location}) =~ s{^/balancer-manager/v1/}{};
is_deeply [@{ $api->get($new)->{json} }{qw(state weight limit config)}], ['draining', 3, 7, undef],
    '... with its settings';
is $added->{header}{etag}, $api->get($new)->{header}{etag}, '... and its ETag';
is_problem($api->post('balancers/app/members', { url => 'http://127.0.0.1:9' }), 409,
    qr/already has/, 'it cannot be added again');
is_problem($api->post('balancers/app/members', $_), 400, qr/url/, 'an URL is needed')
    for {}, { url => 1 }, { url => '' }, [];
sub mistakes { my ($answer) = @_; return join ' ', $answer->{status}, sort map { $_->{field} } @{ $answer->{json}{errors} } }
is mistakes($api->post('balancers/app/members', { url => "http://a b", weight => 101, route => 'x' x 300, x => 1 })),
    '400 route url weight x', 'every mistake in a new member is named, whoever finds it';
is mistakes($api->post('balancers/app/members', { weight => 101, lbset => 'x' })), '400 lbset url weight', '... also without a URL';
is mistakes($api->patch('balancers/app', { lbmethod => 'none', timeout => -1, max_attempts => 'x', sticky => 'x' x 300,
    nofailover => 1, colour => 'red' })), '400 colour lbmethod max_attempts nofailover sticky timeout', '... in a balancer';
is mistakes($api->patch($two, { weight => 101, route => 'x' x 300, state => 'x' })), '400 route state weight', '... in a member';
is mistakes($api->patch('members', [{ balancer => 'app', member => 'http://127.0.0.1:2', redirect => 'x' x 300 },
    { balancer => 'app', member => 'no', weight => 101 }, { balancer => 'no', member => '*' }])),
    '400 balancer member redirect weight', '... in many';
is_deeply ManagerApi::changes($api->patch($new, { address => '127.0.0.1:8' })),
    ['address 127.0.0.1:9 -> 127.0.0.1:8'], 'a member is moved';
my $moved = ManagerApi::member_path('app', 'http://127.0.0.1:8');
is_deeply [@{ $api->get($moved)->{json} }{qw(weight limit)}], [3, 7], '... with its settings';
is $api->delete($moved)->{status}, 202, 'a member is removed';
ok wait_until(10, sub { $api->get($moved)->{status} == 404 }), '... and goes';
is_problem($api->delete($moved), 404, qr/no member/, '... once');

# ---- Numbers begin anew ----

$httpd->expect_log(qr/AH00934|AH01144/, optional => 1);    # nothing here speaks http
$httpd->get('/app/x') for 1 .. 4;
my $elected = sub { return $api->get($_[0])->{json}{elected} };
ok $elected->($one) + $elected->($two) > 0, 'members were elected';
my $kept = $elected->($two);
is_deeply ManagerApi::changes($api->post("$one/reset", {})), ['counters  -> reset'], 'reset of a member';
is_deeply [map { $elected->($_) } $one, $two], [0, $kept], '... of this one';
is $api->post('balancers/app/reset', {})->{status}, 200, 'reset of a balancer';
is_deeply [map { $elected->($_) } $one, $two], [0, 0], '... and its members';
is_problem($api->get('balancers/app/reset'), 405, qr/POST/, 'a GET resets nothing');

# ---- Wrong ----

is_problem($api->patch($one, $$_[0]), 400, $$_[1], "refused: $$_[1]")
    for [{ weight => 0 }, qr/"field": "weight"/], [{ weight => '2' }, qr/must be a number/],
        [{ limit => 1.5 }, qr/must be a whole number/], [{ limit => -1 }, qr/from 0 to/],
        [{ lbset => undef }, qr/must be a whole number/], [{ colour => 1 }, qr/not a setting of a member/],
        [{ lbmethod => 'byrequests' }, qr/not a setting of a member/], [{ route => {} }, qr/must be a string/],
        [{ standby => 1 }, qr/true or false/], [{ state => 'away' }, qr/ready, drain/],
        [{ route => 'x' x 96 }, qr/longer than/], [{ route => "a\nb" }, qr/control characters/],
        [{ queue_timeout => 1e9 }, qr/24h/], [{ queue_timeout => -1 }, qr/24h/], [[], qr/object/],
        ['{', qr/not JSON/], ['', qr/not JSON/], ['{"weight":1,"weight":2}', qr/not JSON/], ['[' x 9999, qr/not JSON/];
is_problem($api->patch('balancers/app', { weight => 2 }), 400, qr/not a setting of a balancer/,
    'a setting of members is none of a balancer');
my $all_wrong = $api->patch($one, { weight => 500, limit => 'x', nothing => 1, lbset => 7 });
is_deeply [sort map { $_->{field} } @{ $all_wrong->{json}{errors} }], [qw(limit nothing weight)],
    'every wrong one is named';
is $api->get($one)->{json}{lbset}, 1, '... and nothing is changed';
is_problem($api->patch($one, '{"weight":1}', header => { 'Content-Type' => $_ }), 415, qr{application/json},
    'the type must be right: ' . ($_ // 'none')) for undef, 'text/plain', 'application/x-www-form-urlencoded';
is_problem($api->patch($one, ' ' x 1_048_577), 413, qr/1 MB/, 'a body of more than 1 MB');
is_problem($api->patch($one, ' ' x 1_048_576), 400, qr/not JSON/, '... one of 1 MB is read');

# ---- M-04: who comes second with an old ETag changes nothing ----

my $seen = $api->get($two)->{header}{etag};
is $api->patch($two, { weight => 3 }, header => { 'If-Match' => $seen })->{status}, 200, 'the first operator';
$httpd->mark_log;
is_problem($api->patch($two, { weight => 4 }, header => { 'If-Match' => $seen }), 412, qr/meanwhile/,
    'the second one, with what was seen before');
is $api->get($two)->{json}{weight}, 3, '... changes nothing';
ok $httpd->wait_for_log(qr/FC0602: balancer:\/\/app of \S+: PATCH \S+ by "-" from 127\.0\.0\.1: .*refused/),
    '... and is in the log';
is $api->patch($two, { weight => 4 }, header => { 'If-Match' => '*' })->{status}, 200, '* is any';
is_problem($api->patch($two, { weight => 5 }, header => { 'If-Match' => $_ }), 412, qr/meanwhile/, "not $_")
    for 'W/' . $api->get($two)->{header}{etag}, '"0"', 'x', '""';
my $list = '"0123456789abcdef", ' . $api->get($two)->{header}{etag};
is $api->patch($two, { weight => 5 }, header => { 'If-Match' => $list })->{status}, 200, 'one of a list';
is_problem($api->patch('members', { balancer => 'app', member => '*', weight => 6 },
    header => { 'If-Match' => qq("$_") }), 412, qr/meanwhile/, "many have no ETag, not even $_") for '0' x 16;
is_problem($api->delete($two, header => { 'If-Match' => $seen }), 412, qr/meanwhile/, 'no removal, either');
$seen = $api->get('balancers/app')->{header}{etag};
$api->patch($two, { weight => 6 });
is $api->patch('balancers/app', { timeout => 1 }, header => { 'If-Match' => $seen })->{status}, 200,
    'members are not the settings of their balancer';
is_problem($api->patch('balancers/app', { timeout => 2 }, header => { 'If-Match' => $seen }), 412,
    qr/meanwhile/, '... its own are');

# ---- Who takes his time to send what he wants holds nobody up, and counts from when he has ----

my $slow = $httpd->connect;
my $etag = $api->get($two)->{header}{etag};
$slow->request('PATCH', "/balancer-manager/v1/$two", body => '{"wei', header => { 'Content-Length' => 13,
    'Content-Type' => 'application/json', 'If-Match' => $etag, 'X-CSRF-Token' => $api->token });
is $api->patch($two, { weight => 7 }, header => { 'If-Match' => $etag })->{status}, 200, 'another is faster';
$slow->send('ght": 8}');
is $slow->read_response->{status}, 412, '... so the slow one comes too late';
$httpd->expect_log(qr/FC0602: .*PATCH/, optional => 1);
is $api->get($two)->{json}{weight}, 7, '... and has changed nothing';

# ---- M-05: a change is noted once ----

$httpd->mark_log;
is_deeply ManagerApi::changes($api->patch($two, { state => 'drain' })), ['draining off -> on'], 'drained';
my $again = $api->patch($two, { state => 'drain' });
is_deeply [$again->{status}, $again->{json}{changed}], [200, []], '... again: no change';
my ($entry, $before) = $api->audit;
is_deeply [@$entry{qw(user address balancer member what before after outcome)}],
    ['-', '127.0.0.1', 'balancer://app', 'http://127.0.0.1:2', 'draining', 'off', 'on', 'changed'],
    'the audit has it';
like $entry->{at}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, '... with the time';
isnt $before->{what}, 'draining', '... once';
is scalar(my @lines = $httpd->log_lines(
    qr/FC0601: balancer:\/\/app of \S+: changed by "-" from 127\.0\.0\.1: member "\S+": draining "off" -> "on"/)),
    1, '... as has the log';

$httpd->stop;
done_testing;
