# Licensed under the Apache License, Version 2.0; see LICENSE.
# Forms change members and balancers with stock's parameters; only for who may, and all or nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use ManagerApi;
use ManagerForm;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['lbmethod_bybusyness'],
    debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1/a+b route=one
BalancerMember http://127.0.0.1:2 route=two
ProxySet growth=1
</Proxy>
ProxyPass /app/ balancer://app/
<Proxy balancer://open>
BalancerMember http://127.0.0.1:1
ProxySet nonce=None
</Proxy>
ProxyPass /open/ balancer://open/
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
ServerName first.test
<Proxy balancer://twin>
BalancerMember http://127.0.0.1:3
</Proxy>
ProxyPass /twin/ balancer://twin/
</VirtualHost>
<VirtualHost 127.0.0.1:@port2@>
ServerName second.test
<Proxy balancer://twin>
BalancerMember http://127.0.0.1:3
ProxySet nonce=of-the-second
</Proxy>
ProxyPass /twin/ balancer://twin/
</VirtualHost>
EOC
my $page = '/balancer-manager';

sub nonce_of {
    my ($name) = @_;
    return $httpd->get($page)->{body} =~ /[?;]b=\Q$name\E&amp;nonce=([\w-]+)"/ ? $1 : undef;
}
sub balancer {
    my ($key, $vhost) = @_;
    my ($found) = grep { $_->{key} eq $key && (!$vhost || $_->{vhost} =~ /^\Q$vhost\E/) }
        @{ $httpd->json("$page/v1/status")->{balancers} };
    return $found;
}
sub member { return balancer($_[0], $_[2])->{members}[$_[1]] }

sub form {
    my ($values, %header) = @_;
    return ManagerForm::post($httpd, [nonce => undef, %$values], header => \%header);
}

my $nonce = nonce_of('app');
ok $nonce, 'the page has the nonce in the link to edit';
my %one = (b => 'app', w => 'http://127.0.0.1:1/a+b', nonce => $nonce);
my %app = (b => 'app', nonce => $nonce);

# ---- The page, as scripts read it ----

