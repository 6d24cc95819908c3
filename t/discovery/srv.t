# Licensed under the Apache License, Version 2.0; see LICENSE.
# discover=srv: each record is a member with the host, port, weight and priority (as its lbset) of the
# record; an operator's weight comes before the record's, the record's before loadfactor.
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
use Load;
use ManagerApi;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my @backends = map { FastBackend->start(host => '0.0.0.0') } 1, 2;
my ($port, $other_port) = map { $_->port } @backends;
my $dns = DnsServer->start(records => { one => ['127.0.0.2'], two => ['127.0.0.3'], three => ['127.0.0.4', '127.0.0.5'],
                                        void => [] });
sub publish { return $dns->srv('_php._tcp' => @_) }
publish([10, 50, $port, 'one'], [10, 100, $other_port, 'two'], [20, 0, $port, 'three'], [20, 7, $port, 'void']);
my $httpd = Httpd->start(children => 2, config => Discovery::resolver($dns) . Discovery::balancer(app =>
    'BalancerMember fcgi://_php._tcp.test. discover=srv discoverinterval=100ms discoverwait=0 loadfactor=3 maxinflight=9'));
my $api = ManagerApi->new($httpd);
sub members { my %members = Discovery::members($httpd, 'app'); return map { $members{$_} } sort keys %members }
sub what { my (@names) = @_; return [map { my $member = $_; join ' ', @$member{@names} } members()] }

Discovery::settles($httpd, [map { "127.0.0.$_" } 2 .. 5], 'a member for each address of each target', 'app');
is_deeply what('port'), [$port, $other_port, $port, $port], '... with the port of the record';
is_deeply what('lbset'), [0, 0, 1, 1], '... the first priority is set 0, the next one set 1';
my @weights = map { $_->{weight} } members();
cmp_ok abs($weights[1] / $weights[0] - 2), '<', 0.03, '... weights as those of the records: twice as many for the second'
    or diag "@weights";
is_deeply what('limit'), [(9) x 4], '... and the parameters of the line';
$httpd->get('/app/x') for 1 .. 30;
is_deeply what('elected'), [10, 20, 0, 0], 'they are elected so';

# ---- Records change ----

my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => '/app/x');
$load->wait_until_running;
my $since = (members())[0]{counted_since};
publish([10, 100, $port, 'one'], [10, 100, $other_port, 'two'], [5, 0, $port, 'three']);
ok wait_until(20, sub { "@{ what('lbset') }" eq '1 1 0 0' }), 'other priorities: other sets';
@weights = map { $_->{weight} } members();
is $weights[0], $weights[1], '... and other weights';
is((members())[0]{counted_since}, $since, '... of the same members');
publish([10, 100, $other_port, 'one'], [10, 100, $other_port, 'two'], [10, 0, $port, 'three']);
ok wait_until(20, sub { "@{ what('port') }" eq "$other_port $other_port $port $port" }), 'another port: another member';

# ---- Operator before record before line ----

my $url = (members())[0]{url};
is $api->patch(ManagerApi::member_path('app', $url), { weight => 7 })->{status}, 200, 'an operator sets a weight';
publish([10, 10, $other_port, 'one'], [10, 100, $other_port, 'two'], [10, 0, $port, 'three']);
ok Discovery::goes_on($httpd, 3, 'app'), '... and the record gets another one';
cmp_ok((members())[0]{weight}, '==', 7, '... the operator\'s holds');
Discovery::had_no_errors($load, 'no client saw an error');

# ---- Targets ----

publish([10, 1, $port, 'one'], [10, 1, $port, 'nowhere']);
Discovery::settles($httpd, ['127.0.0.2'], 'a target that does not exist brings no member, and takes none', 'app');
publish([0, 0, 0, '.']);
Discovery::becomes($httpd, 'empty', 'the target "." says that there is no such service (RFC 2782)', 'app');
$httpd->expect_log(qr/FC05\d\d: balancer:\/\/app: .*_php/);
is_deeply Discovery::addresses($httpd, 'app'), ['127.0.0.2'], '... the last member stays for a while';
$httpd->stop;

done_testing;
