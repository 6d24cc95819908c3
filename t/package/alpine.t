# Licensed under the Apache License, Version 2.0; see LICENSE.
# What can be tried of Alpine on another system: the recipe is a shell script that names files that there are; the tools
# of busybox make the same sources; and the modules compile with musl and need nothing that only glibc has.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use Process;

my $top    = "$FindBin::RealBin/../..";
my $folder = Httpd::temporary_dir('alpine');
my $assets = "$top/modules/balancer_manager/assets";

# ---- The recipe ----

my $recipe = "$top/scripts/packaging/alpine/APKBUILD";
is system('sh', '-n', $recipe), 0, 'APKBUILD is a shell script';
SKIP: {
    skip 'shellcheck is not installed', 1 if !Process::find_program('shellcheck');
    # But for variables that abuild reads, and those that it sets.
    is qx(shellcheck --shell=dash --exclude=SC2034,SC2154 $recipe 2>&1), '', '... in which shellcheck finds nothing';
}
open my $in, '<', $recipe or die "$recipe: $!";
my ($package) = join('', <$in>) =~ /^package\(\) \{\n(.*?)^\}/ms;
my @files = $package =~ m{(?<![\w/])((?:scripts/[\w./-]+)|[A-Z]+(?:\.md)?)(?=\s)}g;
cmp_ok scalar @files, '>', 2, 'it installs files';
is_deeply [grep { !-e "$top/$_" } @files], [], '... which there are';

# ---- busybox ----

SKIP: {
    my $busybox = Process::find_program('busybox') or skip 'busybox is not installed', 4;
    mkdir "$folder/bin";
    system "$busybox --install -s $folder/bin";
    unlink map { "$folder/bin/$_" } qw(sh ash bash);
    my $all = join ' ', grep { !/openapi/ } glob "$assets/*";
    for my $command ("bundle-openapi $assets/openapi.json $assets/status.schema.json", "embed-assets $all",
        "embed-script $top/modules/balancer_byrequests/fleet/share_script.lua", 'version') {
        my ($name) = split / /, $command;
        is qx(PATH=$folder/bin:\$PATH bash $top/scripts/$command), qx($top/scripts/$command), "busybox: $name";
    }
}

# ---- musl ----

SKIP: {
    skip 'not in CI: it builds everything once more', 2 if $ENV{CI};
    my $missing = qx(WERROR=-Werror $top/scripts/packaging/alpine/musl $folder/build 2>$folder/build.log);
    my $code = $? >> 8;
    skip 'musl-gcc is not installed', 2 if $code == 2;
    is $missing, '', 'musl has all functions that the modules need';
    is $code, 0, '... and they are built without a warning' or diag qx(tail -n 20 $folder/build.log);
}

done_testing;
