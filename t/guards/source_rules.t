#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# source_rules.t - what the house promises about its sources and its three files.
use strict;
use warnings;
use Cwd ();
use File::Basename qw(basename dirname);
use File::Find;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $top = dirname dirname dirname(Cwd::abs_path(__FILE__));
chdir $top or die "$top: $!";
my $build = $ENV{BUILD} || 'build';

my (@sources, @headers);
find({ no_chdir => 1, wanted => sub { push @{ /\.c$/ ? \@sources : /\.h$/ ? \@headers : [] }, $_ } },
     'modules', 'include');

sub compiles {
    my ($code, $includes) = @_;
    open my $cc, '|-', "cc -std=c11 -fsyntax-only $includes -x c - 2>/dev/null" or die $!;
    print $cc $code;
    close $cc;
    return $? == 0;
}

# ---- The three files ----
for my $name (qw(proxy_fastcgi balancer_byrequests balancer_manager)) {
    my @symbols = grep { !/^__odr_asan/ } map { (split)[-1] }
        `nm -D --defined-only $build/mod_$name.so`;
    is_deeply(\@symbols, ["${name}_module"], "mod_$name.so exports one symbol");
}

# ---- Invariants run under the sanitizers, and in unit tests (test_invariant.c) ----
sub made { my $value = `make -s print VARIABLE=$_[0]`; chomp $value; return $value }
unlike(made('BASE'), qr/FC_CHECKS/, 'a release build runs no invariants');
like(made('BASE SANITIZE=-g'), qr/-DFC_CHECKS/, '... a build for the sanitizers does');

# ---- Floors: a folder sees only what lies below it ----
my $httpd = made('HTTPD_FLAGS');
my %includes = map { $_ => made("INC_$_") } split ' ', made('FOLDERS');
my @pure = grep { m{/(?:protocol|policy|table)$} } sort keys %includes;
is(scalar(@pure), 3, 'three folders are plain C11');
for my $folder (@pure) {
    ok(!compiles("#include \"$_\"\nint x;\n", $includes{$folder}), "$folder cannot include $_")
        for qw(httpd.h apr_pools.h mod_proxy.h mod_balancer_byrequests.h);
}
my %top_header = (proxy_fastcgi => 'handler.h', balancer_byrequests => 'fleet_thread.h', balancer_manager => 'api.h');
for my $folder (grep { m{/} } sort keys %includes) {
    my ($module, $floor) = split m{/}, $folder;
    next if $floor =~ /^(?:job|admin|fleet|api)$/;
    ok(!compiles("#include \"$top_header{$module}\"\nint x;\n", $includes{$folder}),
        "$folder cannot include $top_header{$module}");
}
my $graph = `scripts/include-graph`;
is($?, 0, 'no include runs up, and no files go round in a circle') or diag $graph;
my @homeless = grep { my ($folder) = m{^modules/(.*)/[^/]+$}; !defined $includes{$folder} } @sources;
is_deeply(\@homeless, [], 'each source lies in a folder that the Makefile knows');
ok(compiles("#include \"$_\"\nint x;\n", "-Iinclude $httpd"), "$_ compiles on its own")
    for map { basename $_ } glob 'include/*.h';
