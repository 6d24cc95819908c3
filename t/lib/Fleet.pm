# Licensed under the Apache License, Version 2.0; see LICENSE.
# Fleet.pm - several httpds in front of the same members, and the store where they meet.
#
#   my $fleet = Fleet->start(fronts => 3, config => $balancers, redis => $redis);
#   my ($web1, $web2, $web3) = $fleet->fronts;    # Httpd
#   $fleet->meets($web1) or ...                   # it talks to the store
#   $web1->{proxy}->does('drop');                 # with proxied => 1: a RedisProxy of its own
#   $fleet->stop;                                 # checks the error logs
#
# Each is called web1, web2, ... and has its own ServerRoot. That a front was alone is expected where a test
# says so: goes_alone.
package Fleet;

use strict;
use warnings;
use Test::More;
use Deadline;
use Httpd;
use RedisProxy;
use RedisServer;

# A test of a fleet needs our modules, a redis-server, and a build with libhiredis.
sub why_not {
    return 'stock has no fleets' if Httpd::is_stock();
    return 'redis-server is not installed' if !RedisServer::is_installed();
    my ($code, $text) = Httpd->configtest(config => 'BalancerFleet redis://127.0.0.1 name=x front=y');
    return 'built without libhiredis' if $code && $text =~ /without libhiredis/;
    return;
}
sub skip_unless_testable { my $why = why_not(); plan skip_all => $why if $why; return }

# A file for the user of httpd.
sub file_with {
    my ($dir, $name, $text) = @_;
    my $file = Httpd::write_file("$dir/$name", $text);
    chmod 0600, $file;
    return $file;
}

# Options: fronts (how many, default 3), redis (a RedisServer; default: a new one), url (default: its
#          url), name (default shop), words (more words of BalancerFleet), secret (default: one of
#          their own; '' for none), password, proxied (each front has a RedisProxy), config (balancers and the like), httpd => { options of Httpd }
sub start {
    my ($class, %o) = @_;
    my $self = bless { count => delete $o{fronts} // 3, name => 'shop', words => 'interval=200ms lease=2s', config => '',
                       secret => 'a secret of more than 16 bytes', httpd => {}, %o }, $class;
    $self->{dir} = Httpd::temporary_dir('fleet');
    $self->{redis} //= RedisServer->start;
    $self->{url} //= $self->{redis}->url;
    push @{ $self->{fronts} }, $self->start_front("web$_") for 1 .. $self->{count};
    return $self;
}

sub proxy_of { my ($self, $front) = @_; return $self->{proxies}{$front} //= RedisProxy->start($self->{redis}) }

# The directive for a front of this name.
sub directive {
    my ($self, $front) = @_;
    my $words = join ' ', $self->{count} ? "fronts=$self->{count}" : (), $self->{words};
    my $url = $self->{proxied} ? $self->proxy_of($front)->url : $self->{url};
    $words .= ' secretfile=' . file_with($self->{dir}, 'secret', $self->{secret}) if length $self->{secret};
    $words .= ' passwordfile=' . file_with($self->{dir}, 'password', "$self->{password}\n") if defined $self->{password};
    return "BalancerFleet $url name=$self->{name} front=$front $words\n";
}

# Another httpd of the same configuration. Options: those of Httpd
sub start_front {
    my ($self, $front, %o) = @_;
    my $httpd = Httpd->start(children => 1, debug_log => 'balancer_byrequests:notice', %{ $self->{httpd} }, %o,
        config => $self->directive($front) . $self->{config} . ($o{config} // ''));
    $httpd->{front} = $front;
    $httpd->expect_log(qr/FC0543/, optional => 1);    # it has no part yet: the others are not there
    $httpd->{proxy} = $self->proxy_of($front) if $self->{proxied};
    return $httpd;
}

sub fronts { return @{ $_[0]{fronts} } }
sub redis  { return $_[0]{redis} }

# ---- Who talks ----

# The children of this front that have a connection to this port: that of the store, or of its proxy.
sub talkers {
    my ($httpd, $port) = @_;
    my $remote = sprintf '%04X', $port;
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    my %inode = map { /^\s*\d+: \S+ \S+:$remote (?:\S+ ){6}\s*(\d+) / ? ($1 => 1) : () } map { s/ +/ /gr } <$in>;
    return grep { grep { (readlink // '') =~ /^socket:\[(\d+)\]/ && $inode{$1} } glob "/proc/$_/fd/*" } $httpd->children;
}

# The only one, as soon as there is one.
sub talks {
    my ($httpd, $port) = @_;
    my @pids;
    return wait_until(20, sub { (@pids = talkers($httpd, $port)) == 1 }) ? $pids[0] : "@pids";
}

# ---- What a front says of the store ----

sub last_line { my ($httpd) = @_; return ($httpd->log_lines(qr/FC056[01]: /))[-1] // '' }

# Is it in contact now?
sub is_up { my ($httpd) = @_; return last_line($httpd) =~ /FC0561/ }

# Why it is alone, in a word; nothing when it is not.
sub reason { my ($httpd) = @_; return last_line($httpd) =~ /FC0560: .*\((\w+)\)\s*$/ ? $1 : '' }

# How often it was alone.
sub partings { my ($httpd) = @_; return scalar(() = $httpd->log_lines(qr/FC0560/)) }

# One test result each: soon it is in contact; soon it is alone, for this reason (a pattern).
sub comes_up {
    my ($httpd, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(wait_until(20, sub { is_up($httpd) }), $name // "$httpd->{front} meets the others")
        || diag join "\n", $httpd->log_lines(qr/FC056/);
}

sub goes_alone {
    my ($httpd, $reason, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_until(20, sub { length reason($httpd) });
    $httpd->expect_log(qr/FC0560: fleet \S+: \Q$httpd->{front}\E is alone/) if !$httpd->{was_alone}++;
    return like(reason($httpd), qr/^(?:$reason)$/, $name // "$httpd->{front} is alone: $reason");
}

sub stop { my ($self) = @_; $_->stop for @{ delete $self->{fronts} || [] }; return }

1;
