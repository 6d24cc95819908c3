# Licensed under the Apache License, Version 2.0; see LICENSE.
# Fpm.pm - a real PHP-FPM with one pool, for one test.
#
#   my $fpm = Fpm->start(children => 4, files => { 'index.php' => '<?php ...' });
#   ProxyPass /php/ unix:... : $fpm->url, $fpm->docroot
package Fpm;

use strict;
use warnings;
use parent 'OwnServer';
use File::Path qw(make_path);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Deadline;
use FcgiRecord;
use Httpd;
use Process;

sub program {
    return Process::find_program($ENV{PHP_FPM} // (), qw(php-fpm8.2 php-fpm), glob '/usr/sbin/php-fpm*');
}
sub is_installed { return defined program() }
sub major_version { return qx("@{[ program() ]}" -v) =~ /^PHP (\d+)/ ? $1 : 0 }

# Options: children, listen (unix, tcp), path, fixed_port, host, files, docroot (default: one of
# its own), env => {}, admin => { php_admin_value }, pool => text added to the pool, max_requests,
# control_timeout (process_control_timeout: how long a reload waits for busy children)
sub start {
    my ($class, %o) = @_;
    my $self = bless { children => 4, listen => 'unix', host => '127.0.0.1', files => {}, env => {},
                       admin => {}, pool => '', owner => $$, %o }, $class;
    $self->{dir} = Httpd::temporary_dir('fpm');
    $self->{docroot} //= "$self->{dir}/htdocs";
    make_path($self->{docroot});
    $self->file($_, $self->{files}{$_}) for keys %{ $self->{files} };
    for my $try (1 .. 3) {
        if ($self->{listen} eq 'unix') {
            $self->{path} //= "$self->{dir}/socket";
            $self->{address} = $self->{path};
            $self->{url} = "unix:$self->{path}|fcgi://fpm";
        }
        else {
            my $port = $self->{fixed_port} // Httpd::free_port();
            $self->{port} = $port;
            $self->{address} = "$self->{host}:$port";
            $self->{url} = "fcgi://$self->{address}";
        }
        $self->write_config;
        $self->run and return $self;
        my $why = $self->log_text;
        die "php-fpm did not start:\n$why" if $why !~ /already in use/i || $try == 3;
    }
}

sub write_config {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my $user = '';
    if ($> == 0) {
        my $name = Httpd::unprivileged_user();
        $user = "user = $name\ngroup = " . getgrgid((getpwnam $name)[3]) . "\n";
    }
    my $env   = join '', map { "env[$_] = \"$self->{env}{$_}\"\n" } sort keys %{ $self->{env} };
    my $admin = join '',
        map { "php_admin_value[$_] = $self->{admin}{$_}\n" } sort keys %{ $self->{admin} };
    my $max   = $self->{max_requests} ? "pm.max_requests = $self->{max_requests}\n" : '';
    open my $out, '>', "$dir/fpm.conf" or die "$dir/fpm.conf: $!";
    print {$out} <<"EOC";
[global]
pid = $dir/fpm.pid
error_log = $dir/log
daemonize = no
process_control_timeout = @{[ $self->{control_timeout} // '10s' ]}
[pool]
${user}listen = $self->{address}
listen.mode = 0666
pm = static
pm.max_children = $self->{children}
${max}pm.status_path = /fpm-status
ping.path = /fpm-ping
clear_env = no
catch_workers_output = yes
security.limit_extensions =
$env$admin$self->{pool}
EOC
    close $out;
    return;
}

sub run {
    my ($self) = @_;
    my $program = program() // die "php-fpm is not installed\n";
    $self->{process} = Process->start(name => 'php-fpm', output => "$self->{dir}/stderr",
        run => [$program, '--nodaemonize', '--fpm-config', "$self->{dir}/fpm.conf",
                '--prefix', "$self->{dir}", $> == 0 ? '--allow-to-run-as-root' : ()]);
    my $up = wait_until(30, sub {
        !$self->{process}->is_running ? -1 : ($self->ping // '') eq 'pong' ? 1 : 0;
    });
    return 1 if $up == 1;
    $self->{process}->stop;
    return 0;
}

sub file { my ($self, $path, $text) = @_; return Httpd::write_file("$self->{docroot}/$path", $text) }

sub url     { my ($self, $path) = @_; return $self->{url} . ($path // '') }
sub path    { return $_[0]{path} }
sub port    { return $_[0]{port} }
sub docroot { return $_[0]{docroot} }
sub pid     { return $_[0]{process}->pid }

sub log_text {
    my ($self) = @_;
    return join '', map { Httpd::read_file("$self->{dir}/$_") // '' } qw(log stderr);
}

# One FastCGI request straight to FPM: the body of the answer, undef when there is none.
sub ask {
    my ($self, $script, %o) = @_;
    my $socket = $self->{path} ? IO::Socket::UNIX->new(Peer => $self->{path})
        : IO::Socket::INET->new(PeerAddr => $self->{host}, PeerPort => $self->{port});
    return if !$socket;
    binmode $socket;
    my $params = FcgiRecord::encode_pairs(SCRIPT_NAME => $script, SCRIPT_FILENAME => $script,
        REQUEST_METHOD => 'GET', QUERY_STRING => $o{query} // '', REQUEST_URI => $script);
    syswrite $socket, FcgiRecord::record(FCGI_BEGIN_REQUEST, 1, pack 'nCx5', 1, 0)
        . FcgiRecord::record(FCGI_PARAMS, 1, $params) . FcgiRecord::record(FCGI_PARAMS, 1, '')
        . FcgiRecord::record(FCGI_STDIN, 1, '');
    my $deadline = Deadline->new($o{seconds} // 5);
    my $in = '';
    while ((my $left = $deadline->left) > 0) {
        my $bits = '';
        vec($bits, fileno $socket, 1) = 1;
        next if select($bits, undef, undef, $left) <= 0;
        sysread $socket, $in, 65536, length $in or last;
    }
    my $out = '';
    while (length $in >= 8) {
        my ($version, $type, $id, $bytes, $padding) = unpack 'CCnnC', $in;
        last if length $in < 8 + $bytes;
        $out .= substr $in, 8, $bytes if $type == FCGI_STDOUT;
        $in = length $in > 8 + $bytes + $padding ? substr $in, 8 + $bytes + $padding : '';
    }
    return if !length $out;
    $out =~ s/^.*?\r\n\r\n//s;
    return $out;
}

sub ping   { my ($self) = @_; return $self->ask('/fpm-ping', seconds => 1) }
sub status {
    my ($self) = @_;
    my $text = $self->ask('/fpm-status', query => 'json') // '';
    return Httpd::decode_json({ body => $text, status => 0 });
}

# How many connections its children hold, idle or not; those in the backlog do not count.
sub connections { return scalar $_[0]->connection_lines }

# The kernel's line for each: on a unix socket they tell connections apart.
sub connection_lines {
    my ($self) = @_;
    my $table = $self->{path} ? '/proc/net/unix' : '/proc/net/tcp';
    my $wanted = $self->{path}
        ? qr/^\S+ \S+ \S+ 00000000 \S+ 03 +\d+ \Q$self->{path}\E$/    # SS_CONNECTED, not listening
        : qr/^\s*\d+: [0-9A-F]{8}:@{[ sprintf '%04X', $self->{port} ]} \S+ 0[18] (?:\S+ +){5}[1-9]/;
    open my $in, '<', $table or die "$table: $!";
    my @lines = grep { /$wanted/ } <$in>;
    return @lines;
}

# SIGUSR2: FPM replaces itself; true when it answers again.
sub reload {
    my ($self) = @_;
    my @old = Process::children_of($self->pid);
    kill 'USR2', $self->pid;
    return wait_until(30, sub { !grep { Process::is_alive($_) } @old })
        && wait_until(30, sub { ($self->ping // '') eq 'pong' });
}

# Start again where it was, after stop().
sub start_again {
    my ($self) = @_;
    $self->run or die "php-fpm did not start again:\n" . $self->log_text;
    return $self;
}

1;
