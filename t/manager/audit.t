# Licensed under the Apache License, Version 2.0; see LICENSE.
# The audit: the last changes and refusals, over restarts and crashes, whatever is in the names (M-10).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Httpd;
use ManagerApi;
use ManagerForm;

my $odd = qq(<script>alert(1)</script>"'\\&\xc3\xa4\xe4);
my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], children => 2,
    debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my $api = ManagerApi->new($httpd);
my $member = ManagerApi::member_path('app', 'http://127.0.0.1:1');
sub changed { return grep { $_->{outcome} eq 'changed' } $api->audit }
sub refused { return grep { $_->{outcome} eq 'refused' } $api->audit }

is_deeply [$api->audit], [], 'at first it is empty';

# ---- Escaping ----

is ManagerForm::post($httpd, [b => 'app', w => 'http://127.0.0.1:1', w_rr => $odd])->{status}, 200, 'an odd route';
my ($entry) = changed();
is_deeply [@$entry{qw(what before after)}],
    ['redirect', '', qq(<script>alert(1)</script>"'\\&\x{e4}\x{fffd})], '... in the audit, as JSON has it';
my ($line) = $httpd->log_lines(qr/FC0601: .*redirect/);
like $line, qr{: redirect "" -> "<script>alert\(1\)</script>\\+"'\\+&\\xc3\\xa4\\xe4"$}, '... on one line of the log';
unlike $httpd->get('/balancer-manager')->{body}, qr/<script>alert/, '... and escaped on the page';
is $api->patch($member, { redirect => "a\r\nb" })->{status}, 400, 'no line breaks in names';
$httpd->send('PATCH', "/balancer-manager/v1/members%0AFC0601:%20forged", body => '{}',
    header => { Origin => 'http://evil.test' });
is scalar(my @forged = $httpd->log_lines(qr/^FC0601/)), 0, '... nor in the log';

# ---- The last ones, newest first; refusals do not push changes out ----

$api->patch($member, { weight => 1 + $_ % 2 }) for 1 .. 205;
my @changes = changed();
is scalar @changes, 200, 'the last 200 changes are kept';
is_deeply [map { $_->{after} } @changes[0, 1, 2]], ['2.00', '1.00', '2.00'], '... newest first';
is_deeply [grep { $changes[$_ - 1]{at} lt $changes[$_]{at} } 1 .. $#changes], [], '... by time';
$api->patch($member, { weight => 9 }, header => { Origin => 'http://evil.test' }) for 1 .. 210;
is scalar(refused()), 200, 'the last 200 refusals as well';
is scalar(changed()), 200, '... and the changes are still there';

# ---- Crashes: httpd before 2.4.54 starts no child in the place of a killed one after a restart ----

for my $round (1 .. 5) {
    my $writer = Process->start(name => 'writer', run => sub {
        for (map { 1 + $_ % 9 } 1 .. 100_000) {
            my $weight = $_;
            wait_until(5, sub { eval { $api->patch($member, { weight => $weight }) } });
        }
    });
    my $before = (changed())[0]{at};
    ok wait_until(10, sub { (eval { (changed())[0]{at} } // $before) ne $before }), 'changes are written';
    $httpd->kill_child($_) for $httpd->children;
    $writer->stop('KILL');
    ok $httpd->wait_for_children, '... all children are killed and there again';
    my $weight = $api->get($member)->{json}{weight} == 5 ? 6 : 5;
    $api->patch($member, { weight => $weight });
    my @kept = changed();
    is_deeply [scalar @kept, $kept[0]{after}], [200, "$weight.00"], '... the audit goes on';
    is scalar(grep { $_->{what} !~ /^(?:weight|redirect)$/ || $_->{after} !~ /^\d\.00$/ } @kept), 0,
        '... and has no half entry';
}

# ---- Restarts ----

my $newest = (changed())[0]{at};
ok $httpd->graceful, 'a graceful restart';
is((changed())[0]{at}, $newest, '... keeps the audit');
ok $httpd->restart, 'a restart in place';
is((changed())[0]{at}, $newest, '... keeps it as well');

$httpd->expect_log(qr/AH00052|AH00051|exit signal/, optional => 1);    # who was killed
$httpd->stop;
done_testing;
