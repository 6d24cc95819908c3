# Licensed under the Apache License, Version 2.0; see LICENSE.
# Who names OpenMetrics in Accept gets it: the same series under the same names, and the traces of
# sampled requests as exemplars of the buckets that they fell into.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Time::HiRes qw(time);
use Backend;
use Deadline;
use Httpd;
use Metrics;
use OpenMetrics;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->wait_for_gate('held', 60) if $request->{params}{QUERY_STRING} =~ /held/;
    $connection->stdout("Content-Type: text/plain\r\n\r\nx");
    $connection->end_request;
});
my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
LogFormat "%U?%q %{trace-id}n" ids
CustomLog \@root\@/access.log ids
<Proxy balancer://app>
    BalancerMember @{[ $backend->url ]} maxinflight=1 queue=50 queuetimeout=60s
    BalancerMember "unix:/nowhere/a\\"b|fcgi://x" status=+D
</Proxy>
ProxyPass /never/ balancer://app/
ProxyPass /always/ balancer://app/
<Location /never/>
    ProxyFCGITrace On sample=0
</Location>
<Location /always/>
    ProxyFCGITrace On
</Location>
EOC
my $metrics = '/balancer-manager/metrics';

sub trace_ids {
    my ($path, $count) = @_;
    my @ids;
    wait_until(10, sub {
        @ids = map { /^\Q$path\E\S* ([0-9a-f]{32})$/ ? $1 : () } $httpd->access_lines;
        return @ids >= $count;
    });
    return @ids;
}

# A series of the text, with its labels in the order of their names and without escapes.
sub in_order {
    my ($series) = @_;
    my ($name, $labels) = $series =~ /^(\w+)\{(.*)\}$/;
    return "$name\{" . join(',', sort $labels =~ /\w+="(?:[^"\\]|\\.)*"/g) =~ s/\\(.)/$1/gr . '}';
}

# ---- Who gets which format ----

