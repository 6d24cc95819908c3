# Licensed under the Apache License, Version 2.0; see LICENSE.
# Any front of a fleet shows all fronts and, of each member, the sum and each front's part; how old that is is
# always visible.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use Test::More;
use Backend;
use Deadline;
use Fleet;
use Httpd;
use JsonSchema;
use ManagerApi;
use Metrics;

Fleet::skip_unless_testable();

my $backend = Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    $connection->stdout("Content-Type: text/plain\r\n\r\nopen");
    $connection->end_request;
});
my $fleet = Fleet->start(fronts => 3, words => 'interval=200ms lease=5s', config => <<"EOC");
<Proxy balancer://app>
BalancerMember @{[ $backend->url ]}
BalancerMember fcgi://127.0.0.1:1 status=+D
</Proxy>
<Proxy balancer://own>
BalancerMember fcgi://127.0.0.1:2
ProxySet fleet=intent
</Proxy>
ProxyPass /app/ balancer://app/srv/
ProxyPass /own/ balancer://own/srv/
EOC
my @fronts = $fleet->fronts;
my ($web1, $web2, $web3) = @fronts;

sub front_of { my ($view, $name) = @_; return (grep { $_->{name} eq $name } @{ $view->{fronts} })[0] || {} }
sub member_of { my ($view, $name) = @_; return (grep { $_->{name} eq $name } @{ $view->{members} })[0] || {} }
sub in_flight { my ($view) = @_; return join ' ', map { "$_->{front}=$_->{in_flight}" } @{ member_of($view, $backend->url)->{parts} } }
sub fresh { my ($view) = @_; return join ' ', map { $_->{fresh} ? $_->{name} : () } @{ $view->{fronts} } }

