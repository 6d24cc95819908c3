# Licensed under the Apache License, Version 2.0; see LICENSE.
# Application.pm - the application of the fault campaign: on PHP-FPM, and the same in Perl for the
# scripted backend. It writes down which requests it ran.
#
#   /NAME?do=echo&token=T[&ms=N]    JSON, after so long: the token, the method, SHA-1 and bytes of the
#                                   body
#   /NAME?do=download&token=T&bytes=N[&length=1]    the token over and over, N bytes
#   /NAME?do=events&token=T    five events, and one that says that it was all
package Application;

use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use Fcntl qw(O_WRONLY O_APPEND O_CREAT);
use JSON::PP ();

use Time::HiRes ();

use constant { EVENTS => 5, EVENT_SECONDS => 0.05, PIECE => 16_384, SLOW_SECONDS => 3 };

# The file where the application writes a line for each request that it ran: "token method".
sub new {
    my ($class, $file) = @_;
    open my $out, '>', $file or die "$file: $!";
    chmod 0666, $file;
    mkdir "$file.d" or die "$file.d: $!";
    chmod 0777, "$file.d";
    return bless { file => $file, slow => "$file.d/slow" }, $class;
}

# Write down that a request has run.
sub note {
    my ($self, $token, $method) = @_;
    sysopen my $out, $self->{file}, O_WRONLY | O_APPEND | O_CREAT or die "$self->{file}: $!";
    syswrite $out, "$token $method\n";
    close $out;
    return;
}

# The next request to this PHP-FPM takes a while. Has it come?
sub be_slow_once {
    my ($self, $pid) = @_;
    open my $out, '>', "$self->{slow}.new" or die "$self->{slow}: $!";
    print {$out} $pid;
    close $out;
    rename "$self->{slow}.new", $self->{slow};
    return;
}
sub was_slow { my ($self) = @_; return !-e $self->{slow} }

# How often each token ran, by token and method.
sub runs {
    my ($self) = @_;
    my %runs;
    open my $in, '<', $self->{file} or die "$self->{file}: $!";
    while (<$in>) { $runs{$1}{$2}++ if /^(\S+) (\S+)$/ }
    return \%runs;
}

# ---- What the answers must be ----

sub download_body {
    my ($token, $bytes) = @_;
    return substr "$token\n" x ($bytes / (length($token) + 1) + 1), 0, $bytes;
}

sub events_body {
    my ($token) = @_;
    return join('', map { "data: $token $_\n\n" } 1 .. EVENTS) . "event: end\ndata: $token\n\n";
}

sub echo_is_right {
    my ($body, $token, $method, $sent) = @_;
    my $said = eval { JSON::PP::decode_json($body) } or return 0;
    return $said->{token} eq $token && $said->{method} eq $method
        && $said->{bytes} == length $sent && $said->{sha1} eq sha1_hex($sent);
}

# ---- On PHP-FPM ----

sub php {
    my ($self) = @_;
    return <<"EOC";
<?php
\$token = \$_GET['token'];
\$body = file_get_contents('php://input');
if (\@file_get_contents('$self->{slow}') == posix_getppid() && \@unlink('$self->{slow}')) {
    sleep(@{[ SLOW_SECONDS ]});
}
usleep(1000 * (int)(\$_GET['ms'] ?? 0));
file_put_contents('$self->{file}', "\$token {\$_SERVER['REQUEST_METHOD']}\\n", FILE_APPEND);
switch (\$_GET['do']) {
case 'download':
    \$bytes = (int)\$_GET['bytes'];
    header('Content-Type: text/plain');
    if (isset(\$_GET['length'])) {
        header("Content-Length: \$bytes");
    }
    \$all = substr(str_repeat("\$token\\n", intdiv(\$bytes, strlen(\$token) + 1) + 1), 0, \$bytes);
    foreach (str_split(\$all, @{[ PIECE ]}) as \$piece) {
        echo \$piece;
        flush();
    }
    break;
case 'events':
    header('Content-Type: text/event-stream');
    for (\$i = 1; \$i <= @{[ EVENTS ]}; \$i++) {
        echo "data: \$token \$i\\n\\n";
        flush();
        usleep(@{[ EVENT_SECONDS * 1_000_000 ]});
    }
    echo "event: end\\ndata: \$token\\n\\n";
    break;
default:
    header('Content-Type: application/json');
    echo json_encode(['token' => \$token, 'method' => \$_SERVER['REQUEST_METHOD'],
        'bytes' => strlen(\$body), 'sha1' => sha1(\$body)]);
}
EOC
}

# ---- On the scripted backend: the bytes of the response, as CGI ----

sub answer {
    my ($self, $request) = @_;
    my %query = map { split /=/, $_, 2 } split /&/, $request->{params}{QUERY_STRING} // '';
    my ($token, $method) = ($query{token} // '-', $request->{params}{REQUEST_METHOD} // '-');
    Time::HiRes::sleep(($query{ms} // 0) / 1000);
    $self->note($token, $method);
    if (($query{do} // '') eq 'download') {
        my $length = $query{length} ? "Content-Length: $query{bytes}\r\n" : '';
        return "Content-Type: text/plain\r\n$length\r\n" . download_body($token, $query{bytes});
    }
    return "Content-Type: text/event-stream\r\n\r\n" . events_body($token)
        if ($query{do} // '') eq 'events';
    return "Content-Type: application/json\r\n\r\n" . JSON::PP::encode_json({
        token => $token, method => $method, bytes => length $request->{stdin},
        sha1 => sha1_hex($request->{stdin}) });
}

1;
