# Licensed under the Apache License, Version 2.0; see LICENSE.
# USDT probes: all of them are in the module where it was built with <sys/sdt.h>, and the script of
# docs/monitoring prints what its members did.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use Process;

my $module = Httpd::build_dir() . '/mod_proxy_fastcgi.so';
my $top = "$FindBin::RealBin/../..";
plan skip_all => 'the stock modules have none' if Httpd::is_stock();
my $readelf = Process::find_program('readelf') or plan skip_all => 'no readelf';
my $notes = qx($readelf -n $module);
plan skip_all => 'built without <sys/sdt.h>' if $notes !~ /stapsdt/;

# ---- What is documented is there, and nothing else ----
my ($list) = Httpd::read_file("$top/modules/proxy_fastcgi/engine/probes.h") =~ /from begin to end of a request:\n(.*?) \* At the end/s;
my %documented = map { /^ \*  (\w+) {2,}(.*?)(?: {3,}.*)?$/ ? ($1 => 1 + ($2 eq '-' ? 0 : scalar(split /, /, $2))) : () } split /\n/, $list;
my %there = map { my ($name, $arguments) = /^(\w+)\s.*?Arguments: (.*)/s; ($name => scalar split / /, $arguments) }
    $notes =~ /Provider: proxy_fastcgi\s+Name: (.*?\n\s+Arguments: .*?)\n/gs;
is_deeply \%there, \%documented, 'the probes and their arguments are those of the header';
is scalar(keys %documented), 9, '... nine';

# ---- They fire ----
SKIP: {
    my $bpftrace = Process::find_program('bpftrace') or skip 'no bpftrace', 1;
    my $dir = Httpd::temporary_dir('probes');
    my $refusing = Backend->refusing;
    my $backend = Backend->saying('here');
    my $httpd = Httpd->start(children => 2, threads => 8, config => <<"EOC");
<Proxy balancer://two>
    BalancerMember @{[ $refusing->url ]} status=+I
    BalancerMember @{[ $backend->url ]} lbset=1
</Proxy>
ProxyPass /two/ balancer://two/
EOC
    # It says that it attaches before it has: a probe of the test's own, the last one, tells when it sees
    # an election of this member, as other tests' httpds are seen, too. The request behind that one is seen
    # from its begin, and has ended when the next one is seen.
    my $watched = Httpd::write_file("$dir/watched.bt", Httpd::read_file("$top/docs/monitoring/member-latency.bt")
        . 'usdt:$1:proxy_fastcgi:elected { printf("seen %s\n", str(arg1)); }' . "\n");
    my $tracer = Process->start(name => 'bpftrace', output => "$dir/out", run => [$bpftrace, '-B', 'line', $watched, $module]);
    my $said = sub { return Httpd::read_file("$dir/out") // '' };
    my $sent = 0;
    my $port = $backend->port;
    my $seen = sub { my $count = () = $said->() =~ /^seen fcgi:\/\/127\.0\.0\.1:$port$/mg; return $count };
    wait_until(60, sub {
        return 1 if !$tracer->is_running || $seen->() > 2;
        return 0 if $said->() !~ /^Attaching/m;
        $sent++;
        $httpd->get('/two/x');
        return 0;
    });
    $httpd->expect_log(qr/FC0251: .* connect_refused/, optional => 1);
    my $has_seen = $tracer->is_running && $seen->() > 2;
    $tracer->stop('INT');
    skip 'bpftrace cannot run here: ' . substr($said->(), 0, 200), 1 if !$has_seen;
    my $text = $said->();
    my ($served) = $text =~ /^\@ended\[fcgi:\/\/127\.0\.0\.1:$port, ok\]: (\d+)$/m;
    cmp_ok $served, '>', 0, "requests that the member served: $served of $sent";
    like $text, qr/^\@$_\[fcgi:\/\/127\.0\.0\.1:$port\]:/m, "... a histogram of $_" for qw(connect_us first_byte_us end_us);
    unlike $text, qr/^\@(?:queued|elected|member)\[/m, '... and nothing is left of single requests';
}
done_testing;
