# Licensed under the Apache License, Version 2.0; see LICENSE.
# L-09: maxfails failures within failwindow put a member out, for `retry`, and longer at each failed
# trial. maxfails=1 is stock's one strike; +I and retry=0 are never out, nor is the last usable member while
# there is a doubt; when there is none it is out, and asked all the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

# The first member of each balancer refuses; the second one takes over within the request.
my %first = (
    window  => 'retry=1 maxfails=3 failwindow=2s',
    default => '',
    one     => 'maxfails=1 retry=60',
    ignore  => 'status=+I maxfails=1',
    Httpd::is_at_least('2.5') ? () : (zero => 'retry=0 maxfails=1'),    # which refuses it
);
my $second = Backend->echo(name => 'second');
my (%refusing, $config);
for my $name (sort keys %first) {
    $refusing{$name} = Backend->refusing(name => $name);
    $config .= <<"EOC";
<Proxy balancer://$name>
    BalancerMember @{[ $refusing{$name}->url ]} $first{$name}
    BalancerMember @{[ $second->url ]} lbset=1
</Proxy>
ProxyPass /$name/ balancer://$name/
EOC
}
my ($alone, $strict) = map { Backend->refusing } 1, 2;
my $doubtful = Backend->answering(sub {
    my ($connection) = @_;
    return $connection->close if !$connection->wait_for_gate('well', 0);
    $connection->stdout("Content-Type: text/plain\r\n\r\nwell");
    $connection->end_request;
});
my $httpd = Httpd->start(debug_log => 'balancer_byrequests:debug', config => $config . <<"EOC");
<Proxy balancer://alone>
    BalancerMember @{[ $alone->url ]} retry=1
</Proxy>
<Proxy balancer://doubtful>
    BalancerMember @{[ $doubtful->url ]} retry=1
</Proxy>
<Proxy balancer://strict>
    BalancerMember @{[ $strict->url ]} maxfails=2 retry=60
    ProxySet forcerecovery=Off
</Proxy>
ProxyPass /alone/ balancer://alone/
ProxyPass /doubtful/ balancer://doubtful/
ProxyPass /strict/ balancer://strict/
EOC

sub member { my ($name) = @_; return $httpd->balancer($name)->{members}[0] }
sub ask    { my ($name, $times) = @_; return map { $httpd->get("/$name/x")->{status} } 1 .. $times }

# ---- The window ----

is_deeply [ask('window', 2)], [200, 200], 'two failures: the requests are served';
is member('window')->{state}, 'ok', '... the member stays';
is member('window')->{strikes}, 2, '... with two strikes';
ok wait_until(5, sub { member('window')->{strikes} == 0 }), 'the window slides over them';
ask('window', 2);
is member('window')->{state}, 'ok', 'two more: it stays';
ask('window', 1);
my $member = member('window');
is $member->{state}, 'error', 'a third within the window: it is out';
is $member->{failures}, 5, '... after five failures in all';
ok $member->{next_trial_at} gt $member->{state_since}, '... it says since when and how long';
like +($httpd->log_lines(qr/FC0410: balancer:\/\/window/))[0],
    qr/member \S+:@{[ $refusing{window}->port ]}: ok -> error \(connect_refused\), next trial in 1 s/,
    '... the log, too';
for my $seconds (2, 4) {
    ok wait_until(10, sub {
        ask('window', 1);
        $httpd->log_lines(qr/FC0413: .*trial -> error \(connect_refused\), next trial in $seconds s/);
    }), "a trial fails: $seconds s";
}
is member('window')->{failures}, 7, '... one request each';
$refusing{window}->listen_now(answer => sub {
    $_[0]->stdout("Content-Type: text/plain\r\n\r\nback");
    $_[0]->end_request;
});
ok wait_until(10, sub { $httpd->get('/window/x')->{body} eq 'back' }), 'a trial goes well';
is member('window')->{state}, 'ok', '... it is back';
is member('window')->{next_trial_at}, undef, '... and has no trial before it';
my @lines = $httpd->log_lines(qr/FC041\d: balancer:\/\/window/);
s/.*(FC\d+): \S+ member \S+ (.*)/$1 $2/ for @lines;
is_deeply \@lines, [
    'FC0410 ok -> error (connect_refused), next trial in 1 s', 'FC0412 error -> trial',
    'FC0413 trial -> error (connect_refused), next trial in 2 s', 'FC0412 error -> trial',
    'FC0413 trial -> error (connect_refused), next trial in 4 s', 'FC0412 error -> trial',
    'FC0411 error -> ok (trial)'], '... one line for each change' or diag explain \@lines;

# ---- Other settings ----

ask('default', 2);
is member('default')->{state}, 'ok', 'without settings: two failures are not enough';
ask('default', 1);
is member('default')->{state}, 'error', '... three are';
is scalar($httpd->log_lines(qr/FC0410: balancer:\/\/default.*next trial in 1 s/)), 1, '... for a second';
ask('one', 1);
is member('one')->{state}, 'error', 'maxfails=1: one is enough';
is scalar($httpd->log_lines(qr/FC0410: balancer:\/\/one: .*next trial in 60 s/)), 1, '... for retry';
ask('one', 4);
is member('one')->{failures}, 1, 'nobody is sent there while it is out';
for my $name (grep { $first{$_} } 'ignore', 'zero') {
    is_deeply [ask($name, 4)], [(200) x 4], "$first{$name}: served";
    is member($name)->{failures}, 4, '... the member is asked each time';
    is member($name)->{state}, 'ok', '... and stays';
}

# ---- The last usable member ----

is_deeply [ask('alone', 5)], [(503) x 5], 'the only member fails';
is member('alone')->{state}, 'error', '... nobody doubts it: it is out';
is member('alone')->{failures}, 5, '... and asked each time';
is scalar($httpd->log_lines(qr/FC041[03]: balancer:\/\/alone: .*connect_refused/)), 1,
    '... which is said once';
$alone->listen_now(answer => sub {
    $_[0]->stdout("Content-Type: text/plain\r\n\r\nback");
    $_[0]->end_request;
});
is_deeply [ask('alone', 1)], [200], '... so it serves as soon as it can';
is member('alone')->{state}, 'ok', '... and is back';
is_deeply [ask('doubtful', 5)], [(502) x 5], 'the only member closes its connections';
is member('doubtful')->{state}, 'ok', '... it may be the fault of the requests: it is not put out';
is scalar($httpd->log_lines(qr/FC0414: balancer:\/\/doubtful: .*stays ok .*last usable/)), 1,
    '... which is said once';
$doubtful->open_gate('well');
is_deeply [ask('doubtful', 1)], [200], '... it serves';
is_deeply [ask('strict', 3)], [(503) x 3], 'forcerecovery=Off: the only member fails';
is member('strict')->{state}, 'error', '... it is put out';
is member('strict')->{failures}, 2, '... and not asked any more';

$httpd->expect_log(qr/FC0251: .*connect_refused/);
$httpd->expect_log(qr/FC0251: .*backend_eof/);
$httpd->expect_log(qr/FC0422: balancer:\/\/strict: no_member/, times => 1);
$httpd->stop;

done_testing;
