# Licensed under the Apache License, Version 2.0; see LICENSE.
# hcpanic: when more than half of the members of a balancer would be out for their checks, no more are
# put out; the log says so once, the manager shows it, and it ends by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerApi;

sub answering {
    my ($name) = @_;
    return Backend->answering(sub {
        my ($connection, $request) = @_;
        my $is_sick = $request->{params}{SCRIPT_NAME} eq '/ping' && $connection->is_gate_open('sick');
        $connection->stdout('Status: ' . ($is_sick ? '500 Sick' : '200 OK') . "\r\n\r\n$name");
        $connection->end_request;
    }, name => $name);
}
my @backend = map { answering($_) } qw(a b c d);
my %lone = map { $_ => answering($_) } qw(lone all none);
my $check = 'hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=10s hcfails=2 hcpasses=1';
my $members = join '', map { "    BalancerMember @{[ $_->url ]} $check\n" } @backend;
my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
<Proxy balancer://half>
$members    BalancerMember @{[ $lone{all}->url('/') ]} status=+D
</Proxy>
ProxyPass /half/ balancer://half/
<Proxy balancer://lone>
    BalancerMember @{[ $lone{lone}->url ]} $check
    ProxySet hcpanic=50
</Proxy>
ProxyPass /lone/ balancer://lone/
<Proxy balancer://one>
    BalancerMember @{[ $lone{lone}->url ]} $check
</Proxy>
<Proxy balancer://all>
    ProxySet lbmethod=byrequests hcpanic=100 nofailover=Off
    BalancerMember @{[ $lone{all}->url ]} $check
</Proxy>
ProxyPass /all/ balancer://all/
<Proxy balancer://none>
    BalancerMember @{[ $lone{none}->url ]} $check
    BalancerMember @{[ $lone{lone}->url ]} $check
</Proxy>
ProxySet balancer://none hcpanic=0
ProxyPass /none/ balancer://none/
EOC

sub member { my ($i) = @_; return $httpd->member($backend[$i]->port, 'half') }
sub states { return join ' ', map { $_->{state} } @{ $httpd->balancer('half')->{members} }[0 .. 3] }
sub becomes { my ($states) = @_; return wait_until(10, sub { states() eq $states }) }
sub served { my ($path) = @_; return join ' ', sort map { $httpd->get($path)->{body} } 1 .. 4 }
sub panic_lines { return scalar(() = $httpd->log_lines(qr/FC053[78]: balancer:\/\/half/)) }
sub metric {
    my ($balancer) = @_;
    my ($value) = $httpd->get('/balancer-manager/metrics')->{body}
        =~ /^fastcgi_cluster_check_panic\{[^}]*balancer="$balancer"\} (\d)/m;
    return $value;
}
sub keeps_failing {
    my ($member) = @_;
    my $fails = $member->()->{check}{fails};
    return wait_until(10, sub { $member->()->{check}{fails} > $fails + 3 });
}

# ---- Half of them, and more ----

ok wait_until(10, sub { !grep { !$_->{check}{passes} } @{ $httpd->balancer('half')->{members} }[0 .. 3] }), 'checks pass';
is $httpd->balancer('half')->{hcpanic}, 50, 'the default is 50 %';
ok !$httpd->balancer('half')->{panic}, '... which is not exceeded';
$backend[$_]->open_gate('sick') for 0, 1;
ok becomes('health_fail health_fail ok ok'), 'two of four fail: they are out';
is panic_lines(), 0, '... which is not more than half';
$backend[2]->open_gate('sick');
ok wait_until(10, sub { member(2)->{check}{kept} }), 'a third one fails: it is kept';
ok keeps_failing(sub { member(2) }), '... and fails on';
is states(), 'health_fail health_fail ok ok', '... in service';
is served('/half/x'), 'c c d d', '... and serves';
ok $httpd->balancer('half')->{panic}, 'the manager shows it: in JSON';
is metric('half'), 1, '... in the metrics';
like $httpd->get('/balancer-manager')->{body}, qr/panic<\/b> more than 50 %/, '... on the page';
like $httpd->get('/balancer-manager?format=text')->{body}, qr/kept by hcpanic/, '... and in the text';
$backend[3]->open_gate('sick');
ok wait_until(10, sub { member(3)->{check}{kept} }), 'the last one fails: it is kept';
is panic_lines(), 1, '... and the log says it once';
like +($httpd->log_lines(qr/FC0537/))[0], qr/balancer:\/\/half: more than 50 %/, '... of this balancer';

# ---- It ends ----

$backend[0]->close_gate('sick');
ok wait_until(10, sub { states() =~ /^ok/ }), 'one comes back';
ok wait_until(10, sub { states() =~ /health_fail.*health_fail/ }), '... one that was kept goes out in its place';
ok keeps_failing(sub { member(states() =~ /health_fail ok$/ ? 3 : 2) }), '... the other one is kept on';
$backend[$_]->close_gate('sick') for 1 .. 3;
ok becomes('ok ok ok ok'), 'all pass: all are in service';
ok wait_until(10, sub { !$httpd->balancer('half')->{panic} }), '... and the panic is over';
is metric('half'), 0, '... in the metrics';
is panic_lines(), 2, '... as the log says once';

# ---- One member; other percentages ----

$_->open_gate('sick') for values %lone;
ok keeps_failing(sub { $httpd->balancer('lone')->{members}[0] }), 'the only member of a balancer fails';
is $httpd->get('/lone/x')->{status}, 200, '... and serves: 100 % are more than the 50 that are written';
ok wait_until(10, sub { $httpd->balancer('one')->{members}[0]{state} eq 'health_fail' }), '... by default it goes out';
is $httpd->balancer('one')->{hcpanic}, 100, '... as the manager says';
ok wait_until(10, sub { $httpd->balancer('all')->{members}[0]{state} eq 'health_fail' }), 'hcpanic=100: it goes out';
is $httpd->get('/all/x')->{status}, 503, '... and nobody serves';
ok keeps_failing(sub { $httpd->balancer('none')->{members}[0] }), 'hcpanic=0: members fail';
is_deeply [map { $_->{state} } @{ $httpd->balancer('none')->{members} }], ['ok', 'ok'], '... and none goes out';

# ---- The only one that is kept is removed ----

sub kept { return join ' ', map { $_->{check}{kept} ? 1 : 0 } @{ $httpd->balancer('none')->{members} } }
sub ends { return scalar(() = $httpd->log_lines(qr/FC0538: balancer:\/\/none/)) }
$lone{lone}->close_gate('sick');
ok wait_until(10, sub { kept() eq '1 0' }), 'one of two is kept';
is ends(), 0, '... the panic goes on';
my $answer = ManagerApi->new($httpd)->call('DELETE', ManagerApi::member_path('none', $lone{none}->url));
is $answer->{status}, 202, '... that one is removed';
ok wait_until(10, sub { ends() }), '... the log says that nobody is kept';
is ends(), 1, '... once';
ok !$httpd->balancer('none')->{panic}, '... and so does the manager';
$httpd->expect_log(qr/FC0422: balancer:\/\/all/);
$httpd->stop;

# ---- What is refused ----

for my $wrong (qw(101 -1 x), '') {
    my ($code, $output) = Httpd->configtest(config => <<"EOC");
<Proxy balancer://a>
    BalancerMember fcgi://127.0.0.1:9
    ProxySet hcpanic=$wrong
</Proxy>
EOC
    like $output, qr/balancer:\/\/a: hcpanic=\Q$wrong\E is no whole number from 0 to 100/, "hcpanic=$wrong";
}
$_->stop for @backend, values %lone;
done_testing;
