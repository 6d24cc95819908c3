# Licensed under the Apache License, Version 2.0; see LICENSE.
# RedisProxy.pm - stands between a front and a RedisServer, and does something to what passes.
#
#   my $proxy = RedisProxy->start($redis);
#   $proxy->url;                # of BalancerFleet
#   $proxy->does('cut 17');     # of each connection: closed behind so many bytes
#   $proxy->does('hold 17');    # ... nothing more comes
#   $proxy->does('flip 17');    # ... this byte is another one
#   $proxy->does('dribble');    # byte by byte
#   $proxy->does('drop');       # nothing passes, in either direction
#   $proxy->does('late 400');   # everything so many ms later, also what a front has sent that has hung up since
#   $proxy->does('pass');       # nothing
#   $proxy->has_done;           # true when it has, at least once
#
# Connections that there are when it is told something else are closed.
package RedisProxy;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Deadline;
use Httpd;
use Process;

sub start {
    my ($class, $redis) = @_;
    my $self = bless { to => $redis->port, dir => Httpd::temporary_dir('proxy') }, $class;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 10) or die "proxy: $!\n";
    $self->{port} = $listener->sockport;
    $self->does('pass');
    $self->{process} = Process->start(name => 'proxy', run => sub {
        $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $client = $listener->accept or next;
            my $pid = fork;
            next if $pid;
            Process::end_with_parent(getppid);
            eval { $self->relay($client) };
            POSIX::_exit(0);
        }
    });
    return $self;
}

sub url { return "redis://127.0.0.1:$_[0]{port}" }

sub does {
    my ($self, $what) = @_;
    my $file = Httpd::write_file("$self->{dir}/new", $what . ' ' . ++$self->{told});
    rename $file, "$self->{dir}/what" or die "$file: $!";
    return;
}
sub what { my ($self) = @_; open my $in, '<', "$self->{dir}/what" or die; return scalar <$in> }

sub has_done { my ($self) = @_; return -e "$self->{dir}/done.$self->{told}" }

# Both directions, until one side has closed or something else is to be done.
sub relay {
    my ($self, $client) = @_;
    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{to}) or return;
    my $what   = $self->what;
    my $bytes  = 0;
    return $self->relay_late($client, $server, $what, $1 / 1000) if $what =~ /^late (\d+) /;
    while ($self->what eq $what) {
        for my $from (IO::Select->new($client, $server)->can_read(0.02)) {
            sysread $from, my $text, 65_536 or return;
            if ($what =~ /^drop/) { }
            elsif ($from == $client) { syswrite $server, $text }
            else {
                my $goes_on = reply($client, $what, \$bytes, $text);
                my ($at, $told) = $what =~ /(?: (\d+))? (\d+)$/;
                Httpd::write_file("$self->{dir}/done.$told", '') if $bytes > ($at // 0);
                return if !$goes_on;
            }
        }
    }
    return;
}

sub relay_late {
    my ($self, $client, $server, $what, $seconds) = @_;
    my $open = IO::Select->new($client, $server);
    my @under_way;    # [when, to whom, text]
    local $SIG{PIPE} = 'IGNORE';
    while (@under_way || ($open->count == 2 && $self->what eq $what)) {
        for my $from ($open->can_read(0.01)) {
            if (sysread $from, my $text, 65_536) {
                push @under_way, [now_monotonic() + $seconds, $from == $client ? $server : $client, $text];
            }
            else { $open->remove($from) }
        }
        while (@under_way && $under_way[0][0] <= now_monotonic()) {
            my (undef, $to, $text) = @{ shift @under_way };
            syswrite $to, $text;
        }
    }
    return;
}

# returns  false: the connection is to be closed
sub reply {
    my ($client, $what, $bytes, $text) = @_;
    my ($do, $at) = $what =~ /^(\w+) (\d+)/;
    my $left = $at - $$bytes;    # until that byte
    my $is_here = $left >= 0 && $left < length $text;
    $$bytes += length $text;
    if ($do eq 'flip' && $is_here) { substr($text, $left, 1) ^= "\x55" }
    if ($do =~ /cut|hold/) { $text = $left > 0 ? substr $text, 0, $left : '' }
    if ($do eq 'dribble') { syswrite $client, $_ for split //, $text }
    else { syswrite $client, $text }
    return !($do eq 'cut' && ($is_here || $left < 0));
}

1;
