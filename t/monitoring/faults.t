# Licensed under the Apache License, Version 2.0; see LICENSE.
# docs/monitoring: a real Prometheus scrapes an httpd on which nothing is wrong, then everything, then nothing
# again. Each alert fires for its fault, on the balancer or the front that has it, and none without a fault; each panel
# of the dashboard has data. A balancer for each fault; see Prometheus.pm for the pace.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use JSON::PP ();
use Backend;
use Deadline;
use Discovery;
use Fleet;
use Httpd;
use Load;
use ManagerApi;
use Prometheus;
use ScriptedDns;

Fleet::skip_unless_testable();

# ---- The scene ----

# What PHP-FPM's status page says of a pool of two children.
sub fpm_status {
    my ($is_full) = @_;
    return sprintf '{"pool":"www","process manager":"static","start time":1,"idle processes":%d,"active processes":%d,'
        . '"total processes":2,"listen queue":%d,"max active processes":2,"max children reached":0}',
        $is_full ? (0, 2, 3) : (2, 0, 0);
}

# Serves, as long as the gate "sick" is closed; then it fails in its own way.
sub backend {
    my ($name, %fault) = @_;
    return Backend->answering(sub {
        my ($connection, $request) = @_;
        my $is_sick = $connection->is_gate_open('sick');
        return $connection->close if $is_sick && $fault{closes};
        select undef, undef, undef, 0.05 if $request->{params}{SCRIPT_NAME} =~ /slow/;    # not at once
        my $status = $is_sick && $fault{status} ? "Status: $fault{status} X\r\n" : '';
        my $body = $request->{params}{SCRIPT_NAME} =~ /fpm-status/ ? fpm_status($is_sick) : $name;
        $connection->stdout("${status}Content-Type: text/plain\r\n\r\n$body");
        $connection->end_request;
    }, name => $name);
}
my %backend = (
    well => backend('well'), victim => backend('victim'), errors => backend('errors', status => 500),
    closes => backend('closes', closes => 1), sick => backend('sick', status => 500), pool => backend('pool'),
);
my $dns = ScriptedDns->start(addresses => ['127.0.0.1']);
my $check = 'hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=10s hcfails=2 hcpasses=1';

# It answers at /name/.
sub balancer {
    my ($name, @lines) = @_;
    return join("\n", "<Proxy balancer://$name>", @lines, '</Proxy>', "ProxyPass /$name/ balancer://$name/") . "\n";
}
my %url = map { $_ => $backend{$_}->url } keys %backend;
my $httpd = Httpd->start(children => 2, threads => 32, config => Discovery::resolver($dns) . join '',
    "ProxyFCGITrace On sample=100\nProxyFCGIRetryOn default\n",
    balancer('well',   "BalancerMember $url{well} maxinflight=50 queue=50 $check"),
    balancer('half',   "BalancerMember $url{well}", "BalancerMember $url{victim} maxfails=1 retry=10"),
    balancer('checks', "BalancerMember $url{sick} $check"),
    balancer('nobody', "BalancerMember $url{well}"),
    balancer('errors', "BalancerMember $url{errors}"),
    balancer('full',   "BalancerMember $url{well} maxinflight=1 queue=0"),
    balancer('stands', "BalancerMember $url{well} maxinflight=1 queue=100 queuetimeout=60s", 'ProxySet queuetarget=200ms'),
    balancer('budget', "BalancerMember $url{closes} lbset=0 status=+I", "BalancerMember $url{well} lbset=1"),
    balancer('panic',  "BalancerMember $url{sick} $check", 'ProxySet hcpanic=0'),
    balancer('pool',   "BalancerMember $url{pool} hcstatus=/fpm-status hcinterval=100ms"),
    # the names say what DNS will answer
    Discovery::balancer('dns', Discovery::line('servfail', $backend{well}->port)),
    Discovery::balancer('many', Discovery::line('good', $backend{well}->port, 'discovermax=1')));
