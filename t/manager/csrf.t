# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-03: what a foreign page makes an operator's browser send changes nothing and is audited; nor does
# a page of this site without a token, nor any GET.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use ManagerApi;
use ManagerForm;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'],
    debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
ProxySet growth=1 nonce=known-to-scripts
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my $page = '/balancer-manager';
my $url  = 'http://127.0.0.1:1';
my $api  = ManagerApi->new($httpd);
my $path = ManagerApi::member_path('app', $url);

sub token { return $api->token }
sub form {
    my ($values, %header) = @_;
    return ManagerForm::post($httpd, [b => 'app', w => $url, nonce => undef, %$values], header => \%header);
}
my $initial = $api->get('balancers/app')->{json};
sub settings { my ($balancer) = @_; return [$balancer->{etag}, map { $_->{etag} } @{ $balancer->{members} }] }
sub is_unchanged {
    my ($name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply settings($api->get('balancers/app')->{json}), settings($initial), $name;
    return;
}
sub is_refused {
    my ($answer, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $answer->{status}, 403, "$name: refused";
    my ($entry) = $api->audit;
    ok $entry->{outcome} eq 'refused' && $entry->{after} =~ $why, '... and audited'
        or diag "$entry->{outcome}: $entry->{after}";
    return;
}

# ---- What browsers send for a page of another site, with all that it may guess ----

my %foreign = (Origin => 'http://evil.test', Referer => 'http://evil.test/page',
               'Sec-Fetch-Site' => 'cross-site');
my %sibling = (Origin => 'http://localhost:81', 'Sec-Fetch-Site' => 'same-site');
my $token = token();
ok $token, 'the page has a token';
for my $case (['a form of a foreign page', \%foreign], ['... of an old browser', { Origin => 'http://evil.test' }],
              ['... sandboxed', { Origin => 'null' }], ['... without Origin', { 'Sec-Fetch-Site' => 'cross-site' }],
              ['... with a Referer only', { Referer => 'http://evil.test/' }],
              ['a form of another port of this host', \%sibling]) {
    my ($name, $header) = @$case;
    is_refused(form({ w_status_D => 1 }, %$header), qr/token|nonce|Origin|Referer|Sec-Fetch/, $name);
    is_refused(form({ w_status_D => 1, nonce => $token }, %$header), qr/Origin|Referer|Sec-Fetch/,
        '... even with a token');
}
is_refused(form({ w_status_D => 1 }, Origin => 'http://localhost', 'Sec-Fetch-Site' => 'same-origin'),
    qr/token is missing/, 'a page of this site without a token');
is_refused(form({ w_status_D => 1 }), qr/token is missing/, 'nor from anywhere else');
is_refused(form({ w_status_D => 1, nonce => $_ }), qr/reload the page/, "a token $_")
    for 'x', '0' x 41, $token =~ s/(.)$/$1 eq '0' ? '1' : '0'/er, uc($token) . 'X';
is_unchanged('nothing of this has changed anything');

# ---- fetch(): JSON from another site is asked for by OPTIONS first; who sends it anyway fails ----

is_refused($api->patch($path, { state => 'disable' }, header => { %foreign, 'X-CSRF-Token' => $_ }),
    qr/another/, 'JSON from a foreign page') for undef, $token;
is_refused($api->patch($path, { state => 'disable' }, header => \%sibling), qr/another/,
    'JSON from another port of this host');
my %own = (Origin => 'http://localhost', 'Sec-Fetch-Site' => 'same-origin');
is_refused($api->patch($path, { state => 'disable' }, header => { %own, 'X-CSRF-Token' => $_ }),
    qr/token/, 'JSON from this site without a token') for undef, 'x';
is_refused($api->delete($path, header => \%foreign), qr/another/, 'DELETE from a foreign page');
is_refused($api->post('balancers/app/members', { url => 'http://127.0.0.1:9' }, header => \%foreign),
    qr/another/, 'POST from a foreign page');
is $api->patch($path, '{"state":"disable"}', header => { 'Content-Type' => 'text/plain' })->{status}, 415,
    'JSON as text, which needs no asking';
my $asked = $api->call('OPTIONS', $path, undef, header => { %foreign,
    'Access-Control-Request-Method' => 'PATCH', 'Access-Control-Request-Headers' => 'content-type' });
ok !grep({ /^access-control-/ } keys %{ $asked->{header} }), 'who asks is allowed nothing';
is_unchanged('nothing of this has changed anything');

# ---- GET and HEAD: images, links, scripts ----

my %all = (b => 'app', w => $url, nonce => $token, w_lf => 9, w_status_D => 1, b_tmo => 9, b_wdelete => 1,
           action => 'remove', confirm => 1, b_all => 1, b_nwrkr => 'http://127.0.0.1:9', b_wyes => 1,
           w_newaddr => '127.0.0.1:8');
for my $method (qw(GET HEAD)) {
    $httpd->send($method, "$page?" . ManagerForm::text(%all, %$_)) for {}, { xml => 1 }, { format => 'json' };
    $api->call($method, "$_?" . ManagerForm::text(%all), { state => 'disable' },
        header => { 'X-CSRF-Token' => $token }) for $path, "$path/reset", 'balancers/app/reset', 'members';
}
is_unchanged('no GET and no HEAD changes anything');
is $httpd->send($_, $page, body => ManagerForm::text(%all))->{status}, 405, "nor does $_"
    for qw(PUT PATCH DELETE);
is_unchanged('... with a form');

# ---- The real ones ----

is form({ w_lf => 2, nonce => $token }, %own)->{status}, 200, 'a form of our page';
is form({ w_lf => 3, nonce => $token })->{status}, 200, '... and of a script that read the page';
is form({ w_lf => 4, nonce => 'known-to-scripts' })->{status}, 200, '... that knows the nonce of ProxySet';
is form({ w_lf => 5, nonce => $token }, 'Sec-Fetch-Site' => 'none')->{status}, 200, '... or typed by hand';
is $api->patch($path, { weight => 6 }, header => { %own, 'X-CSRF-Token' => $token })->{status}, 200,
    'fetch of our page';
is $api->patch($path, { weight => 7 })->{status}, 200, '... and of a script that read the page';
is $api->get($path)->{json}{weight}, 7, '... that is what is set';
my ($entry) = $api->audit;
is_deeply [@$entry{qw(what before after outcome)}], ['weight', '6.00', '7.00', 'changed'], '... and audited';

ok $httpd->graceful, 'a graceful restart';
is form({ w_lf => 8, nonce => $token })->{status}, 200, '... keeps the tokens';
my $secret = join '|', map { quotemeta } $token, 'known-to-scripts';
is scalar(my @told = $httpd->log_lines(qr/$secret/)), 0, 'the error log tells none of them';
my @refused = $httpd->log_lines(qr/FC0602: (?:balancer:\/\/app of \S+|manager): .* by "-" from 127\.0\.0\.1: .*refused: /);
cmp_ok scalar @refused, '>=', 25, '... but every refusal';

$httpd->stop;
done_testing;
