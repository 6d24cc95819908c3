# Licensed under the Apache License, Version 2.0; see LICENSE.
# What is wrong comes first on the page of a browser, and what is in order is left out of long lists;
# scripts get all rows as they are configured. What has just been changed can be undone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use ManagerApi;

my $dead = Backend->refusing;
my $live = Backend->echo;
my $members = join '', map { "    BalancerMember fcgi://127.0.0.1:$_ route=r$_ lbset=1\n" } 1 .. 15;
my $httpd = Httpd->start(config => <<"EOC");
<Proxy balancer://fine>
$members</Proxy>
<Proxy balancer://sick>
$members    BalancerMember @{[ $dead->url ]} maxfails=1 retry=600
    BalancerMember @{[ $live->url ]}
</Proxy>
ProxyPass /sick/ balancer://sick/
EOC
my $page = '/balancer-manager';
my $api = ManagerApi->new($httpd);
my %browser = (Accept => 'text/html');

sub html { my ($query, %header) = @_; return $httpd->get("$page$query", header => \%header)->{body} }
sub sections { my ($html) = @_; return [$html =~ /<section class="balancer" id="[^"]*" aria-label="balancer:\/\/(\w+) of/g] }
sub rows {
    my ($html, $name) = @_;
    my ($section) = $html =~ m{(<section class="balancer"[^>]* aria-label="balancer://$name .*?</section>)}s;
    return [$section =~ /<tr id="m.*?>(\w+:\/\/127\.0\.0\.1:\d+)<\/a>/gs];
}

# ---- In order ----

my $html = html('', %browser);
is_deeply sections($html), [qw(fine sick)], 'all is in order: balancers stay as they are configured';
like $html, qr{<title>[\w.]+ - Balancer Manager</title>}, '... the title has the name of the server';
like $html, qr{>no problems<}, '... and nothing is wrong';
is_deeply rows($html, 'fine'), [], 'a long list that is in order is left out';
like $html, qr{<button name="open" value="fine">Show 15 more in order<}, '... until somebody asks for it';
is scalar @{ rows(html('?open=fine', %browser), 'fine') }, 15, '... and there then';
is scalar @{ rows(html('?filter=r1', %browser), 'fine') }, 7, 'what is looked for is there';
is scalar @{ rows(html('?sort=weight', %browser), 'fine') }, 15, '... and what is sorted';

# ---- Out of order ----

ok wait_until(20, sub { $httpd->get('/sick/x'); $httpd->member($dead->port, 'sick')->{state} eq 'error' }), 'a member fails';
my $disabled = 'fcgi://127.0.0.1:7';
is $api->patch(ManagerApi::member_path('sick', $disabled), { disabled => JSON::PP::true })->{status}, 200, 'another is disabled';
$html = html('', %browser);
is_deeply sections($html), [qw(sick fine)], 'the worst balancer comes first';
my ($first, $last) = @{ rows($html, 'sick') }[0, -1];
is $first, $dead->url, '... with the member that failed';
is $last, $disabled, '... and the one that is off on purpose';
is scalar @{ rows($html, 'sick') }, 2, '... without those that are in order';
like $html, qr{<title>\(1\) [\w.]+ -}, 'the title counts what is wrong';
like $html, qr{<tr id="l\d+"><th scope="row"><a href="#b\d+">sick</a>.*?\Q@{[ $dead->url ]}\E error for .*?: connect_refused}s,
    'a line tells it';
is_deeply [map { $_ eq $disabled ? () : $_ } @{ rows(html('?state=off', %browser), 'sick') }], [], 'off on purpose';
ok !grep({ $_ eq $disabled } @{ rows(html('?state=failed', %browser), 'sick') }), '... is not failed';
is rows(html('?state=failed', %browser), 'sick')->[0], $dead->url, '... which others are';
like $html, qr{ok \xE2\x86\x92 <b class="pill error">error</b></span> <small>requests failed: connect_refused}, 'the log has the failure';
like $html, qr{ok \xE2\x86\x92 <b class="pill disabled">disabled</b></span> <small>by an operator}, '... and what the operator did';

# ---- For scripts ----

$html = html('');
is_deeply sections($html), [qw(fine sick)], 'scripts get balancers as they are configured';
is_deeply rows($html, 'sick'), [(map { "fcgi://127.0.0.1:$_" } 1 .. 15), $dead->url, $live->url], '... with all members';
unlike $html, qr/<a href="#/, '... and no links that are not to edit';
is scalar(() = $html =~ /<table/g), 4, '... nor other tables';

# ---- Undone ----

sub post {
    my ($text, $location) = @_;
    my ($token) = $html =~ /nonce=([0-9a-f]{8}-[0-9a-f]{32})/;
    my $answer = $httpd->post($page, "b=sick&nonce=$token&$text",
        header => { %browser, 'Content-Type' => 'application/x-www-form-urlencoded', Host => '127.0.0.1:' . $httpd->port });
    $$location = $answer->{header}{location} if $location;
    return html($answer->{header}{location} // '', %browser);
}
sub undo {    # the fields of the form, without those that all have
    my ($html) = @_;
    my ($form) = $html =~ m{<form method="post"[^>]*>((?:(?!</form>).)*)<button>Undo</button>}s or return;
    return join '&', sort map { $_ =~ /^(?:b|vhost|nonce)=/ ? () : $_ }
        map { my ($n, $v) = @$_; "$n=$v" } map { [/name="([^"]*)" value="([^"]*)"/] } $form =~ /<input[^>]*>/g;
}
my ($one, $two) = map { "fcgi%3A%2F%2F127.0.0.1%3A$_" } 1, 2;
my ($u1, $u2) = map { "fcgi://127.0.0.1:$_" } 1, 2;
is undo(post("w=$one&w_lf=3")), "confirm=1&w=$u1&w_lf=1.00", 'a weight';
is undo(post("w=$one&w=$two&action=drain&confirm=1")), "confirm=1&w=$u1&w=$u2&w_status_N=0", 'two drained members';
is undo(post("w=$one&w_wr=new&w_limit=4")), "confirm=1&w=$u1&w_limit=0&w_wr=r1", 'a route and a limit';
is undo(post("w=$one&w=$two&w_lf=3&confirm=1")), "confirm=1&w=$u2&w_lf=1.00", 'of two members only one has changed';
is undo(post("w=$one&w=$two&w_wr=same&confirm=1")), undef, 'what they had was not the same: no form can say it';
is undo(post("w=$one&w_reset=1")), undef, 'what is counted does not come back';
my $location;
is undo(post("w=$one&w_lf=4", \$location)), "confirm=1&w=$u1&w_lf=3.00", 'a weight again';
is $api->patch(ManagerApi::member_path('sick', $u1), { weight => 5 })->{status}, 200, '... that somebody else changes';
is undo(html($location, %browser)), undef, '... is theirs';

$httpd->expect_log(qr/FC0251: .*connect_refused/);
$httpd->stop;
done_testing;
