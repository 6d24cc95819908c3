# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-11: a member that has checks is asked by one of them before a request is risked on it: when its ban
# is over, however long its interval is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

my $sick = Backend->answering(sub {
    my ($connection, $request) = @_;
    my $is_check = $request->{params}{SCRIPT_NAME} eq '/ping';
    return $connection->close if !$is_check && !$connection->wait_for_gate('well', 0);
    my $status = $is_check && !$connection->wait_for_gate('checks', 0) ? '500 Sick' : '200 OK';
    $connection->stdout("Status: $status\r\nContent-Type: text/plain\r\n\r\nsick");
    $connection->end_request;
});
my $well = Backend->saying('well');
my $httpd = Httpd->start(children => 2, threads => 16, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $sick->url ]} maxfails=1 retry=1 hcmethod=GET hcuri=/ping hcinterval=1s hcfails=1000
    BalancerMember @{[ $well->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

sub names { return map { $_->{params}{SCRIPT_NAME} } $sick->requests }
sub requests { return scalar grep { $_ ne '/ping' } names() }
sub checks { return scalar grep { $_ eq '/ping' } names() }
sub state { return $httpd->member($sick->port)->{state} }

ok wait_until(10, sub { $httpd->get('/app/x'); state() eq 'error' }), 'a member dies on a request: it is out';
my $before = requests();
my $seen = checks();
ok wait_until(10, sub { $httpd->get('/app/x'); checks() >= $seen + 3 }), 'its checks go on, and fail';
is requests(), $before, '... so that no request is risked on it, although its ban is over';
is state(), 'error', '... it stays out';
$sick->open_gate('well');
$sick->open_gate('checks');
ok wait_until(10, sub { $httpd->get('/app/x'); state() eq 'ok' }), 'a check goes well: a trial, and it is back';
cmp_ok requests(), '>', $before, '... it is served requests again';

$httpd->expect_log(qr/FC0410: .*ok -> error/);
$httpd->expect_log(qr/FC0411: .*error -> ok/);
$httpd->expect_log(qr/FC0251/);
$httpd->stop;

done_testing;
