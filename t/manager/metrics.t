# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-02: <manager>/metrics is what Prometheus expects, its counters never fall, not over graceful
# restarts either, and its histograms say the same as the access log.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum0);
use Backend;
use Deadline;
use Httpd;
use Load;
use ManagerApi;
use Metrics;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $query = $request->{params}{QUERY_STRING};
    $connection->wait_for_gate($1, 60) if $query =~ /(held|late)/;
    my $status = $query =~ /status=(\d+)/ ? "Status: $1 X\r\n" : '';
    $connection->stdout("${status}Content-Type: text/plain\r\n\r\n" . 'x' x 1000);
    $connection->end_request;
});
my $nobody = Backend->refusing;
my $config = <<"EOC";
LogFormat "%h %t \\"%r\\" %>s %B %{fcgi-end}n" test
LogFormat "%>s %{fcgi-member}n %{fcgi-queue-us}n %{fcgi-connect-us}n %{fcgi-firstbyte-us}n %{fcgi-backend-us}n %U" times
CustomLog \@root\@/access.log test
CustomLog \@root\@/times.log times
<Proxy balancer://app>
BalancerMember @{[ $backend->url ]} maxinflight=2 queue=50 queuetimeout=30s route=a"b
ProxySet growth=3
</Proxy>
<Proxy balancer://dead>
BalancerMember @{[ $nobody->url ]} status=+I
</Proxy>
<Proxy balancer://full>
BalancerMember @{[ $backend->url ]} maxinflight=1 queue=0
</Proxy>
ProxyPass /app/ balancer://app/
ProxyPass /dead/ balancer://dead/
ProxyPass /full/ balancer://full/
EOC
my $httpd = Httpd->start(children => 2, threads => 16, config => $config);
$httpd->expect_log(qr/FC0251.*connect_refused/);
$httpd->expect_log(qr/FC0425.*queue_full/);
my $manager = '/balancer-manager';

sub scrape {
    my ($what) = @_;
    my $scrape = Metrics->scrape($httpd);
    is $scrape->complaints, '', "$what: promtool is content";
    is_deeply [$scrape->broken_histograms], [], '... buckets are cumulative, +Inf is the count';
    return $scrape;
}

sub never_falls {
    my ($before, $after, $what) = @_;
    is_deeply [$after->fallen_since($before)], [], "$what: no counter has fallen";
    return;
}

sub load {
    my ($requests, $path) = @_;
    my $result = Load->start(port => $httpd->port, clients => 5, requests => $requests,
        path => $path)->finish;
    is $result->{failed}, 0, "$requests requests are answered";
    return;
}

# ---- The page itself ----

my $start = scrape('at the start');
is $start->response->{header}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8',
    'its Content-Type says which format it is';
is $start->response->{header}{'cache-control'}, 'no-store', 'nobody keeps it';
is $httpd->get("$manager?format=prometheus")->{header}{'content-type'},
    $start->response->{header}{'content-type'}, '?format=prometheus is the same';
is $httpd->post("$manager/metrics", '')->{status}, 405, 'it takes no POST';
is $start->type($_), 'counter', "$_ is a counter"
    for qw(elections_total responses_total tries_total failures_total sent_bytes_total
           received_bytes_total refused_requests_total);
is $start->type($_), 'histogram', "$_ is a histogram"
    for map { "${_}_duration_seconds" } qw(queue connect first_byte try);
is $start->type($_), 'gauge', "$_ is a gauge"
    for qw(member_state in_flight_requests in_flight_limit queued_requests parked_requests weight
           free_slots build_info);
is $start->sum('build_info'), 1, 'build_info is 1';
is $start->sum('member_state', balancer => 'app', state => 'ok'), 1, 'the member is ok';
is $start->sum('member_state', balancer => 'app'), 1, '... and in no other state';
is $start->sum('in_flight_limit', balancer => 'app'), 2, 'its limit';
is $start->sum('free_slots', balancer => 'app'), 3, 'slots that are free';
is $start->sum('responses_total'), 0, 'nothing is counted yet';
is_deeply [$start->values('refused_requests_total', balancer => 'app')], [(0) x 5], 'no refusals: five times 0';
is_deeply [$start->values('refused_requests_total', balancer => 'app', reason => $_)], [0], "... $_"
    for qw(no_member queue_full queue_timeout no_time shed);

# ---- Its labels are those that the README tells ----

