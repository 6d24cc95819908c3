# Licensed under the Apache License, Version 2.0; see LICENSE.
# The RPM: built, free of what rpmlint finds, and its files, where Fedora and RHEL have them, are taken by an httpd
# with the modules that Fedora loads: beside mod_proxy_balancer, and after the change that the package tells of.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use Process;

plan skip_all => 'not in CI: it builds everything once more' if $ENV{CI};
Process::find_program($_) or plan skip_all => "$_ is not installed: scripts/setup package"
    for qw(rpmbuild rpmlint cpio pandoc);

my $top    = "$FindBin::RealBin/../..";
my $folder = Httpd::temporary_dir('rpm');
my $built  = qx($top/scripts/packaging/rpm/build $folder/built --nocheck 2>&1);
is $?, 0, 'the package is built' or die($built);
my ($package) = glob "$folder/built/*.rpm";

my $lint = qx(rpmlint --ignore-unused-rpmlintrc --rpmlintrc $top/scripts/packaging/rpm/rpmlintrc $top/scripts/packaging/rpm $package 2>&1);
like $lint, qr/ 0 errors, 0 warnings/, '... and rpmlint finds nothing in it' or diag $lint;

# ---- What is in it ----

my %mode = map { split / /, $_, 2 } split /\n/, qx(rpm -qp --nosignature --qf '[%{FILENAMES} %{FILEMODES:perms} %{FILEFLAGS:fflags}\n]' $package);
my %expected = (
    (map { ("/usr/lib64/httpd/modules/mod_$_.so" => '-rw-r--r-- ') } Httpd::our_modules()),
    (map { ("/usr/share/man/man7/mod_$_.7" => '-rw-r--r-- d') } Httpd::our_modules()),
    map { ("/etc/httpd/$_" => '-rw-r--r-- cn') } qw(conf.d/proxy_fastcgi.conf conf.modules.d/01-fastcgi-cluster.conf),
);
is $mode{$_}, $expected{$_}, $_ for sort keys %expected;
is_deeply [grep { !exists $expected{$_} && !m{^/usr/share/(?:doc|licenses)/mod_fastcgi_cluster[\d.-]*(?:/|$)} } sort keys %mode], [],
    'no other files but documentation';
ok $mode{"/usr/share/doc/mod_fastcgi_cluster/$_"}, "its documentation: $_"
    for 'README.md', 'docs/migration.md', map { "modules/$_/README.md" } Httpd::our_modules();
like qx(rpm -qp --nosignature --requires $package), qr/^httpd-mmn = /m, 'it needs an httpd with this interface of modules';

# ---- An httpd with the files of Fedora ----

system("cd $folder && rpm2cpio $package | cpio --quiet -idm") == 0 or die 'rpm2cpio';
my $etc = "$folder/etc/httpd";
my @proxy = (qw(proxy), (map { "lbmethod_$_" } qw(bybusyness byrequests bytraffic heartbeat)),
    map { "proxy_$_" } qw(ajp balancer connect express fcgi fdpass ftp http hcheck scgi uwsgi wstunnel));
symlink Httpd::libexec_dir() . "/mod_$_.so", "$folder/usr/lib64/httpd/modules/mod_$_.so" for @proxy;
Httpd::write_file("$etc/conf.modules.d/00-proxy.conf", join '', map { "LoadModule ${_}_module modules/mod_$_.so\n" } @proxy);
symlink "$folder/usr/lib64/httpd/modules", "$etc/modules";

sub httpd_with {
    my ($config) = @_;
    return Httpd->new(ours => 0, manager => 0, modules => [qw(watchdog)], without => ['proxy'], config => <<"EOC");
ServerRoot $etc
Include conf.modules.d/*.conf
Include conf.d/*.conf
<IfModule balancer_manager_module>
    Define MANAGER
</IfModule>
$config
EOC
}

my ($code, $said) = httpd_with("<IfDefine MANAGER>\nError there\n</IfDefine>")->configtest;
is $code, 0, 'beside mod_proxy_balancer, httpd takes the configuration' or diag $said;
unlike $said, qr/FC\d{4}|AH\d{5}/, '... without a warning, and without the balancer';

my ($change_over) = Httpd::text_of("$etc/conf.modules.d/01-fastcgi-cluster.conf") =~ /^# +(sed .*)$/m;
$change_over =~ s{/etc/httpd}{$etc}g;
is system($change_over), 0, 'the change to the balancer' or diag $change_over;
my $httpd = httpd_with(<<'EOC');
<Proxy "balancer://app">
    BalancerMember "fcgi://127.0.0.1:9" maxinflight=4
    ProxySet lbmethod=bybusyness
</Proxy>
<Location "/balancer-manager">
    SetHandler balancer-manager
    Require local
</Location>
EOC
$httpd->start;
like $httpd->get('/balancer-manager/v1/status')->{body}, qr{"fcgi://127\.0\.0\.1:9"}, '... and httpd serves with it';
$httpd->stop;

done_testing;
