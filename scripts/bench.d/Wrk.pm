# Licensed under the Apache License, Version 2.0; see LICENSE.
# Wrk.pm - one run of wrk: { requests, seconds, rate, p50_ms, p99_ms, bytes, errors }.
package Wrk;

use strict;
use warnings;
use File::Basename qw(dirname);
use Httpd;
use Process;

my $script = dirname(__FILE__) . '/wrk.lua';

# Options: url, clients, seconds, upload (bytes of a body), waits ([low, high]: ?ms= in between),
#          output (file)
sub run {
    my (%o) = @_;
    unlink $o{output};
    my $wrk = Process->start(name => 'wrk', output => $o{output}, run => [
        'wrk', '-t1', "-c$o{clients}", "-d$o{seconds}s", '--timeout', ($o{timeout} // 10) . 's', '-s', $script, $o{url},
        $o{upload} ? ('--', 'upload', $o{upload}) : $o{waits} ? ('--', 'waits', @{ $o{waits} }) : ()]);
    if (!$wrk->wait_for_end($o{seconds} + 15)) {
        $wrk->stop('KILL');
        return { error => 'wrk did not end' };
    }
    my $said = Httpd::read_file($o{output}) // return { error => 'wrk says nothing' };
    my ($line) = $said =~ /^BENCH (.*)/m or return { error => "wrk: $said" };
    my %n = split ' ', $line;
    return { error => 'not one answer' } if !$n{requests} && !$o{may_be_empty};
    my %result = (requests => $n{requests}, seconds => $n{us} / 1e6, bytes => $n{bytes},
        rate => $n{requests} / ($n{us} / 1e6), p50_ms => $n{p50_us} / 1e3, p99_ms => $n{p99_us} / 1e3);
    my %errors = map { $_ => $n{$_} } grep { $n{$_} } qw(status connect read write timeout wrong);
    $result{errors} = \%errors if %errors;
    return \%result;
}

1;
