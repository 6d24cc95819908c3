# Licensed under the Apache License, Version 2.0; see LICENSE.
# FleetOperator.pm - somebody with a name, who changes the balancer "app" on one front of a fleet.
#
#   Fleet->start(httpd => FleetOperator::httpd(), config => FleetOperator::config() . $balancers);
#   my $bob = FleetOperator->new($front, 'bob');
#   $bob->patch($url, { state => 'drain' });
package FleetOperator;

use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use ManagerApi;
use ManagerForm;

my $page = '/team';

sub httpd { return { modules => [qw(auth_basic authn_core authn_anon authz_user)],
                     debug_log => 'balancer_byrequests:notice balancer_manager:notice' } }

# Anybody may log in by any name.
sub config { return <<"EOC" }
<Location $page>
SetHandler balancer-manager
AuthType Basic
AuthName operators
AuthBasicProvider anon
Anonymous *
Anonymous_MustGiveEmail Off
Anonymous_VerifyEmail Off
Require valid-user
BalancerManagerRequire edit valid-user
</Location>
ProxyPass $page !
EOC

sub new {
    my ($class, $front, $name) = @_;
    my $header = { Authorization => 'Basic ' . encode_base64("$name:x", '') };
    return bless { front => $front, header => $header,
                   api => ManagerApi->new($front, base => $page, header => $header) }, $class;
}

sub path_of { my ($url) = @_; return length $url ? ManagerApi::member_path('app', $url) : 'balancers/app' }

# Of a member by its URL; '': of the balancer.
sub patch  { my ($self, $url, $change) = @_; return $self->{api}->patch(path_of($url), $change) }
sub post   { my ($self, $member) = @_; return $self->{api}->post('balancers/app/members', $member) }
sub delete { my ($self, $url, $query) = @_; return $self->{api}->delete(path_of($url) . ($query // '')) }
sub form   { my ($self, @fields) = @_; return ManagerForm::post($self->{front}, [b => 'app', @fields], page => $page, header => $self->{header}) }
sub audit  { my ($self) = @_; return $self->{api}->audit }
sub page   { my ($self, $query) = @_; return $self->{front}->get($page . ($query // ''), header => $self->{header})->{body} }

sub balancer { my ($self) = @_; return $self->{api}->get('balancers/app')->{json} }

# Nothing when it is not there, or is leaving.
sub member {
    my ($self, $url) = @_;
    my $answer = $self->{api}->get(path_of($url));
    return $answer->{status} == 200 && $answer->{json}{state} !~ /^(?:removing|gone)$/ ? $answer->{json} : undef;
}

1;
