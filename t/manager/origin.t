# Licensed under the Apache License, Version 2.0; see LICENSE.
# Whom the manager takes for a friend: not a page whose name was made to point here (DNS rebinding),
# nobody whom a proxy on this machine has sent, no script without a secret or a login.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use MIME::Base64 qw(encode_base64);
use Httpd;
use ManagerApi;

my $secret = 'f00dfacef00dfacef00dfacef00dface';
my $other  = 'Zm9vYmFyZm9vYmFyZm9v+/~._-==';

sub location {
    my ($path, @lines) = @_;
    return join "\n", "<Location $path>", 'SetHandler balancer-manager', @lines, "</Location>\n";
}
my @basic = ('AuthType Basic', 'AuthName manager', 'AuthUserFile @root@/users');
my $httpd = Httpd->new(without => ['proxy_fastcgi'], debug_log => 'balancer_manager:notice',
    modules => [qw(proxy_http auth_basic authn_core authn_file authz_user)],
    config => <<'EOC' . join '', location('/open', 'Require all granted', 'BalancerManagerRequire edit all granted'),
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
ProxySet nonce=known-to-scripts
</Proxy>
ProxyPass /app/ balancer://app/
<Proxy balancer://none>
BalancerMember http://127.0.0.1:1
ProxySet nonce=None
</Proxy>
<Location /watch>
SetHandler balancer-status
</Location>
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
ServerName https://lb.test:443
ServerAlias alias.test *.wild.test
</VirtualHost>
EOC
    location('/more', 'BalancerManagerHost behind.test *.many.test', 'BalancerManagerHost one.test',
        'BalancerManagerRequire edit local'),
    location('/any', 'BalancerManagerHost *', 'BalancerManagerRequire edit local'),
    location('/users', @basic, 'Require valid-user', 'BalancerManagerToken @root@/deploy deploy'),
    location('/scripts', 'Require local', 'BalancerManagerRequire operate user deploy',
        'BalancerManagerRequire edit user script', 'BalancerManagerToken @root@/deploy deploy',
        'BalancerManagerToken other'));
sub file_of {
    my ($name, $text, $mode) = @_;
    my $path = $httpd->root . "/$name";
    open my $out, '>', $path or die "$path: $!";
    print {$out} $text;
    close $out;
    chmod $mode // 0600, $path;
    return $path;
}
file_of('users', 'alice:' . crypt('alice', 'ab') . "\n", 0644);
file_of('deploy', "$secret\r\nmore\n");
file_of('other', $other);
$httpd->start;
$httpd->expect_log(qr/FC0653: manager: refused: the (?:Host|X-Forwarded-Host) header names/);
$httpd->expect_log(qr/FC0652: manager: a request with a (?:Forwarded|X-Forwarded-For|X-Real-IP|Via) header/);
$httpd->expect_log(qr/AH01630/);
$httpd->expect_log(qr/FC0602/);

my $url = 'http://127.0.0.1:1';
my $member = ManagerApi::member_path('app', $url);
my $page = '/balancer-manager';
my %login = (Authorization => 'Basic ' . encode_base64('alice:alice', ''));
sub token_of {
    my ($base, %o) = @_;
    my ($token) = $httpd->get($base, %o)->{body} =~ /nonce=([0-9a-f]{8}-[0-9a-f]{32})/;
    return $token // '';
}
my $weight = 2;
sub weight { return $httpd->json("$page/v1/$member")->{weight} }

# What a sender comes to: looking in three ways, JSON with a token, a form with one.
sub reaches {
    my ($base, $header, %o) = @_;
    $weight++;
    my $form = "b=app&w=$url&nonce=known-to-scripts&w_lf=";
    my $patch = $httpd->send('PATCH', "$base/v1/$member", body => qq({"weight":$weight}), %o,
        header => { 'Content-Type' => 'application/json', 'X-CSRF-Token' => token_of($base), %$header });
    $weight++;
    my $post = $httpd->post($base, $form . $weight, %o, header => $header);
    return join ' ', map { $_->{status} }
        (map { $httpd->get("$base$_", %o, header => $header) } '', '/v1/status', '/metrics'), $patch, $post;
}
my $all = '200 200 200 200 200';
my $nothing = '403 403 403 403 403';
my $only_looks = '200 200 200 403 403';

# ---- DNS rebinding ----

is reaches($page, { Host => $_ }), $all, "Host: $_ is ours"
    for 'localhost', 'LOCALHOST:8080', '127.0.0.1', '10.11.12.13:80', '[::1]:80', '[fe80::1]', 'localhost.';
is reaches($page, { Host => $_ }), $nothing, "Host: $_ may be anybody's"
    for 'evil.test', 'evil.test:80', 'localhost.evil.test', '127.0.0.1.evil.test', 'lb.test', 'behind.test';
