# Licensed under the Apache License, Version 2.0; see LICENSE.
# What an operator does on one front of a fleet holds on all of them, under load, and on one that starts later.
# The audit of each says who it was. A change with scope=front stays where it was made.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Fleet;
use FleetOperator;
use Load;

Fleet::skip_unless_testable();

my @backends = map { FastBackend->start } 1 .. 4;
my ($one, $two, $new, $moved) = map { $_->url } @backends;
my $fleet = Fleet->start(httpd => FleetOperator::httpd(), config => FleetOperator::config() . <<"EOC");
<Proxy balancer://app>
BalancerMember $one
BalancerMember $two
ProxySet growth=3
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my @fronts = $fleet->fronts;
Fleet::comes_up($_) for @fronts;
my ($bob, $eve, $ann) = map { FleetOperator->new($fronts[$_], qw(bob eve ann)[$_]) } 0 .. 2;
my @operators = ($bob, $eve, $ann);

# One test result: soon a member is so on all fronts. How long it took is told.
sub holds {
    my ($name, $url, $check, @where) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $began = now_monotonic();
    @where = @operators if !@where;
    my $held = ok wait_until(20, sub { !grep { my $member = $_->member($url); !$member || !$check->($member) } @where }), $name;
    note sprintf '%s: %.0f ms', $name, 1000 * (now_monotonic() - $began) if $held;
    diag explain [map { $_->member($url) } @where] if !$held;
    return $held;
}

# ---- Each kind of change, on any front ----

my @load = map { Load->start(port => $_->port, clients => 2, path => '/app/x', pause => 0.005) } @fronts;

is $bob->patch($one, { state => 'drain', drain_deadline => 600 })->{status}, 200, 'bob drains a member on web1';
holds('it drains on all, and ends', $one, sub { $_[0]{state} eq 'draining' && $_[0]{drain_until} });
is $eve->patch($one, { state => 'ready' })->{status}, 200, 'eve ends that on web2';
holds('it is back on all', $one, sub { $_[0]{state} eq 'ok' && !$_[0]{drain_until} });
is $ann->patch($one, { state => 'disable' })->{status}, 200, 'ann disables it on web3';
holds('it is disabled on all', $one, sub { $_[0]{state} eq 'disabled' });
is $ann->patch($one, { state => 'ready', weight => 2.5, limit => 7 })->{status}, 200, '... and enables it with other values';
holds('weight and limit hold on all', $one,
    sub { $_[0]{state} eq 'ok' && $_[0]{weight} == 2.5 && $_[0]{limit} == 7 });
is $bob->form(w => $one, w_lf => 4)->{status}, 200, 'a form';
holds('what a form changes holds on all, too', $one, sub { $_[0]{weight} == 4 });
is $eve->patch('', { timeout => 5 })->{status}, 200, 'a setting of the balancer';
ok wait_until(20, sub { !grep { $_->balancer->{timeout_us} != 5_000_000 } @operators }), '... on all';

is $bob->post({ url => $new, state => 'ready', weight => 3 })->{status}, 201, 'a member is added';
holds('it serves on all', $new, sub { $_[0]{state} eq 'ok' && $_[0]{weight} == 3 });
is $eve->patch($two, { address => $moved =~ s{^fcgi://}{}r })->{status}, 200, 'a configured member is moved';
holds('it is there on all', $moved, sub { $_[0]{state} eq 'ok' });
is $ann->patch($new, { address => $two =~ s{^fcgi://}{}r })->{status}, 200, 'the added one is moved, to where that was';
holds('... with its settings', $two, sub { $_[0]{state} eq 'ok' && $_[0]{weight} == 3 });
is $bob->delete($two)->{status}, 202, 'it is removed';
ok wait_until(20, sub { !grep { $_->member($two) } @operators }), '... on all';

for my $load (@load) {
    my $result = $load->stop;
    is_deeply [[keys %{ $result->{status} }], $result->{failed}], [[200], 0], "no request failed ($result->{requests})";
}

# ---- Who it was ----

my ($first) = grep { $_->{what} eq 'draining' && $_->{after} eq 'on' } $ann->audit;
is_deeply [@$first{qw(user address member before scope)}], ['bob on web1', '', $one, 'off', 'fleet'],
    'the audit of another front tells who it was, and where';
($first) = grep { $_->{what} eq 'draining' && $_->{after} eq 'on' } $bob->audit;
is_deeply [@$first{qw(user scope)}], ['bob', 'fleet'], '... his own has him alone';
like $ann->page, qr{by bob on web1</small>}, '... and so has the page';

# ---- For one front alone ----

is $bob->patch($one, { weight => 9, scope => 'front' })->{status}, 200, 'scope=front';
is $bob->patch($one, { limit => 8 })->{status}, 200, '... and then a change for all';
holds('... which holds on all', $one, sub { $_[0]{limit} == 8 });
holds('... and the other one there alone', $one, sub { $_[0]{weight} == 9 }, $bob);
holds('', $one, sub { $_[0]{weight} == 4 }, $eve, $ann);
my ($change) = grep { $_->{setting} eq 'weight' } @{ $bob->{api}->get('fleet')->{json}{changes} };
is_deeply [@$change{qw(balancer member value by front here)}], ['app', $one, '4.00', 'bob', 'web1', 'overridden'], '... /v1/fleet says so';
my ($mine) = grep { $_->{what} eq 'weight' } $bob->audit;
is $mine->{scope}, 'front', '... its audit says so';
is $eve->form(w => $one, w_ls => 2, scope => 'front')->{status}, 200, 'a form may say so, too';
is $eve->patch($one, { scope => 'all' })->{status}, 400, 'there is no other scope';
is $eve->patch($one, { weight => 6 })->{status}, 200, 'a later change for all';
holds('... holds there as well', $one, sub { $_[0]{weight} == 6 });
is_deeply [map { $_->member($one)->{lbset} } @operators], [0, 2, 0], '... the form was for web2 alone';
like $bob->page("?b=app&amp;w=$one"), qr{name="scope" value="front"}, 'the page asks';

# ---- One that starts later, and a store that forgets ----

$fleet->redis->ask('FLUSHALL');
my $late = $fleet->start_front('web4');
Fleet::comes_up($late);
my $zoe = FleetOperator->new($late, 'zoe');
holds('one that starts later knows, though the store has forgotten', $one,
    sub { $_[0]{weight} == 6 && $_[0]{limit} == 8 }, $zoe);
holds('... also who has moved', $moved, sub { $_[0]{state} eq 'ok' }, $zoe);
ok !$zoe->member($two), '... and who was removed';
is $zoe->balancer->{timeout_us}, 5_000_000, '... and what the balancer is told';
$late->stop;
$fleet->stop;

done_testing;
