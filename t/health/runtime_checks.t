# Licensed under the Apache License, Version 2.0; see LICENSE.
# Checks and members that come, move and go at run time: an added one is checked as the balancer's
# defaults say, a moved one at its new address, a removed one no more.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerForm;

my @members = map { Backend->saying('pong') } 1 .. 3;
my $defaults = 'hcmethod=GET hcuri=/default hcinterval=200ms hctimeout=5s';
for my $beside (0, 1) {
    $_->forget for @members;
    my $httpd = Httpd->start(children => 3, threads => 8,
        modules => $beside ? [qw(watchdog proxy_hcheck)] : [], config => <<"EOC");
<Proxy balancer://cluster>
BalancerMember @{[ $members[0]->url ]} hcuri=/own
ProxySet growth=2
BalancerMemberDefaults $defaults
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
    my $with = $beside ? 'beside mod_proxy_hcheck' : 'alone';
    my $change = sub {
        my %values = (w => $members[0]->url, @_);
        return ManagerForm::post($httpd, [b => 'cluster', %values])->{status};
    };
    my $path = sub { my ($last) = reverse $_[0]->requests; return $last->{params}{SCRIPT_NAME} };

    ok $members[0]->wait_for_event('request', 2), "$with: the configured member is checked";
    is $path->($members[0]), '/own', '... by its own path';

    is $change->(b_nwrkr => $members[1]->url, b_wyes => 1), 200, 'a member is added';
    ok $members[1]->wait_for_event('request', 2), '... and checked';
    is $path->($members[1]), '/default', '... as the defaults say';
    ok wait_until(10, sub { ($httpd->member($members[1]->port)->{check} || {})->{passes} }),
        '... the manager shows it';

    is $change->(w_newaddr => '127.0.0.1:' . $members[2]->port), 200, 'the first one moves';
    ok $members[2]->wait_for_event('request', 2), '... it is checked there';
    is $path->($members[2]), '/own', '... by its own path still';
    ok wait_until(10, sub { !$httpd->member($members[0]->port) }), '... its old address is gone';

    is $change->(w => $members[1]->url, b_wdelete => 1), 200, 'the added one is removed';
    ok wait_until(10, sub { !$httpd->member($members[1]->port) }), '... and gone';
    my $seen = () = $members[1]->requests;
    my $other = () = $members[2]->requests;
    ok $members[2]->wait_for_event('request', $other + 10, 20), '... while the other is checked';
    cmp_ok scalar(() = $members[1]->requests), '<=', $seen + 1, '... it is not any more';
    $httpd->stop;
}

done_testing;
