# Licensed under the Apache License, Version 2.0; see LICENSE.
# A query that fails changes nothing, for as long as it fails: no answer, a refusal, a truncated, broken or
# forged one. It is told, and the next good answer ends it. Each kind of failure has a balancer of its own,
# and a name that says what the server answers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Discovery;
use FastBackend;
use Httpd;
use Load;
use ScriptedDns;

plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my @addresses = ('127.0.0.2', '127.0.0.3');
my $forged = qr/^(?:127\.0\.0\.66|::66)$/;
my $timeout = qr/^timeout$/;
my $broken  = qr/^(?:malformed|timeout)$/;    # what is not an answer to this query is no answer
my %failures = (
    silence => $timeout, servfail => qr/^servfail$/, refused => qr/^refused$/, formerr => qr/^formerr$/,
    truncated => qr/^(?:truncated|timeout|unreachable)$/, truncated_twice => qr/^truncated$/,
    map({ $_ => $broken } qw(garbage too_short cut_off long_rdata short_rdata many_promised wrong_id
        wrong_question no_answer_bit)),
    alias_of_itself => qr/^(?:malformed|referral)$/,
);
# What goes well all the same.
my @successes = qw(wrong_id_first by_tcp no_aaaa_answer aaaa_servfail);
my @all = (sort(keys %failures), @successes);

sub label { my ($word) = @_; return $word =~ tr/_/-/r }
my $dns     = ScriptedDns->start(addresses => \@addresses);
my $backend = FastBackend->start(host => '0.0.0.0');
my $httpd   = Httpd->start(children => 2, config => Discovery::impatient_resolver($dns)
    . join '', map { Discovery::balancer(label($_) => Discovery::line(label($_), $backend->port, 'onempty=0')) } @all);
# one line for each source that fails
$httpd->expect_log(qr/FC0526: balancer:\/\/\Q@{[ label($_) ]}\E: .*fcgi:\/\/\Q@{[ label($_) ]}\E/, times => 1)
    for sort keys %failures;
$httpd->expect_log(qr/FC0526: balancer:\/\/(?:aaaa-servfail|no-aaaa-answer)/, optional => 1);

# Of all balancers, by word.
sub sources { return map { $_->{key} =~ tr/-/_/r => $_->{sources}[0] } @{ $httpd->status->{balancers} } }

# One test result: soon all are in the state that is expected of them.
sub become {
    my ($expected, $name) = @_;
    my %seen;
    wait_until(40, sub {
        my %now = sources();
        %seen = map { $_ => $now{$_}{state} } keys %$expected;
        return !grep { $seen{$_} ne $expected->{$_} } keys %seen;
    });
    is_deeply \%seen, $expected, $name;
    return;
}
sub each_is { my ($state, @words) = @_; return map { $_ => $state } @words }

sub members_stay {
    my ($name) = @_;
    is_deeply { map { $_ => Discovery::addresses($httpd, label($_)) } @all }, { map { $_ => \@addresses } @all }, $name;
    return;
}

become({ each_is(ok => @all) }, 'good answers for all');
members_stay('... which have their members');

# ---- All of them fail at once, while requests run ----

my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005,
    path => sub { '/' . label($all[$_[1] % @all]) . '/x' });
$load->wait_until_running;
my %good = sources();
$dns->say(ScriptedDns::AS_NAMED);
become({ each_is(stale => keys %failures), each_is(ok => @successes) }, 'those that fail are stale, and only those');
ok wait_until(60, sub {
    my %now = sources();
    return !grep { $now{$_}{failures} < $good{$_}{failures} + 3 } keys %failures;
}), '... they are asked again and again';
my %bad;
wait_until(20, sub { %bad = sources(); !grep { $bad{$_}{error} !~ $failures{$_} } keys %failures });
like $bad{$_}{error}, $failures{$_}, "$_: the reason" for sort keys %failures;
is scalar(grep { $bad{$_}{addresses} != 2 } @all), 0, 'the last good answers are told';
members_stay('the members stay');

# ---- And none does ----

$dns->say('good');
become({ each_is(ok => @all) }, 'the next good answers end it');
members_stay('... with the same members');
Discovery::had_no_errors($load, 'no client saw an error');
my @members = map { @{ $_->{members} } } @{ $httpd->status->{balancers} };
is_deeply [grep { $_->{hostname} =~ $forged } @members], [], 'no forged address ever came to be a member';
is_deeply [grep { $_->{state} ne 'ok' } @members], [], 'all members are well';
my %end = sources();
is_deeply [grep { $end{$_}{changes} != 2 } @all], [], '... and the same that were added first';
$httpd->stop;

done_testing;
