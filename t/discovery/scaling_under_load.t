# Licensed under the Apache License, Version 2.0; see LICENSE.
# 2, 20, 3 and 20 other members while some thousand requests run, new ones and kept connections: no client
# sees an error, and those that are in DNS get the requests. Backends that end with their DNS record, as
# containers do, cost none either.
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

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

sub addresses { my ($net, $count) = @_; return map { "127.0.$net.$_" } 1 .. $count }
my $backend = FastBackend->start(host => '0.0.0.0', processes => 2);
my $dns     = DnsServer->start(records => { php => [addresses(1, 2)] });
my $httpd   = Httpd->start(children => 3, threads => 25, config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('php', $backend->port, 'enablereuse=on maxinflight=50 queue=200')));
sub all_serve {
    my ($count) = @_;
    my %elected = map { $_->{name} => $_->{elected} } values %{ { Discovery::members($httpd, 'app') } };
    return wait_until(20, sub {
        my %members = Discovery::members($httpd, 'app');
        return $count == grep { $_->{elected} > ($elected{ $_->{name} } // 0) + 5 } values %members;
    });
}

Discovery::settles($httpd, [addresses(1, 2)], '2 members', 'app');
my $began = now_monotonic();
my @load = map { Load->start(port => $httpd->port, clients => 3, pause => 0.002, path => '/app/x', keep => $_) } 0, 1;
$_->wait_until_running for @load;
for my $round ([2, 20], [3, 3], [4, 20], [5, 2]) {
    my ($net, $count) = @$round;
    my @now = addresses($net, $count);
    $dns->set(php => \@now);
    Discovery::settles($httpd, \@now, "$count other members, those of before are removed", 'app');
    ok all_serve($count), '... all of them serve';
}
my $seconds = now_monotonic() - $began;
my @results = map { $_->stop } @load;
my $requests = 0;
for my $result (@results) {
    is_deeply [[keys %{ $result->{status} }], $result->{failed}], [[200], 0], 'no client saw an error'
        or diag explain $result->{status}, $result->{failures};
    $requests += $result->{requests};
}
note sprintf '%d requests in %.1f s', $requests, $seconds;
is $httpd->in_flight('app'), 0, 'nothing is in flight at rest';
is_deeply [sort map { $_->{hostname} } @{ $httpd->balancer('app')->{members} }], [addresses(5, 2)],
    'no other member is left';
$httpd->stop;

# ---- Containers: each gets an address of its own, and ends as soon as DNS does not name it any more ----

my $port = $backend->port + 1;
sub containers { my (@numbers) = @_; return map { FastBackend->start(host => "127.0.8.$_", port => $port) } @numbers }
my @running = containers(1 .. 3);
sub publish { return $dns->set(php => [map { $_->host } @running]) }
publish();
$httpd = Httpd->start(children => 3, threads => 25, config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('php', $port, 'enablereuse=on')));
$httpd->expect_log(qr{FC0251: .*member fcgi://127\.0\.8\..*(?:another member gets it|sent again)}, optional => 1);
Discovery::settles($httpd, [map { $_->host } @running], 'three containers', 'app');
my $load = Load->start(port => $httpd->port, clients => 4, pause => 0.002, path => '/app/x');
$load->wait_until_running;
for my $number (4 .. 9) {
    push @running, containers($number);
    my $old = shift @running;
    publish();
    $old->stop;
    Discovery::settles($httpd, [map { $_->host } @running], 'one of them is replaced', 'app');
}
Discovery::had_no_errors($load, 'no client saw an error');
$httpd->stop;

done_testing;