is weight(), $weight - 2 * 6, '... and has changed nothing';
for my $path ('', '?b=app', '?xml=1', '?format=text', '/v1/audit', '/v1/balancers/app', '/v1/members', '/no') {
    my $answer = $httpd->get("$page$path", header => { Host => 'evil.test' });
    is $answer->{status}, 403, "GET $path by a strange name";
    unlike $answer->{body}, qr/127\.0\.0\.1:1|[0-9a-f]{8}-[0-9a-f]{32}|known-to/, '... tells nothing';
    like $answer->{body}, qr/evil\.test.*BalancerManagerHost evil\.test/, '... but why, and the cure';
}
is $httpd->get("/watch$_", header => { Host => 'evil.test' })->{status}, 403, "balancer-status$_ neither"
    for '', '/metrics', '/v1/status';
is $httpd->get('/watch/metrics', header => { Host => '127.0.0.1' })->{status}, 200, '... but by an address';
is $httpd->post($page, "b=none&w=$url&w_lf=9", header => { Host => 'evil.test', Origin => 'http://evil.test' })->{status},
    403, 'nor by a balancer with nonce=None';
is reaches($page, { Host => $_ }, port => $httpd->port2), $all, "a virtual host has names of its own: $_"
    for 'lb.test', 'LB.test:8443', 'alias.test', 'x.wild.test', 'localhost';
is reaches($page, { Host => $_ }, port => $httpd->port2), $nothing, "... and no others: $_"
    for 'evil.test', 'wild.test', 'alias.test.evil.test';
is reaches('/more', { Host => $_ }), $all, "BalancerManagerHost: $_" for 'behind.test', 'a.many.test', 'one.test:81', 'localhost';
is reaches('/more', { Host => $_ }), $nothing, "... not $_" for 'many.test', 'evil.test';
is reaches('/any', { Host => 'whatever.test' }), $all, '... or any';
# the token for PATCH is one of nobody
is reaches('/users', { Host => 'evil.test', %login }), '200 200 200 403 200', 'who is logged in may use any name';
is $httpd->get($page, header => {}, version => '1.0')->{status}, 200, 'HTTP/1.0';

# ---- Behind a proxy ----

is reaches('/open', { 'X-Forwarded-Host' => $_ }), $all, "X-Forwarded-Host: $_" for 'localhost', '127.0.0.1:8080', '[::1]';
is reaches('/open', { 'X-Forwarded-Host' => $_ }), $nothing, "X-Forwarded-Host: $_" for 'evil.test', 'localhost, evil.test:80';
is reaches('/more', { 'X-Forwarded-Host' => 'behind.test, one.test' }), $all, '... named by BalancerManagerHost';
for my $header ({ Forwarded => 'for=192.0.2.1' }, { 'X-Forwarded-For' => '192.0.2.1' }, { Via => '1.1 front' },
                { 'X-Real-IP' => '192.0.2.1' }) {
    my ($name) = keys %$header;
    is reaches($page, $header), $nothing, "$name: not local for Require";
    is reaches('/more', $header), $only_looks, '... nor for BalancerManagerRequire';
    is reaches('/open', $header), $all, '... who needs not be local is let in';
}
my %form_type = ('Content-Type' => 'application/x-www-form-urlencoded');
my $origin = sub {
    my (%header) = @_;
    return $httpd->post('/open', "b=app&w=$url&w_lf=5&nonce=known-to-scripts", header => { %form_type, %header })->{status};
};
is $origin->(Host => '127.0.0.1:1', Origin => 'https://localhost', 'X-Forwarded-Host' => 'localhost'), 200,
    "a proxy's own name may be the Origin";
is $origin->(Host => '127.0.0.1:1', Origin => 'https://localhost'), 403, '... when the proxy says so';
is $origin->(Host => '127.0.0.1', Origin => 'http://10.0.0.66'), 403, 'the page of another address is another page';

# ---- Scripts ----

sub api { my ($base, %header) = @_; return ManagerApi->new($httpd, base => $base, header => \%header, token => 0) }
my $mark = weight();
for my $case (['nothing', {}], ['a wrong token', { 'X-CSRF-Token' => 'x' }]) {
    my ($what, $header) = @$case;
    my $refused = api($page, %$header)->patch($member, { weight => 50 });
    is $refused->{status}, 403, "JSON with $what";
    like $refused->{json}{detail}, qr/token/, '... says what is missing';
    is api($page, %$header)->delete($member)->{status}, 403, '... nor DELETE';
    is api($page, %$header)->post("$member/reset", {})->{status}, 403, '... nor POST';
}
like api($page)->patch($member, { weight => 50 })->{json}{detail}, qr/X-CSRF-Token.*BalancerManagerToken/, 'and how to go about it';
is weight(), $mark, '... nothing is changed';
is api($page, 'X-CSRF-Token' => token_of($page))->patch($member, { weight => 51 })->{status}, 200, "JSON with the page's token";
is api('/users', %login)->patch($member, { weight => 52 })->{status}, 200, '... with a login';
is api('/users')->patch($member, { weight => 53 })->{status}, 401, '... which it asks for';

