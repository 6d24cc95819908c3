# Licensed under the Apache License, Version 2.0; see LICENSE.
# What the manager knows of outages: since when a member is out for its checks, and since when it is
# back; how old PHP-FPM's numbers are; who serves in whose place; what clients saw as failures.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Time::Local qw(timegm);
use Backend;
use Deadline;
use Httpd;
use ManagerApi;
use Metrics;

my $numbers = '{"idle processes":3,"active processes":2,"total processes":5,"listen queue":0,"max children reached":1}';
my $fpm = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $path = $request->{params}{SCRIPT_NAME};
    return $connection->close if $connection->wait_for_gate('sick', 0);
    my $body = $path eq '/status' ? $numbers : 'pong';
    my $status = $path =~ /broken/ ? '500 Sick' : '200 OK';
    my $type = $path eq '/status' ? 'application/json' : 'text/plain';
    $connection->stdout("Status: $status\r\nContent-Type: $type\r\n\r\n$body");
    $connection->end_request;
});
my ($ordinary, $spare, $standby) = map { Backend->echo(name => $_) } qw(ordinary spare standby);
my $check = 'hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=5s hcfails=2 hcpasses=1';
my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
<Proxy balancer://checked>
    BalancerMember @{[ $fpm->url ]} $check hcstatus=/status
</Proxy>
ProxyPass /checked/ balancer://checked/
<Proxy balancer://spares>
    BalancerMember @{[ $ordinary->url ]}
    BalancerMember @{[ $spare->url ]} status=+R
    BalancerMember @{[ $standby->url ]} status=+H
</Proxy>
ProxyPass /spares/ balancer://spares/
EOC
my $page = '/balancer-manager';
my $api = ManagerApi->new($httpd);

