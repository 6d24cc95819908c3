# Licensed under the Apache License, Version 2.0; see LICENSE.
# RedisServer.pm - a real redis-server (or a sentinel) for one test: own directory, own port, no files.
#
#   my $redis = RedisServer->start(password => 'x', replica_of => $other);
#   $redis->url; $redis->socket_url            # of BalancerFleet
#   $redis->ask('HGETALL', 'fc:{shop}:front')  # a command; lists come as lists, errors die
#   $redis->halt; $redis->continue; $redis->stop('KILL'); $redis->start_again;
#   my $sentinel = RedisServer->start(sentinel_of => $redis);
package RedisServer;

use strict;
use warnings;
use parent 'OwnServer';
use IO::Socket::INET;
use Deadline;
use Httpd;
use Process;

use constant STOP => 'KILL';

sub program { return Process::find_program('redis-server', 'valkey-server') }
sub is_installed { return defined program() }
sub is_at_least {
    my ($least) = @_;
    my ($version) = qx("@{[ program() ]}" --version) =~ / v=([\d.]+)/;
    return version->parse("v$version") >= version->parse("v$least");
}

# Options: port (default: a free one), password, replica_of, sentinel_of (the name of the master is
# "fleet"), settings => [lines of redis.conf]
sub start {
    my ($class, %o) = @_;
    my $self = bless { owner => $$, settings => [], %o }, $class;
    $self->{dir} = Httpd::temporary_dir('redis');
    chmod 0777, $self->{dir};
    my $has_port = $self->{port};
    for my $try (1 .. 3) {
        $self->{port} = $has_port // Httpd::free_port();
        return $self if eval { $self->start_again };
        die $@ if $has_port || $try == 3;
    }
}

sub config_text {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my @lines = ('bind 127.0.0.1', "port $self->{port}", "dir $dir", 'daemonize no', 'protected-mode no');
    if (my $master = $self->{sentinel_of}) {
        push @lines, "sentinel monitor fleet 127.0.0.1 $master->{port} 1", 'sentinel down-after-milliseconds fleet 1000',
            'sentinel failover-timeout fleet 5000', 'sentinel parallel-syncs fleet 1';
        push @lines, "sentinel auth-pass fleet $self->{password}" if $self->{password};
    }
    else {
        push @lines, 'save ""', "unixsocket $dir/socket", 'unixsocketperm 777', 'repl-diskless-sync-delay 0';
        push @lines, "requirepass $self->{password}", "masterauth $self->{password}" if $self->{password};
        push @lines, "replicaof 127.0.0.1 $self->{replica_of}{port}" if $self->{replica_of};
    }
    return join '', map { "$_\n" } @lines, @{ $self->{settings} };
}

# With nothing in it.
sub start_again {
    my ($self) = @_;
    my $file = Httpd::write_file("$self->{dir}/redis.conf", $self->config_text);
    $self->{process} = Process->start(name => 'redis', output => "$self->{dir}/log",
        run => [program(), $file, $self->{sentinel_of} ? '--sentinel' : ()]);
    my $up = wait_until(15, sub {
        !$self->{process}->is_running ? -1 : eval { $self->ask('PING'); 1 } || ($@ // '') =~ /LOADING/ ? 1 : 0;
    });
    return $self if $up && $up == 1;
    $self->stop;
    die "redis-server did not start:\n" . $self->log_text;
}

sub port       { return $_[0]{port} }
sub pid        { return $_[0]{process}->pid }
sub url        { return "redis://127.0.0.1:$_[0]{port}" }
sub socket_url { return "unix://$_[0]{dir}/socket" }

# ---- Commands ----

sub read_reply {
    my ($socket) = @_;
    my $line = <$socket> // die "redis: no answer\n";
    $line =~ s/\r\n\z//;
    my ($type, $rest) = $line =~ /^(.)(.*)/s;
    die "redis: $rest\n" if $type eq '-';
    return $rest if $type eq '+' || $type eq ':';
    return if $rest < 0;
    return [map { read_reply($socket) } 1 .. $rest] if $type eq '*';
    read $socket, my $text, $rest + 2;
    return substr $text, 0, $rest;
}

sub ask {
    my ($self, @words) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5)
        or die "redis: no connection\n";
    my $send = sub { print {$socket} '*' . @_ . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @_; $socket->flush };
    if ($self->{password} && !$self->{sentinel_of}) {
        $send->('AUTH', $self->{password});
        eval { read_reply($socket) };
    }
    $send->(@words);
    my $reply = read_reply($socket);
    return ref $reply ? @$reply : $reply;
}

sub set { my ($self, $name, $value) = @_; return $self->ask('CONFIG', 'SET', $name, $value) }

# The fronts that have a document of this kind, in order.
sub fronts {
    my ($self, $fleet, $kind) = @_;
    my @fronts = sort $self->ask("HKEYS", "fc:{$fleet}:" . ($kind // "front"));
    return @fronts;
}

# ---- The process ----

sub halt     { kill 'STOP', $_[0]->pid; return }
sub continue { kill 'CONT', $_[0]->pid; return }

1;
