# Licensed under the Apache License, Version 2.0; see LICENSE.
# What has become of a member: each change of its state with its cause, its outages and how long they
# took; over graceful restarts. And what clients got instead of answers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use JsonSchema;
use ManagerApi;

my $sick = Backend->answering(sub {
    my ($connection, $request) = @_;
    return $connection->close if $connection->wait_for_gate('sick', 0);
    my $status = $request->{params}{SCRIPT_NAME} =~ /broken/ ? '500 Sick' : '200 OK';
    $connection->stdout("Status: $status\r\nContent-Type: text/plain\r\n\r\npong");
    $connection->end_request;
});
my $refusing = Backend->refusing;
my $other = Backend->echo;
my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
<Proxy balancer://checked>
    BalancerMember @{[ $sick->url ]} hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=5s hcfails=2 hcpasses=1
</Proxy>
ProxyPass /checked/ balancer://checked/
<Proxy balancer://tried>
    BalancerMember @{[ $refusing->url ]} maxfails=1 retry=1
    BalancerMember @{[ $other->url ]}
</Proxy>
ProxyPass /tried/ balancer://tried/
EOC
my $page = '/balancer-manager';
my $api = ManagerApi->new($httpd);

sub member { my ($name, $backend) = @_; return $httpd->member($backend->port, $name) }
sub becomes { my ($name, $backend, $state) = @_; return wait_until(10, sub { member($name, $backend)->{state} eq $state }) }
sub history {
    my ($name) = @_;
    return [map { join ' ', "$_->{from}>$_->{to}", $_->{cause}, $_->{reason} // () } @{ $httpd->balancer($name)->{history} }];
}
sub metric {
    my ($name, $backend) = @_;
    my $port = $backend->port;
    my ($value) = $httpd->get("$page/metrics")->{body} =~ /^fastcgi_cluster_$name\{[^}]*:$port[^}]*\} (\S+)$/m;
    return $value;
}
sub change {
    my ($name, $backend, %settings) = @_;
    return is $api->patch(ManagerApi::member_path($name, $backend->url), \%settings)->{status}, 200, "PATCH @{[ %settings ]}";
}

# ---- By checks ----

is_deeply history('checked'), [], 'at first nothing has changed';
is member('checked', $sick)->{down_since}, undef, '... nobody is down';
$sick->open_gate('sick');
ok becomes('checked', $sick, 'health_fail'), 'checks fail';
ok wait_until(10, sub { @{ history('checked') } }), '... which is told';
is_deeply history('checked'), ['ok>health_fail check backend_eof'], '... with the reason';
my $down = member('checked', $sick);
is $down->{outages}, 1, 'an outage';
is $down->{down_since}, $httpd->balancer('checked')->{history}[0]{at}, '... since then';
is $httpd->balancer('checked')->{history}[0]{member}, $down->{name}, '... of this member';
ok wait_until(10, sub { member('checked', $sick)->{downtime_s} > $down->{downtime_s} }), '... that goes on';
is $httpd->get('/checked/x')->{status}, 503, 'nobody serves';
my $checked = $httpd->balancer('checked');
cmp_ok $checked->{refused_per_s}, '>', 0, '... which is a rate of the last minute';
is $checked->{errors_percent}, 100, '... and all there was';
ok $httpd->graceful, 'a graceful restart';
is_deeply history('checked'), ['ok>health_fail check backend_eof'], '... changes nothing';
cmp_ok member('checked', $sick)->{downtime_s}, '>=', $down->{downtime_s}, '... the outage goes on';
is member('checked', $sick)->{down_since}, $down->{down_since}, '... since then';
$sick->close_gate('sick');
ok becomes('checked', $sick, 'ok'), 'checks pass';
ok wait_until(10, sub { @{ history('checked') } == 2 }), '... which is told';
is history('checked')->[0], 'health_fail>ok check', '... first';
my $up = member('checked', $sick);
is $up->{down_since}, undef, 'the outage is over';
is_deeply [@$up{qw(outages state_changes)}], [1, 2], '... it was one';
is member('checked', $sick)->{downtime_s}, $up->{downtime_s}, '... and takes no longer';

# ---- By operators ----

change('checked', $sick, state => 'drain');
change('checked', $sick, state => 'ready');
change('checked', $sick, weight => 2);
is_deeply [@{ history('checked') }[0, 1]], ['draining>ok operator', 'ok>draining operator'], 'what operators do is told';
is member('checked', $sick)->{outages}, 1, '... and is no outage';
is metric('member_state_changes_total', $sick), 4, '... in the metrics, too';
change('checked', $sick, reset_counters => JSON::PP::true);
is_deeply [@{ member('checked', $sick) }{qw(outages state_changes downtime_s)}], [0, 0, 0], 'a reset forgets them';
is_deeply [map { metric("member_$_", $sick) } qw(outages_total state_changes_total)], [1, 4], '... but not in the metrics';
cmp_ok metric('member_downtime_seconds_total', $sick), '>', 0, '... nor the time';
change('checked', $sick, state => 'drain', drain_deadline => 1);
ok becomes('checked', $sick, 'disabled'), 'a drain has a deadline';
ok wait_until(10, sub { history('checked')->[0] eq 'draining>disabled deadline' }), '... which is told';
change('checked', $sick, state => 'ready');

# ---- By requests ----

ok wait_until(10, sub { $httpd->get('/tried/x'); member('tried', $refusing)->{state} eq 'error' }), 'a request fails';
is_deeply history('tried'), ['ok>error failures connect_refused'], '... which is told';
ok wait_until(20, sub { $httpd->get('/tried/x'); member('tried', $refusing)->{retries} >= 2 }), 'trials fail';
is_deeply history('tried'), ['ok>error failures connect_refused'], '... and change nothing';
is member('tried', $refusing)->{outages}, 1, '... it is one outage';
$refusing->listen_now(answer => sub {
    my ($connection) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\nback");
    $connection->end_request;
});
ok wait_until(20, sub { $httpd->get('/tried/x'); member('tried', $refusing)->{state} eq 'ok' }), 'a trial is served';
is history('tried')->[0], 'error>ok trial trial', '... which is told';

# ---- Answers with 5xx ----

is $httpd->get('/checked/broken')->{status}, 500, 'a page fails' for 1 .. 3;
my $recent = member('checked', $sick)->{recent};
cmp_ok $recent->{server_errors_per_s}, '>', 0, '... which is a rate of the last minute';
is $recent->{server_errors_per_s}, $recent->{failures_per_s}, '... and all that failed';
ok wait_until(10, sub { grep { $_ > 0 } @{ $httpd->balancer('checked')->{past}{server_errors_per_s} } }), '... and of the chart';
ok((grep { $_ > 0 } @{ $httpd->balancer('checked')->{past}{refused_per_s} }), '... as are those that got no member');
is JsonSchema::complaints($httpd->get("$page/v1/schema")->{body}, $httpd->get("$page/v1/status")->{body}), '',
    'all of it is as the schema says';

$httpd->expect_log(qr/FC0251: .*: connect_refused after .*; another member gets it/);
$httpd->expect_log(qr/FC0422: balancer:\/\/checked/);
$httpd->stop;
done_testing;
