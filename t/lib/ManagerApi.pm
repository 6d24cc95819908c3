# Licensed under the Apache License, Version 2.0; see LICENSE.
# ManagerApi.pm - the JSON interface of the manager, as a script uses it that has read the page's token.
# Each exchange is held against the description of the interface: OpenApi.pm.
#
#   my $api = ManagerApi->new($httpd);
#   my $answer = $api->patch('balancers/app/members/' . ManagerApi::encoded($url), { weight => 2 });
#   $answer->{status}, $answer->{header}{etag}, $answer->{json}{changed}
package ManagerApi;

use strict;
use warnings;
use JSON::PP ();
use OpenApi;

# ManagerApi->new(httpd, base => path of the manager, header => sent with each request,
#                 token => 0: changes come without the page's token)
sub new {
    my ($class, $httpd, %o) = @_;
    return bless { httpd => $httpd, base => '/balancer-manager', header => {}, token => 1, %o }, $class;
}

# The page's, for the user that `header` logs in.
sub token {
    my ($self) = @_;
    my ($token) = $self->{httpd}->get($self->{base}, header => $self->{header})->{body} =~ /nonce=([0-9a-f]{8}-[0-9a-f]{32})/;
    return $token;
}

sub encoded { my ($text) = @_; $text =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ge; return $text }

# The path of a member, to be put behind the manager's own.
sub member_path { my ($balancer, $url) = @_; return "balancers/$balancer/members/" . encoded($url) }

# call(method, path below /v1/, data or text, header => {}): HttpSocket's answer, with json.
sub call {
    my ($self, $method, $path, $data, %o) = @_;
    my $body = ref $data ? JSON::PP->new->canonical->encode($data) : $data;
    my %header = (defined $body ? ('Content-Type' => 'application/json') : (),
                  %{ $self->{header} }, %{ $o{header} || {} });
    if ($self->{token} && $method =~ /^(?:PATCH|POST|DELETE)$/ && !exists $header{'X-CSRF-Token'}) {
        $header{'X-CSRF-Token'} = $self->token;
    }
    delete @header{ grep { !defined $header{$_} } keys %header };
    my $answer = $self->{httpd}->send($method, "$self->{base}/v1/$path", body => $body, header => \%header);
    OpenApi::check({ method => $method, path => "/$path", header => \%header, body => $body }, $answer);
    $answer->{json} = eval { JSON::PP::decode_json($answer->{body}) };
    return $answer;
}

sub get    { my ($self, @o) = @_; return $self->call('GET', @o) }
sub patch  { my ($self, @o) = @_; return $self->call('PATCH', @o) }
sub post   { my ($self, @o) = @_; return $self->call('POST', @o) }
sub delete { my ($self, $path, %o) = @_; return $self->call('DELETE', $path, undef, %o) }

# What has changed, each as "setting before -> after".
sub changes {
    my ($answer) = @_;
    return [map { "$_->{setting} $_->{before} -> $_->{after}" } @{ $answer->{json}{changed} || [] }];
}

# The audit's entries, newest first.
sub audit { my ($self) = @_; return @{ $self->get('audit')->{json}{entries} } }

1;
