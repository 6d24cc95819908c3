# Licensed under the Apache License, Version 2.0; see LICENSE.
# A short soak before a backend that does everything wrong: see t/faults/hostile.
use strict;
use warnings;
use FindBin;
use Test::More;

plan skip_all => 'it has misbehaviour of its own: see make faults' if $ENV{TEST_STOCK};

my $seed = time % 1_000_000;
my @table = qx($^X $FindBin::RealBin/hostile --seconds=90 --together=24 --seed=$seed 2>&1);
is $?, 0, "the soak with seed $seed" or diag @table;
note @table;

done_testing;
