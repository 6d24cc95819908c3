# Licensed under the Apache License, Version 2.0; see LICENSE.
# Visitor.pm - somebody with a browser: keeps cookies, follows redirects, fills in forms, and notes what came.
#
#   my $visitor = Visitor->new(port => $httpd->port);
#   $visitor->get('/doku.php?id=start&do=login');
#   $visitor->submit({ u => 'admin', p => 'secret' }, with => 'u');   # the form that has the field u
#   $visitor->submit({ upload => ['x.png', $bytes] }, with => 'upload');
#   $visitor->sees('the name of the user', qr/Logged in as/);
#   $visitor->steps;      # [[name, what came], ...], so that two visits can be compared
package Visitor;

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use HTML::Form;
use HTTP::Cookies;
use HTTP::Request;
use LWP::UserAgent;

use constant LONGEST_WAIT => 120;

# Options: port, secrets => [texts that are others in each visit], chance => pattern of what is drawn by lot
sub new {
    my ($class, %o) = @_;
    my $agent = LWP::UserAgent->new(timeout => LONGEST_WAIT, cookie_jar => HTTP::Cookies->new, agent => 'Mozilla/5.0 (X11)',
        requests_redirectable => ['GET', 'HEAD', 'POST']);
    $agent->default_header('Accept-Encoding' => 'gzip');
    return bless { secrets => [], chance => qr/(?!)/, members => {}, steps => [], failures => [], %o, agent => $agent }, $class;
}

sub url      { my ($self, $path) = @_; return $path =~ /^http/ ? $path : "http://localhost:$self->{port}$path" }
sub page     { return $_[0]{page} }
sub status   { return $_[0]{page}->code }
sub header   { my ($self, $name) = @_; return $self->{page}->header($name) }
sub bytes    { return $_[0]{page}->decoded_content(charset => 'none') // '' }
sub steps    { return $_[0]{steps} }
sub failures { return $_[0]{failures} }

# Who answered, by the header X-Member.
sub members { my ($self) = @_; my @members = sort keys %{ $self->{members} }; return @members }

# ---- What came, without what differs by nature ----

sub without_chance {
    my ($self, $text) = @_;
    $text =~ s/localhost(?::|%3A)$self->{port}/HOST/gi;
    $text =~ s/$self->{chance}/CHANCE/g;
    $text =~ s/\Q$_\E/SECRET/g for @{ $self->{secrets} };
    $text =~ s/(?<![A-Za-z])(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?(?![A-Za-z])/DAY/g;
    $text =~ s/(?=[A-Za-z+_-]*\d)[A-Za-z0-9+_-]{12,}={0,2}/TOKEN/g;
    $text =~ s/\b(?=[a-f]*\d)[0-9a-f]{6,}\b/TOKEN/g;
    $text =~ s/\d+(?:[.:,]\d+)*/N/g;
    return $text;
}

my @fields = qw(Location Content-Type Content-Encoding Accept-Ranges Content-Disposition);

# One line for each answer on the way, then the body.
sub describe {
    my ($self, $response) = @_;
    my @lines;
    for my $answer ($response->redirects, $response) {
        my $request = $answer->request;
        push @lines, $answer->code . ' ' . $self->without_chance(join ' ', $request->method, $request->uri->path_query,
            map { "$_: " . ($answer->header($_) // '-') } @fields);
        push @lines, sort map { $self->without_chance("Set-Cookie: " . s/=.*?(?=;|$)/=/r) } $answer->header('Set-Cookie');
        push @lines, "cut: " . ($answer->header('X-Died') // 'aborted') if $answer->header('Client-Aborted') || $answer->header('X-Died');
    }
    my $body = $response->decoded_content(charset => 'none') // '';
    $body = ($response->content_type // '') =~ m{^text/|json|xml|javascript} ? $self->without_chance($body) : md5_hex($body);
    return join "\n", @lines, $body;
}

# ---- What a visitor does ----

sub ask {
    my ($self, $request, $name) = @_;
    my $response = $self->{agent}->request($request);
    $self->{page} = $response;
    $self->{members}{$_}++ for map { $_->header('X-Member') // () } $response->redirects, $response;
    $self->note($name // $request->method . ' ' . $self->without_chance($request->uri->path_query), $self->describe($response));
    return $response;
}

sub note { my ($self, $name, $what) = @_; push @{ $self->{steps} }, [$name, $what]; return }

# get(path, header => value, ...)
sub get {
    my ($self, $path, @header) = @_;
    return $self->ask(HTTP::Request->new(GET => $self->url($path), \@header));
}

sub head { my ($self, $path) = @_; return $self->ask(HTTP::Request->new(HEAD => $self->url($path))) }

# send(method, path, body, header => value, ...)
sub send {
    my ($self, $method, $path, $body, @header) = @_;
    return $self->ask(HTTP::Request->new($method => $self->url($path), \@header, $body));
}

# Looks at a page again that came before.
sub return_to { my ($self, $page) = @_; $self->{page} = $page; return }

# The form of this page that has a field of this name.
sub form {
    my ($self, $field) = @_;
    my $page = $self->{page};
    my ($form) = grep { $_->find_input($field) }
        HTML::Form->parse($page->decoded_content // '', base => $page->base, charset => 'UTF-8');
    return $form if $form;
    push @{ $self->{failures} }, "no form with $field at " . $page->request->uri . ': ' . $page->status_line;
    return;
}

# Fills in the form that has the field `with` and sends it: by the button of this name, if one is named. A value is a
# text, or [name, bytes] of a file. Where it is JavaScript that sends it: to => path, headers => [name => value, ...].
sub submit {
    my ($self, $values, %o) = @_;
    my $form = $self->form($o{with}) or return;
    for my $name (sort keys %$values) {
        my $input = $form->find_input($name) // do { $form->push_input('text', { name => $name }); $form->find_input($name) };
        if (ref $values->{$name}) {
            $input->file($values->{$name}[0]);
            $input->filename($values->{$name}[0]);
            $input->content($values->{$name}[1]);
            next;
        }
        $input->readonly(0) if $input->can('readonly');
        $input->disabled(0);
        $input->{strict} = 0;
        $input->value($values->{$name});
    }
    $form->action($self->url($o{to})) if $o{to};
    my $request = $o{button} ? $form->click($o{button}) : $form->click;
    $request->header(@{ $o{headers} }) if $o{headers};
    return $self->ask($request, "submit $o{with}");
}

# ---- What a visitor looks at ----

sub holds {
    my ($self, $name, $is_so, $why) = @_;
    push @{ $self->{failures} }, "$name: " . ($why // '') if !$is_so;
    $self->note($name, $is_so ? 'yes' : 'no');
    return $is_so;
}

sub sees {
    my ($self, $name, $pattern, $status) = @_;
    my $page = $self->{page};
    return $self->holds($name, $page->code == ($status // 200) && $self->bytes =~ $pattern,
        $page->request->uri . ': ' . $page->status_line . ' ' . substr $self->bytes =~ s/<(script|style)\b.*?<\/\1>|<[^>]*>|\s+/ /gsr, 0, 800);
}

1;
