# Licensed under the Apache License, Version 2.0; see LICENSE.
# Browser.pm - runs a program of t/clients in Node.js with a Chromium, and takes over its checks.
#
#   Browser::run('page.js', url => ..., other => ...);      # the program has URL, OTHER in its %ENV
#
# It says "ok NAME" or "not ok NAME" and "# why" on lines of its own, and "done" at its end.
package Browser;

use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use Test::More;
use Deadline;
use Httpd;
use Process;

sub modules_dir { return Httpd::build_dir() . '/clients/node_modules' }

sub run {
    my ($program, %o) = @_;
    my $pictures = Httpd::build_dir() . '/screenshots';
    make_path($pictures);
    my $output = Httpd::temporary_dir('browser');
    my $process = Process->start(name => $program, output => "$output/said",
        run => ['node', "$FindBin::RealBin/$program"],
        env => { NODE_PATH => modules_dir(), SCREENSHOTS => $pictures, HOME => "$output",
                 map { uc $_ => $o{$_} } keys %o });
    $process->wait_for_end(150) or fail("$program ends within its time"), $process->stop;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is_done;
    open my $said, '<:utf8', "$output/said" or die "$output/said: $!";
    while (my $line = <$said>) {
        chomp $line;
        if ($line =~ /^(not )?ok (.*)/) { ok !$1, $2 }
        elsif ($line eq 'done') { $is_done = 1 }
        else { diag $line =~ s/^# //r }
    }
    ok $is_done, "$program ran to its end";
    return;
}

1;
