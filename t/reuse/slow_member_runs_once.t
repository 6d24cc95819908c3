# Licensed under the Apache License, Version 2.0; see LICENSE.
# A kept connection is not thought broken for as long as the member usually takes: a slow member does
# not get requests twice, and over TCP nothing else would tell that it works on them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use FastBackend;
use Httpd;

my $backend = FastBackend->start(ms => 400);
my $httpd = Httpd->start(children => 1, in_turn => 1, config => <<"EOC");
ProxyPass /app/ @{[ $backend->url('/srv/') ]} enablereuse=on
EOC
is $httpd->get('/app/x')->{status}, 200, "request $_" for 1 .. 4;
my $counts = $backend->counts;
is $counts->{requests}, 4, 'each was run once';
is $counts->{connections}, 1, '... on one connection';
$httpd->stop;

done_testing;
