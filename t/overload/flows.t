# Licensed under the Apache License, Version 2.0; see LICENSE.
# Fair among flows: one site with 200 clients does not make nine sites with two clients wait.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Crowd;
use Deadline;
use FastBackend;
use Httpd;

my $backend = FastBackend->start(ms => 50);
my $httpd = Httpd->start(children => 2, threads => 112, config => <<"EOC");
SetEnvIfExpr "%{QUERY_STRING} =~ /site=(\\w+)/" balancer-flow=\$1
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} maxinflight=4 queue=400 queuetimeout=60s
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
my $crowd = Crowd->new(port => $httpd->port);

# Clients 0 and 1 are those of one site, 2 and 3 of the next, ...; all beyond 18 are of one.
sub load {
    my ($clients) = @_;
    my @answers = $crowd->closed_loop(clients => $clients, seconds => 6, path => sub {
        return '/app/x?site=' . ($_[0] < 18 ? 'small' . int($_[0] / 2) : 'large');
    });
    is scalar(grep { $_->{status} != 200 } @answers), 0, "$clients clients: all are served";
    return grep { $_->{path} =~ /small/ } @answers;
}

my $alone = Crowd::percentile(0.99, load(18));
my $beside = Crowd::percentile(0.99, load(218));
in_time($beside, 2 * $alone, 'the small ones wait at most twice as long as alone')
    or diag sprintf '%.3f s, alone %.3f s', $beside, $alone;

$httpd->stop;

done_testing;
