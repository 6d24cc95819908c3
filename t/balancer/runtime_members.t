# Licensed under the Apache License, Version 2.0; see LICENSE.
# Members are added, moved and removed while requests run: no client notices, and a slot that is used
# again starts with all numbers at 0.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use List::Util qw(sum);
use Deadline;
use FastBackend;
use Httpd;
use Load;
use ManagerForm;

plan skip_all => 'stock removes and moves nothing' if Httpd::is_stock();

my @members = map { FastBackend->start } 1 .. 5;
my $slow    = FastBackend->start(ms => 2000);
my $httpd   = Httpd->start(children => 3, threads => 16, debug_log => "proxy_fastcgi:info", config => <<"EOC");
<Proxy balancer://cluster>
BalancerMember @{[ $members[0]->url ]} maxuses=5 maxinflight=40 queue=100 enablereuse=on
BalancerMember @{[ $members[1]->url ]}
ProxySet growth=2
BalancerMemberDefaults maxuses=7 maxinflight=50 queue=100
</Proxy>
<Proxy balancer://slow>
BalancerMember @{[ $slow->url ]} route=s
BalancerMember http://127.0.0.1:1/a/b
</Proxy>
ProxyPass /app/ balancer://cluster/
ProxyPass /slow/ balancer://slow/ stickysession=sid
Listen 127.0.0.1:\@port2\@
<VirtualHost 127.0.0.1:\@port2\@>
ProxyPass /heir/ balancer://cluster/
</VirtualHost>
EOC

sub form {
    my ($balancer, %values) = @_;
    return ManagerForm::post($httpd, [b => $balancer, %values]);
}
sub change {
    my ($member, %values) = @_;
    my $answer = form('cluster', w => ref $member ? $member->url : $member, %values);
    is $answer->{status}, 200, join ' ', map { "$_=$values{$_}" } sort keys %values
        or diag $answer->{body};
    return $answer->{body};
}
sub add { my ($member) = @_; return change('', w => $members[0]->url, b_nwrkr => $member->url, b_wyes => 1) }
sub member { return $httpd->member($_[0]->port . '', 'cluster') }
sub requests { return $_[0]->counts->{requests} }

# New requests reach this member by and by.
sub is_used {
    my ($backend) = @_;
    my $before = requests($backend);
    return wait_until(10, sub { requests($backend) > $before + 20 });
}

my @load = map {
    Load->start(port => $httpd->port, clients => 3, path => '/app/x', keep => $_)
} 0, 1;
push @load, Load->start(port => $httpd->port2, clients => 2, path => '/heir/x');
$_->wait_until_running for @load;

# ---- Add, set ready ----

is $httpd->balancer('cluster')->{free_slots}, 2, 'growth=2: there is room for two';
is $httpd->balancer('slow')->{free_slots}, 0, '... and without growth= for none';

like add($members[2]), qr/member \Q@{[ $members[2]->url ]}\E added/, 'the manager says what was added';
is member($members[2])->{state}, 'disabled', 'a new member is disabled at first';
is_deeply [@{ member($members[2]) }{qw(elected in_flight failures bytes_read config)}], [0, 0, 0, 0, undef],
    '... all its numbers are 0';
is member($members[2])->{limit}, 50, "... it has the balancer's defaults";
my $old = requests($members[0]);
change($members[2], w_status_D => 0, w_lf => 2);
ok is_used($members[2]), '... enabled it gets requests';
cmp_ok requests($members[2]), '<=', 2 * (requests($members[0]) - $old) + 20,
    '... but twice as many as another, by its weight, and is not flooded to catch up';

# ---- Move ----

my $body = change($members[2], w_newaddr => '127.0.0.1:' . $members[3]->port);
like $body, qr{address \S+ -&gt; \S+}, 'a member can get another port';
is member($members[3])->{state}, 'ok', '... it stays enabled';
cmp_ok member($members[3])->{weight}, '==', 2, '... and keeps its settings';
my $elected = member($members[3])->{elected};
cmp_ok $elected, '<=', requests($members[3]) + 8, '... but its numbers begin anew';
ok is_used($members[3]), '... and gets requests there';
ok wait_until(10, sub { !member($members[2]) }), '... the former address is gone';
my $last = requests($members[2]);
ok is_used($members[3]), '... more of them';
is requests($members[2]), $last, '... and none comes to the former one any more';

# ---- Remove, add another ----

