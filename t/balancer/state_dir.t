# Licensed under the Apache License, Version 2.0; see LICENSE.
# BalancerStateDir: what an operator changes outlives the loss of DefaultRuntimeDir, as at a reboot. Nothing
# but our own folder in there is touched.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Path qw(remove_tree);
use FastBackend;
use Httpd;
use ManagerForm;

plan skip_all => 'stock keeps its state differently' if Httpd::is_stock();

my $member = FastBackend->start;
my $config = <<"EOC";
BalancerPersist On
<Proxy balancer://app>
    BalancerMember @{[ $member->url ]}
</Proxy>
EOC

# ---- What is a mistake ----

for my $wrong (
    ["<VirtualHost *:1>\nBalancerStateDir lasting\n</VirtualHost>", qr/BalancerStateDir.*not allowed|cannot occur within/],
    ['BalancerStateDir', qr/BalancerStateDir takes one argument/],
) {
    my ($code, $said) = Httpd->configtest(config => "$wrong->[0]\n$config");
    isnt $code, 0, "refused: $wrong->[0]";
    like $said, $wrong->[1], '... and the line says why';
}

# ---- It lasts ----

my $httpd = Httpd->new(config => "BalancerStateDir lasting\n$config");
my $state = $httpd->root . '/lasting';    # relative to ServerRoot
mkdir $state, 0755 or die "$state: $!";
my @before = (stat $state)[2, 4, 5];

sub weight { return $httpd->member($member->url, 'app')->{weight} + 0 }
sub change {
    my ($weight) = @_;
    return ManagerForm::post($httpd, [b => 'app', w => $member->url, w_lf => $weight])->{status};
}

$httpd->start;
is change(5), 200, 'an operator changes a weight';
is_deeply [map { s{.*/}{}r } glob "$state/*"], ['balancer-state'], 'what is kept lies in a folder there';
is_deeply [(stat $state)[2, 4, 5]], \@before, '... which is as it was';
is sprintf('%o', (stat "$state/balancer-state")[2] & 07777), '700', '... and the folder is for the children only';
ok !-e $httpd->root . '/run/balancer-state', 'nothing lies in DefaultRuntimeDir';
$httpd->stop;
remove_tree($httpd->root . '/run', { keep_root => 1 });
$httpd->start;
is weight(), 5, 'after a reboot: as it was changed';

# ---- Somebody sets it on a running httpd ----

$httpd->set_config($config);
ok $httpd->graceful, 'a graceful restart without the directive';
is weight(), 5, '... keeps the change';
$httpd->set_config("BalancerStateDir lasting\n$config");
is change(6), 200, 'a change';
ok $httpd->graceful, 'a graceful restart with it again';
is weight(), 6, '... keeps it: what runs wins over the file';
$httpd->kill_all;
$httpd->expect_log(qr/AH00098/, optional => 1);    # it was killed: its pid file was left
$httpd->start;
is weight(), 6, '... and it is on disk';
$httpd->stop;

# ---- A directory that is not there ----

$httpd->set_config("BalancerStateDir nowhere/at/all\n$config");
$httpd->expect_log(qr{FC0450.*nowhere/at/all/balancer-state.*set BalancerStateDir}, times => 1);
$httpd->start;
is weight(), 1, 'without its directory httpd starts as configured';
$httpd->stop;

done_testing;
