# Licensed under the Apache License, Version 2.0; see LICENSE.
# The steps of the Containerfile, with an httpd in a folder of its own as in the official image: built, laid over this
# system, and started with the site of docs/examples/docker-compose.  APXS=/usr/local/apache2/bin/apxs
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $prefix = Httpd::told_by_apxs('PREFIX');
plan skip_all => 'APXS names no httpd in a folder of its own' if !-e "$prefix/conf/httpd.conf" || !-e "$prefix/bin/apxs";
plan skip_all => 'only root can lay files over this system'
    if $> != 0 || system('unshare --mount true 2>/dev/null') != 0;

my $here   = $FindBin::RealBin;
my $folder = Httpd::temporary_dir('container');
my $built  = qx($here/../../scripts/packaging/container/build $prefix $folder/out 2>&1);
is $?, 0, 'the modules are built' or die($built);

open my $in, '<', "$folder/out$prefix/packages" or die "packages: $!";
my @packages = <$in>;
chomp @packages;
is_deeply [grep { my $name = $_; !grep { /^\Q$name\E\d/ } @packages } qw(libjansson libc-ares libssl)], [],
    'the packages of their libraries are listed'
    or diag "@packages";

my @output = qx($here/overlay $here/life_of_a_container $prefix $folder/out $here/../../docs/examples/docker-compose/httpd.conf 2>&1);
my %said = map { /^(not ok|ok) (.+)/ ? ($2 => $1) : () } @output;
is $said{$_}, 'ok', $_ for 'the configuration is right', 'the modules are loaded', 'httpd serves with them';
diag @output if !Test::More->builder->is_passing;

done_testing;
