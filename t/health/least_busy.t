# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-16: bybusyness goes by requests in flight for their weight, over all child processes; like the
# other methods of httpd it chooses only among members that may be elected by our rules.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FastBackend;
use Httpd;
use Load;

sub hanging {
    my ($name) = @_;
    return Backend->answering(sub {
        my ($connection) = @_;
        $connection->wait_for_gate('open');
        $connection->stdout("Content-Type: text/plain\r\n\r\n$name");
        $connection->end_request;
    }, name => $name);
}
my @hanging = map { hanging($_) } 1, 2;
my @speeds = (FastBackend->start(ms => 5, processes => 2), hanging('stuck'));
my ($refusing, @rules) = (Backend->refusing, map { Backend->echo(name => $_) } qw(a b c d e));
my $rules = join '', map { <<"EOC" } qw(bybusyness bytraffic);
<Proxy balancer://$_>
    BalancerMember @{[ $refusing->url ]} maxfails=1 retry=60
    BalancerMember @{[ $rules[0]->url ]}
    BalancerMember @{[ $rules[1]->url ]} status=+D
    BalancerMember @{[ $rules[2]->url ]} status=+N
    BalancerMember @{[ $rules[3]->url ]} status=+H
    BalancerMember @{[ $rules[4]->url ]} lbset=1
    ProxySet lbmethod=$_
</Proxy>
ProxyPass /$_/ balancer://$_/
EOC
my $httpd = Httpd->start(children => 4, threads => 16,
    modules => ['lbmethod_bybusyness', 'lbmethod_bytraffic'], config => $rules . <<"EOC");
<Proxy balancer://weights>
    BalancerMember @{[ $hanging[0]->url ]} loadfactor=1
    BalancerMember @{[ $hanging[1]->url ]} loadfactor=2
    ProxySet lbmethod=bybusyness
</Proxy>
<Proxy balancer://speeds>
    BalancerMember @{[ $speeds[0]->url ]}
    BalancerMember @{[ $speeds[1]->url ]}
    ProxySet lbmethod=bybusyness
</Proxy>
ProxyPass /weights/ balancer://weights/
ProxyPass /speeds/ balancer://speeds/
EOC

# ---- 30 long requests, weights 1 and 2 ----

my @clients = map { $httpd->connect } 1 .. 30;
$_->request('GET', '/weights/x', header => { Connection => 'close' }) for @clients;
ok wait_until(20, sub { $httpd->in_flight('weights') == 30 }), '30 requests are in flight';
my @busy = map { $_->{in_flight} } @{ $httpd->balancer('weights')->{members} };
ok abs($busy[0] - 10) <= 1 && abs($busy[1] - 20) <= 1, "... 10 and 20 (@busy)";
$_->open_gate('open') for @hanging;
is_deeply [map { $_->read_response->{status} } @clients], [(200) x 30], '... all are served';
is $httpd->in_flight('weights'), 0, '... nothing is in flight';

# ---- One member that is stuck ----

my $load = Load->start(port => $httpd->port, clients => 10, path => '/speeds/x', requests => 4000);
ok wait_until(60, sub { ($httpd->elected('speeds'))[0] > 1000 }), 'beside a member that is stuck many are served';
my @elected = $httpd->elected('speeds');
cmp_ok $elected[1], '<=', 5, "... it is asked while it is the less busy one, and no more (@elected)";
cmp_ok $elected[1], '>', 0, '... but asked';
$speeds[1]->open_gate('open');
is_deeply $load->finish->{status}, { 200 => 4000 }, '... all is served';

# ---- Who may be elected ----

for my $method ('bybusyness', 'bytraffic') {
    my %by;
    $by{ Httpd::decode_json($httpd->get("/$method/x"))->{backend} }++ for 1 .. 10;
    is_deeply \%by, { a => 10 },
        "$method: not who is out, disabled, draining, a standby, of another set";
}

$httpd->expect_log(qr/FC0251: .*connect_refused.*another member gets it/, times => 2);
$httpd->stop;

done_testing;
