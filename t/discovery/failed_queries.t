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

Discovery::settles($httpd, \@addresses, "$_: its members", label($_)) for @all;

# ---- All of them fail at once, while requests run ----

my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => sub { '/' . label($all[$_[1] % @all]) . '/x' });
$load->wait_until_running;
$dns->say(ScriptedDns::AS_NAMED);
for my $word (sort keys %failures) {
    Discovery::becomes($httpd, 'stale', "$word: the source is stale", label($word));
    ok wait_until(20, sub { Discovery::source($httpd, label($word))->{error} =~ $failures{$word} }), '... and says why'
        or diag Discovery::source($httpd, label($word))->{error};
}
for my $word (sort keys %failures) {
    ok Discovery::goes_on($httpd, 2, label($word)), "$word: it is asked again and again";
    is_deeply Discovery::addresses($httpd, label($word)), \@addresses, '... the members stay';
    my $source = Discovery::source($httpd, label($word));
    cmp_ok $source->{failures}, '>=', 3, '... failures are counted';
    is $source->{addresses}, 2, '... the last good answer is told';
}
for my $word (@successes) {
    Discovery::becomes($httpd, 'ok', "$word: no failure", label($word));
    is_deeply Discovery::addresses($httpd, label($word)), \@addresses, '... its members stay';
}

# ---- And none does ----

$dns->say('good');
for my $word (@all) {
    Discovery::becomes($httpd, 'ok', "$word: the next good answer ends it", label($word));
    is_deeply Discovery::addresses($httpd, label($word)), \@addresses, '... with the same members';
}
Discovery::had_no_errors($load, 'no client saw an error');
my @members = map { @{ $_->{members} } } @{ $httpd->status->{balancers} };
is_deeply [grep { $_->{hostname} =~ $forged } @members], [], 'no forged address ever came to be a member';
is_deeply [grep { $_->{state} ne 'ok' } @members], [],
    'all members are as they were';
is scalar(grep { Discovery::source($httpd, label($_))->{changes} != 2 } @all), 0, '... since they were added';
$httpd->stop;

done_testing;
