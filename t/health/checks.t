# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-12: hcmethod on FastCGI members: what is sent, truly consecutive counts, one checking process of
# eight and another when it is killed, a member that hangs and the others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

sub answer {
    my ($connection, $status, $body) = @_;
    $connection->stdout("Status: $status\r\nContent-Type: text/plain\r\n\r\n$body");
    $connection->end_request;
    return;
}

# Answers by the number of the connection: F fails, P passes, H hangs; the last goes on for ever.
sub acting {
    my ($acts, %o) = @_;
    my @acts = split //, $acts;
    return Backend->answering(sub {
        my ($connection) = @_;
        my $act = $acts[$connection->number - 1] // $acts[-1];
        return $connection->wait_for_close(60) if $act eq 'H';
        answer($connection, $act eq 'P' ? '200 OK' : '500 Sick', "act $act");
    }, %o);
}

sub balancer {
    my ($name, @members) = @_;
    return join "\n", "<Proxy balancer://$name>", (map { "BalancerMember $_" } @members),
        '</Proxy>', "ProxyPass /$name/ balancer://$name/", '';
}

sub state_of {
    my ($httpd, $backend, $balancer) = @_;
    return $httpd->member($backend->port, $balancer)->{state};
}

sub wait_for_state {
    my ($httpd, $backend, $balancer, $state, $seconds) = @_;
    return wait_until($seconds // 10, sub { state_of($httpd, $backend, $balancer) eq $state });
}

# ---- In a row, and what is sent ----

# a busy machine answers late: that is not what these checks are about
my $fast = 'hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=5s';
{
    my $mixed = acting('FFPFFPFFPFFP');
    my $down  = acting('FFFP');            # a pass after the third: not before it is down
    my $back  = acting('FFFPFPPP');
    my $head  = acting('P');
    my $httpd = Httpd->start(debug_log => 'balancer_byrequests:debug', config =>
        balancer('mixed', $mixed->url . " $fast hcfails=3 hcpasses=2")
        . balancer('down', $down->url . " $fast hcfails=3 hcpasses=1000")
        . balancer('back', $back->url . " $fast hcfails=3 hcpasses=2")
        . balancer('head', $head->url . ' hcmethod=HEAD hcuri=/live?deep=1 hcinterval=100ms hctimeout=5s'));

    ok $mixed->wait_for_event('request', 12, 20), 'two failures of three, again and again';
    is state_of($httpd, $mixed, 'mixed'), 'ok', '... it stays up';
    is scalar(() = $httpd->log_lines(qr/FC0551: balancer:\/\/mixed/)), 0, '... all the time';

    ok wait_for_state($httpd, $down, 'down', 'health_fail'), 'three failures in a row: it is down';
    my $member = $httpd->member($down->port, 'down');
    like $member->{status}, qr/HcFl/, '... with the bit of stock';
    is $httpd->get('/down/x')->{status}, 503, '... and gets no requests';
    ok wait_until(10, sub { $httpd->member($down->port, 'down')->{check}{passes} >= 3 }),
        '... it has passed three times since';
    is state_of($httpd, $down, 'down'), 'health_fail', '... which is too few for hcpasses';

    ok $httpd->wait_for_log(qr/FC0552: balancer:\/\/back/), 'two passes in a row: it is back';
    is state_of($httpd, $back, 'back'), 'ok', '... and usable';
    is $httpd->get('/back/x')->{status}, 200, '... and gets requests';
    like +($httpd->log_lines(qr/FC0551: balancer:\/\/back/))[0],
        qr/member fcgi:.*ok -> health_fail after 3 failed checks in a row \(bad_status: GET \/ping: status 500\)/,
        '... one line says why it went';
    is scalar(() = $httpd->log_lines(qr/FC055[12]: balancer:\/\/back/)), 2, '... and one that it came';
    cmp_ok +($back->events('request'))[6]{at}, '<', now_monotonic(), '... after the seventh check';

    ok $head->wait_for_event('request'), 'HEAD';
    my ($request) = $head->requests;
    my $params = $request->{params};
    is $params->{REQUEST_METHOD}, 'HEAD', '... is the method';
    is $params->{$_}, '/live', "... $_" for qw(SCRIPT_NAME SCRIPT_FILENAME);
    is $params->{QUERY_STRING}, 'deep=1', '... the query';
    is $params->{REQUEST_URI}, '/live?deep=1', '... and both';
    is $request->{keep}, 0, '... on a connection that is not kept';
    is $request->{stdin_bytes}, 0, '... without a body';
    my $check = $httpd->member($head->port, 'head')->{check};
    is $check->{outcome}, 'ok', 'the manager knows the outcome';
    like $check->{at}, qr/^\d{4}-\d\d-\d\dT/, '... its time';
    cmp_ok $check->{took_us}, '>', 0, '... how long it took';
    is $httpd->member($head->port, 'head')->{in_flight}, 0, 'checks are no requests in flight';
    is_deeply [$httpd->elected('head')], [0], '... and no elections';
    $httpd->expect_log(qr/FC0422: balancer:\/\/down/);
    $httpd->stop;
}

done_testing;
