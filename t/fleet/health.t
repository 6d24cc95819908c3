# Licensed under the Apache License, Version 2.0; see LICENSE.
# fleet=health: what other fronts see makes a front believe its own failures one sooner, and puts no member out by
# itself. One front makes the checks for all; what fails there is looked at by each, and each checks for itself
# again when nothing is heard of the others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Fleet;
use ManagerApi;

Fleet::skip_unless_testable();

my $refusing = Backend->refusing;
my $second = Backend->echo(name => 'second');

# It is well, or not, for one front: each asks for a page of its own.
my $checked = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($front) = ($request->{params}{SCRIPT_NAME} // '') =~ /(\w+)$/;
    my $is_sick = grep { $connection->is_gate_open("sick.$_") } $front // 'none', 'all';
    $connection->stdout(($is_sick ? "Status: 500 No\r\n" : '') . "Content-Type: text/plain\r\n\r\npong");
    $connection->end_request;
});

my $fleet = Fleet->start(fronts => 0, words => 'interval=100ms lease=3s', httpd => { debug_log => 'balancer_byrequests:debug' });
my @fronts = map { $fleet->start_front($_, config => <<"EOC") } qw(web1 web2 web3);
<Proxy balancer://app>
BalancerMember @{[ $refusing->url ]} maxfails=3 failwindow=600s retry=600
BalancerMember @{[ $second->url ]} lbset=1
ProxySet fleet=view,health
</Proxy>
<Proxy balancer://unshared>
BalancerMember @{[ $refusing->url ]} maxfails=3 failwindow=600s retry=600
BalancerMember @{[ $second->url ]} lbset=1
</Proxy>
<Proxy balancer://checked>
BalancerMember @{[ $checked->url ]} hcmethod=FCGI hcuri=/ping/$_ hcinterval=1s hcfails=2 hcpasses=2
ProxySet fleet=view,health
</Proxy>
ProxyPass /app/ balancer://app/srv/
ProxyPass /unshared/ balancer://unshared/srv/
ProxyPass /checked/ balancer://checked/srv/
EOC
$fleet->{fronts} = \@fronts;
$_->expect_log(qr/FC0251: .*connect_refused/, optional => 1) for @fronts;

sub fleet_of { my ($httpd) = @_; return ManagerApi->new($httpd)->get('fleet')->{json} }
sub fresh { my ($httpd) = @_; return join ' ', map { $_->{fresh} ? $_->{name} : () } @{ fleet_of($httpd)->{fronts} } }
sub first_of { my ($httpd, $balancer) = @_; return $httpd->balancer($balancer)->{members}[0] }
sub state_of { my ($httpd, $balancer) = @_; return first_of($httpd, $balancer)->{state} }
sub soon { my ($condition, $name) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return ok wait_until(40, $condition), $name }

# One request, whose first try fails.
sub fail_once { my ($httpd, $balancer) = @_; return $httpd->get("/$balancer/x")->{status} }

Fleet::comes_up($_) for @fronts;
for my $httpd (@fronts) {
    soon(sub { fresh($httpd) eq 'web1 web2 web3' }, "$httpd->{front} knows the others");
}

# ---- Evidence ----

my ($web1, $web2, $web3) = @fronts;
for my $failure (1 .. 3) {
    is state_of($web1, 'app'), 'ok', "the first front needs three failures ($failure)";
    is fail_once($web1, 'app'), 200, '... of which no client sees anything';
    fail_once($web1, 'unshared');
}
is state_of($web1, 'app'), 'error', '... then the member is out there';
is scalar($web1->log_lines(qr/FC0410: balancer:\/\/app.*other fronts/)), 0, '... by its own failures alone';

soon(sub { first_of($web2, 'app')->{fleet_failing} == 1 }, 'another front is told');
is state_of($web2, 'app'), 'ok', '... which puts nothing out there';
fail_once($web2, 'app');
is state_of($web2, 'app'), 'ok', '... nor does one failure';
fail_once($web2, 'app');
is state_of($web2, 'app'), 'error', '... but the second does';
is scalar($web2->log_lines(qr/FC0410: balancer:\/\/app.*seen failing by 1 of 2 other fronts/)), 1, '... and the log says why';

