# Licensed under the Apache License, Version 2.0; see LICENSE.
# A new fleet divides its limits when as many fronts have met as fronts= says; a front without its part says so, and
# differs from one without limits. One that is gone keeps its part until an operator has it forgotten, on the page or
# by JSON: then the others have it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fleet;
use ManagerApi;
use ManagerForm;

Fleet::skip_unless_testable();

my $limited = 'fcgi://127.0.0.1:1';
my $free    = 'fcgi://127.0.0.1:2';
my %browser = (Accept => 'text/html,*/*;q=0.8', Origin => 'http://localhost');

my $redis = RedisServer->start;
my $fleet = Fleet->start(fronts => 1, redis => $redis, words => 'fronts=2 interval=200ms lease=2s', config => <<"EOC");
<Proxy balancer://app>
    BalancerMember $limited maxinflight=9
    BalancerMember $free
    ProxySet fleet=view,limits
</Proxy>
<Location /operators>
    SetHandler balancer-manager
    BalancerManagerRequire operate all granted
</Location>
EOC
my ($web1) = $fleet->fronts;

sub fleet_at { my ($front) = @_; return ManagerApi->new($front)->get('fleet')->{json} }
sub joined { my ($front) = @_; return join ' ', map { "$_->{name}=" . ($_->{joined} // 'null') } @{ fleet_at($front)->{fronts} } }
# What each front has of a member: now, and always.
sub parts {
    my ($front, $name) = @_;
    my ($member) = grep { $_->{name} eq $name } @{ fleet_at($front)->{members} };
    return join ' ', map { "$_->{front}=" . join('/', map { $_ // 'null' } @$_{qw(share floor)}) } @{ $member->{parts} };
}
sub becomes {
    my ($what, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is;
    return ok(wait_until(30, sub { ($is = $what->()) eq $expected }), $name) || diag "it is $is";
}
sub page { my ($front, $path) = @_; return $front->get($path // '/balancer-manager', header => \%browser)->{body} }

# ---- As many as are expected ----

Fleet::comes_up($web1);
ok $web1->wait_for_log(qr/FC0543: fleet: web1 has no part yet in shared limits, .*: 1 of fronts=2 have met/),
    'one of two fronts has no part, and says so';
becomes(sub { parts($web1, $limited) }, 'web1=0/0', '... so does /v1/fleet');
is parts($web1, $free), 'web1=null/null', '... which is not as without a limit';
ok !fleet_at($web1)->{fronts}[0]{joined}, '... it has not joined';
like page($web1), qr/has not joined yet/, '... nor on the page';

push @{ $fleet->{fronts} }, my $web2 = $fleet->start_front('web2');
becomes(sub { parts($web1, $limited) }, 'web1=5/5 web2=4/4', 'two of two have their parts');
is joined($web1), 'web1=1 web2=1', '... and have joined';
unlike page($web1), qr/has not joined yet/, '... as the page says';
push @{ $fleet->{fronts} }, my $web3 = $fleet->start_front('web3');
becomes(sub { parts($_, $limited) }, 'web1=3/3 web2=3/3 web3=3/3', "$_->{front}: a third one gets its part") for $web1, $web2, $web3;

# ---- One that is gone, and is forgotten on the page ----

$web3->stop;
pop @{ $fleet->{fronts} };
my $button = qr/<button aria-label="Forget web3">/;
ok wait_until(30, sub { page($web1) =~ $button }), 'a front that is gone can be forgotten on the page';
unlike page($web1), qr/Forget web2/, '... one that is in contact cannot';
unlike page($web1, '/operators'), $button, '... nor can it be by who may not edit';
is parts($web1, $limited), 'web1=3/3 web2=3/3 web3=3/3', '... it keeps its part';

sub forget { my ($fields, %o) = @_; return ManagerForm::post($web1, [ forget => 'web3', @$fields ], header => \%browser, %o) }
is forget([], page => '/operators')->{status}, 403, 'who may not edit has no front forgotten';
is forget([ nonce => 'x' ])->{status}, 403, '... nor has a foreign page';
my $answer = forget([]);
like $answer->{body}, qr/Forget web3\?.*Its part of shared limits goes to the other fronts.*stop it first/s, 'the page asks first';
is joined($web1), 'web1=1 web2=1 web3=1', '... and has done nothing';
$answer = forget([ confirm => 1 ]);
is $answer->{status}, 303, 'when that is confirmed';
like page($web1, '/balancer-manager' . $answer->{header}{location}), qr/front web3: forgotten/, '... the page says so';
becomes(sub { parts($_, $limited) }, 'web1=5/5 web2=4/4', "$_->{front}: ... and the others have its part") for $web1, $web2;
my ($entry) = grep { $_->{outcome} eq 'changed' } ManagerApi->new($web1)->audit;
is "$entry->{what} $entry->{before} $entry->{after}", 'front web3 forgotten', '... as the audit says';
$answer = forget([ confirm => 1 ]);
is $answer->{status}, 409, 'nobody is forgotten twice';
like $answer->{body}, qr/no front is called web3/, '... and the page says why';

# ---- ... and comes back ----

push @{ $fleet->{fronts} }, $web3 = $fleet->start_front('web3');
becomes(sub { parts($web1, $limited) }, 'web1=3/3 web2=3/3 web3=3/3', 'one that was forgotten and comes back joins like a new one');
$fleet->stop;

# ---- New, and alone ----

$redis->stop;
$fleet = Fleet->start(fronts => 1, redis => $redis, config => $fleet->{config});
($web1) = $fleet->fronts;
$web1->expect_log(qr/FC0573: fleet: web1 has no part yet/, times => 1);
Fleet::goes_alone($web1, 'refused');
ok $web1->wait_for_log(qr/FC0573/), 'a new front that has met nobody says that it has no part';
is parts($web1, $limited), 'web1=0/0', '... in /v1/fleet, too';
like page($web1), qr/has not joined yet/, '... and on the page';
$redis->start_again;
becomes(sub { parts($web1, $limited) }, 'web1=9/9', '... until the store is there');
$fleet->stop;

done_testing;
