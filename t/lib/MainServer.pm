# Licensed under the Apache License, Version 2.0; see LICENSE.
# MainServer.pm - the server that t/TEST started (t/conf/httpd.conf.in), seen from one test.
#
#   my $main = MainServer->new;
#   my $backend = $main->backend(answer => sub { ... });   # behind /plain/, /kept/, /flushed/ ...
#   $main->get('/plain/x');
#   $main->done;                                            # checks what the test left in its log
package MainServer;

use strict;
use warnings;
use Apache::Test ();
use Backend;
use ErrorLog;
use Httpd;
use HttpSocket;

sub new {
    my ($class) = @_;
    my $vars = Apache::Test::vars();
    my $self = bless { vars => $vars, port => $vars->{port} }, $class;
    $self->{log} = ErrorLog->new("$vars->{t_logs}/error_log", strict => !Httpd::is_stock());
    return $self;
}

sub port    { return $_[0]{port} }
sub log     { return $_[0]{log} }
sub docroot { return $_[0]{vars}{documentroot} }

sub backend {
    my ($self, %o) = @_;
    return Backend->start(%o, listen => 'unix', path => "$self->{vars}{t_state}/scripted.sock");
}

sub file { my ($self, $path, $text) = @_; return Httpd::write_file($self->docroot . "/$path", $text) }

sub connect { my ($self) = @_; return HttpSocket->connect($self->{port}) }
sub send {
    my ($self, $method, $path, %o) = @_;
    return HttpSocket->once($self->{port}, $method, $path, %o);
}
sub get { my ($self, $path, %o) = @_; return $self->send('GET', $path, %o) }

sub expect_log   { my ($self, $pattern, @o) = @_; $self->log->expect($pattern, @o); return }
sub wait_for_log {
    my ($self, $pattern, $seconds) = @_;
    return $self->log->wait_for($pattern, $seconds);
}

sub done {
    my ($self) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->log->check;
}

1;
