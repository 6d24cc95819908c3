# Licensed under the Apache License, Version 2.0; see LICENSE.
# Changes of operators outlive restarts; an edited configuration wins; a broken state file does no harm.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use JSON::PP ();
use Deadline;
use FastBackend;
use Httpd;
use ManagerForm;

plan skip_all => 'stock keeps its state differently' if Httpd::is_stock();

my @members = map { FastBackend->start } 1 .. 3;
my $nobody  = 'fcgi://127.0.0.1:' . Httpd::free_port();

sub config {
    my ($weight, %o) = @_;
    my $persist = $o{persist} // 'On';
    return <<"EOC";
BalancerPersist $persist
<Proxy balancer://cluster>
BalancerMember @{[ $members[0]->url ]} loadfactor=$weight route=a
BalancerMember @{[ $members[1]->url ]} route=b
ProxySet timeout=1 growth=2
</Proxy>
<Proxy balancer://down>
BalancerMember $nobody retry=600 maxfails=1
ProxySet forcerecovery=Off
</Proxy>
ProxyPass /app/ balancer://cluster/
ProxyPass /down/ balancer://down/
EOC
}
my $httpd  = Httpd->start(children => 2, config => config(1));
$httpd->expect_log(qr/AH00098/);    # it was killed: its pid file was left
my $folder = $httpd->root . '/run/balancer-state';
my $file   = "$folder/balancer-state.json";

