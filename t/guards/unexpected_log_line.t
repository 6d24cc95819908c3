# Licensed under the Apache License, Version 2.0; see LICENSE.
# A line in the error log that no test announced makes the test fail; so does a line that was
# announced and never came.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Temp qw(tempdir);

my $lib = "$FindBin::RealBin/../lib";
my $dir = tempdir(CLEANUP => 1);

# Runs a small test; returns its exit code and what it printed.
sub run_test {
    my ($name, $body) = @_;
    open my $out, '>', "$dir/$name.t" or die "$dir: $!";
    print {$out} "use strict; use warnings; use lib '$lib'; use Test::More; use Httpd;\n$body\n";
    close $out;
    local $ENV{TEST_STOCK};
    my $text = qx("$^X" "$dir/$name.t" 2>&1);
    return ($? >> 8, $text);
}

# Our own modules are not needed here: the unexpected line comes from httpd itself.
my $start = <<'EOT';
my $httpd = Httpd->start(ours => 0, manager => 0, config => "Redirect 302 /moved http://localhost/\nProxyPass /nobody/ http://127.0.0.1:1/\n");
is $httpd->get('/moved')->{status}, 302, 'it serves';
EOT
my $cause = "is \$httpd->get('/nobody/x')->{status}, 500, 'no protocol handler';\n";

my ($code, $text) = run_test('quiet', "$start \$httpd->stop; done_testing;");
is $code, 0, 'a test with an empty error log passes' or diag $text;

($code, $text) = run_test('loud', "$start $cause \$httpd->stop; done_testing;");
isnt $code, 0, 'a line that nobody announced fails the test';
like $text, qr/^not ok .*error log/m, '... as a test result';
like $text, qr/unexpected: .*AH01144/, '... that shows the line';

($code, $text) = run_test('forgotten', "$start $cause done_testing;");
isnt $code, 0, 'so it does when the test does not look at its log';
like $text, qr/unexpected: .*AH01144/, '... and the line is shown';

($code, $text) = run_test('expected',
    "$start $cause \$httpd->expect_log(qr/AH01144/); \$httpd->stop; done_testing;");
is $code, 0, 'an announced line is well' or diag $text;

($code, $text) = run_test('missing',
    "$start \$httpd->expect_log(qr/FC9999/); \$httpd->stop; done_testing;");
isnt $code, 0, 'an announced line that never comes fails the test';
like $text, qr/never came: .*FC9999/, '... and is named';

($code, $text) = run_test('twice',
    "$start $cause $cause \$httpd->expect_log(qr/AH01144/, times => 1); \$httpd->stop; done_testing;");
isnt $code, 0, 'a line that comes more often than announced fails the test';

($code, $text) = run_test('crash',
    "$start kill 'SEGV', (\$httpd->children)[0]; \$httpd->wait_for_log(qr/AH00051|AH00052/); \$httpd->stop; done_testing;");
isnt $code, 0, 'a child that crashes fails the test, though httpd tells it as a notice';

# Some lines are known by their number, whatever test they come in.
my $says = 'open my $out, ">>", $httpd->log->file; print {$out} "[x] [ssl:warn] [pid 1] %s: Init: text\n"; close $out;';
($code, $text) = run_test('machine', "$start @{[ sprintf $says, 'AH01882' ]} \$httpd->stop; done_testing;");
is $code, 0, 'a line about the machine is none of ours' or diag $text;
($code, $text) = run_test('ours', "$start @{[ sprintf $says, 'AH01883' ]} \$httpd->stop; done_testing;");
isnt $code, 0, '... but its neighbour is';

# What a sanitizer or valgrind would write while the test runs.
{
    local $ENV{TEST_FINDINGS} = tempdir(CLEANUP => 1);
    my $found = 'open my $out, ">>", "$ENV{TEST_FINDINGS}/asan.1"; print {$out} "FOUND\n"; close $out;';
    ($code, $text) = run_test('finding', "$start $found \$httpd->stop; done_testing;");
    isnt $code, 0, 'what a sanitizer finds fails the test';
    like $text, qr/found: FOUND/, '... and is shown';
    ($code, $text) = run_test('older', "$start \$httpd->stop; done_testing;");
    is $code, 0, '... but not the next one' or diag $text;
}

done_testing;
