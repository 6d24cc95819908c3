# Licensed under the Apache License, Version 2.0; see LICENSE.
# What an old httpd cannot do is said once, at its start; nothing is said where nothing is lacking.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

plan skip_all => 'stock modules say nothing' if Httpd::is_stock();

my $httpd = Httpd->start(log_level => 'notice');
my @lines = $httpd->log_lines(qr/FC0353/);
my @lacks = grep { !Httpd::is_at_least($_->[1]) }
    (['addressttl=', '2.4.59'], ['waiting without a thread', '2.4.63']);
is scalar(@lines), @lacks ? 1 : 0, 'said once, if there is something to say';
like $lines[0], qr/:.*\Q$_->[0]\E/, "... that it lacks $_->[0]" for @lacks;
$httpd->expect_log(qr/./, optional => 1);    # LogLevel notice
$httpd->stop;

done_testing;
