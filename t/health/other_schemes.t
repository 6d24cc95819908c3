# Licensed under the Apache License, Version 2.0; see LICENSE.
# Members of schemes that mod_proxy serves itself (http) are put out and tried again by the same
# rules; a ban outlives a graceful restart, and no other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

sub http_script {
    my ($text) = @_;
    return sub {
        my ($connection) = @_;
        1 while $connection->{buffer} !~ /\r\n\r\n/ && $connection->fill;
        $connection->note('request', uri => $connection->{buffer} =~ / (\S+) / ? $1 : '');
        if ($connection->{buffer} =~ m{ /hang}) { $connection->wait_for_gate('open') }
        my $status = $connection->{buffer} =~ m{ /bad} ? '503 Sick' : '200 OK';
        $connection->send("HTTP/1.1 $status\r\nConnection: close\r\nContent-Length: "
            . length($text) . "\r\n\r\n$text");
    };
}
sub http_url { my ($backend) = @_; return 'http://127.0.0.1:' . $backend->port }

my $first = Backend->refusing(name => 'first');
my $sick  = Backend->start(name => 'sick', script => http_script('sick'));
my $well  = Backend->start(name => 'well', script => http_script('well'));
my $httpd = Httpd->start(children => 2, modules => ['proxy_http'],
    debug_log => 'balancer_byrequests:debug', config => <<"EOC");
ProxyTimeout 20
<Proxy balancer://app>
    BalancerMember @{[ http_url($first) ]} retry=1
    BalancerMember @{[ http_url($well) ]} lbset=1
</Proxy>
<Proxy balancer://status>
    BalancerMember @{[ http_url($sick) ]} maxfails=2 retry=60
    BalancerMember @{[ http_url($well) ]} lbset=1
    ProxySet failonstatus=503
</Proxy>
<Proxy balancer://alone>
    BalancerMember @{[ http_url($first) ]} maxfails=1
</Proxy>
ProxyPass /app/ balancer://app/
ProxyPass /status/ balancer://status/
ProxyPass /alone/ balancer://alone/
EOC
sub member { my ($name) = @_; return $httpd->balancer($name)->{members}[0] }

# ---- Strikes ----

for my $strike (1 .. 3) {
    is $httpd->get('/app/x')->{body}, 'well', 'the first member refuses: the second serves';
    is member('app')->{failures}, $strike, '... a failure';
    is member('app')->{state}, $strike < 3 ? 'ok' : 'error', "... after $strike";
}
is scalar($httpd->log_lines(qr/FC0410: balancer:\/\/app: .*\(connect_failed\), next trial in 1 s/)), 1,
    '... says the log';
is $httpd->get('/alone/x')->{status}, 503, 'the only member fails' for 1 .. 3;
is member('alone')->{state}, 'error', '... it is out';
is member('alone')->{failures}, 3, '... and asked each time all the same';

# ---- A ban outlives a restart ----

is $httpd->get('/status/bad')->{status}, 503, 'failonstatus: passed on' for 1, 2;
is member('status')->{state}, 'error', '... the second puts it out';
is scalar($httpd->log_lines(qr/FC0410: .*\(bad_status 503\), next trial in 60 s/)), 1, '... with its reason';
ok $httpd->graceful, 'a graceful restart';
is member('status')->{state}, 'error', '... it is out still';
is $httpd->get('/status/x')->{body}, 'well', '... and not asked';

# ---- The trial ----

$first->listen_now(script => http_script('first'));
is $httpd->get('/alone/x')->{body}, 'first', 'the only member serves as soon as it can';
is member('alone')->{state}, 'ok', '... and is back';
$first->forget;
my (@hanging, $began);
ok wait_until(10, sub {
    $began = now_monotonic();
    my $client = $httpd->connect;
    $client->request('GET', '/app/hang');
    push @hanging, $client;
    $first->wait_for_event('request', 1, 0.2);
}), 'a trial, that hangs';
is member('app')->{state}, 'trial', '... its state';
my @others = map { $httpd->get('/app/x')->{body} } 1 .. 4;
SKIP: {
    skip 'too slow: others may try the member, too', 1 if now_monotonic() - $began >= 2;
    is_deeply \@others, [('well') x 4], '... the others go elsewhere';
}
$_->open_gate('open') for $first, $well;
ok +(grep { $_->read_response->{body} eq 'first' } @hanging), 'it goes well';
ok wait_until(5, sub { member('app')->{state} eq 'ok' }), '... the member is back';
is $httpd->get('/app/x')->{body}, 'first', '... and serves';
for my $name (qw(app status alone)) {
    ok wait_until(5, sub { $httpd->in_flight($name) == 0 }), "$name: nothing in flight";
}

ok $httpd->restart, 'a restart in place';
is member('status')->{state}, 'ok', '... forgets bans';

$httpd->expect_log(qr/AH00957|AH00959|AH01114/);    # mod_proxy's own
$httpd->stop;

done_testing;
