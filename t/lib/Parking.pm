# Licensed under the Apache License, Version 2.0; see LICENSE.
# Parking.pm - an httpd in which requests wait without a thread, and a look at how many do.
#
#   Parking::skip_unless_possible();
#   my $httpd = Parking::start(threads => 8, park => 'share=0', config => <<"EOC");
#   Parking::wait_for($httpd, 200);      # so many are parked now, over all processes
package Parking;

use strict;
use warnings;
use Deadline;
use Httpd;
use HttpSocket;
use Test::More ();

# Instead of a plan: skips the test where no request can wait without a thread.
sub skip_unless_possible {
    my $why = ($ENV{TEST_MPM} // 'event') ne 'event' || Httpd::is_stock() ? 'only our modules on the event MPM park'
        : !Httpd::is_at_least('2.4.63') ? 'httpd before 2.4.63 cannot park' : return;
    Test::More::plan(skip_all => $why);
    return;
}

# As Httpd->start; park: the words of ProxyFCGIPark.
sub start {
    my (%o) = @_;
    my $park = delete $o{park} // 'share=0';
    my $mpm = $o{mpm} // $ENV{TEST_MPM} // 'event';
    my $config = "ProxyFCGIPark $park\n"
        . ($mpm eq 'event' ? "AsyncRequestWorkerFactor 100\n" : '') . "ListenBacklog 1024\n"
        . "<Location /server-status>\nSetHandler server-status\n</Location>\nProxyPass /server-status !\n";
    return Httpd->start(%o, modules => ['status', @{ $o{modules} // [] }], config => $config . $o{config});
}

# { FCGIParked => 3, ... }: what mod_status says.
sub status {
    my ($httpd) = @_;
    return { $httpd->get('/server-status?auto')->{body} =~ /^(FCGI\w+): (\d+)$/mg };
}

sub parked { my ($httpd) = @_; return status($httpd)->{FCGIParked} // -1 }

sub wait_for {
    my ($httpd, $count, $seconds) = @_;
    return wait_until($seconds // 10, sub { parked($httpd) == $count });
}

# Clients that have each sent this request.
sub clients {
    my ($httpd, $count, $path) = @_;
    return map { my $c = HttpSocket->connect($httpd->port); $c->request('GET', $path); $c } 1 .. $count;
}

# The open descriptors of a process by kind: { socket => 5, eventpoll => 2, ... }
sub descriptors {
    my ($pid) = @_;
    my %count;
    for my $link (grep { defined } map { readlink } glob "/proc/$pid/fd/*") {
        my ($kind) = $link =~ /^anon_inode:\[?(\w+)|^(\w+):\[/ ? $1 // $2 : 'file';
        $count{$kind}++;
    }
    return \%count;
}

1;
