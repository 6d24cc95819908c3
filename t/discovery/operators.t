# Licensed under the Apache License, Version 2.0; see LICENSE.
# What an operator has said about a discovered member holds as long as DNS has its address, over graceful
# restarts too. Discovered members are never written to the state file.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Discovery;
use DnsServer;
use FastBackend;
use Httpd;
use ManagerApi;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my @three   = map { "127.0.0.$_" } 2 .. 4;
my $backend = FastBackend->start(host => '0.0.0.0');
my $fixed   = FastBackend->start;
my $port    = $backend->port;
my $dns     = DnsServer->start(records => { php => \@three });
my $httpd = Httpd->start(children => 2, debug_log => 'balancer_byrequests:info', config => Discovery::resolver($dns)
    . "BalancerPersist On\n"
    . Discovery::balancer(app => Discovery::line('php', $port, 'maxinflight=5'), 'BalancerMember ' . $fixed->url));
my $api = ManagerApi->new($httpd);
sub url  { return "fcgi://$_[0]:$port" }
sub path { return ManagerApi::member_path('app', url($_[0])) }
sub patch { my ($address, $values) = @_; return $api->patch(path($address), $values)->{status} }
sub member { my %members = Discovery::members($httpd, 'app'); return $members{$_[0]} }
sub saved { return Httpd::read_file($httpd->root . '/run/balancer-state/balancer-state.json') // '' }

sub holds {
    my ($when) = @_;
    is member($three[0])->{state}, 'disabled', "$when: disabled";
    is member($three[1])->{state}, 'draining', "$when: draining";
    is_deeply [@{ member($three[2]) }{qw(limit weight)}], [2, 4], "$when: limit and weight";
    return;
}

Discovery::settles($httpd, \@three, 'three members', 'app');
is patch($three[0], { state => 'disable' }), 200, 'an operator disables a member';
is patch($three[1], { state => 'drain' }), 200, '... drains another';
is patch($three[2], { limit => 2, weight => 4 }), 200, '... sets limit and weight of the third';
holds('at once');
ok Discovery::goes_on($httpd, 3, 'app'), 'after some more answers';
holds('... still');
$dns->set(php => [@three, '127.0.0.5']);
Discovery::settles($httpd, [@three, '127.0.0.5'], 'another address comes', 'app');
holds('... still');
ok $httpd->graceful, 'a graceful restart';
Discovery::settles($httpd, [@three, '127.0.0.5'], '... the members are there', 'app');
holds('... still');
ok Discovery::goes_on($httpd, 3, 'app'), '... and answers come';
holds('... still');

# ---- Words for operator and DNS are two ----

$dns->set(php => [@three[0, 1]]);
Discovery::settles($httpd, [@three[0, 1]], 'addresses vanish', 'app');
$dns->set(php => [@three]);
Discovery::settles($httpd, [@three], '... and one is there again', 'app');
is_deeply [@{ member($three[2]) }{qw(limit weight state)}], [5, 1, 'ok'], '... as a new member: the line\'s parameters hold';

# ---- DNS alone adds and removes ----

for my $try ([remove => $api->delete(path($three[2]))], [move => $api->patch(path($three[2]), { address => '127.0.0.77:9' })]) {
    my ($what, $answer) = @$try;
    is int $answer->{status} / 100, 4, "to $what a discovered member is refused" or diag $answer->{body};
    like $answer->{body}, qr/DNS|discover/, '... with the reason';
}
is $api->post('balancers/app/members', { url => url($three[2]), state => 'ready' })->{status}, 409,
    'a member of that address cannot be added by hand' or diag explain $api->get('audit')->{json};

# ---- The state file ----

is $api->patch(ManagerApi::member_path('app', $fixed->url), { weight => 3 })->{status}, 200,
    'an operator changes a configured member';
ok wait_until(10, sub { saved() =~ /\Q@{[ $fixed->port ]}\E/ }), '... which the state file tells';
unlike saved(), qr/127\.0\.0\.[2-7]\b/, '... but no discovered one' or diag saved();
$dns->remove('php');
$httpd->expect_log(qr/FC05\d\d: balancer:\/\/app: .*php/);
ok $httpd->restart, 'a full restart, and the name is gone';
is_deeply Discovery::addresses($httpd, 'app'), [], '... no member of before is there';
Discovery::becomes($httpd, 'empty', '... the source is empty', 'app');
is $httpd->get('/app/x')->{status}, 200, '... the configured one answers';
$httpd->stop;

done_testing;