soon(sub { first_of($web3, 'app')->{fleet_failing} == 2 }, 'a third front is told of both');
is state_of($web3, 'app'), 'ok', '... and still has the member';
my ($seen) = grep { $_->{balancer} eq 'app' && $_->{name} eq $refusing->url } @{ fleet_of($web3)->{members} };
is $seen->{failing}, 2, '... /v1/fleet counts them';
like $web3->get('/balancer-manager')->{body}, qr/>at 2</, '... the page shows them';

for my $failure (1 .. 3) {
    is first_of($web2, 'unshared')->{fleet_failing}, 0, 'without fleet=health others say nothing';
    is state_of($web2, 'unshared'), 'ok', "... and three failures are needed ($failure)";
    fail_once($web2, 'unshared');
}
is state_of($web2, 'unshared'), 'error', '... then it is out';

# ---- One checks for all ----

sub checks { my ($httpd) = @_; return scalar $httpd->log_lines(qr/FC0553: balancer:\/\/checked/) }
sub maker { my ($httpd) = @_; return fleet_of($httpd)->{checks_by} // '' }

soon(sub { maker($web1) =~ /^web\d$/ && maker($web1) eq maker($web2) && maker($web1) eq maker($web3) }, 'one front makes the checks');
my ($holder) = grep { $_->{front} eq maker($web1) } @fronts;
my @others = grep { $_ != $holder } @fronts;
soon(sub { !grep { state_of($_, 'checked') ne 'ok' } @fronts }, 'the member is well everywhere');
my %before = map { $_->{front} => checks($_) } @fronts;
soon(sub { checks($holder) >= $before{ $holder->{front} } + 10 }, "$holder->{front} makes them");
cmp_ok checks($_) - $before{ $_->{front} }, '<=', 5, "... $_->{front} need not" for @others;

# ---- What fails there is looked at here ----

$checked->open_gate("sick.$holder->{front}");
soon(sub { state_of($holder, 'checked') eq 'health_fail' }, 'the one that checks cannot reach the member');
%before = map { $_->{front} => checks($_) } @fronts;
soon(sub { checks($others[0]) >= $before{ $others[0]{front} } + 3 }, 'another one looks for itself');
is state_of($_, 'checked'), 'ok', "... and keeps the member: $_->{front}" for @others;
$checked->close_gate("sick.$holder->{front}");
soon(sub { state_of($holder, 'checked') eq 'ok' }, 'it is back');

$checked->open_gate('sick.all');
soon(sub { !grep { state_of($_, 'checked') ne 'health_fail' } @fronts }, 'a member that fails is out everywhere, by the checks of each');
$checked->close_gate('sick.all');
soon(sub { !grep { state_of($_, 'checked') ne 'ok' } @fronts }, '... and back everywhere');

# ---- The one that checks ends ----

$holder->stop;
soon(sub { my $next = maker($others[0]); $next =~ /^web\d$/ && $next ne $holder->{front} }, 'when it ends another one makes the checks');
soon(sub { maker($others[0]) eq maker($others[1]) }, '... for all that are left');
@{ $fleet->{fronts} } = @others;

# ---- Alone ----

$fleet->redis->stop('KILL');
Fleet::goes_alone($_, 'refused|closed') for @others;
is maker($_), '', "alone, $_->{front} knows of nobody who checks" for @others;
%before = map { $_->{front} => checks($_) } @others;
for my $httpd (@others) {
    soon(sub { checks($httpd) >= $before{ $httpd->{front} } + 4 }, "... $httpd->{front} checks for itself");
    is first_of($httpd, 'app')->{fleet_failing}, 0, '... what others saw is over';
}
$fleet->redis->start_again;
Fleet::comes_up($_) for @others;
$fleet->stop;
done_testing;
