# Licensed under the Apache License, Version 2.0; see LICENSE.
# The status in other clothes: as its schema says, as text for a terminal, on mod_status's page and
# in its ?auto, and by a handler that changes nothing.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Fpm;
use Httpd;
use JsonSchema;
use ManagerApi;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\nok");
    $connection->end_request;
});
my $nobody = Backend->refusing;
my $config = <<"EOC";
<Proxy balancer://app>
BalancerMember @{[ $backend->url ]} loadfactor=2.5 maxinflight=8 queue=10 route=\xc3\xbc hcmethod=TCP
BalancerMember @{[ $nobody->url ]} maxfails=1 retry=60
BalancerMember "unix:/nobody.sock|fcgi://local" status=+H
ProxySet stickysession=SID|sid growth=2
</Proxy>
ProxyPass /app/ balancer://app/
<Location /status-of-all>
SetHandler balancer-status
</Location>
<Location /server-status>
SetHandler server-status
</Location>
<Location /balancer-manager>
SetHandler balancer-manager
</Location>
<Location /balancer-manager/seen>
SetHandler balancer-status
</Location>
EOC
my $httpd = Httpd->start(children => 2, modules => ['status'], config => $config);
my $page = '/balancer-manager';
$httpd->expect_log(qr/FC0251.*connect_refused|FC0410/);
# httpd's own: an old child process closes the sockets of its workers while they end them
$httpd->expect_log(qr/AH03092/, optional => 1);
is $httpd->get('/app/x')->{status}, 200, 'a request is served' for 1 .. 4;

# ---- JSON and its schema ----

my $schema = $httpd->get("$page/v1/schema");
is $schema->{status}, 200, 'the schema is there';
is $schema->{header}{'content-type'}, 'application/json', '... as JSON';
is $httpd->get("$page/v1/schema", header => { 'If-None-Match' => $schema->{header}{etag} })->{status},
    304, '... and who has it needs it once';
my $response;
ok wait_until(20, sub {
    $response = $httpd->get("$page/v1/status", header => { Accept => 'application/json' });
    my $app = Httpd::decode_json($response)->{balancers}[0];
    return @{ $app->{past}{age_s} } >= 2 && $app->{members}[0]{check}{at};
}), 'there are samples of the past, and a check';
is JsonSchema::complaints($schema->{body}, $response->{body}), '', 'the status is as the schema says';
isnt JsonSchema::complaints($schema->{body}, '{"version":2}'), '', '... and another thing is not';

my $app = Httpd::decode_json($response)->{balancers}[0];
my ($served, $dead) = @{ $app->{members} };
is_deeply $served->{responses}, { none => 0, '1xx' => 0, '2xx' => 4, '3xx' => 0, '4xx' => 0,
    '5xx' => 0 }, 'responses by class';
is_deeply $served->{errors}, {}, 'no errors';
is_deeply $dead->{errors}, { connect_refused => $dead->{failures} }, 'errors by their word';
is $dead->{responses}{none}, $dead->{failures}, '... without an answer';
is $served->{times}{$_}{count}, 4, "4 times: $_" for qw(connect first_byte whole);
is $served->{times}{queue}{count}, 0, 'nobody waited';
cmp_ok $served->{times}{whole}{sum_us}, '>=', $served->{times}{first_byte}{sum_us}, 'times add up';
cmp_ok $served->{recent}{requests_per_s}, '>', 0, 'requests of the last minute';
cmp_ok $served->{recent}{p50_us}, '>', 0, '... and how long they took';
cmp_ok $served->{recent}{p50_us}, '<=', $served->{recent}{p99_us}, '... half of them less than all';
cmp_ok $app->{recent}{requests_per_s}, '>=', $served->{recent}{requests_per_s}, 'and of all members';
is $served->{queue_timeout_us}, 5_000_000, 'queuetimeout';
is $served->{config}{limit}, 8, 'maxinflight as configured';
is $served->{config}{queue_limit}, 10, 'queue as configured';
cmp_ok $served->{bytes_read}, '>', 0, 'bytes';
my @columns = map { scalar @$_ } values %{ $app->{past} };
is_deeply \@columns, [($columns[0]) x 9], 'the columns of the past have one length';

# ---- A restart: what was counted goes on ----

ok $httpd->graceful, 'a graceful restart';
my ($after) = @{ $httpd->balancer('app')->{members} };
is_deeply $after->{$_}, $served->{$_}, "$_ is the same" for qw(responses times counted_since bytes_read);
cmp_ok scalar @{ $httpd->balancer('app')->{past}{age_s} }, '>=', $columns[0], 'the past is still there';

# ---- Text ----

