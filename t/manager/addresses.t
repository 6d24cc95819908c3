# Licensed under the Apache License, Version 2.0; see LICENSE.
# Where members may be: what mod_proxy would take for another port, another scheme or a place that
# nobody finds is refused, by the JSON interface and by forms. And how long a refusal may get.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use ManagerApi;
use ManagerForm;

my $httpd = Httpd->start(debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app>
    BalancerMember fcgi://127.0.0.1:1
    ProxySet growth=3
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my $api = ManagerApi->new($httpd);
my $members = 'balancers/app/members';
my $one = ManagerApi::member_path('app', 'fcgi://127.0.0.1:1');

sub is_refused {
    my ($answer, $status, $field, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @errors = @{ $answer->{json}{errors} || [] };
    ok $answer->{status} == $status && @errors == 1 && $errors[0]{field} eq $field
        && $errors[0]{detail} =~ $why, "$name: $status" or diag "$answer->{status} $answer->{body}";
    return;
}

# ---- URLs ----

my @wrong = (
    (map { [$_, qr/port is not a number from 1 to 65535/] } 'fcgi://127.0.0.1:99999', 'fcgi://127.0.0.1:-1',
        'fcgi://127.0.0.1:0', 'unix:/run/x.sock|fcgi://x:65536', 'http://127.0.0.1:65616/'),
    (map { [$_, qr/cannot be a member of a balancer/] } 'balancer://app', 'balancer://other',
        'unix:/run/x.sock|balancer://other'),
    (map { [$_, qr/user name or a password/] } 'http://user:s3cret@127.0.0.1:80', 'fcgi://user@127.0.0.1:9'),
    ['fcgi://', qr/URL/], ['127.0.0.1:9', qr/URL/], ['unix:/' . 'x' x 120 . '|fcgi://x', qr/too long|limited to 107 bytes/],
);
for my $case (@wrong) {
    my ($url, $why) = @$case;
    my $answer = $api->post($members, { url => $url });
    is_refused($answer, 400, 'url', $why, substr $url, 0, 40);
    unlike $answer->{body}, qr/s3cret/, '... without the password' if $url =~ /s3cret/;
}
my $form = ManagerForm::post($httpd, [b => 'app', b_wyes => 1, b_nwrkr => 'fcgi://127.0.0.1:99999']);
is $form->{status}, 400, 'a form is refused, too';
like $form->{body}, qr/port is not a number/, '... and says why';

# ---- Places that nobody finds: two dots are no name for any resolver ----

is_refused($api->post($members, { url => 'fcgi://a..b:9000' }), 409, 'url',
    qr/a\.\.b: this server cannot resolve the name/, 'a new member without an address');
is_refused($api->patch($one, { address => 'a..b:9000' }), 409, 'address',
    qr/a\.\.b: this server cannot resolve the name/, 'a member that would move to nowhere');
is_refused($api->patch($one, { address => $_ }), 400, 'address', qr/not host:port/, "a move to $_")
    for '127.0.0.1:99999', '127.0.0.1:-1', 'u:p@127.0.0.1:80';
is scalar @{ $api->get('balancers/app')->{json}{members} }, 1, 'nothing of it is there';

is $api->post($members, { url => $_ })->{status}, 201, "$_ is right"
    for 'fcgi://localhost:65535', 'unix:/run/x.sock|fcgi://x', 'fcgi://[::1]:9000';

# ---- A refusal has an end ----

my $answer = $api->patch($one, { map { ("nothing$_" => 1) } 1 .. 20_000 });
is $answer->{status}, 400, 'twenty thousand mistakes';
is scalar @{ $answer->{json}{errors} }, 1000, '... of which a thousand are named';
$answer = $api->patch('members', [map { { balancer => 'app', member => $_ } } 1 .. 3000]);
cmp_ok scalar @{ $answer->{json}{errors} || [] }, '<=', 1000, '... and of many changes'
    or diag $answer->{body};

$httpd->stop;
done_testing;
