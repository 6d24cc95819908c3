# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-10: a URL that kills any backend, twenty times among good traffic: the good traffic is always
# served, no bad request gets more than two backends, and no balancer is left without a member.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;
use Load;

sub mortal {
    my ($name) = @_;
    return Backend->answering(sub {
        my ($connection, $request) = @_;
        return $connection->close if $request->{params}{REQUEST_URI} =~ /poison/;
        $connection->stdout("Content-Type: text/plain\r\n\r\n$name");
        $connection->end_request;
    }, name => $name);
}
my @three = map { mortal($_) } qw(a b c);
my $alone = mortal('alone');
my $httpd = Httpd->start(children => 2, config => <<"EOC");
<Proxy balancer://three>
    @{[ join "\n    ", map { 'BalancerMember ' . $_->url } @three ]}
</Proxy>
<Proxy balancer://alone>
    BalancerMember @{[ $alone->url ]}
</Proxy>
ProxyPass /three/ balancer://three/
ProxyPass /alone/ balancer://alone/
EOC

for my $balancer ('three', 'alone') {
    my @backends = $balancer eq 'three' ? @three : $alone;
    my $load = Load->start(port => $httpd->port, clients => 4, path => "/$balancer/good");
    $load->wait_until_running;
    my @statuses = map { $httpd->get("/$balancer/poison?$_")->{status} } 1 .. 20;
    my $result = $load->stop;
    is_deeply \@statuses, [(502) x 20], "$balancer: each bad request is a 502";
    is_deeply [keys %{ $result->{status} }], [200], "$balancer: each good one is served"
        or diag explain $result->{status};
    is $result->{failed}, 0, '... and none is cut';
    my %backends_of;
    for my $backend (@backends) {
        $backends_of{ $_->{params}{QUERY_STRING} }++
            for grep { $_->{params}{REQUEST_URI} =~ /poison/ } $backend->requests;
    }
    is_deeply [sort { $a <=> $b } keys %backends_of], [1 .. 20], '... each bad one was tried';
    is_deeply [grep { $backends_of{$_} > 2 } keys %backends_of], [], '... by two backends at most';

    # Without any good traffic between them the failures look like the member's.
    $httpd->get("/$balancer/poison?$_") for 101 .. 130;
    my @in_service = grep { $_->{state} eq 'ok' } @{ $httpd->balancer($balancer)->{members} };
    cmp_ok scalar(@in_service), '>=', 1, "$balancer: nothing but bad requests: somebody stays";
    is $httpd->get("/$balancer/good")->{status}, 200, '... and serves';
    is $httpd->in_flight($balancer), 0, '... nothing is in flight';
}

$httpd->expect_log(qr/FC0251: .*backend_eof/);
$httpd->expect_log(qr/FC0422: .*no_member/, times => 0);
$httpd->stop;

done_testing;
