# Licensed under the Apache License, Version 2.0; see LICENSE.
# No request is refused while there is a member that would serve it: when nobody else is left, those in
# error are asked, also while another request tries them; a trial keeps others away until it has been
# answered, or for two seconds; and requests that break together are one failure.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerApi;

# Answers at once; what is called slow waits for a gate, and what is called late for its body.
sub answer {
    my ($name) = @_;
    return sub {
        my ($connection, $request) = @_;
        my $uri = $request->{params}{REQUEST_URI};
        return $connection->close if $uri =~ /break/ && $connection->wait_for_gate('break');
        $connection->wait_for_gate('slow') if $uri =~ /slow/;
        $connection->stdout("Content-Type: text/plain\r\n\r\n$name");
        $connection->wait_for_gate('late') if $uri =~ /late/;
        $connection->end_request;
    };
}
sub well { my ($name) = @_; return Backend->answering(answer($name), name => $name) }
sub comes_back { my ($backend) = @_; return $backend->listen_now(answer => answer($backend->name)) }

my %sick = map { $_ => Backend->refusing(name => $_) } qw(killed open head off bound strict);
my %well = map { $_ => well("$_-well") } qw(killed open head off bound strict);
my @broken = (well('broken'), well('other'));
my $banned = 'maxfails=1 retry=60';
my $httpd = Httpd->start(children => 2, threads => 32, debug_log => 'balancer_byrequests:debug',
    config => <<"EOC");
<Proxy balancer://killed>
    BalancerMember @{[ $sick{killed}->url ]} maxfails=1 retry=1
    BalancerMember @{[ $well{killed}->url ]} maxfails=1 retry=60
</Proxy>
<Proxy balancer://open>
    BalancerMember @{[ $sick{open}->url ]} maxfails=1 retry=1
    BalancerMember @{[ $well{open}->url ]}
</Proxy>
<Proxy balancer://head>
    BalancerMember @{[ $sick{head}->url ]} maxfails=1 retry=1
    BalancerMember @{[ $well{head}->url ]}
</Proxy>
<Proxy balancer://off>
    BalancerMember @{[ $sick{off}->url ]} $banned
    BalancerMember @{[ $well{off}->url ]}
</Proxy>
<Proxy balancer://bound>
    BalancerMember @{[ $sick{bound}->url ]} $banned route=a
    BalancerMember @{[ $well{bound}->url ]} route=b
    ProxySet stickysession=S nofailover=On
</Proxy>
<Proxy balancer://strict>
    BalancerMember @{[ $sick{strict}->url ]} $banned
    BalancerMember @{[ $well{strict}->url ]} $banned
    ProxySet forcerecovery=Off
</Proxy>
<Proxy balancer://broken>
    BalancerMember @{[ $broken[0]->url ]}
    BalancerMember @{[ $broken[1]->url ]} lbset=1
</Proxy>
@{[ map { "ProxyPass /$_/ balancer://$_/ nocanon\n" } sort(keys %sick), 'broken' ]}
EOC

