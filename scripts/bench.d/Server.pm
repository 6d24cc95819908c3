# Licensed under the Apache License, Version 2.0; see LICENSE.
# Server.pm - one of the servers that the bench compares: start, check, CPU time, stop.
package Server;

use strict;
use warnings;
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use HTTP::Tiny;
use Time::HiRes qw(clock_gettime);
use Deadline;
use Httpd;
use Process;

my $templates = dirname(__FILE__);

# Modules that Debian's apache2 enables by default, for both httpds.
my @debian = qw(access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user
    autoindex deflate dir env filter mime mpm_event negotiation reqtimeout setenvif status);

my %kind = (
    httpd => {
        template => 'httpd.conf',
        command  => sub { (Httpd::httpd_program(), '-DFOREGROUND', '-f', $_[0]) },
        alone    => sub { (Httpd::httpd_program(), '-X', '-f', $_[0]) },
        user     => "User %s\nGroup %s",
    },
    nginx => {
        template => 'nginx.conf',
        command  => sub { ('nginx', '-p', dirname($_[0]), '-e', dirname($_[0]) . '/error.log', '-c', $_[0]) },
        user     => 'user %s %s;',
    },
    haproxy => {
        template => 'haproxy.cfg',
        command  => sub { ('haproxy', '-db', '-f', $_[0]) },
        user     => "user %s\n    group %s",
    },
    lighttpd => {
        template => 'lighttpd.conf',
        command  => sub { ('lighttpd', '-D', '-f', $_[0]) },
        user     => qq(server.username = "%s"\nserver.groupname = "%s"),
    },
    fpm => {
        template => 'fpm.conf',
        command  => sub { ('php-fpm8.2', '--nodaemonize', '--fpm-config', $_[0]) },
        user     => "user = %s\ngroup = %s",
    },
);

# name; kind; dir; modules (httpd: those that differ); values => { PORT => ... } for the template;
# template: another than that of the kind; under: program and arguments (valgrind) that run httpd as
# one process; cannot => { work => why not }
sub new {
    my ($class, %o) = @_;
    return bless { cannot => {}, modules => [], %o }, $class;
}

sub name   { return $_[0]{name} }
sub pid    { return $_[0]{process}->pid }
sub failed { return $_[0]{failed} }

sub user_lines {
    my ($self) = @_;
    return '' if $> != 0;
    my $user = Httpd::unprivileged_user();
    return sprintf $kind{ $self->{kind} }{user}, $user, scalar getgrgid((getpwnam $user)[3]);
}

sub command {
    my ($self) = @_;
    my $kind = $kind{ $self->{kind} };
    return $kind->{command}->($self->{config}) if !$self->{under};
    return @{ $self->{under} }, $kind->{alone}->($self->{config});
}

sub write_config {
    my ($self) = @_;
    make_path("$self->{dir}/tmp");
    chown +(getpwnam Httpd::unprivileged_user())[2, 3], $self->{dir}, "$self->{dir}/tmp" if $> == 0;
    my $template = $self->{template} // $kind{ $self->{kind} }{template};
    my %value = (%{ $self->{values} }, DIR => $self->{dir}, USER_LINES => $self->user_lines);
    if ($self->{kind} eq 'httpd') {
        $value{MODULES} = join '', map { Httpd::load_module($_) }
            @debian, qw(unixd file_cache proxy slotmem_shm), @{ $self->{modules} };
    }
    my $text = Httpd::text_of("$templates/$template") =~ s/\@([A-Z_0-9]+)\@/$value{$1} \/\/ die "$template: no value for $1\n"/ger;
    $self->{config} = Httpd::write_file("$self->{dir}/" . basename($template), $text);
    return;
}

# Whether httpd takes this configuration.
sub passes_configtest {
    my ($self) = @_;
    $self->write_config;
    return system(Httpd::httpd_program() . " -t -f '$self->{config}' > '$self->{dir}/output' 2>&1") == 0;
}

# returns  true when it runs; otherwise failed() says why not
sub start {
    my ($self) = @_;
    my $output = "$self->{dir}/output";
    my $started = eval {
        unlink $output, "$self->{dir}/error.log";
        $self->write_config;
        $self->{process} = Process->start(name => $self->{name}, output => $output,
            run => [$self->command]);
        my $works = wait_until($self->{under} ? 60 : 15, sub { !$self->{process}->is_running || $self->{is_ready}->() });
        die "\n" if !$works || !$self->{process}->is_running;
        1;
    };
    return 1 if $started;
    my $why = $@;
    for my $file ($output, "$self->{dir}/error.log") {
        open my $in, '<', $file or next;
        my @lines = grep { /\S/ } <$in>;
        $why .= join '', @lines > 3 ? @lines[-3 .. -1] : @lines;
    }
    $why =~ s/^\s+|\s+$//g;
    $self->{failed} = 'did not start: ' . ($why || 'no reason given');
    $self->stop;
    return 0;
}

sub stop {
    my ($self) = @_;
    my $process = delete $self->{process} or return;
    $process->stop('TERM', 15);
    return;
}

# The processes: itself and all below.
sub pids {
    my ($self) = @_;
    my @all = my @open = ($self->pid);
    while (defined(my $pid = shift @open)) {
        my @children = Process::children_of($pid);
        push @all,  @children;
        push @open, @children;
    }
    return @all;
}

# CPU time of each process in nanosecond steps, all threads, also ended ones: the kernel's
# per-process clock, whose number is made from the pid (clock_getcpuclockid).
sub cpu {
    my ($self) = @_;
    my %seconds;
    for my $pid ($self->pids) {
        my $seconds = clock_gettime(-8 * $pid - 6);
        $seconds{$pid} = $seconds if $seconds >= 0;
    }
    return \%seconds;
}

sub cpu_since {
    my ($self, $before) = @_;
    my $now = $self->cpu;
    my $sum = 0;
    $sum += $now->{$_} - ($before->{$_} // 0) for keys %$now;
    return $sum;
}

# Voluntary context switches of all threads up to now: how often one waited.
sub switches {
    my ($self) = @_;
    my $sum = 0;
    for my $file (map { glob "/proc/$_/task/*/status" } $self->pids) {
        open my $in, '<', $file or next;
        while (my $line = <$in>) { $sum += $1 if $line =~ /^voluntary_ctxt_switches:\s+(\d+)/ }
    }
    return $sum;
}

sub url {
    my ($self, $path, $port) = @_;
    return 'http://127.0.0.1:' . ($port // $self->{values}{PORT}) . $path;
}

# One request. returns  undef when the answer is right, otherwise what is wrong
sub check {
    my ($self, $url, %o) = @_;
    my $http = HTTP::Tiny->new(timeout => 15, keep_alive => 0);
    my $answer = defined $o{upload}
        ? $http->post($url, { content => 'x' x $o{upload} }) : $http->get($url);
    return "status $answer->{status}" . ($answer->{status} == 599 ? ": $answer->{content}" : '')
        if $answer->{status} != 200;
    my $bytes = length $answer->{content};
    return "body of $bytes bytes, not $o{bytes}" if defined $o{bytes} && $bytes != $o{bytes};
    return "wrong body: $answer->{content}"
        if defined $o{body} && $answer->{content} ne $o{body};
    return undef;
}

1;
