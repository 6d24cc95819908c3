# Licensed under the Apache License, Version 2.0; see LICENSE.
# A member that a graceful restart has removed is still used by the old processes. When one of them
# frees it, whoever waits in a new process does not get it, and is served by a member that it knows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use Process;

plan skip_all => 'stock has no queue' if Httpd::is_stock();

my ($kept, $removed) = map {
    Backend->answering(sub {
        my ($connection) = @_;
        $connection->wait_for_gate('open');
        $connection->stdout("Content-Type: text/plain\r\n\r\ndone");
        $connection->end_request;
    })
} 1, 2;
sub config_of {
    my $members = join '', map { "BalancerMember @{[ $_->url ]} maxinflight=1 queue=10\n" } @_;
    return "<Proxy balancer://cluster>\n$members</Proxy>\nProxyPass /app/ balancer://cluster/\n";
}
my $httpd;

# Does this process still hold the listening socket? Then a new connection may be its.
sub listens {
    my ($pid) = @_;
    my $port = sprintf '%04X', $httpd->port;
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my ($inode) = map { /^\s*\d+: \w+:$port \w+:0000 0A (?:\S+ +){5}(\d+)/ ? $1 : () } <$table>;
    return grep { (readlink // '') eq "socket:[$inode]" } glob "/proc/$pid/fd/*";
}
$httpd = Httpd->start(children => 1, threads => 8, config => config_of($kept, $removed));

ok listens(($httpd->children)[0]), 'the process takes connections';
my ($long, $short) = map { $httpd->connect } 1, 2;
$long->request('GET', '/app/x');
ok $kept->wait_for_event('request'), 'one member is full';
$short->request('GET', '/app/x');
ok $removed->wait_for_event('request'), '... and the other';

$httpd->set_config(config_of($kept));
my @old = $httpd->graceful_begin;    # prefork: the two that have a request, and idle ones
ok wait_until(20, sub { $httpd->is_up(after_graceful => 1) }),
    'graceful restart without the second member';
ok wait_until(20, sub { !grep { listens($_) } @old }), '... and no old process takes a new connection';
ok((grep { Process::is_alive($_) } @old), '... but they are still there that have a request');
my $waiting = $httpd->connect;
$waiting->request('GET', '/app/x');
ok wait_until(10, sub { $httpd->balancer('cluster')->{queued} == 1 }), 'a request waits in a new process';
$removed->open_gate('open');
is $short->read_response->{status}, 200, 'the old process ends its request on the removed member';
$kept->open_gate('open');
is $waiting->read_response->{status}, 200, 'who waits in a new process is served';
is $long->read_response->{status}, 200, '... when its member is free';
is scalar(my @served = $kept->requests), 2, '... by the one that is left';
is scalar(my @others = $removed->requests), 1, '... and not by the one that is gone';
is $httpd->in_flight('cluster'), 0, 'nothing is in flight at the end';
$httpd->stop;
done_testing;
