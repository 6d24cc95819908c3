# Licensed under the Apache License, Version 2.0; see LICENSE.
# docs/examples/deploy: a release comes to all members, one after the other, at two fronts under load, with and
# without sessions, and no request fails. Whatever goes wrong, the member is ready again afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Fpm;
use Httpd;
use Load;
use Process;

plan skip_all => 'stock has no JSON interface' if Httpd::is_stock();
plan skip_all => 'curl before 7.76 has no --fail-with-body' if qx(curl --help all 2>&1) !~ /fail-with-body/;
my $example = "$FindBin::RealBin/../../docs/examples/deploy";
my $dir     = Httpd::temporary_dir('deploy');

# ---- Three PHP hosts: folders, which a false ssh and a false rsync lead to ----

my @hosts = map { "127.0.0.$_" } 1 .. 3;
my $index = Httpd::write_file("$dir/htdocs/index.php", '<?php require getenv("HOST") . "/app/current/page.php";');
Httpd::write_file("$dir/htdocs/blocked.php",
    '<?php do { usleep(10000); clearstatcache(); } while (!file_exists(getenv("HOST") . "/go")); echo "at last";');
Httpd::write_file("$dir/release-$_/page.php", qq(<?php usleep(1000 * mt_rand(1, 9)); echo "release $_";)) for 1 .. 3;
Httpd::write_file("$dir/bin/ssh", qq(#!/bin/sh\ncd "$dir/\${1#deploy@}" && shift && exec sh -c "\$*"\n));
Httpd::write_file("$dir/bin/rsync", <<"EOS");
#!/bin/sh
[ "\$1 \$2" = '--archive --delete' ] || exit 9
to=\${4#deploy\@}
to=$dir/\${to%%:*}/\${to#*:}
mkdir -p "\$to" && cp -a "\$3." "\$to"
EOS
Httpd::write_file("$dir/bin/broken", "#!/bin/sh\nexit 3\n");
Httpd::write_file("$dir/bin/hanging", "#!/bin/sh\nexec sleep 600\n");
chmod 0755, glob "$dir/bin/*";

my %fpm = map {
    my $host = $_;
    Httpd::write_file("$dir/$host/app/releases/release-1/page.php", '<?php echo "release 1";');
    symlink 'releases/release-1', "$dir/$host/app/current" or die "current: $!";
    $host => Fpm->start(children => 4, listen => 'tcp', host => $host, docroot => "$dir/htdocs", env => { HOST => "$dir/$host" });
} @hosts;
my @members = map { $fpm{$_}->url } @hosts;
Httpd::write_file("$dir/$_/fpm.pid", $fpm{$_}->pid) for @hosts;
sub release_of { my ($host) = @_; return $fpm{$host}->ask($index) // 'none' }
sub all_have { my ($release) = @_; return !grep { release_of($_) ne $release } @hosts }

# ---- Two fronts, configured as the README says ----

my $readme = do { local (@ARGV, $/) = "$example/README.md"; <> };
my ($location) = $readme =~ /```apache\n(<Location.*?)```/s;
$location =~ s{/etc/apache2/deploy\.token}{$dir/token};
$location =~ s{10\.0\.0\.0/8}{127.0.0.0/8};
Httpd::write_file("$dir/token", 'only-for-this-test-' . 'x' x 20 . "\n");
chmod 0600, "$dir/token";
Httpd::write_file("$dir/wrong", 'x' x 20);
my @fronts = map { Httpd->start(manager => 0, threads => 16, modules => ['authz_user'], config => <<"EOC") } 1, 2;
$location
ProxyPass /balancer-manager !
<Proxy balancer://app>
BalancerMember $members[0] route=a hcmethod=FCGI hcuri=/fpm-ping hcinterval=500ms
BalancerMember $members[1] route=b hcmethod=FCGI hcuri=/fpm-ping hcinterval=500ms
BalancerMember $members[2] route=c hcmethod=FCGI hcuri=/fpm-ping hcinterval=500ms
ProxySet stickysession=SID
</Proxy>
ProxyPass /app/ balancer://app$dir/htdocs/
EOC
$fronts[0]->expect_log(qr/FC0651/, times => 1);    # a wrong secret
my @urls = map { 'http://127.0.0.1:' . $_->port . '/balancer-manager' } @fronts;
sub states { my ($n) = @_; return join ' ', map { $_->member("$members[$n]")->{state} } @fronts }
sub no_changes { return scalar(grep { $_->json('/balancer-manager/v1/audit')->{entries}[0] } @fronts) == 0 }
sub changes { my ($front) = @_; return map { "$_->{user}: $_->{member} $_->{what} $_->{after}" }
    reverse @{ $front->json('/balancer-manager/v1/audit')->{entries} } }

# It runs, with what it says in a file.
my $runs = 0;
sub begin {
    my ($release, @options) = @_;
    my $said = "$dir/said." . ++$runs;
    return ($said, Process->start(name => 'rolling-deploy', output => $said, run => ["$example/rolling-deploy",
        '-b', 'app', '-t', "$dir/token", (map { ('-f', $_) } @urls), @options],
        env => { PATH => "$dir/bin:$ENV{PATH}", RELEASE => "$dir/release-$release", APP => 'app',
                 RELOAD => 'kill -USR2 $(cat ../fpm.pid)' }));
}
sub run {
    my ($said, $process) = begin(@_);
    $process->wait_for_end(90) or $process->stop('KILL');
    return ($process->status >> 8, Httpd::text_of($said));
}

# ---- Mistakes, before anything is changed ----

my @release = (-r => "$example/release");
for my $case ([['-r', "$example/release", '-b', 'no'], qr/There is no balancer no\./], [[@release, '-t', "$dir/none"], qr/no secret in/],
              [[@release, '-t', "$dir/wrong"], qr/401/], [[@release, '-f', 'http://127.0.0.1:1'], qr{GET to http://127\.0\.0\.1:1 failed}],
              [[@release, 'fcgi://127.0.0.9:1'], qr{has no member fcgi://127\.0\.0\.9:1}], [[], qr/-r are needed/],
              [[@release, '-m', 3], qr/only 2 other members are in service, not 3/]) {
    my ($options, $why) = @$case;
    my ($code, $said) = run(2, @$options);
    is $code, 1, "@$options: refused" =~ s/\Q$dir\E|\Q$example\E//gr;
    like $said, $why, '... and it says why';
    unlike $said, qr/only-for-this-test/, '... but no secret';
}
ok no_changes(), 'nothing was changed';

# ---- A release under load ----

ok all_have('release 1'), 'all hosts have the first release';
my @load = map { my $front = $_; map { Load->start(port => $front->port, clients => 1, path => '/app/index.php', bodies => 1, header => $_) }
    {}, {}, { Cookie => 'SID=x.a' }, { Cookie => 'SID=x.c' } } @fronts;
ok $_->wait_until_running, 'load runs' for @load;
my ($code, $said) = run(2, @release, -d => 1);
is $code, 0, 'the release is deployed' or diag $said;
like $said, qr/done: 3 members/, '... to all members';
ok wait_until(20, sub { all_have('release 2') }), '... each has it';
is states($_), 'ok ok', "... $members[$_] is in service" for 0 .. 2;
my %seen;
for my $load (@load) {
    my $result = $load->stop;
    is $result->{failed}, 0, 'no request failed' or diag explain $result;
    is_deeply [keys %{ $result->{status} }], [200], '... all were served';
    $seen{$_} += $result->{bodies}{$_} for keys %{ $result->{bodies} };
}
is_deeply [sort keys %seen], ['release 1', 'release 2'], '... by the old release and by the new one';
for my $front (@fronts) {
    my @right = map { my $m = $_; map { "deploy: $m $_" } 'draining on', 'draining off', 'disabled on', 'disabled off' } @members;
    is_deeply [changes($front)], \@right, 'each member was drained, disabled and ready again, one after the other';
}

# ---- What fails ends it, and the member is ready again ----

sub is_undone {
    my ($status, $output, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $status, 1, "$name: failed";
    like $output, $why, '... as it says';
    is states($_), 'ok ok', "... $members[$_] is in service" for 0 .. 2;
    unlike $output, qr/\Q$members[2]\E/, '... those that follow were left alone';
    return;
}
is_undone(run(3, -r => "$dir/bin/broken"), qr{broken \Q$members[0]\E: exit code 3}, 'a program that fails');
is_undone(run(3, -r => "$dir/bin/hanging", -l => 1), qr/not done after 1 seconds.*is ready again at/s, 'a program that hangs');
ok all_have('release 2'), 'nobody has the third release';

# A request that does not end before its file is there.
my $blocked = $fronts[0]->connect;
$blocked->request('GET', '/app/blocked.php', header => { Cookie => 'SID=x.a' });
ok wait_until(10, sub { $fronts[0]->member($members[0])->{in_flight} == 1 }), 'a long request';
is_undone(run(3, @release, -d => 0, -w => 1), qr/\Q$members[0]\E is not empty after 1 seconds: \Q$urls[0]\E: disabled, 1 requests in flight/,
    'a member that does not get empty');
my ($file, $process) = begin(3, @release);
ok wait_until(10, sub { states(0) eq 'draining draining' }), 'a deploy waits for it';
$process->signal('TERM');
ok $process->wait_for_end(20), '... and is interrupted';
is_undone($process->status >> 8, Httpd::text_of($file), qr/ready again/, 'an interrupted one');
($file, $process) = begin(3, @release);
ok wait_until(10, sub { states(0) eq 'draining draining' }), 'another one waits';
like +(run(3, @release))[1], qr/\Q$members[0]\E is draining already/, '... and a second one beside it does nothing';
Httpd::write_file("$dir/$hosts[0]/go", '');
is $blocked->read_response->{body}, 'at last', 'the long request ends as it should';
ok $process->wait_for_end(60), '... and then the deploy goes on';
is $process->status, 0, '... to its end' or diag Httpd::text_of($file);
ok wait_until(20, sub { all_have('release 3') }), '... all have the third release';

$_->stop for @fronts, values %fpm;
done_testing;
