# Licensed under the Apache License, Version 2.0; see LICENSE.
# Discovery.pm - balancers whose members come from DNS: their configuration, and what is seen of them.
#
#   my $httpd = Httpd->start(config => Discovery::resolver($dns)
#       . Discovery::balancer(app => Discovery::line('php', $port, 'onempty=keep')));
#   Discovery::settles($httpd, ['127.0.0.2', '127.0.0.3'], 'both addresses are members');
package Discovery;

use strict;
use warnings;
use Test::Builder;
use Test::More;
use Time::Local ();
use Deadline;

# On a busy machine a server may take its time.
sub resolver { my (@servers) = @_; return resolver_with('timeout=5s retries=1', @servers) }

# For servers that are silent on purpose.
sub impatient_resolver { my (@servers) = @_; return resolver_with('timeout=500ms retries=1', @servers) }

sub resolver_with {
    my ($limits, @servers) = @_;
    return join(' ', 'BalancerResolver', map({ ref $_ ? $_->address : $_ } @servers), $limits) . "\n";
}

sub line {
    my ($name, $port, @parameters) = @_;
    return join ' ', "BalancerMember fcgi://$name.test.:$port", 'discover=a discoverinterval=100ms discoverwait=0',
        @parameters;
}

# It answers at /name/.
sub balancer {
    my ($name, @lines) = @_;
    return join("\n", "<Proxy balancer://$name>", @lines, '</Proxy>', "ProxyPass /$name/ balancer://$name/") . "\n";
}

sub status { my ($httpd, $balancer) = @_; return $httpd->json("/balancer-manager/v1/balancers/$balancer") }
sub source { my ($httpd, $balancer) = @_; return status($httpd, $balancer)->{sources}[0] }

# The discovered members by their addresses; also those that DNS does not name any more, until their
# last request has ended.
sub members {
    my ($httpd, $balancer) = @_;
    return map { $_->{hostname} => $_ } grep { $_->{origin} eq 'discovered' } @{ status($httpd, $balancer)->{members} };
}

# Those that get requests, as far as DNS is concerned.
sub addresses {
    my ($httpd, $balancer) = @_;
    my %members = members($httpd, $balancer);
    return [sort grep { $members{$_}{state} !~ /^(?:gone|removing)$/ } keys %members];
}

# One test result each: soon the source is in this state; soon these are the addresses, and all others have
# been removed.
sub becomes {
    my ($httpd, $state, $name, $balancer) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(20, sub { source($httpd, $balancer)->{state} eq $state }), $name // "the source is $state")
        or diag explain source($httpd, $balancer);
    return;
}

sub settles {
    my ($httpd, $expected, $name, $balancer) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @expected = sort @$expected;
    my $seen;
    wait_until(20, sub {
        my %members = members($httpd, $balancer);
        $seen = [sort keys %members];
        return "@$seen" eq "@expected" && "@{ addresses($httpd, $balancer) }" eq "@expected";
    });
    is_deeply $seen, \@expected, $name;
    return;
}

# Queries are being answered, or fail: at least so many more come to their end.
sub goes_on {
    my ($httpd, $queries, $balancer) = @_;
    my $before = source($httpd, $balancer)->{queries};
    return wait_until(20, sub { source($httpd, $balancer)->{queries} >= $before + $queries });
}

# Of two times as the status tells them: 2026-11-27T10:00:00.123Z
sub seconds_between {
    my @seconds = map { /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+(?:\.\d+)?)/
        ? Time::Local::timegm_modern(int $6, $5, $4, $3, $2 - 1, $1) + $6 - int $6 : 0 } @_;
    return $seconds[1] - $seconds[0];
}

# No client of this load saw an error.
sub had_no_errors {
    my ($load, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $result = $load->stop;
    is_deeply([[keys %{ $result->{status} }], $result->{failed}], [[200], 0], "$name ($result->{requests} requests)")
        or diag explain $result->{status}, $result->{failures};
    return;
}

1;
