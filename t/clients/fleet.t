# Licensed under the Apache License, Version 2.0; see LICENSE.
# A fleet in a real browser: a change that an operator wants on this front only stays there, as does its undoing, and
# one for all does not. A front that is gone is forgotten when that was asked and confirmed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Browser;
use Deadline;
use Fleet;
use ManagerApi;

Fleet::skip_unless_testable();

my ($member, $other) = map { "fcgi://127.0.0.1:$_" } 1, 2;
my $fleet = Fleet->start(fronts => 2, config => <<"EOC");
<Proxy balancer://app>
    BalancerMember $member maxinflight=9
    ProxySet fleet=intent,view,limits
</Proxy>
<Proxy balancer://here>
    BalancerMember $other
    ProxySet fleet=none
</Proxy>
EOC
my ($web1, $web2) = $fleet->fronts;
Fleet::comes_up($_) for $web1, $web2;
ok wait_until(30, sub { $_->log_lines(qr/FC0574/) }), "$_->{front} takes part" for $web1, $web2;

sub url_of { my ($front) = @_; return 'http://127.0.0.1:' . $front->port . '/balancer-manager' }
sub change { my ($name, $front) = @_; return Browser::run('fleet.js', url => url_of($front // $web1), member => $member, other => $other, part => $name) }
sub path { return ManagerApi::member_path('app', $member) }
sub values_at { my ($front) = @_; my $is = ManagerApi->new($front)->get(path())->{json}; return "$is->{weight} $is->{limit}" }

is(ManagerApi->new($web2)->patch(path(), { weight => 6, scope => 'front' })->{status}, 200, 'web2 has a weight of its own');
change('scope');
ok wait_until(20, sub { values_at($web2) eq '6 7' }), 'what was for all is on web2, and nothing else' or diag values_at($web2);
is values_at($web1), '3 7', '... and here what was for this front, too';

$web2->stop;
pop @{ $fleet->{fronts} };
change('forget');
my ($entry) = grep { $_->{what} eq 'front' } ManagerApi->new($web1)->audit;
is "$entry->{before} $entry->{after}", 'web2 forgotten', 'the audit has it';
ok !(grep { $_->{name} eq 'web2' } @{ ManagerApi->new($web1)->get('fleet')->{json}{fronts} }), '... and no front is called so any more';

$fleet->stop;
done_testing;