my %extra;
open my $readme, '<', "$FindBin::RealBin/../../modules/balancer_manager/README.md" or die "README.md: $!";
for my $row (<$readme>) {
    my ($names) = $row =~ /^\| (`[^|]*) \| (?:counter|gauge|histogram) \|/ or next;
    $extra{$1} = $2 // '' while $names =~ /`([a-z_]+)(?:\{([a-z_,]+)\})?`/g;
}
my %allowed = map { my $f = $_; map { ("$f$_" => $extra{$f} . (/bucket/ ? ',le' : '')) } '', qw(_bucket _sum _count) } keys %extra;
my @untold = grep {
    my ($name, $labels) = /^fastcgi_cluster_(\w+)\{(.*)\}$/;
    my %labels = map { $_ => 1 } $labels =~ /(\w+)="(?:[^"\\]|\\.)*"/g;
    delete @labels{ qw(vhost balancer member source), split /,/, $allowed{$name} // '' };
    !defined $allowed{$name} || %labels;
} sort keys %{ $start->{series} };
is_deeply \@untold, [], 'no name and no label but those in the README';

# ---- A known load ----

load(40, '/app/x');
load(10, '/app/x?status=404');
load(5, '/app/x?status=500');
load(6, '/dead/x');
my $before = scrape('before the restart');
never_falls($start, $before, 'after the load');
is $before->sum('responses_total', balancer => 'app', class => '2xx'), 40, '40 times 2xx';
is $before->sum('responses_total', balancer => 'app', class => '4xx'), 10, '10 times 4xx';
is $before->sum('responses_total', balancer => 'app', class => '5xx'), 5, '5 times 5xx';
is $before->sum('elections_total', balancer => 'app'), 55, '55 elections';
is $before->sum('tries_total', balancer => 'app', end => 'ok'), 55, '55 tries that went well';
is $before->sum('responses_total', balancer => 'dead', class => 'none'), 6, '6 without an answer';
is $before->sum('tries_total', balancer => 'dead', end => 'connect_refused'), 6, '... refused';
is $before->sum('failures_total', balancer => 'dead'), 6, '... failures of the member';
cmp_ok $before->sum('received_bytes_total', balancer => 'app'), '>', 55 * 1000, 'bytes received';
is $before->sum('try_duration_seconds_count', balancer => 'app'), 55, '55 tries were measured';

# ---- A graceful restart while requests are under way and others wait ----

$backend->close_gate('held');
my @held = map { my $c = $httpd->connect; $c->request('GET', '/app/x?held'); $c } 1 .. 4;
ok wait_until(10, sub { Metrics->scrape($httpd)->sum('queued_requests', balancer => 'app') == 2 }),
    'two requests are under way, two wait';
my $full = $httpd->connect;
$full->request('GET', '/full/x?held');
ok wait_until(10, sub { $httpd->in_flight('full') == 1 }), 'the other balancer has no room left';
is $httpd->get('/full/x')->{status}, 503, '... and refuses';
ok $httpd->graceful_begin, 'a graceful restart begins';
my $between = scrape('while the old children finish');
never_falls($before, $between, 'over the restart');
is $between->sum('in_flight_requests', balancer => 'app'), 2, 'what is under way is known';
is $between->sum('refused_requests_total', balancer => 'full', reason => 'queue_full'), 1,
    'the refusal is counted with its balancer';
$backend->open_gate('held');
is $_->read_response->{status}, 200, 'a request of before is answered' for @held, $full;
load(20, '/app/x');
my $scrape;
ok wait_until(30, sub {
    $scrape = Metrics->scrape($httpd);
    return $scrape->sum('responses_total', balancer => 'app', class => '2xx') == 64;
}), 'all are counted, those of the old children too';
my $after = scrape('after the restart');
never_falls($between, $after, 'at the end');

# ---- The same as in the access log ----

my @lines;
ok wait_until(10, sub {
    open my $in, '<', $httpd->root . '/times.log' or return 0;
    @lines = grep { m{ /app/} } <$in>;
    return @lines == 79;
}), 'the access log has 79 requests';
my @fields = map { [split] } @lines;
my %classes;
$classes{ substr($_->[0], 0, 1) . 'xx' }++ for @fields;
is $after->sum('responses_total', balancer => 'app', class => $_), $classes{$_} // 0,
    "as many $_ as in the access log" for map { "${_}xx" } 1 .. 5;

sub log_sum { my ($column, @of) = @_; return sum0(map { $_->[$column] } @of) / 1e6 }
my @waited = grep { $_->[2] > 0 } @fields;
my %expected = (
    queue      => [scalar @waited, log_sum(2, @waited)],
    connect    => [79, log_sum(3, @fields)],
    first_byte => [79, log_sum(4, @fields)],
);
for my $name (sort keys %expected) {
    my ($count, $sum) = @{ $expected{$name} };
    my %of = (balancer => 'app');
    is $after->sum("${name}_duration_seconds_count", %of), $count, "$name: the count";
    cmp_ok abs($after->sum("${name}_duration_seconds_sum", %of) - $sum), '<', 1e-5,
        '... and the sum are those of the access log';
}
# the note is written a moment after the try was counted
my $whole = log_sum(5, @fields);
my $counted = $after->sum('try_duration_seconds_sum', balancer => 'app');
is $after->sum('try_duration_seconds_count', balancer => 'app'), 79, 'try: the count';
cmp_ok $counted, '<=', $whole, '... and the sum';
in_time($whole - $counted, 79 * 0.05, '... are those of the access log');
cmp_ok @waited, '>=', 2, 'some have waited';

# ---- An operator resets what is shown ----

my $api = ManagerApi->new($httpd);
my $shown = $httpd->balancer('app')->{members}[0];
is $shown->{elected}, 79, 'elections as the status shows them';
is $api->post('balancers/app/reset', {})->{status}, 200, 'they are reset';
my $fresh = $httpd->balancer('app');
is $fresh->{members}[0]{$_}, 0, "$_ begins at 0" for qw(elected failures bytes_sent bytes_read);
is $fresh->{members}[0]{responses}{'2xx'}, 0, 'responses begin at 0';
is $fresh->{members}[0]{times}{whole}{count}, 0, 'times begin at 0';
cmp_ok $fresh->{members}[0]{counted_since}, 'gt', $shown->{counted_since}, '... since now';
load(3, '/app/x');
is $httpd->balancer('app')->{members}[0]{responses}{'2xx'}, 3, 'and count again';
my $reset = scrape('after the reset');
never_falls($after, $reset, 'over the reset');
is $reset->sum('elections_total', balancer => 'app'), 82, 'Prometheus sees all of them';
is $reset->sum('try_duration_seconds_count', balancer => 'app'), 82, '... in histograms, too';

# ---- Names that need quoting ----

$httpd->stop;
my $strange = Httpd->start(config => <<'EOC');
<Proxy "balancer://strange">
BalancerMember "unix:/run/a\"b\\c.sock|fcgi://x"
</Proxy>
<VirtualHost 127.0.0.1:@port@>
ServerName same.test
<Proxy balancer://twin>
BalancerMember fcgi://127.0.0.1:1
</Proxy>
</VirtualHost>
<VirtualHost 127.0.0.1:@port@>
ServerName same.test
<Proxy balancer://twin>
BalancerMember fcgi://127.0.0.1:1
</Proxy>
</VirtualHost>
<Location /balancer-manager>
SetHandler balancer-manager
</Location>
EOC
$httpd = $strange;
my $quoted = scrape('with quotes and backslashes in names');
like $quoted->text, qr/member="unix:[^"]*a\\"b/, 'a quote in a label is escaped';
is scalar($quoted->matching('free_slots', balancer => 'twin')), 2,
    'balancers of one name in hosts of one name are two series';

$httpd->stop;

# ---- What a child serves after a graceful restart is counted at once, however long it lives ----

$httpd = Httpd->start(children => 1, threads => 16, config => $config);
$backend->close_gate($_) for qw(held late);
my ($ends, $stays) = map { my $c = $httpd->connect; $c->request('GET', "/app/x?$_"); $c } qw(held late);
ok wait_until(10, sub { $httpd->in_flight('app') == 2 }), 'two requests are under way';
ok $httpd->graceful_begin, 'a graceful restart begins';
$backend->open_gate('held');
is $ends->read_response->{status}, 200, 'one is answered';
ok wait_until(10, sub { Metrics->scrape($httpd)->sum('received_bytes_total', balancer => 'app') > 1000 }),
    '... and its bytes are counted';
is $httpd->in_flight('app'), 1, '... while its process serves the other one';
$backend->open_gate('late');
is $stays->read_response->{status}, 200, 'which is answered';
$httpd->stop;
done_testing;
