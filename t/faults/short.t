# Licensed under the Apache License, Version 2.0; see LICENSE.
# Two minutes of the fault campaign: nothing happened that never may.
use strict;
use warnings;
use FindBin;
use Test::More;

plan skip_all => 'it has faults of its own: see make faults' if $ENV{TEST_STOCK};

my $seed = time;
my @table = qx($^X $FindBin::RealBin/campaign --seconds=120 --seed=$seed 2>&1);
is $?, 0, "the campaign with seed $seed" or diag @table;
note @table;

done_testing;
