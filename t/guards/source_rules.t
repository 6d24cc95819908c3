#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# source_rules.t - what the house promises about its sources and its three files.
use strict;
use warnings;
use Cwd ();
use File::Basename qw(basename dirname);
use File::Find;
use Cwd ();
use Test::More;

my $top = dirname dirname dirname(Cwd::abs_path(__FILE__));
chdir $top or die "$top: $!";
my $build = $ENV{BUILD} || 'build';

my (@sources, @headers);
find({ no_chdir => 1, wanted => sub { push @{ /\.c$/ ? \@sources : /\.h$/ ? \@headers : [] }, $_ } },
     'modules', 'include');

sub text_of { local (@ARGV, $/) = ($_[0]); return scalar <> }

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

# ---- Includes ----
my $protocol = `make -s print VARIABLE=INC_proxy_fastcgi/protocol`;
my $httpd = `make -s print VARIABLE=HTTPD`;
my $engine = `make -s print VARIABLE=INC_proxy_fastcgi/engine`;
chomp($protocol, $httpd, $engine);
ok(compiles("#include \"span.h\"\nint x;\n", $protocol), 'protocol may include span.h');
ok(!compiles("#include \"$_\"\nint x;\n", $protocol), "protocol cannot include $_")
    for qw(httpd.h apr_pools.h connection.h handler.h mod_balancer_byrequests.h);
ok(!compiles("#include \"handler.h\"\nint x;\n", $engine), 'engine cannot include handler.h');
ok(compiles("#include \"$_\"\nint x;\n", "-Iinclude $httpd"), "$_ compiles on its own")
    for map { basename $_ } glob 'include/*.h';
my @climbing = grep { text_of($_) =~ /^\s*#\s*include\s+"\.\.\// } @sources, @headers;
is_deeply(\@climbing, [], 'no include climbs out of its folder');

# ---- Names and numbers ----
my (%places, %numbers);
push @{ $places{ basename $_ } }, $_ for @sources, @headers;
is_deeply([grep { @{ $places{$_} } > 1 } sort keys %places], [], 'each basename occurs once');
is_deeply([grep { /(?:util|common|misc|helper)/ } sort keys %places], [], 'no file is called util');

for my $file (@sources) {
    my $text = text_of($file);
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

# ---- Clocks: durations go by fcgi_now() ----
my %wall_clock = (
    'wall_clock.c' => 'tells the time of day of a moment',
    (map { $_ => 'shows the time' } qw(audit.c view_html.c view_json.c view_text.c)),
    (map { $_ => 'a file is kept' } qw(persistence.c runtime_state.c)),
    (map { $_ => "mod_proxy's fields" } qw(cluster.c health.c member_state.c membership.c)),
);
is_deeply([grep { text_of($_) =~ /apr_time_now\(|gettimeofday|CLOCK_REALTIME|\btime\(NULL\)/ && !$wall_clock{ basename $_ } }
           @sources, @headers], [], 'the wall clock is for showing times');
is_deeply([grep { text_of($_) =~ /apr_thread_cond_timedwait|apr_reslist_|sem_timedwait/ } @sources, @headers], [],
    'nothing waits by the wall clock');

is_deeply([grep { text_of($_) =~ /ap_proxy_set_wstatus|fetch_(?:or|and)\([^;]*->status/ } @sources], [],
    'the status word of a member is changed in one way');

is_deeply([grep { text_of($_) =~ /\bkill\s*\(/ } @sources, @headers], [],
    'nobody is found dead by its process id');

my @unlicensed = grep { text_of($_) !~ /^\/\* Licensed under the Apache License, Version 2\.0/ }
    @sources, @headers;
is_deeply(\@unlicensed, [], 'each file starts with its licence');
my @tabs = grep { text_of($_) =~ /\t|[ ]$/m } @sources, @headers;
is_deeply(\@tabs, [], 'no tabs, no blanks at the ends of lines');
my @wide = grep { text_of($_) =~ /^.{101}/m } @sources, @headers;
is_deeply(\@wide, [], 'no line is longer than 100 columns');

done_testing();