my %bearer = (Authorization => "Bearer $secret");
is api('/users', %bearer)->patch($member, { weight => 54 })->{status}, 200, 'a secret is a login';
my ($entry) = ManagerApi->new($httpd)->audit;
is $entry->{user}, 'deploy', '... of the user who is named with it';
is api('/users', Authorization => "bearer  $secret")->get($member)->{status}, 200, '... however it is written';
is $httpd->post('/users', "b=app&w=$url&w_lf=55", header => { %bearer, %form_type })->{status}, 200, '... also for a form';
is $httpd->post('/users', "b=app&w=$url&w_lf=56", header => { %bearer, %form_type, 'Sec-Fetch-Site' => 'cross-site' })->{status},
    403, '... but not from a foreign page';
is api('/users', %bearer, Host => 'any.test')->get($member)->{status}, 200, '... by any name';
my $scripts = sub {
    my ($text, $data) = @_;
    return api('/scripts', $text ? (Authorization => "Bearer $text") : ())->patch($member, $data)->{status};
};
is $scripts->($secret, { state => 'drain' }), 200, 'where everybody is let in, too';
is $scripts->($secret, { weight => 57 }), 403, '... with the rights of its user';
is $scripts->($other, { weight => 58 }), 200, 'another secret, without a name';
($entry) = ManagerApi->new($httpd)->audit;
is $entry->{user}, 'script', '... is that of "script"';
is $scripts->('', { weight => 59 }), 403, 'none';
is api('/scripts')->get($member)->{status}, 200, '... may look';
$httpd->expect_log(qr/FC0651/, times => 3);
for my $wrong ($secret . 'x', substr($secret, 1), '-') {
    my $answer = api('/scripts', Authorization => "Bearer $wrong")->get($member);
    is $answer->{status}, 401, 'a wrong one is told so';
    is $answer->{header}{'www-authenticate'}, 'Bearer error="invalid_token"', '... as RFC 6750 has it';
}
is api($page, %bearer)->get($member)->{status}, 200, 'where there is no BalancerManagerToken it means nothing';
is api($page, %bearer)->patch($member, { weight => 60 })->{status}, 403, '... and opens nothing';
is weight(), 58, '... nor has it changed anything';
is scalar(my @told = $httpd->log_lines(qr/\Q$secret\E|\Q$other\E/)), 0, 'no secret comes to the log';
$httpd->stop;

# ---- Configuration ----

for my $case (['/no/such/file', qr/cannot read/], ['short', qr/must be a secret of 16 to 512/], ['empty', qr/must be a secret/],
              ['blank', qr/must be a secret/], ['long', qr/must be a secret/]) {
    my ($file, $why) = @$case;
    my $new = Httpd->new(without => ['proxy_fastcgi'], config => location('/x', "BalancerManagerToken $file"));
    my %text = (short => "123456789012345\n", empty => '', blank => "\n$secret\n", long => 'x' x 600);
    if (exists $text{$file}) {
        open my $out, '>', $new->root . "/$file" or die $!;
        print {$out} $text{$file};
        close $out;
    }
    my ($code, $said) = $new->configtest;
    isnt $code, 0, "a mistake is found by configtest: $file";
    like $said, $why, '... and named';
}
my $lax = Httpd->new(without => ['proxy_fastcgi'], config => location('/x', 'BalancerManagerToken secret'));
open my $out, '>', $lax->root . '/secret' or die $!;
print {$out} "$secret\n";
close $out;
for my $case ([0644, 1], [0622, 1], [0640, 0], [0600, 0]) {
    my ($mode, $warns) = @$case;
    chmod $mode, $lax->root . '/secret';
    my ($code, $said) = $lax->configtest;
    is $code, 0, sprintf 'a secret of mode %o', $mode;
    is !!($said =~ /FC0650.*chmod 600/), !!$warns, $warns ? '... with a warning' : '... without one';
    unlink $lax->root . '/error.log';
}
my ($code, $said) = Httpd->configtest(without => ['proxy_fastcgi'], config => location('/x', 'BalancerManagerHost http://a.test/'));
isnt $code, 0, 'a host is no URL';
like $said, qr/without a scheme/, '... as it says';

done_testing;
