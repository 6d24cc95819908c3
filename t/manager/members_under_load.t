# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-06: while requests run a member is added as draining, set ready, moved, removed, and another comes in
# its place, all by the JSON interface: no client sees an error, and numbers of a new member start at 0.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerApi;

my @backends = map { FastBackend->start } 1 .. 4;
my $httpd = Httpd->start(children => 3, threads => 16, config => <<"EOC");
<Proxy balancer://cluster>
BalancerMember @{[ $backends[0]->url ]} enablereuse=on
ProxySet growth=2
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
my $api = ManagerApi->new($httpd);
sub path { my ($backend) = @_; return ManagerApi::member_path('cluster', $backend->url) }
sub address { my ($backend) = @_; return '127.0.0.1:' . $backend->port }
sub requests { return $_[0]->counts->{requests} }
sub gets_requests {
    my ($backend) = @_;
    my $before = requests($backend);
    return wait_until(10, sub { requests($backend) > $before + 20 });
}

my @load = map { Load->start(port => $httpd->port, clients => 4, path => '/app/x', keep => $_) } 0, 1;
$_->wait_until_running for @load;

for my $round (1 .. 3) {
    my ($new, $moved) = @backends[1, 2];
    my $added = $api->post('balancers/cluster/members', { url => $new->url, state => 'drain' });
    is $added->{status}, 201, "round $round: added, draining" or diag $added->{body};
    my $member = $api->get(path($new))->{json};
    is_deeply [@$member{qw(state elected in_flight failures bytes_read)}], ['draining', 0, 0, 0, 0],
        '... all its numbers are 0';
    ok gets_requests($backends[0]), '... the other one goes on';
    is $api->get(path($new))->{json}{elected}, 0, '... and this one gets nothing';
    is_deeply ManagerApi::changes($api->patch(path($new), { state => 'ready' })), ['draining on -> off'], 'ready';
    ok gets_requests($new), '... it gets requests';
    is_deeply ManagerApi::changes($api->patch(path($new), { address => address($moved) })),
        ['address ' . address($new) . ' -> ' . address($moved)], 'moved to another port';
    ok gets_requests($moved), '... which gets them now';
    is $api->delete(path($moved))->{status}, 202, 'removed';
    ok wait_until(20, sub { $api->get(path($moved))->{status} == 404 }), '... and gone';
    my $before = requests($moved);
    ok gets_requests($backends[0]), '... the other one goes on';
    is requests($moved), $before, '... and this one gets nothing more';
}
is $api->post('balancers/cluster/members', { url => $backends[3]->url, state => 'ready' })->{status}, 201,
    'another one, in the slot of those';
ok gets_requests($backends[3]), '... gets requests';

for my $load (@load) {
    my $result = $load->stop;
    is_deeply [[keys %{ $result->{status} }], $result->{failed}], [[200], 0], 'no client saw an error'
        or diag explain $result->{status}, $result->{failures};
}
is $httpd->in_flight, 0, 'nothing is in flight at rest';
$httpd->stop;
done_testing;
