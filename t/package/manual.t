# Licensed under the Apache License, Version 2.0; see LICENSE.
# The pages of the manual: made from the references, complete, and free of what man and mandoc find.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use Process;

Process::find_program($_) or plan skip_all => "$_ is not installed: scripts/setup package" for qw(pandoc mandoc man);

my $top    = "$FindBin::RealBin/../..";
my $folder = Httpd::temporary_dir('manual');
my $made   = qx(make -s -C $top BUILD=$folder install-man MANDIR=$folder/share 2>&1);
is $?, 0, 'the pages are made and installed' or die($made);

my $version = qx($top/scripts/version);
chomp $version;

for my $module (Httpd::our_modules()) {
    my $page = "$folder/share/man7/mod_$module.7";
    is qx(mandoc -Tlint -Wwarning $page 2>&1), '', "mod_$module(7): mandoc finds nothing";
    is qx(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z $page 2>&1 >/dev/null), '', '... nor does man';

    my $text = qx(LC_ALL=C.UTF-8 MANWIDTH=120 MAN_KEEP_FORMATTING= man -E UTF-8 -l $page | col -bx);
    like $text, qr/^NAME\n +mod_$module - \S/m, '... it can be found by apropos';
    like $text, qr/FastCGI cluster \Q$version\E/, '... it has the version';
    ok $text !~ m{[.][.]/[.][.]|<picture}, '... and no link that leads nowhere';

    open my $in, '<', "$top/modules/$module/README.md" or die "$module: $!";
    my @headings = grep { !/^For developers/ } map { s/`//gr } map { /^##+ (.+)/ ? $1 : () } <$in>;
    cmp_ok scalar @headings, '>', 10, '... the reference has sections';
    is_deeply [grep { $text !~ /^ *\Q$_\E$/mi } @headings], [], '... all of which are in it';
}

done_testing;