sub member { my ($name, $backend) = @_; return $httpd->member($backend->port, $name) }
sub seconds {
    my ($y, $mon, $d, $h, $min, $s) = $_[0] =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "time: $_[0]";
    return timegm(0, $min, $h, $d, $mon - 1, $y) + $s;
}
sub metric {
    my ($name, %labels) = @_;
    my $text = $httpd->get("$page/metrics")->{body};
    my @found = grep { my $line = $_; !grep { $line !~ /\b$_="\Q$labels{$_}\E"/ } keys %labels }
        $text =~ /^fastcgi_cluster_$name(\{.*)$/gm;
    return map { / (\S+)$/ } @found;
}

# ---- Checks ----

ok wait_until(10, sub { my $m = member('checked', $fpm); $m->{check}{passes} >= 2 && $m->{fpm} }), 'checks pass';
my $start = seconds(member('checked', $fpm)->{state_since});
my $fresh = member('checked', $fpm)->{fpm};
ok $fresh->{current}, "PHP-FPM's numbers are those of now";
cmp_ok $fresh->{age_s}, '<', 10 * $Deadline::STRETCH, '... with their age';
is_deeply [metric('fpm_processes_all')], [5], '... in the metrics, too';
my $old_numbers = qr/FPM [\d.]+ \w+ ago/;
ok $httpd->get($page)->{body} !~ $old_numbers, '... and as such on the page';

$fpm->open_gate('sick');
ok wait_until(10, sub { member('checked', $fpm)->{state} eq 'health_fail' }), 'checks fail: it is out';
my $out = seconds(member('checked', $fpm)->{state_since});
cmp_ok $out, '>', $start, '... since then';
is_deeply [metric('member_state', balancer => 'checked', state => 'health_fail')], [1], '... in the metrics, too';
cmp_ok abs((metric('member_state_since_timestamp_seconds', balancer => 'checked'))[0] - $out), '<', 0.1,
    '... since when';
my $old = member('checked', $fpm)->{fpm};
ok !$old->{current}, "PHP-FPM's numbers are old";
is $old->{at}, member('checked', $fpm)->{fpm}{at}, '... from when it was asked last';
ok wait_until(10, sub { member('checked', $fpm)->{fpm}{age_s} >= 1 }), '... and grow older';
is_deeply [metric('fpm_processes_all')], [], '... no series tells them any more';
is_deeply [metric('fpm_processes')], [], '... none';
ok $httpd->get($page)->{body} =~ $old_numbers, '... the page says how old they are';
is $httpd->get('/checked/x')->{status}, 503, 'nobody serves';

$fpm->close_gate('sick');
ok wait_until(10, sub { member('checked', $fpm)->{state} eq 'ok' }), 'they pass: it is back';
cmp_ok seconds(member('checked', $fpm)->{state_since}), '>', $out, '... since then, and not since the start';
ok wait_until(10, sub { member('checked', $fpm)->{fpm}{current} }), "... PHP-FPM's numbers are new";
is_deeply [metric('fpm_processes_all')], [5], '... in the metrics, too';

# ---- Failures as clients see them ----

is $httpd->get('/checked/broken')->{status}, 500, 'a page fails' for 1 .. 5;
my $failing = member('checked', $fpm);
is $failing->{failures}, 0, '... which is no failure of the member';
cmp_ok $failing->{recent}{failures_per_s}, '>', 0, '... but one of the last minute';
cmp_ok $failing->{recent}{mean_us}, '>', 0, 'there is a mean of the first byte';
ok wait_until(10, sub { grep { $_ > 0 } @{ $httpd->balancer('checked')->{past}{failures_per_s} } }), '... and of the chart';
is $httpd->get('/checked/x')->{status}, 200, 'it serves';

# ---- Spares and standbys ----

sub due {    # of the member in the page: its share / the share that its weight gives it
    my ($backend) = @_;
    my $html = $httpd->get($page)->{body};
    my ($row) = grep { /value="\Q@{[ $backend->url ]}\E"/ } $html =~ /(<tr id="m.*?<\/tr>)/gs;
    my ($due) = $row =~ m{[\d.]+ / ([\d.]+) %};
    return ($due, $row =~ /<b class="pill ([^"]*)"/);
}
sub tiles {
    my %tile = $httpd->get($page)->{body} =~ m{<dt>([^<]+)</dt><dd>(?:<button[^>]*>)?([\d.]+)}g;
    return @tile{ 'In service', 'Standing by' }, $tile{Failed} + $tile{'Off on purpose'};
}
is $httpd->get('/spares/x')->{status}, 200, 'the ordinary one serves';
is_deeply [map { member('spares', $_)->{serving} } $ordinary, $spare, $standby],
    [JSON::PP::true, JSON::PP::false, JSON::PP::false], '... and it alone';
is_deeply [tiles()], [2, 2, 0], '... the others stand by';
is_deeply [due($spare)], ['0.0', 'spare'], '... with no share';
my $path = ManagerApi::member_path('spares', $ordinary->url);
is $api->patch($path, { disabled => JSON::PP::true })->{status}, 200, 'it is disabled';
is_deeply [map { member('spares', $_)->{serving} } $ordinary, $spare, $standby],
    [JSON::PP::false, JSON::PP::true, JSON::PP::false], '... its spare serves';
is member('spares', $spare)->{state}, 'spare', '... which it still is';
is_deeply [due($spare)], ['100.0', 'spare serving'], '... with its share, as one that serves';
is_deeply [tiles()], [2, 1, 1], '... in service';
is_deeply [metric('member_serving', balancer => 'spares')], [0, 1, 0], '... in the metrics';
is Httpd::decode_json($httpd->get('/spares/x'))->{backend}, 'spare', '... as clients see';
is $api->patch(ManagerApi::member_path('spares', $spare->url), { disabled => JSON::PP::true })->{status}, 200,
    'the spare, too';
is_deeply [due($standby)], ['100.0', 'standby serving'], '... its standby serves';
is Httpd::decode_json($httpd->get('/spares/x'))->{backend}, 'standby', '... as clients see';

$httpd->expect_log(qr/FC0422: balancer:\/\/checked/);
$httpd->stop;

# ---- Checks of other schemes: mod_proxy_hcheck makes them, and tells nobody ----

my $dead = Backend->refusing;
$httpd = Httpd->start(modules => [qw(watchdog proxy_http proxy_hcheck)], any_log => 1, config => <<"EOC");
<Proxy balancer://other>
    BalancerMember http://127.0.0.1:@{[ $dead->port ]} hcmethod=TCP hcinterval=1 hcfails=1
</Proxy>
ProxyPass /other/ balancer://other/
EOC
my $began = seconds($httpd->status->{server}{now});
ok wait_until(20, sub { member('other', $dead)->{state} eq 'health_fail' }), 'a member of another scheme is out';
ok wait_until(5, sub { seconds(member('other', $dead)->{state_since}) > $began }), '... since then';
$httpd->stop;
done_testing;