like change($members[3], b_wdelete => 1), qr/member \S+ removed/, 'a member can be removed';
ok wait_until(10, sub { !member($members[3]) }), '... and is gone';
is $httpd->balancer('cluster')->{free_slots}, 2, '... its slot is free';
for my $round (1 .. 3) {
    add($_) for @members[2, 4];
    is_deeply [map { @{ member($_) }{qw(elected in_flight)} } @members[2, 4]], [0, 0, 0, 0],
        "round $round: slots are used again, with numbers at 0";
    like form('cluster', b_nwrkr => 'fcgi://127.0.0.1:1', b_wyes => 1)->{body}, qr/no free slot/,
        '... and not one more';
    change($_, w_status_D => 0) for @members[2, 4];
    ok is_used($_), '... they get requests' for @members[2, 4];
    change($_, b_wdelete => 1) for @members[2, 4];
}
# A member of the configuration can go as well.
add($members[4]);
change($members[4], w_status_D => 0);
change($members[0], w_newaddr => 'localhost:' . $members[3]->port);
ok is_used($members[3]), 'a member of the configuration has moved';
my $moved = $httpd->member('localhost', 'cluster');
is $moved->{config}{url}, $members[0]->url, '... and it is known which one it is';
is $moved->{limit}, 40, '... its own parameters hold there';
change($members[1], b_wdelete => 1);
ok wait_until(10, sub { @{ $httpd->balancer('cluster')->{members} } == 2 }), '... another is removed';

my $ok = 0;
for my $load (@load) {
    my $result = $load->stop;
    is $result->{failed}, 0, 'no client got an error' or diag join ', ', @{ $result->{failures} };
    is_deeply [keys %{ $result->{status} }], [200], '... or anything but 200' or diag explain $result->{status};
    $ok += $result->{status}{200} // 0;
}
# On a busy machine a GET that a kept connection does not answer is sent again to its member.
my $again = () = $httpd->log_lines(qr/FC0251: .*sent again on a new connection/);
$httpd->expect_log(qr/FC0251: .*sent again on a new connection/, optional => 1);
is sum(map { requests($_) } @members), $ok + $again, "each request ran once ($again were sent again)";
is $httpd->in_flight('cluster'), 0, 'nothing is in flight';

# ---- All of it outlives a graceful restart, and counts go on ----

my @before = $httpd->elected('cluster');
ok $httpd->graceful, 'graceful restart';
is_deeply [sort map { $_->{url} } @{ $httpd->balancer('cluster')->{members} }],
    [sort $members[4]->url, 'fcgi://localhost:' . $members[3]->port], 'the members are the same';
is_deeply [sort $httpd->elected('cluster')], [sort @before], '... and count on';
is_deeply [sort map { $_->{limit} } @{ $httpd->balancer('cluster')->{members} }], [40, 50],
    '... with their limits';
is $httpd->get('/app/x')->{status}, 200, '... and answer';

# ---- A member with requests goes with the last one ----

my $client = $httpd->connect;
$client->request('GET', '/slow/x?sid=x.s');
wait_until(5, sub { $httpd->in_flight('slow') == 1 });
is form('slow', w => $slow->url, b_wdelete => 1)->{status}, 200, 'a member with a request is removed';
is $httpd->member($slow->port, 'slow')->{state}, 'removing', '... and waits for its end';
is $client->read_response->{status}, 200, '... the request is answered';
ok wait_until(5, sub { !$httpd->member($slow->port, 'slow') }), '... then it is gone';

# ---- Wrong wishes ----

my %http = (w => 'http://127.0.0.1:1/a/b');
for my $case ([{ b_wdelete => 1 }, qr/last member/], [{ w_newaddr => 'nowhere' }, qr/not host:port/],
              [{ w_newaddr => '127.0.0.1:0' }, qr/not host:port/], [{ w_newaddr => 'a/b:80' }, qr/not host:port/],
              [{ w_newaddr => '127.0.0.1:1' }, qr/already has/], [{ b_wdelete => 2 }, qr/b_wdelete must/],
              [{ b_wdelete => 1, w_newaddr => '127.0.0.1:2' }, qr/not both/]) {
    my ($values, $why) = @$case;
    my $answer = form('slow', %http, %$values);
    is $answer->{status}, 400, join ' ', 'refused:', %$values;
    like $answer->{body}, $why, '... with the reason';
}
is form('slow', %http, w_newaddr => 'localhost:80')->{status}, 200, 'an http member moves as well';
is $httpd->balancer('slow')->{members}[0]{url}, 'http://localhost/a/b', '... and keeps its path';
is $httpd->post('/balancer-manager', 'b=slow&w=http://localhost/a/b&b_wdelete=1')->{status}, 403,
    'nothing goes without the nonce';
$httpd->expect_log(qr/FC0602/);
$httpd->stop;

done_testing;
