# Licensed under the Apache License, Version 2.0; see LICENSE.
# What operators see of members from DNS: the page, the JSON status by its schema, metrics by promtool, the
# text, and log lines; the states of a name are waiting, ok, stale and empty.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Discovery;
use FastBackend;
use Httpd;
use JsonSchema;
use ManagerApi;
use Metrics;
use ScriptedDns;

plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $backend = FastBackend->start(host => '0.0.0.0');
my $port    = $backend->port;
my $dns     = ScriptedDns->start(says => 'silence', ttl => 30, addresses => [map { "127.0.0.$_" } 2 .. 6]);
my $httpd   = Httpd->start(debug_log => 'balancer_byrequests:info', config =>
    "BalancerResolver @{[ $dns->address ]} timeout=2s retries=0\n"
    . Discovery::balancer(app => Discovery::line('php', $port, 'discovermax=3 onempty=0'), "BalancerMember fcgi://127.0.0.9:$port",
        'ProxySet growth=2'));
$httpd->expect_log(qr/FC05(?:2[689]): balancer:\/\/app: .*php\.test\./);
my $name = "fcgi://php.test.:$port";
my $api  = ManagerApi->new($httpd);
is $api->post('balancers/app/members', { url => "fcgi://127.0.0.8:$port", state => 'ready' })->{status}, 201, 'a member is added';

sub source { return Discovery::source($httpd, 'app') }
sub page { return $httpd->get('/balancer-manager', header => { Accept => 'text/html' })->{body} }
sub text { return $httpd->get('/balancer-manager?format=text')->{body} }
sub line_of_page { my ($line) = page() =~ m{<ul class="sources".*?<li>(.*?)</li>}s; $line =~ s/<.*?>//gs; return $line }

# What holds in every state.
sub looks_right {
    my ($state) = @_;
    my $status = $httpd->get('/balancer-manager/v1/status', header => { Accept => 'application/json' })->{body};
    is JsonSchema::complaints($httpd->get('/balancer-manager/v1/schema')->{body}, $status), '', "$state: the status is as its schema says";
    my $scrape = Metrics->scrape($httpd);
    is $scrape->complaints, '', '... promtool is content';
    my %labels = (balancer => 'app', source => $name);
    is $scrape->sum('discovery_state', %labels, state => $_), $_ eq $state ? 1 : 0, "... discovery_state $_"
        for qw(waiting ok stale empty);
    is scalar(() = page() =~ /<table/g), 2, '... the page has two tables, as scripts expect';
    like text(), qr/^  DNS \Q$name\E: $state for /m, '... the text has a line';
    return $scrape;
}

# ---- No answer yet ----

ok wait_until(20, sub { source()->{failures} >= 2 }), 'DNS is silent at the start';
my $source = source();
is_deeply [@$source{qw(name kind state error addresses dropped members answered_at age_s)}],
    [$name, 'a', 'waiting', 'timeout', 0, 0, 0, undef, undef], '... the status says so';
ok $source->{next_at}, '... and when the next query comes';
my $scrape = looks_right('waiting');
is scalar($scrape->matching('discovery_answer_timestamp_seconds')), 0, '... there is no time of an answer';
like line_of_page(), qr/^DNS waiting \Q$name\E: timeout.*0 members/, '... the page says it in words';

# ---- An answer, and more addresses than discovermax ----

$dns->say('good');
Discovery::becomes($httpd, 'ok', 'an answer', 'app');
ok wait_until(20, sub { @{ Discovery::addresses($httpd, 'app') } == 3 }), '... three members';
$source = source();
is_deeply [@$source{qw(error addresses dropped members ttl_s)}], [undef, 5, 2, 3, 30], '... the status tells of five addresses';
cmp_ok $source->{age_s}, '<', 60, '... of just now';
cmp_ok $source->{changes}, '==', 3, '... three members were added';
$scrape = looks_right('ok');
my %labels = (balancer => 'app', source => $name);
is $scrape->sum('discovery_addresses', %labels), 5, '... metrics: addresses';
is $scrape->sum('discovery_dropped_addresses', %labels), 2, '... those over discovermax';
is $scrape->sum('discovery_changes_total', %labels), 3, '... changes';
cmp_ok $scrape->sum('discovery_failures_total', %labels), '>=', 2, '... failures';
cmp_ok $scrape->sum('discovery_queries_total', %labels), '>=', 3, '... queries';
cmp_ok abs($scrape->sum('discovery_answer_timestamp_seconds', %labels) - time), '<', 60, '... and the time of the answer';
like line_of_page(), qr/^DNS ok \Q$name\E; 3 members of 5 addresses \(discovermax\); last answer .* ago, TTL 30 s/,
    '... the page says it in words';
my %origin;
$origin{ $_->{origin} }++ for @{ $httpd->balancer('app')->{members} };
is_deeply \%origin, { configured => 1, added => 1, discovered => 3 }, '... each member has its origin';
my ($member) = grep { $_->{origin} eq 'discovered' } @{ $httpd->balancer('app')->{members} };
is_deeply [@$member{qw(source missing_since)}], [$name, undef], '... and its source';
like page(), qr/<small>DNS: \Q$name\E</, '... on the page too';
my $edit = $httpd->get('/balancer-manager?b=app&w=' . ManagerApi::encoded($member->{url}) . '&nonce=' . $api->token,
    header => { Accept => 'text/html' })->{body};
like $edit, qr/comes and goes with its address in DNS: \Q$name\E/, '... its form says that it can be neither moved';
unlike $edit, qr/b_wdelete|w_newaddr/, '... nor removed';
is scalar(() = $httpd->log_lines(qr/FC0523: balancer:\/\/app: .*added/)), 3, '... one log line for each member';

# ---- Failures after that ----

$dns->say('servfail');
Discovery::becomes($httpd, 'stale', 'failures', 'app');
$source = source();
is_deeply [@$source{qw(error addresses members)}], ['servfail', 5, 3], '... the last answer is told still';
$scrape = looks_right('stale');
like line_of_page(), qr/^DNS stale \Q$name\E: servfail since .*; 3 members/, '... the page says it in words';

# ---- No addresses ----

$dns->say('nxdomain');
Discovery::becomes($httpd, 'empty', 'no addresses', 'app');
$scrape = looks_right('empty');
like line_of_page(), qr/^DNS empty \Q$name\E: nxdomain since /, '... the page says it in words';
Discovery::settles($httpd, [], '... and the members are removed', 'app');
is scalar(() = $httpd->log_lines(qr/FC0524: balancer:\/\/app: .*vanished/)), 3, '... one log line for each';
$httpd->stop;

done_testing;
