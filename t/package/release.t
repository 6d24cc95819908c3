# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a release promises: one version everywhere, which a check finds out; and a tarball that is the same each time, from
# the work tree and from itself, with no git at hand.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $top    = "$FindBin::RealBin/../..";
my $folder = Httpd::temporary_dir('release');

# ---- The tarball ----

sub pack_sources {
    my ($tree, $to) = @_;
    my $tarball = qx($tree/scripts/dist $to);
    chomp $tarball;
    return $tarball;
}
sub sum { my ($file) = @_; return (split ' ', qx(sha256sum $file))[0] }

my $tarball = pack_sources($top, "$folder/one");
is sum(pack_sources($top, "$folder/two")), sum($tarball), 'packed twice, the same';
my ($folder_name) = $tarball =~ m{([^/]+)\.tar\.gz$};
system("tar -C $folder -xzf $tarball") == 0 or die 'tar';
my $tree = "$folder/$folder_name";
ok !-e "$tree/.git", 'nothing of git is in it';
is sum(pack_sources($tree, "$folder/three")), sum($tarball), '... packed from there, the same again';

is_deeply [grep { !-e "$tree/$_" } qw(Makefile README.md CHANGELOG.md LICENSE NOTICE t/TEST debian/rules
    scripts/packaging/rpm/mod_fastcgi_cluster.spec scripts/packaging/alpine/APKBUILD)], [], 'it has what it needs';

# ---- The version ----

sub check { my $said = qx($tree/scripts/packaging/check-version 2>&1); return ($? >> 8, $said) }

my ($code, $said) = check();
is $code, 0, 'all that names a version names the same' or diag $said;

# In each of these places, another one is found.
my %edit = (
    'include/fastcgi_version.h'                      => 's/(VERSION ").*"/${1}7.0.0"/',
    'CHANGELOG.md'                                   => 's/^## .*/## 7.0.0 - 2030-01-01/ if /^## / && !$done++',
    'debian/changelog'                               => 's/\(.*?\)/(7.0.0-1)/ if $. == 1',
    'scripts/packaging/rpm/mod_fastcgi_cluster.spec' => 's/^(Version: +).*/${1}7.0.0/',
    'scripts/packaging/alpine/APKBUILD'              => 's/^pkgver=.*/pkgver=7.0.0/',
);
for my $file (sort keys %edit) {
    system('perl', '-i.orig', '-pe', $edit{$file}, "$tree/$file") == 0 or die $file;
    ($code, $said) = check();
    is $code, 1, "$file with another version is found";
    my ($name) = $file =~ m{([^/]+)$};
    like $said, qr/\b\Q$name\E has "/, '... and named' if $file !~ /[.]h$/;    # that is what others are compared with
    rename "$tree/$file.orig", "$tree/$file";
}

done_testing;
