# Licensed under the Apache License, Version 2.0; see LICENSE.
# The manual's way to set parameters for SetHandler is a worker of the name behind the '|'. When several
# sockets share that name, a kept connection serves requests for its own socket only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

my @pools = map { Backend->echo(name => $_, listen => 'unix') } 'one', 'two';
my $config = qq(<Proxy "fcgi://localhost/" enablereuse=on keepidle=8>\n</Proxy>\n);
$config .= qq(<Directory "\@docroot\@/@{[ $_->name ]}">\n    SetHandler "proxy:unix:@{[ $_->path ]}|fcgi://localhost/"\n)
         . "</Directory>\n" for @pools;
my $httpd = Httpd->start(children => 1, threads => 8, in_turn => 1, config => $config,
    files => { map { ($_->name . '/x.php' => '') } @pools });

for my $round (1 .. 4) {
    for my $pool (@pools) {
        my $name = $pool->name;
        my $seen = $httpd->json("/$name/x.php");
        is $seen->{backend}, $name, "round $round: $name answers for $name";
    }
}
is $_->connections, 1, $_->name . ': its one connection was used again' for @pools;
$httpd->stop;

done_testing;