my $html = $httpd->get($page)->{body};
like $html, qr{<a href="$page\?b=app&amp;w=http://127\.0\.0\.1:2&amp;nonce=[\w-]+">http://127\.0\.0\.1:2</a>},
    'the link to edit a member';
like $html, qr{<h3>LoadBalancer Status for <a href="$page\?b=app&amp;nonce=[\w-]+">balancer://app</a> },
    'the heading of a balancer';
like $html, qr{<dt>Server Version: Apache/2\.[45]\.\d+}, 'the version of the server';
my @tables = $html =~ m{<table[^>]*>(.*?)</table>}gs;
is @tables, 2 * 4, 'two tables for each balancer';
is_deeply [($tables[1] =~ m{<th [^>]*>(.*?)</th>}g)[0 .. 10]],
    ['Worker URL', qw(Route RouteRedir Factor Set Status Elected Busy Load To From)],
    "the second has stock's columns";
is scalar(() = $tables[1] =~ /<th /g) * 2, scalar(() = $tables[1] =~ /<td/g),
    '... and each row a cell for each';
like $tables[1], qr{<td>Init Ok </td>}, 'a state is one text';
my $edit = $httpd->get("$page?b=app&w=http://127.0.0.1:1/a%2Bb");
like $edit->{body}, qr{name="$_"}, "the form has $_"
    for qw(w_lf w_ls w_wr w_rr b w nonce), map { "w_status_$_" } qw(I N D H R S C);
like $edit->{header}{'content-security-policy'}, qr/default-src 'none'/, 'the page may load nothing';
$edit = $httpd->get("$page?b=app")->{body};
like $edit, qr{name="$_"}, "the form has $_" for qw(b_lbm b_tmo b_max b_sforce b_ss b_nwrkr b_wyes);

# ---- Changes ----

my $changed = form({ %one, w_lf => '2.5', w_ls => 1, w_wr => 'uno', w_rr => 'two', w_status_D => 1,
                     stranger => 1 });
is $changed->{status}, 200, 'a member can be changed';
like $changed->{body}, qr/weight 1\.00 -&gt; 2\.50/, '... and the page says what was';
my $member = member('app', 0);
cmp_ok $member->{weight}, '==', 2.5, '... weight';
is_deeply [@$member{qw(lbset route redirect state)}], [1, 'uno', 'two', 'disabled'], '... all of it';
is scalar(my @lines = $httpd->log_lines(qr/FC0601: balancer:\/\/app of \S+: changed by "-" from 127\.0\.0\.1/)), 5,
    '... with a line in the log for each change';
unlike "@lines", qr/\Q$nonce\E/, '... that does not have the nonce';

like form({ %one, w_lf => '2.50' })->{body}, qr/Nothing to change/, 'the same again changes nothing';
form({ %one, w => ManagerApi::encoded($one{w}), w_status_D => 0 });
is member('app', 0)->{state}, 'ok', "an address that is escaped twice is found, as stock's form sends it";
form({ %one, w_wr => '' });
is member('app', 0)->{route}, undef, 'an empty route takes it away';

is form({ %app, b_lbm => 'bybusyness', b_tmo => 5, b_max => 3, b_sforce => 1, b_ss => 'SID | sid' })->{status},
    200, 'a balancer can be changed';
is_deeply [@{ balancer('app') }{qw(lbmethod timeout_us max_attempts nofailover sticky_cookie sticky_parameter)}],
    ['bybusyness', 5_000_000, 3, JSON::PP::true, 'SID', 'sid'], '... all of it';
form({ %app, b_ss => '-', b_sforce => 0, b_lbm => 'byrequests', b_max => '' });
is_deeply [@{ balancer('app') }{qw(lbmethod max_attempts nofailover sticky_cookie)}],
    ['byrequests', 3, JSON::PP::false, undef], '... and back; an empty number leaves it';

is form({ %app, b_nwrkr => 'http://127.0.0.1:9', b_wyes => 1 })->{status}, 200, 'a member can be added';
is member('app', 2)->{state}, 'disabled', '... disabled at first';
is form({ %app, b_nwrkr => 'http://127.0.0.1:8', b_wyes => 1 })->{status}, 400, '... while there is room';

like form({ %one, w_lf => 3, xml => 1 })->{body}, qr/^<\?xml/, 'xml=1 answers a form with XML';

# ---- A browser is sent on to the page, which tells what was done: to load that again changes nothing ----

my %browser = (Accept => 'text/html,*/*;q=0.8', Origin => 'http://localhost');
my $sent = form({ %one, w_lf => 7, w_ls => 2 }, %browser);
is $sent->{status}, 303, 'a browser is sent on';
like $sent->{header}{location}, qr/^\?done=\d+\.2$/, '... to the same path';
my $told = $httpd->get("$page$sent->{header}{location}", header => \%browser)->{body};
like $told, qr{<p>http://127\.0\.0\.1:1/a\+b: $_</p>}, "... where it is told: $_" for 'weight \S+ -&gt; 7\.00', 'lbset 1 -&gt; 2';
form({ %one, w_lf => 8 });
like $httpd->get("$page$sent->{header}{location}")->{body}, qr/<p>\S+ weight \S+ -&gt; 7\.00/, '... also later';
is form({ %one, w_lf => 8 }, %browser)->{header}{location}, '?done=0.0', 'nothing to change';
like $httpd->get("$page?done=0.0")->{body}, qr/<p>Nothing to change/, '... is told as well';
unlike $httpd->get("$page?done=$_")->{body}, qr/class="note/, "done=$_ tells nothing"
    for '9999999999.1', '18446744073709551615.2', '0.1', '1.999999999999', '-1.-1', 'x', '', '%3Cb%3E';
like $httpd->post("$page?filter=a%26b&sort=weight&order=desc&done=1.1", 'b=app&w_lf=9&w=http://127.0.0.1:2&nonce=' . $nonce,
    header => \%browser)->{header}{location}, qr/^\?filter=a%26b&sort=weight&order=desc&done=\d+\.1$/, 'the filter is kept';
is form({ %one, w_lf => 101 }, %browser)->{status}, 400, 'a wrong value is told at once';
is form({ %one, action => 'stop' }, %browser)->{status}, 200, '... as is a question';
like form({ %one, w_lf => 9, xml => 1 }, %browser)->{body}, qr/^<\?xml/, '... and XML';

# ---- Wrong values: nothing is changed, and all of them are named ----

my $wrong = form({ %one, w_lf => 101, w_ls => -1, w_status_D => 'yes', b_tmo => '1.5', b_max => 100,
                   b_sforce => 2, w_rr => "a\nb", b_wyes => 1, w_wr => 'right' });
is $wrong->{status}, 400, 'wrong values are refused';
like $wrong->{body}, qr/<p>$_ must /, "... $_ is named"
    for qw(w_lf w_ls w_status_D b_tmo b_max b_sforce w_rr b_nwrkr);
is member('app', 0)->{route}, undef, '... and nothing is changed';
$wrong = form({ %app, b_lbm => 'none', b_tmo => 'x', b_ss => 's' x 300, b_nwrkr => "http://a b", b_wyes => 1 });
like $wrong->{body}, qr/<p>[^<]*\b$_/, "... $_ is named, whoever finds it"
    for 'no lbmethod none', 'b_tmo must', 'sticky is longer', 'URL must not contain spaces';
is $wrong->{status}, 400, '... at once';
is form({ %one, w_lf => $_ })->{status}, 400, "w_lf=$_ is refused" for qw(0.99 100.01 1. .5 1e1 0x1 nan -1);
is form({ %one, w_lf => $_ })->{status}, 200, "w_lf=$_ is taken" for qw(1 100 100.00 1.999 33.3333);
is form({ %app, b_lbm => 'none', b_tmo => 9 })->{status}, 400, 'an unknown lbmethod is refused';
is balancer('app')->{timeout_us}, 5_000_000, '... with all that came with it';
is form({ %app, b => '<b>' })->{status}, 404, 'an unknown balancer is not found';
is form({ %app, w => '<b>' })->{status}, 404, 'an unknown member is not found';
is form({ nonce => $nonce })->{status}, 400, 'a form without a balancer is refused';
is $httpd->post($page, 'x' x 65_537)->{status}, 413, 'a form of more than 64 KB is too large';
is $httpd->post($page, 'x' x 65_536)->{status}, 400, '... one of 64 KB is read';
is $httpd->post($page, 'b=%zz')->{status}, 400, 'a broken escape is refused';
is $httpd->post($page, '{}', header => { 'Content-Type' => 'application/json' })->{status}, 415,
    'what is not a form is refused';

# ---- Who may ----

$httpd->get("$page?w_lf=9&" . ManagerForm::text(%one));
cmp_ok member('app', 0)->{weight}, '!=', 9, 'a GET changes nothing';

$httpd->expect_log(qr/FC0602/, times => 8);
my %bare = (%one, w_lf => 9);
delete $bare{nonce};
is form(\%bare)->{status}, 403, 'a form without a nonce is refused';
is form({ %bare, nonce => 'x' })->{status}, 403, '... with a wrong one as well';
is $httpd->post("$page?nonce=$nonce", 'b=app&b_tmo=9')->{status}, 403, '... a nonce in the query does not count';
is form({ %one, w_lf => 9 }, Origin => 'http://evil.test')->{status}, 403, 'a form from elsewhere is refused';
is form({ %one, w_lf => 9 }, Origin => 'null')->{status}, 403, '... also from nowhere';
is form({ %one, w_lf => 9 }, Referer => 'http://localhost@evil.test/')->{status}, 403, '... by its Referer';
cmp_ok member('app', 0)->{weight}, '!=', 9, '... and nothing was changed';
is form({ %one, w_lf => 4 }, Referer => 'http://localhost:1/x', Origin => 'http://LOCALHOST')->{status},
    200, 'one from this host is taken, whatever its port';

my %open = (b => 'open', w => 'http://127.0.0.1:1', w_lf => 7);
is form(\%open)->{status}, 403, 'nonce=None takes nothing without Origin and Referer';
is form(\%open, Origin => 'http://evil.test')->{status}, 403, '... nothing from elsewhere';
is form(\%open, Origin => 'http://localhost')->{status}, 200, '... but from this host';
cmp_ok member('open', 0)->{weight}, '==', 7, '... and changes it';

# ---- Balancers of the same name ----

my %nonce = $httpd->get($page)->{body} =~ /\?vhost=(\w+)[^"]*?&amp;b=twin&amp;nonce=([\w-]+)"/g;
is_deeply [sort keys %nonce], ['first', 'second'], 'links to balancers of the same name have the host';
sub weights_of_twins { return join ' ', map { member('twin', 0, $_)->{weight} } qw(first second) }
my %twin = (b => 'twin', w => 'http://127.0.0.1:3');
is form({ %twin, nonce => 'of-the-second', w_lf => 5 })->{status}, 200, 'a nonce of its own is enough to tell them apart';
is weights_of_twins(), '1 5', '... the right one is changed';
is form({ %twin, nonce => $nonce{second}, vhost => $_, w_lf => 6 })->{status}, 200, "... and the virtual host: $_"
    for balancer('twin', 'second')->{vhost};
is weights_of_twins(), '1 6', '... as meant';
is $httpd->post($page, "b=twin&w=http://127.0.0.1:3&nonce=$nonce{first}&w_lf=7", header => { Host => "$_.test" },
    port => $httpd->port2)->{status}, 200, "... or where the manager is asked: $_" for 'first';
is weights_of_twins(), '7 6', '... as with stock, which shows no others';
my $which = form({ %twin, nonce => $nonce{second}, w_lf => 8 });
is $which->{status}, 409, 'who leaves it open is asked';
like $which->{body}, qr/several virtual hosts have a balancer twin\. Choose one/, '... which one';
is weights_of_twins(), '7 6', '... and nothing is changed';
is $httpd->get("$page?b=twin")->{status}, 200, '... but may look';

$httpd->stop;
done_testing;
