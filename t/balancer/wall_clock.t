# Licensed under the Apache License, Version 2.0; see LICENSE.
# Somebody sets the clock, by an hour forward or back, while requests wait, members drain, are banned
# and leave: whatever takes its time takes as long as before, and what is shown is right by the new
# clock.
#
# Nothing is parked here, whatever TEST_PARKING says: libfaketime takes a timerfd of the monotonic
# clock for one of the wall clock.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Time::Local qw(timegm);
use Backend;
use Deadline;
use Httpd;
use ManagerApi;
use ManagerForm;

plan skip_all => 'no libfaketime that works here' if !Httpd::can_set_clock();

use constant HOUR => 3600;

my ($httpd, $gated, %well, %sick);

sub cluster {
    my ($name, @lines) = @_;
    return join "\n", "<Proxy balancer://$name>", (map { "    $_" } @lines), '</Proxy>',
        "ProxyPass /$name/ balancer://$name/", '';
}

sub start_everything {
    $gated = Backend->answering(sub {
        my ($connection) = @_;
        $connection->wait_for_gate('open', 30);
        $connection->stdout("Content-Type: text/plain\r\n\r\ndone");
        $connection->end_request;
    });
    %well = map { $_ => Backend->echo } qw(drained stays leaves checked);
    %sick = map { $_ => Backend->refusing } qw(banned short struck);
    my %url = map { $_ => ($well{$_} // $sick{$_})->url } keys %well, keys %sick;
    my $stays = $url{stays};
    $httpd = Httpd->start(own_clock => 1, children => 2, threads => 8, config => "ProxyFCGIPark Off\n"
        . cluster('queue', 'BalancerMember ' . $gated->url . ' maxinflight=1 queue=9 queuetimeout=3s')
        . cluster('patient', "BalancerMember $stays status=+D", 'ProxySet timeout=3')
        . cluster('drain', "BalancerMember $url{drained}", "BalancerMember $stays")
        . cluster('ban', "BalancerMember $url{banned} maxfails=1 retry=600",
                  "BalancerMember $url{short} maxfails=1 retry=3", "BalancerMember $stays")
        . cluster('strikes', "BalancerMember $url{struck} maxfails=2 failwindow=60s retry=600",
                  "BalancerMember $stays")
        . cluster('leave', "BalancerMember $url{leaves}", "BalancerMember $stays")
        . cluster('check', "BalancerMember $url{checked} hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=5s"));
    $httpd->expect_log(qr/FC0251: .*connect_refused/, optional => 1);
    return;
}

sub status_of { my ($name, $backend) = @_; return $httpd->member($backend->port, $name) }
sub seconds {
    my ($text) = @_;
    my ($y, $mon, $d, $h, $min, $s) = $text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "time: $text";
    return timegm(0, $min, $h, $d, $mon - 1, $y) + $s;
}
# How long ago, by the server's own clock; negative: that is to come.
sub age { my ($time) = @_; return seconds($httpd->status->{server}{now}) - seconds($time) }
sub patch {
    my ($name, $backend, $data) = @_;
    return ManagerApi->new($httpd)->patch(ManagerApi::member_path($name, $backend->url), $data);
}
sub request {
    my ($path) = @_;
    my $client = $httpd->connect;
    $client->request('GET', $path, header => { Connection => 'close' });
    return $client;
}
sub is_within {
    my ($value, $low, $high, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok $value >= $low && $value <= $high * $Deadline::STRETCH, "$name ($value)";
}
# The longest it may take is that of a machine at rest.
sub has_taken {
    my ($since, $least, $most, $name) = @_;
    my $took = now_monotonic() - $since;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    cmp_ok $took, '>=', $least, $name;
    return in_time($took, $most, '... and no longer');
}

for my $jump ([-HOUR(), 'back'], [HOUR(), 'forward']) {
    my ($seconds, $word) = @$jump;
    start_everything();
    my $now = now_monotonic();

    # ---- What has begun before ----

    my $holder = request('/queue/x');
    ok wait_until(10, sub { $httpd->in_flight('queue') == 1 }), "$word: a request is at its member";
    is patch('drain', $well{drained}, { state => 'drain', drain_deadline => 4 })->{status}, 200, '... one drains';
    is patch('leave', $well{leaves}, { weight => 2 })->{status}, 200, '... the API is there';
    ok wait_until(10, sub { $httpd->get('/ban/x'); status_of('ban', $sick{$_})->{state} eq 'error' }),
        "... $_ is out" for qw(banned short);
    ok wait_until(10, sub { $httpd->get('/strikes/x'); status_of('strikes', $sick{struck})->{strikes} }),
        '... one failure counts';
    my $token = ManagerApi->new($httpd)->token;
    my $waiting = request('/queue/y');
    my $patient = request('/patient/x');
    ok wait_until(10, sub { $httpd->balancer('queue')->{queued} == 1 }), '... one waits in the queue';
    my $began = now_monotonic();
    my $next_trial = -age(status_of('ban', $sick{banned})->{next_trial_at});

    $httpd->set_clock($seconds);

    # ---- What is shown ----

    is_within age($httpd->balancer('queue')->{counted_since}), 0, 60, "$word: counted since: not an hour ago";
    is_within age(status_of('drain', $well{drained})->{state_since}), 0, 60, '... a state began a moment ago';
    is_within -age(status_of('ban', $sick{banned})->{next_trial_at}), $next_trial - 30, $next_trial + 1,
        '... the next trial';
    is_within age(status_of('ban', $sick{banned})->{last_error_at}), 0, 60, '... the last error';
    is_within age(status_of('check', $well{checked})->{check}{at}), -0.2, 60, '... the last check';

    # ---- Who waits ----

    is $waiting->read_response->{status}, 503, "$word: who waited in the queue is refused";
    has_taken($began, 2.2, 25, '... when its time is up');
    is $patient->read_response->{status}, 503, '... who waited for a member, too';
    has_taken($began, 2.2, 25, '... likewise');
    $waiting = request('/queue/z');
    ok wait_until(10, sub { $httpd->balancer('queue')->{queued} == 1 }), '... another one waits';
    $httpd->set_clock(0);
    $gated->open_gate('open');
    is $_->read_response->{body}, 'done', '... is served when the clock was set right' for $holder, $waiting;
    $httpd->set_clock($seconds);
    my $queue = status_of('queue', $gated)->{times}{queue};
    is $queue->{count}, 1, '... its wait is counted';
    is_within $queue->{sum_us} / 1e6, 0.001, 30, '... and how long it was';

    # ---- Who drains, is out, leaves ----

    ok wait_until(15, sub { status_of('drain', $well{drained})->{state} eq 'disabled' }),
        "$word: a drain comes to its end";
    has_taken($now, 3.9, 20, '... in its time');
    is patch('drain', $well{drained}, { state => 'drain', drain_deadline => 600 })->{status}, 200, '... a long one';
    is_within -age(status_of('drain', $well{drained})->{drain_until}), 500, 601, '... until';
    $httpd->set_clock(0);
    is_within -age(status_of('drain', $well{drained})->{drain_until}), 500, 601,
        '... moves with the clock';
    is status_of('drain', $well{drained})->{state}, 'draining', '... and goes on';
    $httpd->set_clock($seconds);
    ok $httpd->graceful, "$word: a graceful restart by another clock";
    is_within -age(status_of('drain', $well{drained})->{drain_until}), 500, 601, '... changes no deadline';
    is status_of('ban', $sick{banned})->{state}, 'error', '... who is out stays out';
    $sick{short}->listen_now(answer => sub {
        my ($connection) = @_;
        $connection->stdout("Content-Type: text/plain\r\n\r\nback");
        $connection->end_request;
    });
    ok wait_until(15, sub { $httpd->get('/ban/x'); status_of('ban', $sick{short})->{state} eq 'ok' }),
        '... until its time is over';
    is status_of('ban', $sick{banned})->{state}, 'error', '... and the other one not yet';
    is status_of('strikes', $sick{struck})->{strikes}, 1, '... a failure counts as before';
    ok wait_until(10, sub { $httpd->get('/strikes/x'); status_of('strikes', $sick{struck})->{state} eq 'error' }),
        '... with a second one the member is out';
    my $api = ManagerApi->new($httpd);
    is $api->delete(ManagerApi::member_path('leave', $well{leaves}->url))->{status}, 202, '... a member leaves';
    $httpd->set_clock(0);
    ok wait_until(15, sub { !grep { $_->{port} == $well{leaves}->port } @{ $httpd->balancer('leave')->{members} } }),
        '... and has left';

    # ---- The last minutes ----

    my $passes = status_of('check', $well{checked})->{check}{passes};
    ok wait_until(10, sub { status_of('check', $well{checked})->{check}{passes} > $passes }),
        "$word: checks go on";
    ok wait_until(10, sub { (my @ages = @{ $httpd->balancer('queue')->{past}{age_s} }) >= 2 }), '... samples are made';
    my @ages = @{ $httpd->balancer('queue')->{past}{age_s} };
    is_within $_, 0, 120, '... an age' for $ages[0], $ages[-1];
    is_within $_, 0, 1000, '... a rate' for @{ $httpd->balancer('queue')->{past}{requests_per_s} };

    # ---- A token of the page ----

    $httpd->set_clock(24 * $seconds);
    my $answer = ManagerForm::post($httpd, [b => 'drain', w => $well{drained}->url, w_lf => 3, nonce => $token],
        header => { Origin => 'http://localhost' });
    is status_of('drain', $well{drained})->{weight}, 3, '... the token of a page is as good as before'
        or diag $answer->{status}, $answer->{body} =~ /<p>(.*?)<\/p>/;
    $httpd->expect_log(qr/FC0425: balancer:\/\/queue: queue_timeout after [3-9]\d\d\d ms/, times => 1);
    $httpd->expect_log(qr/FC0422: balancer:\/\/patient/, times => 1);
    $httpd->stop;
}

done_testing;
