# Licensed under the Apache License, Version 2.0; see LICENSE.
# The Debian package: built, free of what lintian finds, and in an overlay over this system, which
# stays as it is: installed, enabled by a2enmod, serving, upgraded, removed, purged; and debian/tests/cluster.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Basename qw(basename dirname);
use Test::More;
use Httpd;

plan skip_all => 'only root can install packages' if $> != 0;
system('unshare --mount --pid --net --fork true 2>/dev/null') == 0
    or plan skip_all => 'this system allows no namespaces of mounts, processes and networks';

my $here   = dirname(Cwd::abs_path(__FILE__));
my $folder = Httpd::temporary_dir('package');
my $built  = qx(DEB_BUILD_OPTIONS=nocheck $here/../../scripts/deb $folder/deb 2>&1);
is $?, 0, 'the package is built' or die($built);
my ($package) = glob "$folder/deb/libapache2-mod-fastcgi-cluster_*.deb";

my $lintian = qx(lintian --pedantic --display-info --allow-root $folder/deb/*.changes 2>&1);
is $?, 0, '... and lintian finds no error in it' or diag $lintian;
# No override can fit both releases: lintian of Debian 12 takes a drop-in for a service without an init script, of which that
# of Debian 13 knows nothing; and each has a Standards-Version of its own.
$lintian =~ s/^I: .*: (?:package-supports-alternative-init-but-no-init\.d-script|out-of-date-standards-version) .*\n//mg;
unlike $lintian, qr/^[EWIP]:/m, '... and has nothing else to say, however pedantic' or diag $lintian;

# ---- From the stock modules: every place says the same, and what it says works ----

sub text_of { my ($file) = @_; return Httpd::text_of("$here/../../$file") =~ s/\bsudo //gr }
my ($change_over) = text_of('README.md') =~ /^ +(a2dismod .*)$/m;
like text_of('docs/migration.md'), qr/^ +\Q$change_over\E$/m, 'docs/migration.md says the same as README.md';
my ($disable) = split / && /, $change_over;
like text_of('docs/log-messages.md'), qr/FC0431.*`\Q$disable\E`/, '... docs/log-messages.md';
like text_of('modules/balancer_byrequests/configtest.c'), qr/"Fix: \Q$disable\E /, '... the log line';
my $installed = qx(make -s -C $here/../.. install DESTDIR=$folder/installed 2>&1);
like $installed, qr/^Now: \Q$change_over\E$/m, '... make install';
is_deeply [sort map { basename $_ } glob "$folder/installed/etc/apache2/mods-available/*"],
    [sort map { basename $_ } grep { /[.](?:load|conf)$/ && !/example/ } glob "$here/../../conf.d/*"],
    '... which installs all that a2enmod enables';

# ---- The life of a package; each line "ok name" or "not ok name" ----

my %said = map { /^(not ok|ok) (.+)/ ? ($2 => $1) : () }
    my @output = qx($here/overlay $here/life_of_a_package $package '$change_over' 2>&1);
for my $step (
    'it installs', 'and enables nothing', 'a2enmod refuses them beside proxy_balancer',
    'with both enabled, configtest says which command helps',
    map({ "one command changes over: $_" } qw(nothing stock methods half orphan ours)),
    'bybusyness and bytraffic work', 'heartbeat works', 'the configuration is right',
    'a site runs on the stock modules', 'it changes over, and no request is lost',
    'an operator sets a limit, which is kept below /run', 'it upgrades, and no request is lost',
    'the limit is still set', 'and now kept where a reboot leaves it', 'and keeps them enabled',
    'a changed .load file too', 'a start from nothing has the limit',
    'it is removed: the site runs on, and dpkg says why', 'and nothing is left enabled',
    'the .load files and the state stay until it is purged',
    'it is purged', 'and nothing is left', 'the configuration is right without it',
) {
    is $said{$step}, 'ok', $step;
}
diag @output if !Test::More->builder->is_passing;

# ---- What autopkgtest runs ----

my $cluster = qx($here/overlay sh -c 'dpkg -i "\$1" && exec "\$2"' - $package $here/../../debian/tests/cluster 2>&1);
is $?, 0, 'debian/tests/cluster' or diag $cluster;

done_testing;
