# Licensed under the Apache License, Version 2.0; see LICENSE.
# A member that DNS brings starts slowly (slowstart), and with checks gets nothing before the first one has
# passed. Those of the first answer after the start are no newcomers: there is nobody else.
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
use Load;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my $fast = FastBackend->start(host => '0.0.0.0');
# Not yet warm: it answers requests, but checks only when the gate is open, and only for the new one.
my $cold = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $is_check = $request->{params}{SCRIPT_NAME} =~ /ping/;
    my $is_new   = $connection->local_address eq '127.0.0.3';
    my $status = $is_check && $is_new && !$connection->is_gate_open('warm') ? '503 Not yet' : '200 OK';
    $connection->note($is_check ? 'checked' : 'asked', address => $connection->local_address);
    $connection->stdout("Status: $status\r\nContent-Type: text/plain\r\n\r\n" . $connection->local_address);
    $connection->end_request;
}, host => '0.0.0.0');
my $dns   = DnsServer->start(records => { php => ['127.0.0.2'] });
my $httpd = Httpd->start(children => 2, config => Discovery::resolver($dns)
    . Discovery::balancer(slow => Discovery::line('php', $fast->port, 'slowstart=60'))
    . Discovery::balancer(checked => Discovery::line('php', $cold->port, 'hcmethod=FCGI hcuri=/ping hcinterval=200ms')));
sub member { my ($address, $balancer) = @_; my %members = Discovery::members($httpd, $balancer); return $members{$address} }
sub asked { return grep { $_->{address} eq $_[0] } $cold->events('asked') }

Discovery::settles($httpd, ['127.0.0.2'], "$_: one member", $_) for qw(slow checked);
is member('127.0.0.2', 'slow')->{share_percent}, 100, 'the first members have their full share';
ok wait_until(10, sub { $httpd->get('/checked/x')->{status} == 200 }), '... and answer as soon as their check has passed';

# until then nobody could be asked
$httpd->expect_log(qr/FC0422: balancer:\/\/checked: no_member/, optional => 1);

my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => sub { $_[1] % 4 ? '/slow/x' : '/checked/x' });
$load->wait_until_running;
$dns->set(php => ['127.0.0.2', '127.0.0.3']);
Discovery::settles($httpd, ['127.0.0.2', '127.0.0.3'], "$_: a second one", $_) for qw(slow checked);
my $new = member('127.0.0.3', 'slow');
cmp_ok $new->{share_percent}, '<', 60, '... it starts slowly';
ok wait_until(10, sub { member('127.0.0.3', 'slow')->{elected} > 0 }), '... it gets requests';
cmp_ok member('127.0.0.3', 'slow')->{elected}, '<', member('127.0.0.2', 'slow')->{elected}, '... but few';

ok wait_until(20, sub { (grep { $_->{address} eq '127.0.0.3' } $cold->events('checked')) >= 3 }),
    'a member whose checks do not pass';
is scalar(asked('127.0.0.3')), 0, '... gets no request' or diag explain member('127.0.0.3', 'checked');
$cold->open_gate('warm');
ok wait_until(20, sub { asked('127.0.0.3') > 0 }), '... but after the first check that passes';
Discovery::had_no_errors($load, 'no client saw an error');

$httpd->expect_log(qr/FC0\d\d\d:.*127\.0\.0\.3.*check/, optional => 1);
$httpd->stop;
done_testing;
