# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-04: good requests, clients that leave, backends that die, refuse and are too slow, failovers and a
# queue, all at once over 4 children: no count is ever above its limit, and at rest all are 0.
# TEST_REQUESTS=100000 for the long form.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Backend;
use FastBackend;
use Httpd;
use Load;
use Process;

my $requests = $ENV{TEST_REQUESTS} || 8000;
my $fast = FastBackend->start;
my $slow = FastBackend->start(ms => 5);
my $dies = Backend->answering(sub {
    my ($connection, $request) = @_;
    return $connection->close if rand() < 0.5;
    $connection->stdout("Content-Type: text/plain\r\n\r\nalive");
    $connection->end_request;
});
my $refuses = Backend->refusing;
my $httpd = Httpd->start(children => 4, threads => 24, config => <<"EOC");
CustomLog /dev/null "x"
<Proxy balancer://cluster>
    BalancerMemberDefaults queue=40 queuetimeout=20s
    BalancerMember @{[ $fast->url ]} maxinflight=8 status=+I enablereuse=on
    BalancerMember @{[ $slow->url ]} maxinflight=4 status=+I firstbyte=50ms
    BalancerMember @{[ $dies->url ]} maxinflight=2 status=+I
    BalancerMember @{[ $refuses->url ]} maxinflight=2 status=+I
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
my %limit = map { $_->{url} => $_->{limit} } @{ $httpd->balancer->{members} };

# Good ones, some of which take too long.
my $load = Load->start(port => $httpd->port, clients => 24, requests => $requests, keep => 1,
    path => sub { my ($client, $n) = @_; ($client + $n) % 50 ? '/app/x' : '/app/x?ms=80' });
# Clients that leave at any time.
my @leavers = map {
    Process->start(name => "leaver $_", run => sub {
        while (!-e "$load->{dir}/stop") {
            my $socket = eval { HttpSocket->connect($httpd->port) } or next;
            $socket->request('GET', '/app/x?ms=20');
            select undef, undef, undef, rand 0.03;    # at any time
            $socket->abort;
        }
    })
} 1 .. 4;

my (@above, $most, $samples);
wait_until(100, sub {
    for my $member (@{ $httpd->balancer->{members} }) {
        push @above, "$member->{url}: $member->{in_flight}"
            if $member->{in_flight} > $limit{ $member->{url} };
        $most = $member->{in_flight} if $member->{in_flight} > ($most // 0);
    }
    $samples++;
    return (my @done = glob "$load->{dir}/result.*[0-9]") >= 24;
});
my $result = $load->stop;
$_->wait_for_end(20) or $_->stop('KILL') for @leavers;

is $result->{requests}, $requests, 'every request had an end';
is $result->{failed}, 0, 'none without a whole answer' or diag explain $result->{failures};
# by the fast member and by the one that dies at times: the third is too slow on a slow machine
cmp_ok $result->{status}{200}, '>', $requests * 0.5, 'most were served'
    or diag explain $result->{status};
is scalar(grep { !/^(?:200|502|503|504)$/ } keys %{ $result->{status} }), 0, 'all with a status that fits';
is_deeply \@above, [], "in $samples looks no count was above its limit";
cmp_ok $most, '>', 2, "... and they were not always 0 (up to $most)";
my $rest = sub { $httpd->in_flight + $httpd->balancer->{queued} };
ok wait_until(10, sub { $rest->() == 0 }), 'at rest nothing is in flight and nobody waits'
    or diag explain $httpd->balancer;
my @members = @{ $httpd->balancer->{members} };
is_deeply [map { $_->{queued} } @members], [0, 0, 0, 0], '... at no member';
is $fast->counts->{in_flight}, 0, '... and the backends say so too';
is $slow->counts->{in_flight}, 0, '... both';

$httpd->expect_log(qr/FC0251/);
$httpd->expect_log(qr/FC041[0-9]|FC042[0-9]/, optional => 1);
$httpd->stop;

done_testing;
