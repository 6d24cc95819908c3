# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-10: whatever bytes names, routes, users and requests have, no view takes them for anything but text:
# the page, XML, JSON, metrics, text, mod_status, headers, the audit and the log.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Encode qw(decode encode);
use MIME::Base64 qw(encode_base64);
use Httpd;
use ManagerApi;
use Metrics;

# What a configuration can hold: markup, quotes, UTF-8, a byte that is none, terminal escapes in 7 and
# in 8 bits, and a character that XML does not know.
my $odd = qq(<i>"'&\xc3\xa4\xff\e[31m\xc2\x9b1m\xef\xbf\xbe|\\n);
my $path = qq(/<s>"&'\xc2\x9b1m);
my $quoted = sub { $_[0] =~ s/([\\"])/\\$1/gr };
my $httpd = Httpd->start(modules => [qw(proxy_http status auth_basic authn_core authn_anon authz_user)],
    without => ['proxy_fastcgi'], debug_log => 'balancer_manager:notice', config => <<"EOC");
ServerName "a<b>'c.test"
BalancerPersist On
<Proxy "balancer://a<b&'c">
BalancerMember "http://127.0.0.1:1@{[ $quoted->($path) ]}" "route=@{[ $quoted->($odd) ]}" redirect=plain
BalancerMember http://127.0.0.1:2
ProxySet growth=2
</Proxy>
ProxyPass /app/ "balancer://a<b&'c/"
<Location /server-status>
SetHandler server-status
</Location>
<Location "/any where">
SetHandler balancer-manager
BalancerManagerRequire edit local
</Location>
<Location /anybody>
SetHandler balancer-manager
AuthType Basic
AuthName anybody
AuthBasicProvider anon
Anonymous *
Anonymous_NoUserID On
Anonymous_MustGiveEmail Off
Anonymous_VerifyEmail Off
Require valid-user
</Location>
EOC
my $key = "a<b&'c";
my $page = '/balancer-manager';
my $api = ManagerApi->new($httpd);
my $user = qq(<u>"\n\e[1m\xc2\x9b\xc3\xa4);
my %login = (Authorization => 'Basic ' . encode_base64("$user:x", ''));
my $shown = decode('UTF-8', qq(<i>"'&\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd[31m));    # as far as all views agree

sub balancer { return $httpd->json("$page/v1/status")->{balancers}[0] }
my ($member) = @{ balancer()->{members} };

# ---- JSON ----

is balancer()->{key}, $key, 'the name of a balancer';
is index($member->{route}, $shown), 0, 'a route';
is $member->{redirect}, 'plain', '... and what comes behind it';
my $url = encode('UTF-8', $member->{url});
my $one = 'balancers/' . ManagerApi::encoded($key) . '/members/' . ManagerApi::encoded($url);
is $api->get($one)->{status}, 200, 'the member is found by its own path';

# ---- A user of any name changes something; then there is an audit ----

my $anybody = ManagerApi->new($httpd, base => '/anybody', header => \%login);
is $anybody->patch($one, { redirect => encode('UTF-8', q(<r>"')) })->{status}, 200, 'somebody changes it';
$httpd->expect_log(qr/FC0602/, times => 1);
is $anybody->patch($one, { weight => 2 }, header => { Origin => 'http://<evil>"' })->{status}, 403, '... or not';
my ($refused, $changed) = $api->audit;
is $changed->{user}, decode('UTF-8', qq(<u>"\n\xef\xbf\xbd[1m\xc2\x9b\xc3\xa4)), 'the audit knows who';
is $refused->{outcome}, 'refused', '... and the refusal';
my @lines = $httpd->log_lines(qr/FC060[12]/);
is scalar @lines, 2, 'a line in the log for each';
unlike "@lines", qr/[\e\n\x9b]/, '... without a control character';
is scalar(grep { /by "<u>\\+"\\n\\x1b\[1m\\xc2\\x9b\\xc3\\xa4" from 127/ } @lines), 2, '... the name in quotes';

# ---- The page, and all of its forms ----

# Markup that is none of ours: an element, a quote that ends an attribute, an entity that is none.
sub is_escaped {
    my ($html, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    unlike $html, qr{<(?:i|s|u|r|x)>}, "$name: no element";
    unlike $html, qr{[<>]"'}, '... no quote as it came';
    unlike $html, qr{&(?!(?:amp|lt|gt|quot|#\d+);)}, '... no entity that is none';
    unlike $html, qr{[\x00-\x08\x0b-\x1f\x7f]}, '... no control character';
    ok eval { decode('UTF-8', my $copy = $html, Encode::FB_CROAK); 1 }, '... and it is UTF-8';
    return;
}
sub token { return $httpd->get($_[0] // $page, header => { %login })->{body} =~ /nonce=([0-9a-f-]{41})/ ? $1 : '' }
my %views = (
    'the page' => '', 'a filter' => '?filter=' . ManagerApi::encoded($odd),
    'a balancer' => '?b=' . ManagerApi::encoded($key),
    'a member' => '?b=' . ManagerApi::encoded($key) . '&w=' . ManagerApi::encoded($url),
    'no balancer' => '?b=' . ManagerApi::encoded($odd), 'no format' => '?format=' . ManagerApi::encoded($odd),
    'no member' => '?b=' . ManagerApi::encoded($key) . '&w=' . ManagerApi::encoded($odd),
    'no page' => '/' . ManagerApi::encoded(q(<i>"'&)),
    'a sort key' => '?sort=' . ManagerApi::encoded($odd) . '&state=' . ManagerApi::encoded($odd),
);
is_escaped($httpd->get("$page$views{$_}")->{body}, $_) for sort keys %views;
my $html = decode('UTF-8', $httpd->get($page)->{body});
like $html, qr{<small>route &lt;i&gt;&quot;'&amp;\x{e4}\x{fffd}\x{fffd}\[31m}, 'the route stands there as text';
like $html, qr{by &lt;u&gt;&quot;}, 'the user as well';
like $html, qr{<title>[^<]* of balancer://a&lt;b&amp;'c over|No data of the last minutes}, 'a chart names it';
is_escaped($httpd->post('/anybody', join('&', map { "$_->[0]=" . ManagerApi::encoded($_->[1]) } ['b', $key],
    ['nonce', token('/anybody')], ['w', $url], ['action', 'disable'], [q(<x>"), $odd]),
    header => { %login, 'Content-Type' => 'application/x-www-form-urlencoded' })->{body}, 'what is to be confirmed');

# ---- XML ----

my $xml = $httpd->get("$page?xml=1")->{body};
is_escaped($xml =~ s{^<\?xml[^>]*>}{}r, 'XML');
unlike $xml, qr/\xef\xbf[\xbe\xbf]/, '... no character that XML does not know';
SKIP: {
    eval { require XML::LibXML; 1 } or skip 'no XML::LibXML', 1;
    ok eval { XML::LibXML->load_xml(string => $xml); 1 }, '... a parser takes it' or diag $@;
}

# ---- Metrics ----

my $metrics = Metrics->scrape($httpd);
is $metrics->complaints, '', 'promtool takes the metrics';
is $metrics->sum('weight', balancer => $key), 2, 'a label is the name';
is $metrics->sum('weight', member => $url =~ s/(["\\])/\\$1/gr), 1, '... with its quotes escaped';

# ---- Text, for a terminal ----

sub is_for_a_terminal {
    my ($text, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    unlike $text, qr/[\x00-\x09\x0b-\x1f\x7f]/, "$name: no control character";
    unlike $text, qr/\xc2[\x80-\x9f]/, '... nor one of the upper ones';
    return;
}
is $api->patch($one, { address => '127.0.0.1:3' })->{status}, 200, 'it moves';
for my $text ($httpd->get("$page?format=text"), $httpd->get('/server-status?auto')) {
    is_for_a_terminal($text->{body}, 'text');
    like $text->{body}, qr{balancer://a<b&'c}, '... that is not escaped for a page';
}
like $httpd->get('/server-status')->{body}, qr{<h2>balancer://a&lt;b&amp;'c \(}, 'mod_status has a page';
unlike $httpd->get('/server-status')->{body}, qr{<(?:i|s)>}, '... without our names as markup';

# ---- What is added at run time ----

my $inside = ManagerApi->new($httpd, base => '/any%20where');
my $members = 'balancers/' . ManagerApi::encoded($key) . '/members';
for my $bad ("http://127.0.0.1:4/\n\e[31mFC0601", "http://127.0.0.1:4/\xc2\x85 x", "http://127.0.0.1:4/\x7f") {
    is $api->post($members, { url => $bad })->{status}, 400, 'a URL with a control character is refused';
}
my $added = $inside->post($members, { url => 'http://127.0.0.1:4/<b>?"' });
is $added->{status}, 201, 'one with markup is taken' or diag $added->{body};
like $added->{header}{location} // '', qr{^/any%20where/v1/balancers/a%3Cb%26%27c/members/http%3A%2F%2F127\.0\.0\.1%3A4%2F},
    '... its Location is a URL';
is $httpd->get($added->{header}{location} =~ s{^/any%20where}{$page}r)->{status}, 200, "... where it is found";
is_escaped($httpd->get($page)->{body}, 'the page with it');

# ---- What only a state file can bring: a line break in a route ----

$api->patch('balancers/' . ManagerApi::encoded($key) . '/members/' . ManagerApi::encoded('http://127.0.0.1:2'),
    { route => 'marker' });
$httpd->stop;
my $file = $httpd->root . '/run/balancer-state/balancer-state.json';
my $state = Httpd::text_of($file);
$state =~ s{"marker"}{"a\\nFC0601: forged\\r\\u001b[31m\\u0001</td>"} or die 'no route in the state file';
open my $out, '>', $file or die "$file: $!";
print {$out} $state;
close $out;
$httpd->start;
my ($broken) = grep { $_->{url} eq 'http://127.0.0.1:2' } @{ balancer()->{members} };
is $broken->{route}, "a\nFC0601: forged\r\x{fffd}[31m\x{fffd}</td>", 'a route from a state file, in JSON';
is_escaped($httpd->get($page)->{body} =~ s/\r//gr, '... on the page');
unlike $httpd->get($page)->{body}, qr{31m\S*</td>"}, '... as text';
is $api->patch("$members/" . ManagerApi::encoded('http://127.0.0.1:2'), { route => 'good' })->{status}, 200, '... it can be changed';
is_escaped($httpd->get($page)->{body} =~ s/\r//gr, '... the audit on the page');
is scalar(@lines = $httpd->log_lines(qr/^FC0601|^[^\[].*forged/)), 0, '... and the log has no line of its own for it';
is(Metrics->scrape($httpd)->complaints, '', '... promtool takes the metrics');
is_for_a_terminal($httpd->get("$page?format=text")->{body}, '... text');

$httpd->stop;
done_testing;
