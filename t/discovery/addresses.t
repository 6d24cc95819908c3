# Licensed under the Apache License, Version 2.0; see LICENSE.
# discover=a: each address of the name is a member, IPv4 and IPv6, with the port and the parameters of the
# line; the members follow the records. Members of the configuration stay beside them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Discovery;
use DnsServer;
use FastBackend;
use Httpd;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $backend = FastBackend->start(host => '0.0.0.0');
my $port    = $backend->port;
my $v6      = eval { Backend->saying('six', listen => 'tcp6', port => $port) };
my $fixed   = FastBackend->start;
my @three   = map { "127.0.0.$_" } 2 .. 4;
my $dns     = DnsServer->start(records => { php => \@three, both => ['127.0.0.2', '::1'],
                                            long => [map { my $n = $_; map { "127.0.$n.$_" } 1 .. 250 } 1, 2] });
my $httpd = Httpd->start(children => 2, config => Discovery::resolver($dns)
    . Discovery::balancer(app => "BalancerMemberDefaults queue=20 maxinflight=5",
        Discovery::line('php', $port, 'maxinflight=7 retry=3'))
    . Discovery::balancer(mixed => Discovery::line('both', $port), 'BalancerMember ' . $fixed->url)
    . Discovery::balancer(many => Discovery::line('long', $port, 'discovermax=600'))
    . Discovery::balancer(two => Discovery::line('php', $port), Discovery::line('one', $port))
    . <<'EOC');
<VirtualHost 127.0.0.1:@port2@>
</VirtualHost>
EOC
sub found { my ($balancer) = @_; my %members = Discovery::members($httpd, $balancer); return %members }
sub statuses { my ($path, $count) = @_; return join ' ', map { $httpd->get($path)->{status} } 1 .. $count }

# ---- A member for each address ----

Discovery::settles($httpd, \@three, 'three addresses, three members', 'app');
my %members = found('app');
is_deeply [map { "$_->{name} $_->{url} $_->{port}" } @members{@three}],
    [map { "fcgi://$_:$port fcgi://$_:$port $port" } @three], '... with the port of the line';
is_deeply [map { "$_->{limit} $_->{queue_limit} " . $_->{retry_us} / 1e6 } @members{@three}], [('7 20 3') x 3],
    '... its parameters, and those of BalancerMemberDefaults';
is_deeply [map { $_->{source} } @members{@three}], [("fcgi://php.test.:$port") x 3], '... it is said where they come from';
is statuses('/app/x', 6), '200 200 200 200 200 200', '... they answer';
%members = found('app');
is_deeply [map { $_->{elected} } @members{@three}], [2, 2, 2], '... in turn';

# ---- The members follow the records ----

$dns->set(php => [@three, '127.0.0.9']);
Discovery::settles($httpd, [@three, '127.0.0.9'], 'an address more, a member more', 'app');
$dns->set(php => ['127.0.0.3', '127.0.0.9']);
Discovery::settles($httpd, ['127.0.0.3', '127.0.0.9'], 'two addresses less', 'app');
$dns->set(php => ['127.0.1.1', '127.0.1.2']);
Discovery::settles($httpd, ['127.0.1.1', '127.0.1.2'], 'all of them replaced', 'app');
is statuses('/app/x', 4), '200 200 200 200', '... they answer';
%members = found('app');
is_deeply [map { $_->{elected} } @members{'127.0.1.1', '127.0.1.2'}], [2, 2], '... and count from 0';
my $changes = Discovery::source($httpd, 'app')->{changes};
ok Discovery::goes_on($httpd, 3, 'app'), 'the same records in an order that changes';
is Discovery::source($httpd, 'app')->{changes}, $changes, '... are no change';

# ---- Both families, beside a member of the configuration ----

SKIP: {
    skip 'no IPv6', 3 if !$v6;
    Discovery::settles($httpd, ['127.0.0.2', '::1'], 'an A and an AAAA record', 'mixed');
    %members = found('mixed');
    is $members{'::1'}{url}, "fcgi://[::1]:$port", '... an IPv6 address in brackets';
    ok wait_until(10, sub { $httpd->get('/mixed/x')->{body} eq 'six' }), '... which answers';
}
my %origin = map { $_->{name} => $_->{origin} } @{ $httpd->balancer('mixed')->{members} };
is $origin{ $fixed->url }, 'configured', 'the configured member is one as ever';
$dns->set(both => ['127.0.0.2']);
Discovery::settles($httpd, ['127.0.0.2'], 'one family less', 'mixed');

# ---- 500 records: by TCP ----

# its text is long: it is parsed once
ok wait_until(20, sub { $httpd->get('/balancer-manager/v1/balancers/many')->{body} =~ /"members":500,/ }), '500 records, 500 members'
    or diag explain Discovery::source($httpd, 'many');
is_deeply [@{ Discovery::source($httpd, 'many') }{qw(addresses dropped members)}], [500, 0, 500], '... and it is said so';
is statuses('/many/x', 10), join(' ', (200) x 10), '... they answer';

# ---- Two names in one balancer ----

$httpd->expect_log(qr/FC0528: balancer:\/\/two: .*one\.test/);
Discovery::settles($httpd, ['127.0.1.1', '127.0.1.2'], 'two names in one balancer: one has no record yet', 'two');
$dns->set(one => ['127.0.1.2', '127.0.1.3']);
Discovery::settles($httpd, ['127.0.1.1', '127.0.1.2', '127.0.1.3'], '... an address that both have is one member', 'two');
$dns->set(php => ['127.0.1.1']);
Discovery::settles($httpd, ['127.0.1.1', '127.0.1.2', '127.0.1.3'], '... as long as one has it', 'two');
$dns->set(one => ['127.0.1.3']);
Discovery::settles($httpd, ['127.0.1.1', '127.0.1.3'], '... and then no more', 'two');

# ---- How often ----

$dns->ttl(86400);
ok Discovery::goes_on($httpd, 2, 'app'), 'a TTL of a day: discoverinterval says how often to ask';
$dns->set(php => ['127.0.1.4']);
Discovery::settles($httpd, ['127.0.1.4'], '... and what changes is seen', 'app');
cmp_ok Discovery::source($httpd, 'app')->{ttl_s}, '==', 86400, '... the TTL is told';

$httpd->stop;

my $by_ttl = 'BalancerMember fcgi://%s.test.:' . $port . ' discover=a discoverwait=0';
$httpd = Httpd->start(config => Discovery::resolver($dns)
    . Discovery::balancer(app => sprintf $by_ttl, 'php'));
Discovery::becomes($httpd, 'ok', 'without discoverinterval', 'app');
my $source = Discovery::source($httpd, 'app');
my $wait = Discovery::seconds_between(@$source{qw(answered_at next_at)});
ok $wait > 3500 && $wait <= 3601, 'a TTL of a day: the next query comes after an hour' or diag $wait;
$httpd->stop;
$dns->ttl(0);
$httpd = Httpd->start(config => Discovery::resolver($dns) . Discovery::balancer(app => sprintf $by_ttl, 'php'));
Discovery::becomes($httpd, 'ok', 'a TTL of 0', 'app');
$source = Discovery::source($httpd, 'app');
$wait = Discovery::seconds_between(@$source{qw(answered_at next_at)});
ok $wait >= 0.9 && $wait <= 2, '... the next query comes after a second' or diag $wait;
ok Discovery::goes_on($httpd, 1, 'app'), '... indeed';
$httpd->stop;

done_testing;
