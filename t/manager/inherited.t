# Licensed under the Apache License, Version 2.0; see LICENSE.
# One balancer is one: two of the main server, and virtual hosts that use them by lines of ProxyPass of
# their own. It is shown, counted and changed once; a host with settings of its own has these, and no
# members.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerApi;

my @backends = map { Backend->echo(name => "m$_") } 1 .. 3;
my ($first, $second, $third) = map { $_->url } @backends;
my $hosts = join '', map { <<"EOC" } 1 .. 4;
<VirtualHost 127.0.0.1:\@port\@>
ServerName v$_.test
ProxyPassMatch "^/one/(.*)\$" "balancer://one/v$_/\$1"
ProxyPassMatch "^/two/(.*)\$" "balancer://two/v$_/\$1"
ProxyPass /again/ balancer://one/again/
</VirtualHost>
EOC
my $httpd = Httpd->start(children => 2, threads => 8, modules => ['lbmethod_bybusyness'], config => <<"EOC");
<Proxy balancer://one>
    BalancerMember $first route=a
    BalancerMember $second route=b
    ProxySet stickysession=SID timeout=3 nofailover=On lbmethod=bybusyness
</Proxy>
<Proxy balancer://two>
    BalancerMember $third
</Proxy>
<Location /balancer-manager>
SetHandler balancer-manager
</Location>
$hosts
<VirtualHost 127.0.0.1:\@port\@>
ServerName own.test
ProxyPass /one/ balancer://one/own/ timeout=7
</VirtualHost>
EOC
my $page = '/balancer-manager';
my $api = ManagerApi->new($httpd);

sub ask { my ($host, $path) = @_; return $httpd->get($path, header => { Host => $host }) }
sub member { my ($url) = @_; return $api->get(ManagerApi::member_path('one', $url))->{json} }

# ---- Shown ----

my @balancers = @{ $httpd->status->{balancers} };
is_deeply [map { "$_->{key} $_->{vhost}" =~ s/:\d+$//r } @balancers],
    ['one localhost', 'two localhost', 'one own.test'], 'each is shown once; and who has settings of its own';
my ($one, $two, $own) = @balancers;
is_deeply [map { scalar @{ $_->{members} } } @balancers], [2, 1, 0], '... with its members, once';
is_deeply [map { $_->{inherited_from} } @balancers], [undef, undef, 'localhost'], '... it says whose they are';
is_deeply [@$own{qw(lbmethod timeout_us sticky_cookie nofailover)}], ['bybusyness', 7e6, 'SID', JSON::PP::true],
    '... what it has said itself, and what not';
is_deeply [@$one{qw(lbmethod timeout_us)}], ['bybusyness', 3e6], '... the others are as the main server says';
my $html = $httpd->get($page)->{body};
is scalar(() = $html =~ /<section class="balancer"/g), 3, 'the page has a section for each';
is scalar(() = $html =~ /<tr id="m\d+-/g), 3, '... and a row for each member';
like $html, qr/It uses the members of balancer:\/\/one of localhost/, '... or says where they are';
like $html, qr/<dt>Balancers<\/dt><dd>2</, '... two balancers';

# ---- Counted ----

for my $host (1 .. 4) {
    is ask("v$host.test", $_)->{status}, 200, "v$host: $_" for '/one/x', '/again/x', '/two/x';
}
is ask('own.test', '/one/x')->{status}, 200, 'the one with settings of its own';
my $status = $httpd->status;
is_deeply [map { my $sum = 0; $sum += $_->{elected} for @{ $_->{members} }; $sum } @{ $status->{balancers} }],
    [9, 4, 0], 'each request is counted once';
my $metrics = $httpd->get("$page/metrics")->{body};
is scalar(() = $metrics =~ /^fastcgi_cluster_elections_total\{/gm), 3, 'a series for each member';
is scalar(() = $metrics =~ /^fastcgi_cluster_free_slots\{/gm), 2, '... and for each balancer';
my $sum = 0;
$sum += $1 while $metrics =~ /^fastcgi_cluster_responses_total\{[^}]*class="2xx"\} (\d+)/gm;
is $sum, 13, '... whose sum is right';
my $text = $httpd->get("$page?format=text")->{body};
is scalar(() = $text =~ /^\s*\Q$first\E/gm), 1, 'the text has it once';
is scalar(() = $httpd->get("$page?xml=1", header => { Referer => "http://localhost$page" })->{body}
    =~ /<httpd:worker>/g), 3, 'the XML, too';

# ---- Changed ----

my $answer = $api->patch(ManagerApi::member_path('one', $first), { disabled => JSON::PP::true });
is $answer->{status}, 200, 'a change needs no virtual host' or diag $answer->{body};
is member($first)->{state}, 'disabled', '... it is made';
is_deeply [map { Httpd::decode_json(ask("v$_.test", '/one/x'))->{backend} } 1 .. 4], [('m2') x 4],
    '... for all hosts';
is Httpd::decode_json(ask('own.test', '/one/x'))->{backend}, 'm2', '... also with settings of its own';
is $api->patch('members', { balancer => 'one', member => '*', disabled => JSON::PP::false })->{status}, 200,
    'many at once, likewise';
is member($first)->{state}, 'ok', '... it is back';
is $api->patch('balancers/one', { lbmethod => 'byrequests', timeout => 4 })->{status}, 200, "the balancer's settings";
is_deeply [map { [@$_{qw(lbmethod timeout_us)}] } grep { $_->{key} eq 'one' } @{ $httpd->status->{balancers} }],
    [['byrequests', 4e6], ['bybusyness', 7e6]], '... of the one that was meant';
is $api->patch("balancers/one?vhost=$own->{vhost}", { timeout => 8 })->{status}, 200, '... of the other';
is $httpd->status->{balancers}[2]{timeout_us}, 8e6, '... too';
my $through = $api->patch(ManagerApi::member_path('one', $second) . "?vhost=$own->{vhost}", { weight => 3 });
is $through->{status}, 200, 'a member by whom uses it' or diag $through->{body};
is member($second)->{weight}, 3, '... is the same member';
my ($token) = $html =~ /\?b=one&amp;nonce=([^"&]+)/;
is $httpd->post($page, "b=one&w=$first&w_lf=5&nonce=$token", header =>
    { Origin => 'http://localhost', 'Content-Type' => 'application/x-www-form-urlencoded' })->{status}, 200,
    "a script's form needs no virtual host";
is member($first)->{weight}, 5, '... it is made';

# ---- Over a graceful restart ----

ok $httpd->graceful, 'a graceful restart';
is_deeply [map { "$_->{key} $_->{timeout_us}" } @{ $httpd->status->{balancers} }],
    ['one 4000000', 'two 0', 'one 8000000'], '... changes nothing';
is member($first)->{weight}, 5, '... of members, either';
is ask('v3.test', '/one/x')->{status}, 200, '... and they serve';

$httpd->stop;
done_testing;
