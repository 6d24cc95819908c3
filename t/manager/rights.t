# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-04: BalancerManagerRequire says who may look, operate and edit; each right includes the lower ones.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use MIME::Base64 qw(encode_base64);
use Httpd;
use ManagerApi;
use ManagerForm;

my @auth = qw(auth_basic authn_core authn_file authn_anon authz_user authz_groupfile);
my $members = <<'EOC';
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
ProxySet growth=1
</Proxy>
ProxyPass /app/ balancer://app/
EOC

sub location {
    my ($path, @lines) = @_;
    return join "\n", "<Location $path>", 'SetHandler balancer-manager', 'AuthType Basic', 'AuthName manager',
        'AuthUserFile @root@/users', 'AuthGroupFile @root@/groups', @lines, "</Location>\n";
}
my $httpd = Httpd->new(without => ['proxy_fastcgi'], modules => [@auth, 'proxy_http'],
    debug_log => 'balancer_manager:notice', config => join '', $members,
    location('/team', 'Require valid-user', 'BalancerManagerRequire view user vera',
        'BalancerManagerRequire operate group ops', 'BalancerManagerRequire operate user olga',
        'BalancerManagerRequire edit user ed'),
    location('/open', 'Require all granted'), location('/users', 'Require valid-user'),
    location('/local', 'Require all granted', 'BalancerManagerRequire edit ip 127.0.0.0/8'),
    location('/far', 'Require all granted', 'BalancerManagerRequire edit ip 10.0.0.0/8'),
    location('/said', 'Require all granted', q(BalancerManagerRequire operate expr "%{HTTP:X-Role} == 'ops'")),
    "<Location /bare>\nSetHandler balancer-manager\n</Location>\n",
    location('/team/inner', 'BalancerManagerRequire edit user vera'),
    location('/team/seen', 'BalancerManagerRequire view valid-user'),
    location('/noname', 'AuthBasicProvider anon', 'Anonymous *', 'Anonymous_NoUserID On',
        'Anonymous_MustGiveEmail Off', 'Require valid-user'));
my %salted = map { $_ => crypt $_, 'ab' } qw(vera otto olga ed nobody);
open my $users, '>', $httpd->root . '/users' or die $!;
print {$users} map { "$_:$salted{$_}\n" } sort keys %salted;
close $users;
open my $groups, '>', $httpd->root . '/groups' or die $!;
print {$groups} "ops: otto\n";
close $groups;
$httpd->start;

my $url = 'http://127.0.0.1:1';
my $member = ManagerApi::member_path('app', $url);
sub login { my ($user) = @_; return $user ? (Authorization => 'Basic ' . encode_base64("$user:$user", '')) : () }
sub api   { my ($base, $user, %header) = @_;
            return ManagerApi->new($httpd, base => $base, header => { login($user), %header }) }
sub form {
    my ($base, $user, @fields) = @_;
    return ManagerForm::post($httpd, [b => 'app', @fields], page => $base, header => { login($user) })->{status};
}

# What somebody may: look, drain, change a weight; by JSON and by forms.
sub rights {
    my ($base, $user, %header) = @_;
    my $api = api($base, $user, %header);
    my $weight = 2 + int rand 90;
    return join ' ', map { $_->{status} } $api->get($member), $api->patch($member, { state => 'drain' }),
        $api->post("$member/reset", {}), $api->patch($member, { weight => $weight });
}
my ($none, $view, $operate, $edit) = ('403 403 403 403', '200 403 403 403', '200 200 200 403',
                                      '200 200 200 200');
is rights('/team', 'vera'), $view, 'view';
is rights('/team', $_), $operate, "operate: $_" for qw(otto olga);
is rights('/team', 'ed'), $edit, 'edit';
is rights('/team', 'nobody'), $none, 'who has none may not even look';
is $httpd->get($_, header => { login('nobody') })->{status}, 403, "... at $_"
    for '/team', '/team/v1/status', '/team?format=json', '/team?xml=1', '/team/v1/audit';
is rights('/team', undef), join(' ', (401) x 4), 'httpd asks who it is';
is rights('/open', undef), $view, 'without lines: whom httpd lets in may look';
is rights('/users', 'nobody'), $edit, '... and do all when logged in';
is rights('/local', undef), $edit, 'by address';
is rights('/far', undef), $view, '... not from here';
is rights('/said', undef, 'X-Role' => 'ops'), $operate, 'by an expression';
is rights('/said', undef), $view, '... that is not true';
is rights('/team/inner', 'vera'), $edit, 'an inner section has its own lines';
is rights('/team/inner', 'ed'), $view, '... and not those around it';
is rights('/team/seen', 'ed'), $view, '... also when it says only who may look: that opens nothing';
is rights('/noname', undef, Authorization => 'Basic ' . encode_base64(':', '')), $view,
    'an empty name is nobody who is logged in';
