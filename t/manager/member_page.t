# Licensed under the Apache License, Version 2.0; see LICENSE.
# The page of a member: its link leads there, and it tells limits, health parameters and checks as configured and
# as they are now, kept connections, times and changes of state; of a member of any scheme, in any state, and without
# a table or a link that a script would take for a member.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerApi;

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\nok");
    $connection->end_request;
});
my $nobody = Backend->refusing;
my $httpd = Httpd->start(modules => ['proxy_http', 'proxy_hcheck', 'watchdog'], config => <<"EOC");
<Proxy balancer://app>
BalancerMember @{[ $backend->url ]} route=a"><b>x maxinflight=8 queue=10 queuetimeout=1500ms maxfails=5 failwindow=20s retry=7 slowstart=30s stickywait=2s enablereuse=on
BalancerMember @{[ $nobody->url ]} maxfails=1 retry=600 hcmethod=GET hcuri=/ping hcinterval=90s hcfails=4 hcpasses=3
ProxySet growth=1
</Proxy>
ProxyPass /app/ balancer://app/
<Proxy balancer://web>
BalancerMember http://127.0.0.1:1 hcmethod=HEAD hcuri=/alive hcinterval=3600 status=+D
</Proxy>
ProxyPass /web/ balancer://web/
EOC
$httpd->expect_log(qr/connect_refused|AH0\d+/, optional => 1);
my $api = ManagerApi->new($httpd);
my ($one, $two) = map { $_->url } $backend, $nobody;
sub page_of {
    my ($balancer, $url) = @_;
    return $httpd->get("/balancer-manager?b=$balancer&w=" . ManagerApi::encoded($url), header => { Accept => 'text/html' });
}

# The rows of its groups: name and parameter -> value, without markup.
sub rows_of {
    my ($html) = @_;
    my ($section) = $html =~ m{<section class="member" id="member"(.*)</ol></section>}s;
    my %row;
    while (($section // '') =~ m{<div><dt>(.*?)</dt><dd>(.*?)</dd></div>}gs) {
        my ($name, $value) = map { s/<[^>]*>//gr } $1, $2;
        $row{$name} = $value;
    }
    return \%row;
}

# ---- A member that serves, with settings that were changed ----

is $httpd->get('/app/x')->{status}, 200, 'a request is served' for 1 .. 4;
$api->patch(ManagerApi::member_path('app', $one), { weight => 2.5, limit => 6, queue_timeout => 2 });
ok wait_until(20, sub { @{ $httpd->balancer('app')->{past}{age_s} } >= 2 }), 'there are samples';
my $page = page_of('app', $one);
is $page->{status}, 200, 'the page of a member';
my $row = rows_of($page->{body});
my %right = ('Requests in flight maxinflight' => '6 configured: 8', 'Requests that may wait queue' => '10',
    'Each waits at most queuetimeout' => '2s configured: 1500ms', 'Weight loadfactor' => '2.50 configured: 1.00',
    'Route route' => 'a&quot;&gt;&lt;b&gt;x', 'Takes over redirect' => 'none', 'Failures that put it out maxfails' => '5 now 0',
    'Counted for failwindow' => '20 s', 'Out for retry' => '7 s', 'Slow start slowstart' => '30 s',
    'A session waits for it stickywait' => '2 s', 'Checks hcmethod' => 'none', 'Requests' => '4', 'Responses 2xx' => '4',
    'Outages' => '0', 'Downtime' => 'none');
is $row->{$_}, $right{$_}, "$_: $right{$_}" for sort keys %right;
is $row->{'New connections'} + $row->{'Requests on kept connections'}, 4, 'connections, new and kept';
like $row->{'Connections kept idle'}, qr/^\d+$/, '... and kept now';
my $kept = $httpd->json('/balancer-manager/v1/' . ManagerApi::member_path('app', $one))->{times}{connect}{count};
is $row->{'New connections'}, $kept, '... as JSON has them';
like $page->{body}, qr{<h3>$_ <small>mean}, "times: $_" for 'Connect', 'First byte';
is scalar(my @charts = $page->{body} =~ m{<title>(?:Requests/s|First byte p95) of \Q$one\E }g), 2, 'two charts of its own';
is scalar(my @tables = $page->{body} =~ /<table/g), 2, 'no other tables than those of its balancer';

# ---- One in error, with checks ----

ok wait_until(20, sub { $httpd->get('/app/x'); $httpd->member($two)->{state} =~ /^(?:error|health_fail)$/ }), 'the other one fails';
$page = page_of('app', $two);
$row = rows_of($page->{body});
%right = ('Method hcmethod' => 'GET', 'URI hcuri' => '/ping', 'Every hcinterval' => '90 s', 'Failed checks to go out hcfails' => '4',
    'Passed checks to come back hcpasses' => '3', 'Outages' => '1', 'Requests in flight maxinflight' => 'no limit',
    'Out for retry' => '10 min');
is $row->{$_}, $right{$_}, "$_: $right{$_}" for sort keys %right;
my ($history) = $page->{body} =~ m{<h3>Changes of state</h3>(.*?)</ol>}s;
like $history, qr/ok .* <b class="pill (?:error|health_fail)">.*connect_refused/, 'its history says why';
is scalar(my @changes = $history =~ /<li>/g), 1, '... and not what happened to others';

# ---- Others ----

$row = rows_of(page_of('web', 'http://127.0.0.1:1')->{body});
%right = ('Method hcmethod' => 'HEAD', 'URI hcuri' => '/alive', 'Every hcinterval' => '60 min');
is $row->{$_}, $right{$_}, "http: $_: $right{$_}" for sort keys %right;
ok !exists $row->{'Connections kept idle'}, '... of whose connections nothing is known';
my $added = $api->post('balancers/app/members', { url => 'fcgi://127.0.0.1:1', state => 'disable' });
is $added->{status}, 201, 'a member is added';
$row = rows_of(page_of('app', 'fcgi://127.0.0.1:1')->{body});
is $row->{'Comes from'}, 'an operator, at run time', '... as its page says';
is page_of('app', 'fcgi://127.0.0.1:2')->{status}, 404, 'no page of one that is not there';

$httpd->stop;
done_testing;
