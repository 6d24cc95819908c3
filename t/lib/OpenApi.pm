# Licensed under the Apache License, Version 2.0; see LICENSE.
# OpenApi.pm - is an exchange with the JSON interface as its description says? The one in the build
# folder, which the manager serves.
#
#   OpenApi::check({ method => 'GET', path => '/audit', header => {}, body => undef }, $answer);
#
# Says nothing if it is; else a test fails. All of an answer has to be described, and all of a request
# that was successful, but for query parameters and headers, of which there may be more.
package OpenApi;

use strict;
use warnings;
use JSON::PP ();
use Test::Builder;
use Httpd;
use JsonSchema;

my ($document, $schemas);

sub read_document {
    my $text = Httpd::text_of(Httpd::build_dir() . '/openapi.json');
    $document = JSON::PP::decode_json($text);
    $schemas  = JsonSchema->new($text);
    return;
}

# ---- Places in the document: pointers, as in "#/paths/~1audit/get" ----

sub below { my ($place, @names) = @_; return join '/', $place, map { s/~/~0/gr =~ s{/}{~1}gr } @names }

# What is there, and its place when references were followed; nothing if it is not there.
sub look {
    my ($place) = @_;
    my $node = $document;
    my @names = split m{/}, $place =~ s/^#//r;
    shift @names;
    while (@names) {
        my $name = (shift @names) =~ s{~1}{/}gr =~ s/~0/~/gr;
        $node = ref $node eq 'ARRAY' ? $node->[$name] : $node->{$name};
        return if !defined $node;
        return look(join '/', $node->{'$ref'}, @names) if ref $node eq 'HASH' && $node->{'$ref'};
    }
    return ($node, $place);
}

# The place of the described path that this one is, if any.
sub place_of_path {
    my ($path) = @_;
    for my $template (sort keys %{ $document->{paths} }) {
        my $pattern = join '[^/]+', map { quotemeta } split /\{\w+\}/, $template, -1;
        return below('#/paths', $template) if $path =~ /^$pattern$/;
    }
    return;
}

# ---- What differs: lists of sentences ----

sub differs_in_body {
    my ($place, $type, $body) = @_;
    my ($content) = look(below($place, 'content')) or return;
    $type = ($type // 'no Content-Type') =~ s/;.*//r;
    return "$type is not described" if !$content->{$type};
    return if $type !~ /json$/;
    return map { "$type: $_" } split /\n/, $schemas->complaints_of(below($place, 'content', $type, 'schema'), $body);
}

sub differs_in_answer {
    my ($place, $answer, $method) = @_;
    my ($response, $there) = look(below($place, 'responses', $answer->{status}))
        or return "status $answer->{status} is not described";
    my @differs;
    for my $name (sort keys %{ $response->{headers} || {} }) {
        my ($header, $header_place) = look(below($there, 'headers', $name));
        my $value = $answer->{header}{ lc $name };
        push @differs, "$name is missing" if !defined $value && $header->{required};
        push @differs, differs_in_text(below($header_place, 'schema'), $name, $value);
    }
    return @differs, $method eq 'HEAD' ? () : differs_in_body($there, $answer->{header}{'content-type'}, $answer->{body});
}

sub differs_in_text {
    my ($place, $name, $value) = @_;
    return if !defined $value;
    my $text = JSON::PP->new->allow_nonref->encode($value);
    return map { "$name: $_" } split /\n/, $schemas->complaints_of($place, $text);
}

sub differs_in_request {
    my ($place, $request) = @_;
    my %header = map { lc $_ => $request->{header}{$_} } keys %{ $request->{header} };
    my ($parameters) = look(below($place, 'parameters'));
    my @differs;
    for my $i (0 .. $#{ $parameters || [] }) {
        my ($parameter, $there) = look(below($place, 'parameters', $i));
        push @differs, differs_in_text(below($there, 'schema'), $parameter->{name}, $header{ lc $parameter->{name} })
            if $parameter->{in} eq 'header';
    }
    my ($body, $there) = look(below($place, 'requestBody'));
    return @differs, !$body ? ()
        : defined $request->{body} ? differs_in_body($there, $header{'content-type'}, $request->{body})
        : $body->{required} ? 'the body is missing' : ();
}

# What no description of an operation says: other paths and methods.
sub differs_in_refusal {
    my ($answer, $is_described, $method) = @_;
    my @right = $method eq 'OPTIONS' && $is_described ? 204 : $is_described ? 405 : 404;
    my @differs;
    push @differs, "status $answer->{status} instead of @right" if !grep { $answer->{status} == $_ } @right, 401, 403;
    push @differs, 'Allow is missing' if $is_described && $answer->{status} =~ /^(?:204|405)$/ && !$answer->{header}{allow};
    push @differs, differs_in_body('#/components/responses/forbidden', $answer->{header}{'content-type'}, $answer->{body})
        if $answer->{status} =~ /^40[345]$/ && $method ne 'HEAD';
    return @differs;
}

sub differs {
    my ($request, $answer) = @_;
    my $method = $request->{method};
    my $path   = place_of_path($request->{path} =~ s/\?.*//sr);
    my $place  = $path && below($path, lc($method eq 'HEAD' ? 'GET' : $method));
    return differs_in_refusal($answer, $path, $method) if !$place || !look($place);
    return (differs_in_answer($place, $answer, $method),
            $answer->{status} =~ /^2/ ? differs_in_request($place, $request) : ());
}

# ---- A test ----

# answer   as HttpSocket reads it; one that is not complete is no answer
sub check {
    my ($request, $answer) = @_;
    read_document() if !$document;
    my @differs = $answer->{complete} ? differs($request, $answer) : ();
    return if !@differs;
    my $test = Test::Builder->new;
    $test->ok(0, "$request->{method} $request->{path}: $answer->{status}, as its description says");
    $test->diag(map { "  $_\n" } @differs);
    return;
}

1;