my @climbing = grep { Httpd::text_of($_) =~ /^\s*#\s*include\s+"\.\.\// } @sources, @headers;
is_deeply(\@climbing, [], 'no include climbs out of its folder');

# ---- Versions of httpd: compat/ alone knows them; its headers stand before httpd's own ----
is_deeply([grep { !m{/compat/} && Httpd::text_of($_) =~ /MODULE_MAGIC|AP_SERVER_\w+NUMBER|FC_HTTPD_|#\s*include_next/ }
           @sources, @headers], [], 'no other file asks for the version of httpd');
is_deeply([grep { /FC_HTTPD_HAS/ && !m{/\* 2\.4\.\d+} } map { Httpd::text_of($_) =~ /^#if .*/mg } glob 'modules/shared/compat/*.h'],
          [], '... each test there says which version made it needless');
for my $case (['Apache httpd 2.4.37 or later', '-DMODULE_MAGIC_NUMBER_MAJOR=20120210'], ['need Linux', '-U__linux__']) {
    my ($sentence, $flag) = @$case;
    my @errors = `echo '#include "httpd.h"' | cc -E $httpd $flag -x c - 2>&1 >/dev/null` =~ /error: (.*)/;
    like("@errors", qr/\Q$sentence\E/, "elsewhere the compiler says: $sentence");
}

# ---- Names and numbers ----
my (%places, %numbers);
push @{ $places{ basename $_ } }, $_ for @sources, @headers;
is_deeply([grep { @{ $places{$_} } > 1 } sort keys %places], [], 'each basename occurs once');
is_deeply([grep { /(?:util|common|misc|helper)/ && $places{$_}[0] !~ m{/compat/} } sort keys %places], [],
    'no file is called util');

for my $file (@sources) {
    my $text = Httpd::text_of($file);
    push @{ $numbers{$1} }, $file while $text =~ /FCLOGNO\((\d+)\)/g;
}
is_deeply([grep { @{ $numbers{$_} } > 1 } sort keys %numbers], [], 'each log number stands in one place');
my %range = (proxy_fastcgi => [200, 399], balancer_byrequests => [400, 599],
             balancer_manager => [600, 799]);
my @strays = grep {
    my $number = $_;
    my ($module) = $numbers{$number}[0] =~ m{^modules/([^/]+)};
    $number < $range{$module}[0] || $number > $range{$module}[1];
} sort keys %numbers;
is_deeply(\@strays, [], 'each log number lies in the range of its module');

# ---- Clocks: durations go by fc_now() ----
my %wall_clock = (
    'wall_clock.c' => 'tells the time of day of a moment',
    (map { $_ => 'shows the time' } qw(audit.c view_html.c view_json.c view_text.c)),
    (map { $_ => 'a file is kept' } qw(state_file.c kept_file.c state_taking.c)),
    'trace.c' => 'spans have dates',
    'start_time.c' => 'a start has a date',
    (map { $_ => "mod_proxy's fields" } qw(balancer.c startup.c health.c member_state.c membership.c)),
);
is_deeply([grep { Httpd::text_of($_) =~ /apr_time_now\(|gettimeofday|CLOCK_REALTIME|\btime\(NULL\)/ && !$wall_clock{ basename $_ } }
           @sources, @headers], [], 'the wall clock is for showing times');
is_deeply([grep { Httpd::text_of($_) =~ /apr_thread_cond_timedwait|apr_reslist_|sem_timedwait/ } @sources, @headers], [],
    'nothing waits by the wall clock');

is_deeply([grep { Httpd::text_of($_) =~ /ap_proxy_set_wstatus|fetch_(?:or|and)\([^;]*->status/ } @sources], [],
    'the status word of a member is changed in one way');

is_deeply([grep { Httpd::text_of($_) =~ /\bkill\s*\(/ } @sources, @headers], [],
    'nobody is found dead by its process id');

# ---- A member is one value, lb_member_t ----
is_deeply([grep { basename($_) !~ /^(?:dispatch|tracing)\.h$/    # mod_proxy's hooks
                  && Httpd::text_of($_) =~ /\((?=[^()]*\bproxy_balancer \*)(?=[^()]*\bproxy_worker \*)/ } @headers], [],
    'no header asks for a balancer and a worker where it could ask for a member');

# ---- APR's macros ----
# Before APR-util 1.6.3 these evaluate their argument again after it has left its brigade.
is_deeply([map { my $file = $_; map { "$file: $_" } Httpd::text_of($file) =~
               /\b((?:apr_bucket_de(?:lete|stroy)|APR_BUCKET_REMOVE)\((?!\w+\);).*)/g } @sources, @headers], [],
    'what takes a bucket away is given a variable');

# ---- Files that comments and documents name ----
my %known = map { basename($_) => 1 } split /\n/, `find modules include t scripts -name '*.[ch]'`;
@known{qw(asset_bytes.c check.h ap_mmn.h mod_auth.h mod_proxy.c)} = ();    # generated; Check's; httpd's
my @unknown;
for my $file (@sources, @headers, glob('t/unit/*.[ch]'), glob('*.md'), glob('docs/*.md'), glob('modules/*/README.md')) {
    my $text = Httpd::text_of($file);
    $text = join "\n", $text =~ m{(/\*.*?\*/)}gs if $file !~ /\.md$/;
    push @unknown, map { exists $known{$_} ? () : "$file: $_" } $text =~ /(?<![\w<.-])([a-z][a-z_0-9]*\.[ch])\b(?!>)/g;
}
is_deeply(\@unknown, [], 'files that are named exist');

# ---- One dialect ----
is_deeply([grep { Httpd::text_of($_) =~ /!(?:str\w*cmp|ap_cstr_\w+|memcmp)\(/ } @sources, @headers], [],
    'strings are compared with == 0 or != 0');
is_deeply([grep { Httpd::text_of($_) =~ /^#include <(?:ap[_r]|http|mod_|util_|scoreboard)/m } @sources, @headers], [],
    'headers of httpd are in quotes');

my @unlicensed = grep { Httpd::text_of($_) !~ /^\/\* Licensed under the Apache License, Version 2\.0/ }
    @sources, @headers;
is_deeply(\@unlicensed, [], 'each file starts with its licence');
my @tabs = grep { Httpd::text_of($_) =~ /\t|[ ]$/m } @sources, @headers;
is_deeply(\@tabs, [], 'no tabs, no blanks at the ends of lines');
my @wide = grep { Httpd::text_of($_) =~ /^.{101}/m } @sources, @headers;
is_deeply(\@wide, [], 'no line is longer than 100 columns');

done_testing();