is rights('/noname', 'anybody'), $edit, '... but any other is';

# ---- Why, and in the audit ----

my $refused = api('/team', 'vera')->patch($member, { weight => 5 });
like $refused->{json}{detail}, qr/vera does not have "edit" permission here; .*"BalancerManagerRequire edit user vera"/,
    'the refusal says which right is missing, and the cure';
like api('/team', 'otto')->patch($member, { state => 'drain', weight => 5 })->{json}{detail},
    qr/otto does not have "edit" permission/, '... the highest that is needed';
is api('/team', 'otto')->patch($member, { state => 'disable', weight => 5 })->{status}, 403, '... all or nothing';
is api('/team', 'ed')->get($member)->{json}{state}, 'draining', '... nothing was changed';
my ($entry) = api('/team', 'ed')->audit;
is_deeply [@$entry{qw(user outcome what)}], ['otto', 'refused', "PATCH /v1/$member" =~ s/%3A/:/gr],
    '... it is audited';

my $vera = api('/team', 'vera');
my %needs = (edit => [$vera->delete($member), $vera->post('balancers/app/members', { url => 'http://127.0.0.1:9' }),
        $vera->patch('members', [{ balancer => 'app', member => $url, state => 'drain' },
                                 { balancer => 'app', member => $url, lbset => 1 }]),
        $vera->patch('balancers/app', { timeout => 1 })],
    operate => [$vera->patch($member, { state => 'drain' }), $vera->post("$member/reset", {}),
        $vera->post('balancers/app/reset', {}), $vera->patch('balancers/app', { reset_counters => JSON::PP::true })]);
for my $right (sort keys %needs) {
    like $_->{json}{detail}, qr/^Nothing was changed: vera does not have "$right" permission here.*Require $right user vera/,
        "... $right, when that is enough" for @{ $needs{$right} };
}
like api('/open')->patch($member, { weight => 5 })->{json}{detail}, qr/a user who is not logged in .*Require edit valid-user/,
    'where one can log in';
like api('/bare')->patch($member, { weight => 5 })->{json}{detail}, qr/Require edit local/, '... and where nobody can';
for my $case (['w_lf=3', 'edit'], ['w_status_N=1', 'operate'], ['action=drain', 'operate'], ['action=remove', 'edit'],
              ['b_tmo=1', 'edit'], ['b_reset=1', 'operate']) {
    my ($text, $right) = @$case;
    like $httpd->post('/team', "b=app&w=$url&$text", header => { login('vera') })->{body},
        qr/&quot;$right&quot; permission here/, "a form with $text: $right";
}

# ---- Forms ----

is form('/team', 'vera', w => $url, w_status_N => 0), 403, 'a form needs the right as well: view';
is form('/team', 'otto', w => $url, w_status_N => 0), 200, '... operate';
is form('/team', 'otto', w => $url, w_lf => 3), 403, '... edit';
is form('/team', 'otto', w => $url, action => 'remove', confirm => 1), 403, '... to remove';
is form('/team', 'otto', b_nwrkr => 'http://127.0.0.1:9', b_wyes => 1), 403, '... to add';
is form('/team', 'ed', w => $url, w_lf => 3), 200, '... who has it';
my ($eds) = $httpd->get('/team', header => { login('ed') })->{body} =~ /nonce=([0-9a-f-]{41})/;
is $httpd->post('/team', "b=app&nonce=$eds&w=$url&w_status_N=1", header => { login('otto') })->{status}, 403,
    "a token is nobody else's";
$httpd->stop;

# ---- Configuration ----

for my $case (['change user ed', qr/view, operate or edit/], ['', qr/view, operate or edit/],
              ['edit nonsense x', qr/there is no "Require nonsense"/], ['edit ip 300.1.2.3', qr/Require ip 300/],
              ['edit expr "%{"', qr/Require expr/]) {
    my ($line, $why) = @$case;
    my ($code, $text) = Httpd->configtest(without => ['proxy_fastcgi'], modules => \@auth,
        config => "<Location /x>\nBalancerManagerRequire $line\n</Location>\n");
    isnt $code, 0, "a mistake is found by configtest: $line";
    like $text, $why, '... and named';
}

done_testing;
