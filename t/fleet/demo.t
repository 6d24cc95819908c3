# Licensed under the Apache License, Version 2.0; see LICENSE.
# `make demo-fleet` leaves three fronts running that see each other, and `make demo-stop` ends them all.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Cwd qw(abs_path);
use Test::More;
use Fleet;
use Fpm;
use HttpSocket;
use Httpd;
use JSON::PP ();
use Process;

Fleet::skip_unless_testable();
my $top = abs_path("$FindBin::RealBin/../..");
plan skip_all => 'the demo runs what is in build/' if Httpd::build_dir() ne abs_path("$top/build");
plan skip_all => 'php-fpm8.2 is not installed' if !Process::find_program('php-fpm8.2');

# Three ports in a row.
sub free_row {
    for (1 .. 50) {
        my $port = Httpd::free_port();
        return $port if !grep { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port + $_) } 1, 2;
    }
    die "no three free ports\n";
}

my $dir = Httpd::temporary_dir('demo');
my $port = free_row();
local %ENV = (%ENV, DEMO_DIR => "$dir/demo", DEMO_FLEET_PORT => $port,
    map { $_ => Httpd::free_port() } qw(DEMO_REDIS_PORT DEMO_FPM_ONE_PORT DEMO_FPM_TWO_PORT));

my $said = qx($top/scripts/demo fleet 2>&1);
is $?, 0, 'it starts' or diag $said;
for my $i (1 .. 3) {
    my $at = $port + $i - 1;
    like $said, qr{http://127\.0\.0\.1:$at/balancer-manager}, "web$i: its URL is printed";
    is(HttpSocket->once($at, 'GET', '/whoami.php')->{status}, 200, '... PHP responds');
    my $fleet = JSON::PP::decode_json(HttpSocket->once($at, 'GET', '/balancer-manager/v1/fleet')->{body});
    is_deeply [map { $_->{name} } @{ $fleet->{fronts} }], [qw(web1 web2 web3)], '... and it knows all fronts';
}
like qx($top/scripts/demo status), qr/^redis: running.*^web3: running|^web3: running.*^redis: running/ms, 'the status names them';
my @pids = map { open my $in, '<', $_ or die "$_: $!"; my $pid = <$in>; chomp $pid; $pid } glob "$dir/demo/run/*.pid";
is scalar(@pids), 6, 'six processes have left their ids';
$said = qx($top/scripts/demo stop 2>&1);
is $?, 0, 'it ends' or diag $said;
is_deeply [grep { Process::is_alive($_) } @pids], [], '... and with it all processes';
done_testing;
