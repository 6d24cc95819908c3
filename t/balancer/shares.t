# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-01: four child processes. Three equal members share 3,000 requests evenly; weights 5, 3, 2 give
# 500, 300, 200 of 1,000, and no member has its turn more than twice in a row.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum);
use FastBackend;
use Httpd;
use Load;

# Members are told apart by the length of their answer.
my @equal  = map { FastBackend->start(bytes => $_) } 1 .. 3;
my @weight = (5, 3, 2);
my @wieldy = map { FastBackend->start(bytes => $_) } 1 .. 3;
my $equal  = join '', map { "BalancerMember @{[ $_->url ]}\n" } @equal;
my $wieldy = join '',
    map { "BalancerMember @{[ $wieldy[$_]->url ]} loadfactor=$weight[$_]\n" } 0 .. 2;
my $httpd  = Httpd->start(children => 4, threads => 25, config => <<"EOC");
<Proxy balancer://equal>
$equal
ProxySet lbmethod=byrequests
</Proxy>
<Proxy balancer://weights>
$wieldy
ProxySet lbmethod=byrequests
</Proxy>
ProxyPass /equal/ balancer://equal/
ProxyPass /weights/ balancer://weights/
EOC

# ---- 3,000 requests, 20 at a time ----

my $load = Load->start(port => $httpd->port, clients => 20, requests => 3000, path => '/equal/',
    keep => 0)->finish;
is_deeply $load->{status}, { 200 => 3000 }, 'every request is served';
my @elected = $httpd->elected('equal');
is sum(@elected), 3000, 'elected sums to exactly 3,000';
ok abs($_ - 1000) <= 20, "a member got 1,000 +- 20 ($_)" for @elected;
my @served = map { $_->counts->{requests} } @equal;
is_deeply \@elected, \@served, 'elected is what the members served';
is $httpd->in_flight('equal'), 0, 'nothing is in flight';

# ---- 1,000 requests one by one, each on a new connection ----

my @turns;
for (1 .. 1000) {
    my $response = $httpd->get('/weights/');
    push @turns, length $response->{body};
}
my %count;
$count{$_}++ for @turns;
is $count{1}, 500, 'weight 5: 500';
is $count{2}, 300, 'weight 3: 300';
is $count{3}, 200, 'weight 2: 200';
is_deeply [$httpd->elected('weights')], [500, 300, 200], 'elected says the same';
my ($longest, $run) = (1, 1);
for my $n (1 .. $#turns) {
    $run = $turns[$n] == $turns[$n - 1] ? $run + 1 : 1;
    $longest = $run if $run > $longest;
}
cmp_ok $longest, '<=', 2, 'no member more than twice in a row';
my @wrong = grep {
    my $end = $_;
    my %part;
    $part{$_}++ for @turns[$end - 9 .. $end];
    ($part{1} // 0) != 5 || ($part{2} // 0) != 3 || ($part{3} // 0) != 2;
} map { $_ * 10 - 1 } 1 .. 100;
is scalar(@wrong), 0, 'each ten requests in a row are shared 5, 3, 2';
$httpd->stop;

done_testing;