# One test result: soon this front says so of its fleet. Returns what it says then.
sub sees {
    my ($httpd, $condition, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($view, $answer);
    ok wait_until(30, sub { $answer = ManagerApi->new($httpd)->get('fleet'); $view = $answer->{json}; $condition->($view) }), $name
        or diag $answer->{body};
    return $view;
}

# ---- All three are seen at each ----

Fleet::comes_up($_) for @fronts;
sees($_, sub { fresh($_[0]) eq 'web1 web2 web3' }, "$_->{front} sees all three") for @fronts;
my $view = sees($web2, sub { fresh($_[0]) eq 'web1 web2 web3' }, 'they stay');
is $view->{version}, 1, 'the version is 1';
is $view->{fleet}, 'shop', 'the name of the fleet';
is $view->{front}, 'web2', '... of this front';
ok $view->{up}, '... which is in contact';
is $view->{error}, undef, '... without error';
like $view->{since}, qr/^\d{4}-\d\d-\d\dT/, '... since a time';
ok defined $view->{age_seconds}, '... with the age of the last contact';
is_deeply [map { $_->{name} } grep { $_->{own} } @{ $view->{fronts} }], ['web2'], 'it knows which front it is';
for my $front (@{ $view->{fronts} }) {
    like $front->{software}, qr/^\d+\.\d+\.\d+$/, "$front->{name} tells its version";
    is $front->{generation}, 0, '... its generation';
    is $front->{left_out}, 0, '... and leaves nothing out';
}
is_deeply [map { $_->{name} } @{ $view->{members} }], [$backend->url, 'fcgi://127.0.0.1:1'],
    'members of balancers with fleet=view, and no others';
is_deeply [map { "$_->{front} $_->{state}" } @{ member_of($view, 'fcgi://127.0.0.1:1')->{parts} }],
    ['web1 disabled', 'web2 disabled', 'web3 disabled'], '... with the state at each front';

my $schema = Httpd::decode_json($web1->get('/balancer-manager/v1/schema'));
my $of_fleet = JSON::PP->new->encode({ '$schema' => $schema->{'$schema'}, '$defs' => $schema->{'$defs'}, '$ref' => '#/$defs/fleet' });
is JsonSchema::complaints($of_fleet, $web1->get('/balancer-manager/v1/fleet')->{body}), '', 'all is as the schema says';

# ---- Sums ----

my @clients = map { my $c = $_->connect; $c->request('GET', '/app/x'); $c } $web1, $web1, $web3;
$view = sees($_, sub { in_flight($_[0]) eq 'web1=2 web2=0 web3=1' }, "$_->{front} sees whose requests are in flight") for @fronts;
$view = sees($web2, sub { member_of($_[0], $backend->url)->{in_flight} == 3 }, '... and how many there are');
$backend->open_gate('open');
is scalar(grep { $_->read_response->{status} == 200 } @clients), 3, 'they are answered';
sees($web2, sub { in_flight($_[0]) eq 'web1=0 web2=0 web3=0' }, '... and are not in flight any more');
$backend->close_gate('open');

# ---- A restart is seen ----

$web3->graceful;
sees($web1, sub { (front_of($_[0], 'web3')->{generation} // 0) == 1 }, 'a graceful restart is seen elsewhere');

# ---- Metrics and the page ----

my %own = (fleet => 'shop', front => 'web1');
ok wait_until(30, sub { Metrics->scrape($web1)->sum('fleet_fronts', %own) == 3 }), 'fleet_fronts counts those in contact';
my $scrape = Metrics->scrape($web1);
is $scrape->sum('fleet_up', %own), 1, 'fleet_up is 1';
is scalar(my @ages = $scrape->values('fleet_age_seconds', %own)), 1, 'fleet_age_seconds is there';
my $page = $web1->get('/balancer-manager')->{body};
like $page, qr{>Fleet shop</h2>}, 'the page has the fleet';
like $page, qr{<th scope="row">web3</th>}, '... and its fronts';
unlike $page, qr/alone since/, '... it is not alone';

# ---- A front that is stopped becomes stale, and does not count ----

my $held = $web3->connect;
$held->request('GET', '/app/x');
sees($web1, sub { in_flight($_[0]) =~ /web3=1/ }, 'web3 has a request in flight');
my @stopped = ($web3->pid, $web3->children);
kill STOP => @stopped;
$view = sees($web1, sub { fresh($_[0]) eq 'web1 web2' }, 'a front that is stopped becomes stale');
cmp_ok front_of($view, 'web3')->{age_seconds}, '>=', 5, '... its age says so';
like in_flight($view), qr/web3=1/, '... what it said last is still shown';
is member_of($view, $backend->url)->{in_flight}, 0, '... but not counted';
is(Metrics->scrape($web1)->sum('fleet_fronts', %own), 2, '... nor is it in contact');
like $web1->get('/balancer-manager')->{body}, qr{>stale<}, '... and the page says so';
kill CONT => @stopped;
sees($web1, sub { fresh($_[0]) eq 'web1 web2 web3' }, 'it is back by itself');
$backend->open_gate('open');
is $held->read_response->{status}, 200, 'its request is answered';

# ---- A front that is gone for good is forgotten ----

my $operator = ManagerApi->new($web1);
is $operator->post('fleet/forget', { front => 'web3' })->{status}, 409, 'one that is in contact is not forgotten';
is $operator->post('fleet/forget', { front => 'web9' })->{status}, 409, '... nor one that nobody knows';
is $operator->post('fleet/forget', { front => 3 })->{status}, 400, '... and a name is a string';
$web3->stop;
$fleet->{fronts} = [$web1, $web2];
sees($web1, sub { fresh($_[0]) eq 'web1 web2' }, 'a front ends');
my $answer = $operator->post('fleet/forget', { front => 'web3' });
is $answer->{status}, 200, '... and is forgotten' or diag $answer->{body};
sees($_, sub { !front_of($_[0], 'web3')->{name} }, "... also at $_->{front}") for $web1, $web2;
like(($operator->audit)[0]{before}, qr/^web3$/, '... which the audit says');
is_deeply [grep { /^web3$/ } $fleet->redis->ask('HGETALL', 'fc:{shop}:view')], [], '... and the store has nothing of it';
@fronts = ($web1, $web2);

# ---- Alone ----

$fleet->redis->stop('KILL');
Fleet::goes_alone($_, 'refused|closed') for @fronts;
$view = sees($web1, sub { fresh($_[0]) eq 'web1' }, 'alone, what it knows of others becomes stale');
ok !$view->{up}, '... it is not in contact';
like $view->{error}, qr/\S/, '... and says why';
like $web1->get('/balancer-manager')->{body}, qr{alone since <time}, '... the page says since when it is alone';
is(Metrics->scrape($web1)->sum('fleet_up', %own), 0, '... fleet_up is 0');
is $web1->get('/app/x')->{status}, 200, 'requests are served';
$fleet->redis->start_again;
Fleet::comes_up($_) for @fronts;
sees($_, sub { fresh($_[0]) eq 'web1 web2' }, "$_->{front} is back with all by itself") for @fronts;
$fleet->stop;

# ---- No fleet ----

my $alone = Httpd->start(config => "<Proxy balancer://app>\nBalancerMember fcgi://127.0.0.1:1\n</Proxy>\nProxyPass /app/ balancer://app/\n");
is $alone->get('/balancer-manager/v1/fleet')->{status}, 404, 'without BalancerFleet there is no /v1/fleet';
unlike $alone->get('/balancer-manager')->{body}, qr/class="fleet"/, '... nothing on the page';
unlike $alone->get('/balancer-manager/metrics')->{body}, qr/fleet_up/, '... no metrics';
$alone->stop;
done_testing;
