# Licensed under the Apache License, Version 2.0; see LICENSE.
# maxuses= ends a kept connection after so many requests, idletimeout= after so long a silence,
# without any traffic.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

# Notes when its peer has closed.
sub watching {
    return Backend->start(name => $_[0], script => sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->stdout("Content-Type: text/plain\r\n\r\n$connection->{number}");
            $connection->end_request;
            last if !$request->{keep};
        }
        $connection->wait_for_close;
    });
}
my ($used, $quiet, $busy, $default) = map { watching($_) } qw(used quiet busy default);
my $httpd = Httpd->start(children => 1, threads => 8, in_turn => 1, config => <<"EOC");
ProxyPass /used/    @{[ $used->url('/') ]}    enablereuse=on maxuses=5
<Proxy balancer://quiet>
    BalancerMember @{[ $quiet->url ]} enablereuse=on idletimeout=1s
</Proxy>
ProxyPass /quiet/   balancer://quiet/
ProxyPass /busy/    @{[ $busy->url('/') ]}    enablereuse=on idletimeout=800ms
EOC

# ---- maxuses ----

my @on = map { $httpd->get('/used/')->{body} } 1 .. 12;
is_deeply \@on, [(1) x 5, (2) x 5, (3) x 2], 'maxuses=5: five requests on each connection';
ok $used->wait_for_event('peer_closed', 2), 'maxuses=5: a connection is closed after its fifth';
my ($fifth) = grep { $_->{number} == 5 } $used->requests;
my ($closed) = $used->events('peer_closed');
in_time($closed->{at} - $fifth->{at}, 1, '... at once, not with the next request');
is scalar(my @closed = $used->events('peer_closed')), 2, 'maxuses=5: the third one stays open';

# ---- idletimeout ----

is $httpd->get('/quiet/')->{body}, 1, 'idletimeout=1s: a request';
my $answered = now_monotonic();
ok $quiet->wait_for_event('peer_closed', 1, 4), 'idletimeout=1s: closed without any traffic';
my $quiet_for = (($quiet->events('peer_closed'))[0] // { at => 99 })->{at} - $answered;
cmp_ok $quiet_for, '>', 0.8, '... not before its time';
in_time($quiet_for, 2.5, '... and soon after it');
is $httpd->get('/quiet/')->{body}, 2, '... and the next request has a new connection';
ok $quiet->wait_for_event('peer_closed', 2, 4), '... which ends as well';

# A connection that is used now and then never gets so old, however old it is: it ends only when it
# was quiet for so long, which happens to this client on a machine that stands still at times.
my $until = now_monotonic() + 2;
my ($connection, $asked, @early) = ($httpd->get('/busy/')->{body}, now_monotonic());
while (now_monotonic() < $until) {
    select undef, undef, undef, 0.1;    # the pace of the simulated client
    my $began = now_monotonic();
    my $on = $httpd->get('/busy/')->{body};
    push @early, now_monotonic() - $asked if $on != $connection && now_monotonic() - $asked < 0.8;
    ($connection, $asked) = ($on, $began);
}
is_deeply \@early, [], 'idletimeout=800ms: a connection in use stays';
ok $busy->wait_for_event('peer_closed', 1, 4), '... and ends when it is quiet';

# Several at once.
my @clients = map { $httpd->connect } 1 .. 4;
$_->request('GET', '/quiet/') for @clients;
is $_->read_response->{status}, 200, 'four at once: 200' for @clients;
ok wait_until(4, sub { (my @e = $quiet->events('peer_closed')) == $quiet->connections }),
    'four at once: all their connections end';
$httpd->stop;

# ---- Configuration ----

for my $good ('idletimeout=1s', 'idletimeout=500ms', 'idletimeout=2m', 'idletimeout=3', 'maxuses=1',
              'keepidle=0', 'keepidle=2', 'connectwait=3s', 'connectwait=3000ms') {
    my ($code, $said) = Httpd->configtest(
        config => "ProxyPass /x/ fcgi://127.0.0.1:9/ enablereuse=on $good\n");
    is $code, 0, "$good is accepted" or diag $said;
}
for my $bad ('idletimeout=soon', 'idletimeout=-1', 'idletimeout=1h30', 'maxuses=many', 'maxuses=-1',
             'keepidle=some', 'keepidle=-2', 'connectwait=1x', 'connectwait=') {
    my ($code, $said) = Httpd->configtest(
        config => "ProxyPass /x/ fcgi://127.0.0.1:9/ enablereuse=on $bad\n");
    my ($name) = split /=/, $bad;
    isnt $code, 0, "$bad is refused";
    like $said, qr/$name/i, '... by name';
}

done_testing;