my $open = qr{^application/openmetrics-text; version=1\.0\.0; charset=utf-8$};
my $text = qr{^text/plain; version=0\.0\.4; charset=utf-8$};
my @accepts = (
    [undef, $text],
    ['*/*', $text],
    ['text/html,application/xhtml+xml,*/*;q=0.8', $text],
    ['application/openmetrics-text', $open],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,'
        . 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1', $open],    # Prometheus 2
    ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,'
        . 'application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,'
        . 'text/plain;version=0.0.4;q=0.2,*/*;q=0.1', $open],    # Prometheus 3
    ['text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5', $text],
    ['application/openmetrics-text;version=2.0.0,*/*', $text],
);
for my $case (@accepts) {
    my ($accept, $type) = @$case;
    my $response = $httpd->get($metrics, header => { defined $accept ? (Accept => $accept) : () });
    like $response->{header}{'content-type'}, $type, 'Accept: ' . ($accept // 'none');
    is scalar(() = $response->{body} =~ /^# EOF$/mg), $type eq $open ? 1 : 0, '... # EOF is as it has to be';
}

# ---- Exemplars: only of what is sampled ----

is $httpd->get('/never/x')->{status}, 200, 'a request that is not sampled';
my $scrape = OpenMetrics->scrape($httpd);
is $scrape->complaint, '', 'it is OpenMetrics';
is_deeply [$scrape->exemplars], [], '... without exemplars';
my $began = time;
$backend->close_gate('held');
my @clients = map { my $c = $httpd->connect; $c->request('GET', "/always/x?held"); $c } 1 .. 2;
ok wait_until(20, sub { $httpd->balancer('app')->{queued} == 1 }), 'two sampled requests, of which one waits';
$backend->open_gate('held');
is $_->read_response->{status}, 200, 'they are answered' for @clients;
my %sampled = map { $_ => 1 } trace_ids('/always/', 2);
is scalar keys %sampled, 2, 'they have traces';
$scrape = OpenMetrics->scrape($httpd);
is $scrape->complaint, '', 'it is OpenMetrics, with exemplars';
my %of;
for my $exemplar ($scrape->exemplars) {
    my ($time) = $exemplar->{name} =~ /^fastcgi_cluster_(\w+)_duration_seconds_bucket$/;
    $of{$time}++;
    ok $sampled{ $exemplar->{trace_id} }, "$time: the trace of a sampled request";
    cmp_ok $exemplar->{value}, '<=', $exemplar->{labels}{le}, '... in its bucket';
    cmp_ok $exemplar->{at}, '>', $began - 1, '... which ended when it was made';
    cmp_ok $exemplar->{at}, '<', time + 1, '... and not later';
}
is_deeply [sort keys %of], [qw(connect first_byte queue try)], 'each histogram has some';
unlike $httpd->get($metrics)->{body}, qr/trace_id/, 'the other format has none';

# ---- The same series in both ----

my $plain = Metrics->scrape($httpd);
is $plain->complaints, '', 'promtool is content with the text';
is scalar keys %{ $plain->{series} }, scalar @{ $scrape->{samples} }, 'as many series in both';
my %plain = map { in_order($_) => $plain->{series}{$_} } keys %{ $plain->{series} };
my %series = $scrape->series;
is_deeply [sort keys %series], [sort keys %plain], '... of the same names';
is_deeply [grep { $series{$_} != $plain{$_} && !/_bytes_total|queue_estimate/ } sort keys %series], [], '... and numbers';
is $scrape->{types}{"fastcgi_cluster_$_"}, 'counter', "$_ is a counter" for qw(elections tries sent_bytes refused_requests);
is $scrape->{types}{'fastcgi_cluster_first_byte_duration_seconds'}, 'histogram', 'a histogram is one';

# ---- Without a limit there is no series; since when httpd runs ----

my $started = $plain->sum('process_start_time_seconds');
cmp_ok $started, '<=', $began, 'httpd was started before the test';
cmp_ok $began - $started, '<', 300, '... and not long ago';
is scalar($plain->matching('in_flight_limit')), 1, 'one of two members has a limit';
is scalar($plain->matching('in_flight_limit_auto')), 1, '... and can have one that PHP-FPM sets';

# ---- Without histograms ----

my $short = Metrics->scrape($httpd, "$metrics?histograms=off");
is $short->complaints, '', 'promtool is content without histograms';
is_deeply [grep { /duration_seconds_(?:bucket|sum|count)/ } keys %{ $short->{series} }], [], 'they are left out';
is scalar keys %{ $short->{series} }, (scalar grep { !/duration_seconds_/ } keys %{ $plain->{series} })
    + (scalar grep { /check_duration/ } keys %{ $plain->{series} }), '... and nothing else';
is $httpd->get("/balancer-manager?format=prometheus&histograms=off")->{body} =~ /_bucket/ ? 1 : 0, 0,
    'also by ?format=prometheus';
like $httpd->get("$metrics?histograms=on")->{body}, qr/_bucket/, 'histograms=on is what is so anyway';
my $refused = $httpd->get("$metrics?histograms=some");
is $refused->{status}, 400, 'another word is refused';
like $refused->{body}, qr/histograms must be on or off, not &quot;some&quot;/, '... with what it may be';

# ---- Over a restart ----

ok $httpd->graceful, 'after a graceful restart';
$scrape = OpenMetrics->scrape($httpd);
is $scrape->complaint, '', 'it is OpenMetrics';
is scalar(grep { $sampled{ $_->{trace_id} } } $scrape->exemplars), scalar($scrape->exemplars), 'exemplars are still there';
cmp_ok scalar($scrape->exemplars), '>', 3, '... all of them';
$plain = Metrics->scrape($httpd);
is $plain->sum('process_start_time_seconds'), $started, 'httpd runs since the same time';

$httpd->stop;
done_testing;
