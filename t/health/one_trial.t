# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-11: the ban of a member has ended, and fifty requests come at once over all child processes. One
# of them is the trial, the others go elsewhere until it has been answered, well or badly, or has taken
# two seconds; a trial whose child process is killed is lost, and another one takes place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

my $sick  = Backend->refusing(name => 'sick');
my @well  = map { Backend->echo(name => "well$_") } 1, 2;
my ($away, $full) = (Backend->refusing(name => 'away'), Backend->answering(sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    $connection->stdout("Content-Type: text/plain\r\n\r\nfull");
    $connection->end_request;
}, name => 'full'));
my $httpd = Httpd->start(children => 3, threads => 25, debug_log => 'balancer_byrequests:debug',
    config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $sick->url ]} maxfails=1 retry=1
    BalancerMember @{[ $well[0]->url ]}
    BalancerMember @{[ $well[1]->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
<Proxy balancer://queue>
    BalancerMember @{[ $away->url ]} maxfails=1 retry=4
    BalancerMember @{[ $full->url ]} lbset=1 maxinflight=1 queue=5 queuetimeout=20
</Proxy>
ProxyPass /queue/ balancer://queue/
EOC

sub state { return $httpd->member($sick->port, 'cluster')->{state} }
sub ban_has_ended {
    my $status = $httpd->status;
    my ($member) = map { $_->{key} eq 'cluster' ? $_->{members}[0] : () } @{ $status->{balancers} };
    return $member->{state} eq 'error' && $member->{next_trial_at} le $status->{server}{now};
}
sub fifty {
    my @clients = map { $httpd->connect } 1 .. 50;
    $_->request('GET', '/app/x', header => { Connection => 'close' }) for @clients;
    return @clients;
}
sub served_by_the_others { return map { $_->requests } @well }

# How many may try a hanging member in so many seconds: another one after 2, 4, 8, ...
sub trials_in { my ($seconds) = @_; return 1 + grep { $_ <= $seconds } map { 2 ** $_ } 1 .. 20 }

ok wait_until(5, sub { $httpd->get('/app/x'); state() eq 'error' }), 'the member is out';
$sick->listen_now(answer => sub {
    my ($connection) = @_;
    $connection->wait_for_gate('open');
    return $connection->close if $connection->wait_for_gate('bad', 0);
    $connection->stdout("Content-Type: text/plain\r\n\r\nwell again");
    $connection->end_request;
});

# ---- A trial that hangs, and fails ----

ok wait_until(5, \&ban_has_ended), 'its ban ends';
$_->forget for @well;
my $began = now_monotonic();
my @clients = fifty();
ok wait_until(20, sub { (my @r = (served_by_the_others(), $sick->requests)) == 50 }), 'fifty come at once';
my $tries = $sick->requests;
cmp_ok $tries, '>=', 1, '... one is the trial';
is state(), 'trial', '... as its state says';
cmp_ok $tries, '<=', trials_in(now_monotonic() - $began), '... and all others go elsewhere';
ok wait_until(20, sub {
    my $client = $httpd->connect;
    $client->request('GET', '/app/x', header => { Connection => 'close' });
    push @clients, $client;
    return $sick->wait_for_event('request', 2, 0.2);
}), 'it hangs: after two seconds there is another one';
$tries = $sick->requests;
cmp_ok $tries, '<=', trials_in(now_monotonic() - $began), '... and no more';
$sick->open_gate('bad');
$sick->open_gate('open');
is_deeply [grep { $_ != 200 } map { $_->read_response->{status} } @clients], [],
    'the trial fails: its requests are served elsewhere, too';
is state(), 'error', '... and the member is out again';
is scalar($httpd->log_lines(qr/FC0413: .*trial -> error \(backend_eof\), next trial in 2 s/)), 1,
    '... for longer';
is scalar($sick->requests), $tries, '... after these requests';

# ---- The child process of a trial is killed ----

$sick->close_gate($_) for 'bad', 'open';
$sick->forget;
ok wait_until(5, \&ban_has_ended), 'its ban ends again';
$httpd->mark_log;
@clients = fifty();
ok $sick->wait_for_event('request', 1), 'the next trial hangs';
my ($its_process) = map { /\[pid (\d+):/ } $httpd->log_lines(qr/FC0412/);
ok $httpd->kill_child($its_process), '... and its process is killed';
ok wait_until(20, sub {
    my $client = $httpd->connect;
    $client->request('GET', '/app/x');
    push @clients, $client;
    return $sick->wait_for_event('request', 2, 0.2);
}), 'the trial of a dead process is lost: there is another one';
is state(), 'trial', '... the state says so';
$sick->open_gate('open');

# ---- A trial that goes well ----

ok wait_until(10, sub { state() eq 'ok' }), 'it goes well: the member is back';
is scalar($httpd->log_lines(qr/FC0411: .*error -> ok \(trial\)/)), 1, '... which is one line';
$sick->forget;
is $httpd->get('/app/x')->{status}, 200, 'all is well' for 1 .. 6;
ok wait_until(5, sub { (my @r = $sick->requests) == 2 }), '... and it has its turns';

# ---- A ban ends while requests wait for another member ----

my @waiting = map { $httpd->connect } 1 .. 4;
$waiting[0]->request('GET', '/queue/x', header => { Connection => 'close' });
ok $full->wait_for_event('request', 1), 'a member is out, the other one full';
$_->request('GET', '/queue/x', header => { Connection => 'close' }) for @waiting[1 .. 3];
is $httpd->member($away->port, 'queue')->{state}, 'error', '... the rest wait';
$away->listen_now(answer => sub {
    $_[0]->stdout("Content-Type: text/plain\r\n\r\naway");
    $_[0]->end_request;
});
ok wait_until(10, sub { (my @r = $away->requests) == 3 }), '... until the first one is back';
$full->open_gate('open');
is_deeply [sort map { $_->read_response->{body} } @waiting], ['away', 'away', 'away', 'full'],
    '... which serves them';
is $httpd->in_flight($_), 0, "$_: nothing in flight" for 'cluster', 'queue';

$httpd->expect_log(qr/FC0251: .*(?:connect_refused|backend_eof).*another member gets it/);
$httpd->expect_log(qr/AH00052: .*signal Killed/, optional => 1);
$httpd->stop;
$_->stop for $sick, @well, $away, $full;

done_testing;