sub form {
    my ($balancer, %values) = @_;
    my $answer = ManagerForm::post($httpd, [b => $balancer, %values]);
    is $answer->{status}, 200, join ' ', 'changed:', map { "$_=$values{$_}" } sort keys %values
        or diag $answer->{body};
    return;
}
sub change { my ($member, %values) = @_; return form('cluster', w => $member->url, %values) }
sub member { return $httpd->member($_[0]->port . '', 'cluster') }
sub saved  {
    return JSON::PP::decode_json(Httpd::read_file($file) // return);
}
sub start_again { my ($config) = @_; $httpd->set_config($config) if $config; $httpd->start; return }

# ---- Kept over every restart ----

is_deeply [map { $_->{members} } @{ saved()->{balancers} }], [[], []], 'at first there is nothing to keep';
is sprintf('%o', (stat $folder)[2] & 07777), '700', 'the folder is for the children only';
change($members[0], w_lf => 5, w_ls => 3, w_rr => 'b', w_wr => "\xe4\xc3\xbc");
change($members[1], w_status_N => 1, w_status_I => 1);
form('cluster', b_tmo => 7, b_sforce => 1, b_ss => 'SID|sid');
form('cluster', b_nwrkr => $members[2]->url, b_wyes => 1);
change($members[2], w_status_D => 0, w_lf => 2);
is $httpd->get('/down/x')->{status}, 503, 'a member is banned';
$httpd->expect_log(qr/connect_refused|FC0422/, optional => 1);
is $httpd->member('', 'down')->{state}, 'error', '... it is in error';
ok wait_until(5, sub { (saved() // {})->{balancers}[1]{members}[0]{ban} }), '... which is saved, too';
my $trial = $httpd->member('', 'down')->{next_trial_at};

sub check_kept {
    my ($when) = @_;
    my ($one, $two, $three) = map { member($_) } @members;
    is_deeply [@$one{qw(weight lbset redirect)}], [5, 3, 'b'], "$when: weight, lbset, redirect";
    cmp_ok $one->{config}{weight}, '==', 1, '... and what the configuration says is shown';
    is $two->{state}, 'draining', '... drain';
    like $two->{status}, qr/Ign/, '... ignore errors';
    is_deeply [@$three{qw(weight state config)}], [2, 'ok', undef], '... the added member';
    is_deeply [map { $_ . '' } @{ $httpd->balancer('cluster') }{qw(timeout_us nofailover sticky_cookie)}],
        ['7000000', '1', 'SID'], '... the balancer';
    my $banned = $httpd->member('', 'down');
    is_deeply [@$banned{qw(state next_trial_at)}], ['error', $trial], '... the ban, with its end';
    is $httpd->get('/down/x')->{status}, 503, '... which holds';
    is $httpd->get('/app/x')->{status}, 200, '... requests are answered';
    is $httpd->in_flight('cluster'), 0, '... nothing is in flight';
    return;
}
ok $httpd->graceful, 'a graceful restart';
check_kept('after a graceful restart');
ok $httpd->restart, 'a restart in place';
check_kept('after a restart in place');
$httpd->kill_all;
start_again();
check_kept('after kill -9 of everything');
like $httpd->get("/app/x")->{status}, qr/200/, 'requests run';
my ($saved_route) = map { $_->{values}{route}{run_time} } grep { $_->{values}{route} }
    @{ saved()->{balancers}[0]{members} };
is $saved_route, "\xe4\xc3\xbc", 'bytes that are no text come back as they were';
change($members[1], w_status_N => 0);
$httpd->kill_all;
start_again();
is member($members[1])->{state}, 'ok', 'a change is on disk when the manager has answered';
ok !member($members[1])->{config}{redirect}, '... and the others stay as they were';

# ---- An edited configuration wins ----

$httpd->kill_all;
$httpd->mark_log;
start_again(config(3));
cmp_ok member($members[0])->{weight}, '==', 3, 'an edited weight wins over the saved one';
is member($members[0])->{lbset}, 3, '... what was not edited stays';
like +($httpd->log_lines(qr/FC0452/))[0] // '', qr/now says weight "3\.00".* "5\.00" \(which replaced "1\.00"\)/,
    '... with one line that names both';
$httpd->mark_log;
ok $httpd->graceful, 'once more';
is_deeply [$httpd->log_lines(qr/FC0452/)], [], '... is nothing to tell any more';
$httpd->set_config(config(4));
ok $httpd->graceful, 'edited before a graceful restart';
cmp_ok member($members[0])->{weight}, '==', 4, '... the configuration wins as well';

# ---- A removed member of the configuration ----

change($members[1], b_wdelete => 1);
$httpd->kill_all;
start_again();
is member($members[1]), undef, 'a removed member stays away';
form('cluster', b_nwrkr => $members[1]->url, b_wyes => 1);
is member($members[1])->{state}, 'disabled', '... until it is added again';
change($members[1], w_status_D => 0);

# ---- BalancerPersist Off: graceful restarts only ----

$httpd->kill_all;
start_again(config(1, persist => 'Off'));
is_deeply [map { member($_) ? 1 : 0 } @members], [1, 1, 0], 'without BalancerPersist the configuration holds';
change($members[0], w_lf => 9);
ok $httpd->graceful, 'graceful restart';
cmp_ok member($members[0])->{weight}, '==', 9, '... keeps changes all the same';
ok $httpd->restart, 'restart in place';
cmp_ok member($members[0])->{weight}, '==', 1, '... goes back to the configuration';

# ---- Broken files ----

$httpd->kill_all;
start_again(config(1));
change($members[0], w_lf => 6);
my $good = Httpd::text_of($file);
sub write_file { my ($text) = @_; return Httpd::write_file($file, $text) }
sub aside { return glob "$file.broken-*" }
my %broken = (
    'cut in half'        => sub { write_file(substr $good, 0, length($good) / 2) },
    'empty'              => sub { write_file('') },
    'of another version' => sub { write_file($good =~ s/"version": 1/"version": 2/r) },
    'something else'     => sub { write_file('[1, 2]') },
    'with a wrong value' => sub { write_file($good =~ s/"run_time": "6.00"/"run_time": 6/r) },
    'not readable'       => sub { unlink $file; mkdir $file or die $! },
    'too old'            => sub { write_file($good =~ s/("saved_at": )(\d+)/$1 . ($2 - 31 * 86400)/er) },
);
for my $how (sort keys %broken) {
    $httpd->kill_all;
    $broken{$how}->();
    -d $_ ? rmdir $_ : unlink $_ for aside();
    $httpd->mark_log;
    start_again();
    cmp_ok member($members[0])->{weight}, '==', 1, "a file that is $how: the configuration holds";
    is scalar(my @lines = $httpd->log_lines(qr/FC0451/)), 1, '... with one warning';
    is scalar(my @files = aside()), 1, '... and the file is kept';
    change($members[0], w_lf => 6);
}
$httpd->expect_log(qr/FC0451/, times => scalar keys %broken);
$httpd->kill_all;
write_file($good =~ s/("saved_at": )(\d+)/$1 . ($2 - 29 * 86400)/er);
start_again();
cmp_ok member($members[0])->{weight}, '==', 6, 'a file of 29 days ago is taken';

# ---- Nowhere to write ----

$httpd->kill_all;
rename $folder, "$folder.away";
open my $in_the_way, '>', $folder or die;
$httpd->expect_log(qr/FC0450/, times => 1);
start_again();
change($members[0], w_lf => 7);
cmp_ok member($members[0])->{weight}, '==', 7, 'without a folder changes work until the next restart';
$httpd->stop;

done_testing;
