# Licensed under the Apache License, Version 2.0; see LICENSE.
# FleetLimit.pm - a fleet whose fronts share one member's limit, and the demand on each of them.
#
#   my $scene = FleetLimit->start(options of Fleet);    # one test result for each front: it takes part
#   my @load = $scene->load_on($scene->fronts);         # of Load: each of them alone wants more than there is
#   ok $scene->is_used, 'all of it is used';
#   is $scene->peak, FleetLimit::LIMIT, 'and no more';
package FleetLimit;

use strict;
use warnings;
use Exporter qw(import);
use Test::More;
use Deadline;
use FastBackend;
use Fleet;
use Load;

use constant LIMIT => 40;

our @EXPORT = qw(for_a_while);

sub start {
    my ($class, %o) = @_;
    my $backend = FastBackend->start(ms => 100);
    my $fleet = Fleet->start(%o, config => <<"EOC");
<Proxy balancer://app>
    BalancerMember @{[ $backend->url ]} maxinflight=@{[ LIMIT ]} queue=500 queuetimeout=60s
    ProxySet fleet=limits
</Proxy>
ProxyPass /app/ balancer://app/
EOC
    ok wait_until(30, sub { $_->log_lines(qr/FC0574/) }), "$_->{front} takes part" for $fleet->fronts;
    return bless { backend => $backend, fleet => $fleet }, $class;
}

sub fronts    { return $_[0]{fleet}->fronts }
sub in_flight { return $_[0]{backend}->counts->{in_flight} }
sub peak      { return $_[0]{backend}->counts->{peak} }
sub load_on   { my ($self, @fronts) = @_; return map { Load->start(port => $_->port, clients => 45, path => '/app/x') } @fronts }

# Soon: all but what idle fronts keep, one each; nothing.
sub is_used { my ($self) = @_; return wait_until(30, sub { $self->in_flight >= LIMIT * 0.95 }) }
sub is_idle { my ($self) = @_; return wait_until(30, sub { $self->in_flight == 0 }) }

# How long a fault lasts, in s: any time between these.
sub for_a_while {
    my ($from, $to) = @_;
    my $until = now_monotonic() + $from + rand($to - $from);
    wait_until(60, sub { now_monotonic() >= $until });
    return;
}

sub stop { return $_[0]{fleet}->stop }

1;
