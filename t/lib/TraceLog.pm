# Licensed under the Apache License, Version 2.0; see LICENSE.
# TraceLog.pm - the spans in the file of a ProxyFCGITraceLog.
#
#   my $log = TraceLog->new($httpd->root . '/trace.log');
#   my ($server, @clients) = $log->wait_for_request('/a/x');     # by url.path, as it was sent
#   $server->{error}, $clients[0]{attribute}{'server.port'}, $clients[0]{event}{connected}
#   is $log->complaints, '', 'all lines are as OTLP wants them';
package TraceLog;

use strict;
use warnings;
use File::Basename qw(dirname);
use JSON::PP ();
use Deadline;
use Httpd;
use JsonSchema;

use constant { SERVER => 2, CLIENT => 3, LINE_MAX => 4096 };    # PIPE_BUF of Linux

my $schema = JSON::PP::decode_json(Httpd::text_of(dirname(__FILE__) . '/../conf/otlp-traces.schema.json'));

sub new { my ($class, $file) = @_; return bless { file => $file }, $class }

sub lines {
    my ($self) = @_;
    open my $in, '<:raw', $self->{file} or return;
    return <$in>;
}

# Of complete lines; each with its attributes and events by name.
sub spans {
    my ($self) = @_;
    my @spans;
    for my $line (grep { /\n\z/ } $self->lines) {
        my $request = JSON::PP::decode_json($line);
        push @spans, map { easier($_) } map { @{ $_->{spans} } } map { @{ $_->{scopeSpans} } }
            @{ $request->{resourceSpans} };
    }
    return @spans;
}

sub easier {
    my ($span) = @_;
    my %attribute = map { ($_->{key} => (values %{ $_->{value} })[0]) } @{ $span->{attributes} };
    return { %$span, attribute => \%attribute, error => $attribute{'error.type'},
             has_failed => ($span->{status}{code} // 0) == 2,
             event => { map { ($_->{name} => $_->{timeUnixNano}) } @{ $span->{events} || [] } } };
}

# The SERVER span of a request, and the CLIENT spans below it in their order.
sub request {
    my ($self, $path) = @_;
    my @spans = $self->spans;
    my ($server) = grep { $_->{kind} == SERVER && $_->{attribute}{'url.path'} eq $path } @spans;
    return if !$server;
    return ($server, grep { $_->{kind} == CLIENT && $_->{parentSpanId} eq $server->{spanId} } @spans);
}

# It is written after the client has its answer.
sub wait_for_request {
    my ($self, $path) = @_;
    my @spans;
    wait_until(10, sub { @spans = $self->request($path); return scalar @spans });
    return @spans;
}

sub wait_for_servers {
    my ($self, $count) = @_;
    return wait_until(20, sub { (my @s = grep { $_->{kind} == SERVER } $self->spans) >= $count });
}

# What is wrong with the lines; '' when nothing is.
sub complaints {
    my ($self) = @_;
    my @lines = $self->lines;
    return "no lines\n" if !@lines;
    my @long = grep { length > LINE_MAX } @lines;
    return "a line of @{[ length $long[0] ]} bytes\n" if @long;
    my %all = (%$schema, type => 'array', items => { '$ref' => $schema->{'$ref'} });
    delete $all{'$ref'};
    return JsonSchema::complaints(JSON::PP::encode_json(\%all), '[' . join(',', @lines) . ']');
}

1;
