# Licensed under the Apache License, Version 2.0; see LICENSE.
# 100,000 requests, 32 at a time, over 2 and over 8 child processes, weights 3 and 1: the shares
# are exact to one round, elections are what the members served, and at rest nothing is in flight.
# (L-01, L-04)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum);
use Deadline;
use FastBackend;
use Httpd;

my ($ab) = grep { -x } map { "$_/ab" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'ab is not installed' if !$ab;

my $requests = $ENV{TEST_REQUESTS} || 100_000;
for my $children (2, 8) {
    my @members = map { FastBackend->start } 1 .. 2;
    # Threads enough that httpd never closes kept connections for want of them.
    my $httpd = Httpd->start(children => $children, threads => 40, config => <<"EOC");
CustomLog /dev/null "x"
LogLevel proxy_fastcgi:info
MaxKeepAliveRequests 0
<Proxy balancer://cluster>
    BalancerMember @{[ $members[0]->url ]} loadfactor=3 enablereuse=on
    BalancerMember @{[ $members[1]->url ]} loadfactor=1 enablereuse=on
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
    my $said = qx("$ab" -q -k -r -s 60 -n $requests -c 32 http://127.0.0.1:@{[ $httpd->port ]}/app/x 2>&1);
    my ($complete) = $said =~ /^Complete requests:\s+(\d+)/m;
    my ($failed)   = $said =~ /^Failed requests:\s+(\d+)/m;
    my ($non_2xx)  = $said =~ /^Non-2xx responses:\s+(\d+)/m;
    my ($per_second) = $said =~ /^Requests per second:\s+(\d+)/m;
    is $complete, $requests, "$children children: all requests are answered" or diag $said;
    is $failed, 0, '... none fails';
    is $non_2xx // 0, 0, '... each with 200';
    note "$per_second requests a second";
    my @elected = $httpd->elected;
    is sum(@elected), $requests, "... elections are requests (@elected)";
    ok abs($elected[0] - $requests * 3 / 4) <= 4,
        "... three quarters to the first member ($elected[0])";
    ok abs($elected[1] - $requests / 4) <= 4, "... one quarter to the second ($elected[1])";
    # On a busy machine a GET that a kept connection does not answer is sent again to its member.
    my $again = () = $httpd->log_lines(qr/FC0251: .*sent again on a new connection/);
    is sum(map { $_->counts->{requests} } @members), $requests + $again,
        "... and so the members served them ($again were sent again)";
    $httpd->expect_log(qr/FC0251: .*sent again on a new connection/, optional => 1);
    is $httpd->in_flight, 0, '... at rest nothing is in flight';
    $httpd->stop;
}

done_testing;
