# Licensed under the Apache License, Version 2.0; see LICENSE.
# make asan, make valgrind and make tsan still bite: mistakes that are planted here are found, with
# their flags, under their httpd, and where the tests look for findings.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Httpd;
use Process;

my $here = $FindBin::RealBin;
my $top  = abs_path("$here/../..");
my $dir  = tempdir(CLEANUP => 1);
chmod 0755, $dir;

sub make_variable {
    my ($name) = @_;
    chomp(my $value = qx(make -s -C $top print VARIABLE=$name 2>/dev/null));
    return $value;
}

sub compile {
    my ($name, @flags) = @_;
    my $text = qx(cc -std=gnu11 -g @flags 2>&1);
    is $?, 0, "$name is compiled" or diag $text;
    return;
}

my $httpd_flags = make_variable('HTTPD_FLAGS');
my $as_module = "-fPIC -shared $httpd_flags $here/planted_module.c";

# One request to an httpd of its own, under a program that looks on; what that has found: in files of
# its own, or (UBSan) on standard error, which is httpd's error log.
sub findings_of {
    my ($program, $module, $mistake) = @_;
    my $found = tempdir(DIR => $dir);
    chmod 0777, $found;
    my $body = <<"EOC";
use lib '$here/../lib';
use Httpd;
my \$httpd = Httpd->start(ours => 0, any_log => 1, config =>
    "LoadModule planted_module $module\\n<Location /planted>\\nSetHandler planted\\n</Location>\\n");
\$httpd->get('/planted?$mistake');
\$httpd->stop;
print "\$_\n" for grep { !/^\\[/ } \$httpd->log->complaints;
EOC
    Httpd::write_file("$dir/request.pl", $body);
    local @ENV{qw(HTTPD TEST_FINDINGS TEST_STRETCH)} = ("$top/scripts/$program", $found, 8);
    my $complaints = qx($^X $dir/request.pl 2>&1);
    return $complaints . join '', map { Httpd::text_of($_) } glob "$found/*";
}

# ---- AddressSanitizer and UBSan ----

compile('a module for ASan', make_variable('ASAN_FLAGS'), '-O1', $as_module, '-o', "$dir/asan.so");
is findings_of('httpd-asan', "$dir/asan.so", 'nothing'), '', 'ASan finds nothing where nothing is';
like findings_of('httpd-asan', "$dir/asan.so", 'overflow'),
    qr/heap-buffer-overflow.*planted_module\.c/s, '... a byte too many';
like findings_of('httpd-asan', "$dir/asan.so", 'freed'), qr/heap-use-after-free/,
    '... what is freed already';
like findings_of('httpd-asan', "$dir/asan.so", 'undefined'), qr/shift exponent 40 is too large/,
    '... and UBSan undefined behaviour';
{
    local $ENV{TEST_LEAKS} = 1;
    is findings_of('httpd-asan', "$dir/asan.so", 'nothing'), '', 'what httpd leaks is known';
    like findings_of('httpd-asan', "$dir/asan.so", 'leak'),
        qr/Direct leak of 16 byte/, '... and what a module leaks is found';
}

# ---- valgrind ----

SKIP: {
    skip 'valgrind is missing', 4 if !Process::find_program('valgrind');
    compile('a module for valgrind', '-O1', $as_module, '-o', "$dir/plain.so");
    is findings_of('httpd-valgrind', "$dir/plain.so", 'nothing'), '',
        'valgrind finds nothing where nothing is';
    like findings_of('httpd-valgrind', "$dir/plain.so", 'overflow'), qr/Invalid read of size 1/,
        '... a byte too many';
    like findings_of('httpd-valgrind', "$dir/plain.so", 'unset'),
        qr/depends on uninitialised value/, '... what was never set';
}

# ---- ThreadSanitizer ----

compile('a race for TSan', make_variable('TSAN_FLAGS'), '-O1', '-pthread', "$here/planted_race.c",
    '-o', "$dir/race");
{
    local $ENV{TSAN_OPTIONS} = 'halt_on_error=1';
    like qx($dir/race 2>&1), qr/data race/, 'TSan finds a race';
    isnt $?, 0, '... and the program fails';
}

done_testing;