for ($httpd->get("$page?format=text"), $httpd->get($page, header => { Accept => 'text/plain' })) {
    is $_->{header}{'content-type'}, 'text/plain; charset=utf-8', 'text';
    my @lines = split /\n/, $_->{body};
    like $lines[0], qr{^balancer://app \(localhost\S*\), byrequests: [\d.]+ requests/s}, 'the balancer';
    like $lines[1], qr/^  MEMBER +STATE +SINCE .* REASON$/, 'a head for the columns';
    like $lines[2], qr{^  \Q@{[ $backend->url ]}\E/? +ok .* 0/8 .* 4 }, 'a member that is well';
    like $lines[3], qr{^  \S+ +error .*connect_refused .* ago, next trial in (?:\d+|< 1) m?s}, 'one that is not';
    like $lines[4], qr{^  unix:/nobody.sock\|fcgi://local +standby }, 'one that stands by';
    is index($lines[2], 'ok'), index($lines[1], 'STATE'), 'the columns stand in line';
}
like $httpd->get($page, header => { Accept => 'text/html, text/plain' })->{header}{'content-type'},
    qr{^text/html}, 'a browser has its page';

# ---- mod_status ----

my $auto = $httpd->get('/server-status?auto')->{body};
like $auto, qr/^Cluster\[0\]Name: balancer:\/\/app$/m, '?auto names the balancer';
like $auto, qr/^Cluster\[0\]Member\[0\]Elected: 4$/m, '... its numbers';
like $auto, qr/^Cluster\[0\]Member\[1\]State: error$/m, '... states';
my $html = $httpd->get('/server-status')->{body};
like $html, qr{<h2>balancer://app \(localhost[^<]*</h2>}, 'the page has a section';
like $html, qr{<td>\Q@{[ $nobody->url ]}\E/?</td><td>error</td>}, '... with the members';

# ---- The handler that changes nothing ----

my $watch = '/status-of-all';
is $httpd->get("$watch$_")->{status}, 200, "balancer-status shows $watch$_"
    for '', '/v1/status', '/metrics', '?format=text', '?format=json', '?xml=1', '/v1/schema';
my $html_of_all = $httpd->get($watch)->{body};
unlike $html_of_all, qr/name="action"|name="[wb]_/, '... without a button or a field';
for my $method (qw(POST PUT PATCH DELETE)) {
    my $refused = $httpd->send($method, $watch, body => 'b=app&w_lf=9',
        header => { 'Content-Type' => 'application/x-www-form-urlencoded' });
    is $refused->{status}, 405, "$method is refused";
    is $refused->{header}{allow}, 'GET, HEAD', '... with what is possible';
}
my $one = 'balancers/app/members/' . ManagerApi::encoded($served->{url});
for my $base ($watch, '/balancer-manager/seen') {    # the second: a section inside the manager's
    my $api = ManagerApi->new($httpd, base => $base);
    for my $call (['PATCH', $one], ['DELETE', $one], ['POST', "$one/reset"], ['POST', 'balancers/app/members'],
                  ['PATCH', 'balancers/app'], ['PATCH', 'members']) {
        is $api->call(@$call, { weight => 9, url => 'http://127.0.0.1:9' })->{status}, 405, "$base: @$call is refused";
    }
    is $api->get($one)->{status}, 200, '... but not to look';
    is $api->call('OPTIONS', $one)->{header}{allow}, 'GET, HEAD, OPTIONS', '... as OPTIONS says';
    unlike $httpd->get($base)->{body} . $httpd->get("$base?xml=1")->{body}, qr/[0-9a-f]{8}-[0-9a-f]{32}/,
        '... and there is no token, which would be good at the manager';
}
for my $method (qw(PATCH DELETE PUT)) {
    is $httpd->post("/balancer-manager/v1/$one", '{"weight":9}', header => { 'Content-Type' => 'application/json',
        'X-HTTP-Method-Override' => $method })->{status}, 405, "X-HTTP-Method-Override: $method means nothing";
    is $httpd->get("/balancer-manager/v1/$one?_method=$method", header => { 'X-HTTP-Method-Override' => $method })
        ->{status}, 200, '... nor with a GET, which only looks';
}
cmp_ok $httpd->balancer('app')->{members}[0]{weight}, '==', 2.5, 'nothing has changed';
is scalar @{ $httpd->balancer('app')->{members} }, 3, '... and nobody has come or gone';

# ---- Without mod_status ----

$httpd->stop;
my $alone = Httpd->start(config => "<Proxy balancer://app>\nBalancerMember fcgi://127.0.0.1:1\n</Proxy>\n");
is $alone->get('/balancer-manager/metrics')->{status}, 200, 'all works without mod_status';

$alone->stop;
done_testing;
