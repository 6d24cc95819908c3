# Licensed under the Apache License, Version 2.0; see LICENSE.
# <manager>/v1/status tells the state of all balancers as JSON, and the manager's URLs are as written.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], config => <<"EOC");
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1 route=one loadfactor=2.5 timeout=5 retry=60 maxfails=1
BalancerMember "unix:/nobody.sock|http://local" route=\xe9 status=+H
ProxySet stickysession=SID|sid maxattempts=1
</Proxy>
ProxyPass /app/ balancer://app/
<Location /not/there/manager>
SetHandler balancer-manager
</Location>
Listen 127.0.0.1:\@port2\@
<VirtualHost 127.0.0.1:\@port2\@>
ServerName other.test
<Proxy balancer://other>
BalancerMember http://127.0.0.1:2
</Proxy>
ProxyPass /other/ balancer://other/
</VirtualHost>
EOC
my $page = '/balancer-manager';

# ---- Content ----

my $response = $httpd->get("$page/v1/status");
is $response->{status}, 200, 'the status is there';
is $response->{header}{'content-type'}, 'application/json', '... as JSON';
is $response->{header}{'cache-control'}, 'no-store', '... that nobody stores';
my $status = Httpd::decode_json($response);
is $status->{version}, 1, 'its version is 1';
like $status->{server}{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "server.$_ is a time"
    for qw(restart_time now);
is $status->{server}{generation}, 0, 'no restart yet';

my %balancer = map { $_->{key} => $_ } @{ $status->{balancers} };
is_deeply [sort keys %balancer], ['app', 'other'], 'the balancers of all virtual hosts are there';
my $app = $balancer{app};
is $app->{name}, 'balancer://app', 'name of a balancer';
is $app->{sticky_cookie}, 'SID', '... its cookie';
is $app->{sticky_parameter}, 'sid', '... its URL parameter';
is $app->{max_attempts}, 1, '... its attempts';
is $balancer{other}{sticky_cookie}, undef, 'what is not configured is null';
like $balancer{other}{vhost}, qr/^other\.test/, 'a balancer names its virtual host';
ok !exists $app->{nonce}, 'the nonce is not told';

my ($one, $local) = @{ $app->{members} };
ok exists $one->{$_}, "a member has $_" for qw(name state weight elected in_flight queued limit);
is $one->{url}, 'http://127.0.0.1:1', 'url of a member';
is $one->{state}, 'ok', '... state';
is $one->{status}, 'Init Ok', "... stock's words for it";
cmp_ok $one->{weight}, '==', 2.5, '... weight';
like $response->{body}, qr/"weight":2\.5,/, '... without a tail of digits';
is $one->{timeout_us}, 5_000_000, '... timeout in microseconds';
is $local->{state}, 'standby', 'state of a hot standby';
is $local->{route}, "\x{fffd}", 'a byte that is not UTF-8 is replaced';
is $local->{port}, undef, 'a socket has no port';
is $one->{last_error}, undef, 'no error yet';

$httpd->expect_log(qr/AH00957|AH00959|AH02454|AH01114/);    # httpd's own, as the members are not fcgi
isnt $httpd->get('/app/x')->{status}, 200, 'a request fails';
($one) = map { $_->{key} eq 'app' ? $_->{members}[0] : () }
    @{ $httpd->json("$page/v1/status")->{balancers} };
is $one->{state}, 'error', 'the member is in error';
is $one->{elected}, 1, '... was elected';
like $one->{next_trial_at}, qr/Z$/, '... and says when it is tried again';
is $one->{in_flight}, 0, '... and nothing is in flight';

# ---- URLs and methods ----

is $httpd->json("$page?format=json")->{version}, 1, '?format=json gives the same';
is $httpd->json('/not/there/manager/v1/status')->{version}, 1,
    'it is found below a folder that does not exist';
is $httpd->get($_)->{status}, 200, "$_ is the page" for $page, "$page/", '/not/there/manager';
is $httpd->get($_)->{status}, 404, "$_ is not there"
    for "$page/v2", "$page/v1", "$page/v1/status/x", '/not/there/manager/x', "$page?b=no",
        "$page?b=app&w=no";
is $httpd->get($_)->{status}, 400, "$_ is refused" for "$page?format=yaml", "$page?b=%zz";
unlike $httpd->get("$page?b=%3Cscript%3E")->{body}, qr/<script>/, 'a wrong name is escaped';

my $head = $httpd->send('HEAD', "$page/v1/status");
is $head->{status}, 200, 'HEAD works';
is $head->{body}, '', '... without a body';
my $post = $httpd->post("$page/v1/status", '');
is $post->{status}, 405, 'the status takes no POST';
is $post->{header}{allow}, 'GET, HEAD', '... and says what it takes';
my $put = $httpd->send('PUT', $page, body => '');
is $put->{status}, 405, 'the page takes no PUT';
is $put->{header}{allow}, 'GET, HEAD, POST', '... and says what it takes';

# ---- Configuration ----

$httpd->stop;
my ($code, $text) = Httpd->configtest(ours => 0, manager => 0,
    config => 'LoadModule balancer_manager_module ' . Httpd::build_dir() . '/mod_balancer_manager.so');
isnt $code, 0, 'the manager does not start without the balancer';
like $text, qr/FC0600: .*a2enmod balancer_byrequests/, '... and names the cure';

done_testing;
