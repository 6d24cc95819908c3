# Licensed under the Apache License, Version 2.0; see LICENSE.
# docs/monitoring by itself: what promtool says about the rules, the tests of the rules and the scrape example;
# that each alert is tested and described; that Grafana can import the dashboard.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use JSON::PP ();
use List::Util qw(max uniq);
use Httpd;
use Prometheus;

my $kit = Prometheus::kit();
sub promtool { my (@arguments) = @_; return qx(cd '$kit' && promtool @arguments 2>&1) }

for my $command ('check config prometheus.yml', 'check rules rules.yml', 'test rules rules_test.yml') {
    my $said = promtool($command);
    is $?, 0, "promtool $command" or diag $said;
}

# ---- Alerts ----

my ($rules, $tests, $readme, $faults) = map { Httpd::text_of($_) }
    "$kit/rules.yml", "$kit/rules_test.yml", "$kit/README.md", "$FindBin::RealBin/faults.t";
my @alerts = $rules =~ /- alert: (\w+)/g;
cmp_ok scalar @alerts, '>', 5, 'there are alerts';
for my $alert (@alerts) {
    like $tests, qr/alertname: $alert\n *eval_time: \w+\n *exp_alerts:\n/, "$alert: promtool tests that it fires";
    like $faults, qr/'$alert'/, '... so does the test with faults';
    like $readme, qr/^\| `$alert` \| (?:critical|warning) \|/m, '... and it is described';
}
is_deeply [sort { $a cmp $b } uniq $readme =~ /^\| `(FastCGI\w+)`/mg], [sort @alerts], 'no other alerts are described';
my @recorded = $rules =~ /- record: (\S+)/g;
like $readme, qr/`$_`/, "$_ is described" for @recorded;

# ---- The dashboard, as far as it can be seen without Grafana ----

my $dashboard = JSON::PP::decode_json(Httpd::text_of("$kit/grafana-dashboard.json"));
ok $dashboard->{$_}, "it has a $_" for qw(title uid schemaVersion);
ok !exists $dashboard->{id}, '... and no id of some Grafana';
my @panels = @{ $dashboard->{panels} };
is scalar(uniq map { $_->{id} } @panels), scalar @panels, 'each panel has an id of its own';
my %variables = map { $_->{name} => 1 } @{ $dashboard->{templating}{list} };
my %covered;
for my $panel (@panels) {
    my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};
    cmp_ok $x + $w, '<=', 24, "$panel->{title}: it fits";
    is_deeply [grep { $_ > 1 } map { my $column = $_; map { ++$covered{"$column $_"} } $y .. $y + $h - 1 } $x .. $x + $w - 1],
        [], '... and covers no other panel';
    next if $panel->{type} eq 'row';
    ok $panel->{description}, '... it has a description';
    for my $target (@{ $panel->{targets} }) {
        is_deeply $target->{datasource}, { type => 'prometheus', uid => '${datasource}' }, '... and asks the chosen Prometheus';
        is_deeply [grep { !$variables{$_} } $target->{expr} =~ /\$(?!__)(\w+)/g], [], '... with variables that there are';
    }
}

done_testing;