$httpd->expect_log(qr/FC0251: .*127\.0\.0\.1:(?:$backend{victim}{port}|$backend{closes}{port}): /);
$httpd->expect_log(qr{FC0425: balancer://(?:full|stands)});
$httpd->expect_log(qr{FC0526: balancer://dns}, times => 1);
$httpd->expect_log(qr/FC0529: balancer/);

# Three fronts, each with a process that serves when the one that talks to the store is halted.
my $fleet = Fleet->start(proxied => 1, words => 'interval=200ms lease=10s', httpd => { children => 2 });
my ($cut_off, $well, $stuck) = my @fronts = $fleet->fronts;
Fleet::comes_up($_) for @fronts;
$_->expect_log(qr/FC0560/, optional => $_ != $cut_off) for @fronts;    # a busy machine may be late, too
my $prometheus = Prometheus->start(targets => [map { '127.0.0.1:' . $_->port } $httpd, @fronts]);

# What fires on which balancer or front. Some faults have two sides.
my %expected = (
    half   => ['FastCGIMemberDown'],
    checks => ['FastCGIBalancerDown', 'FastCGIMemberDown'],
    nobody => ['FastCGIBalancerDown'],
    errors => ['FastCGIErrors'],
    full   => ['FastCGIRequestsRejected'],
    stands => ['FastCGIQueueStanding', 'FastCGIRequestsRejected'],
    budget => ['FastCGIErrors', 'FastCGIRetryBudgetUsedUp'],
    panic  => ['FastCGICheckPanic'],
    pool   => ['FastCGIPoolExhausted'],
    dns    => ['FastCGIMembersNotResolved'],
    many   => ['FastCGIMembersOverLimit'],
    $cut_off->{front} => ['FastCGIFleetAlone'],
    $well->{front}    => ['FastCGIFleetFrontMissing'],
    $stuck->{front}   => ['FastCGIFleetFrontMissing', 'FastCGIFleetStuck'],    # what it knows of others is old, too
);

# Each client makes one request after another, to each of these in its turn, with pauses by chance: what
# comes all at once makes no queue that stands.
sub load {
    my ($clients, @paths) = @_;
    return Load->start(port => $httpd->port, clients => $clients, path => sub {
        my ($client, $n) = @_;
        srand $client if $n == 0;
        select undef, undef, undef, rand 0.1;
        return "/$paths[ $n % @paths ]/x";
    });
}

# One test result: soon these fire, each on its balancer or front.
sub fires {
    my ($expected, $name) = @_;
    my %seen;
    wait_until(40, sub {
        %seen = $prometheus->firing;
        return join(' ', map { "$_=@{ $seen{$_} }" } sort keys %seen)
            eq join(' ', map { "$_=@{ $expected->{$_} }" } sort keys %$expected);
    });
    return is_deeply \%seen, $expected, $name;
}

# ---- Nothing is wrong ----

my $all = load(3, qw(half well half errors half budget));
ok wait_until(30, sub { 3 == grep { $_->{value} == 3 } $prometheus->query('fastcgi_cluster_fleet_fronts') }),
    'the fronts of a fleet see each other';
ok $prometheus->wait_for_scrapes(30), 'httpd is scraped while requests run';
is_deeply { $prometheus->fired }, {}, 'nothing is wrong: no alert has fired' or diag explain { $prometheus->fired };

# ---- Everything is wrong at once ----

my $api = ManagerApi->new($httpd);
$backend{$_}->open_gate('sick') for keys %backend;
$backend{victim}->stop;
is $api->patch(ManagerApi::member_path('nobody', $url{well}), { disabled => JSON::PP::true })->{status}, 200,
    'an operator disables the only member of a balancer';
$dns->say(ScriptedDns::AS_NAMED, addresses => ['127.0.0.1', '127.0.0.2']);
$cut_off->{proxy}->does('drop');
kill STOP => my $halted = Fleet::talks($stuck, $stuck->{proxy}{port});
my @crowds = (load(3, 'full/slow'), load(14, 'stands/slow'));
fires(\%expected, 'each fault has its alert, and nothing else has one');
is_deeply { $prometheus->fired }, \%expected, '... nor had one' or diag explain { $prometheus->fired };

# ---- The dashboard, now that there is something to see ----

my $dashboard = JSON::PP::decode_json(Httpd::text_of(Prometheus::kit() . '/grafana-dashboard.json'));
for my $panel (grep { $_->{targets} } @{ $dashboard->{panels} }) {
    for my $target (@{ $panel->{targets} }) {
        my $expression = Prometheus::in_its_time($target->{expr} =~ s/\$__rate_interval/1m/gr) =~ s/"\$\w+"/".*"/gr;
        ok wait_until(10, sub { my @found = eval { $prometheus->query($expression) }; @found > 0 }),
            "$panel->{title} ($target->{refId}) has data" or diag $expression;
    }
}
ok scalar($prometheus->exemplars('fastcgi_cluster_first_byte_duration_seconds_bucket')), 'there are exemplars, too';

# ---- All is well again ----

$backend{$_}->close_gate('sick') for keys %backend;
$backend{victim} = Backend->saying('back', port => $backend{victim}->port);
is $api->patch(ManagerApi::member_path('nobody', $url{well}), { disabled => JSON::PP::false })->{status}, 200,
    'the operator enables the member';
$dns->say('good', addresses => ['127.0.0.1']);
$cut_off->{proxy}->does('pass');
kill CONT => $halted;
is $_->stop->{failed}, 0, 'a crowd goes' for @crowds;
fires({}, 'all alerts end');
$all->stop;

$httpd->stop;
fires({ '' => ['FastCGIScrapeFailed'] }, 'httpd is stopped: that is the only alert');
$fleet->stop;
done_testing;