sub ask { my ($name, $path) = @_; return $httpd->get("/$name/" . ($path // 'x')) }
sub state { my ($name) = @_; return $httpd->balancer($name)->{members}[0]{state} }
sub put_out {
    my ($name) = @_;
    return wait_until(10, sub { ask($name); state($name) eq 'error' });
}
sub ban_has_ended {
    my ($name) = @_;
    my ($status) = $httpd->status;
    my ($balancer) = grep { $_->{key} eq $name } @{ $status->{balancers} };
    return ($balancer->{members}[0]{next_trial_at} // '') le $status->{server}{now};
}
sub begin {
    my ($name, $path) = @_;
    my $client = $httpd->connect;
    $client->request('GET', "/$name/$path", header => { Connection => 'close' });
    return $client;
}

# Requests that wait at a gate, until one of them is the member's trial.
sub hang_in_trial {
    my ($name, $path) = @_;
    my @clients;
    wait_until(10, sub {
        push @clients, begin($name, $path);
        return $sick{$name}->wait_for_event('request', 1, 0.2);
    }) or die "no trial of $name";
    return @clients;
}

# ---- The last usable member is killed, while the other one is on trial with a slow request ----

ok put_out('killed'), 'a member is out';
$well{killed}->open_gate('slow');
comes_back($sick{killed});
ok wait_until(10, sub { ban_has_ended('killed') }), '... its ban ends';
my @slow = hang_in_trial('killed', 'slow');
is state('killed'), 'trial', '... a slow request is its trial';
$well{killed}->stop;
is_deeply [map { ask('killed')->{body} } 1 .. 20], [('killed') x 20],
    'the other one dies: every request is served, by the one on trial';
is state('killed'), 'ok', '... which has thus come back';
is $httpd->balancer('killed')->{members}[1]{state}, 'error', '... and the dead one is out, as no doubt is left';
$sick{killed}->open_gate('slow');
is_deeply [grep { $_ != 200 } map { $_->read_response->{status} } @slow], [], '... the slow one is served, too';

# ---- A trial is exclusive for two seconds, and no longer ----

ok put_out('open'), 'a member is out';
$well{open}->open_gate('slow');
comes_back($sick{open});
ok wait_until(10, sub { ban_has_ended('open') }), '... its ban ends';
my $began = now_monotonic();
@slow = hang_in_trial('open', 'slow');
ok wait_until(10, sub { ask('open')->{body} eq 'open' }), 'a slow trial: another request tries the member';
cmp_ok now_monotonic() - $began, '>', 1, '... after a while';
is state('open'), 'ok', '... it is back before the slow one has ended';
$sick{open}->open_gate('slow');
is_deeply [grep { $_ != 200 } map { $_->read_response->{status} } @slow], [], '... which is served';

# ---- An answer that has begun proves enough ----

ok put_out('head'), 'a member is out';
$well{head}->open_gate('late');
comes_back($sick{head});
ok wait_until(10, sub { ban_has_ended('head') }), '... its ban ends';
@slow = hang_in_trial('head', 'late');
ok wait_until(1.5, sub { state('head') eq 'ok' }), 'its trial is answered, and goes on: it is back';
$sick{head}->open_gate('late');
is_deeply [grep { $_ != 200 } map { $_->read_response->{status} } @slow], [], '... all are served';

# ---- Switched off by an operator ----

ok put_out('off'), 'a member is out for a minute';
comes_back($sick{off});
my $disabled = ManagerApi->new($httpd)->patch(ManagerApi::member_path('off', $well{off}->url), { state => 'disable' });
is $disabled->{status}, 200, '... the other one is disabled';
is ask('off')->{body}, 'off', 'the one in error is asked rather than nobody';
is state('off'), 'ok', '... and is back';

# ---- A session that may not leave its member ----

sub ask_bound { return $httpd->get('/bound/x', header => { Cookie => 'S=1.a' }) }
is ask_bound()->{status}, 503, 'nofailover: the session\'s member refuses';
is state('bound'), 'error', '... it is out for a minute';
comes_back($sick{bound});
is ask_bound()->{body}, 'bound', '... it is asked all the same';

# ---- forcerecovery=Off ----

ok put_out('strict'), 'forcerecovery=Off: a member is out for a minute';
comes_back($sick{strict});
$well{strict}->stop;
is_deeply [map { ask('strict')->{status} } 1 .. 3], [(503) x 3], '... it is not asked when the other one dies';

# ---- One event breaks many requests ----

my @clients = map { begin('broken', 'break') } 1 .. 10;
ok $broken[0]->wait_for_event('request', 10), 'ten requests are in flight';
$broken[0]->open_gate('break');
$broken[1]->open_gate('break');
$_->read_response for @clients;
is state('broken'), 'ok', '... and break together: the member stays';
is $httpd->balancer('broken')->{members}[0]{strikes}, 1, '... with one strike';

is $httpd->in_flight($_), 0, "$_: nothing in flight" for sort keys %sick;
$httpd->expect_log(qr/FC0251: .*(?:connect_refused|backend_eof)/);
$httpd->expect_log(qr/FC0422: balancer:\/\/strict: no_member/);
$httpd->expect_log(qr/FC0421: balancer:\/\/bound: no usable member for the session/, optional => 1);
$httpd->stop;
$_->stop for values %sick, values %well, @broken;

done_testing;
