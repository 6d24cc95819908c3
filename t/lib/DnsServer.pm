# Licensed under the Apache License, Version 2.0; see LICENSE.
# DnsServer.pm - a real DNS server (Knot DNS) with authority for the zone "test.", for one test. A change
# is seen by the next query.
#
#   my $dns = DnsServer->start(ttl => 1);
#   BalancerResolver ... : $dns->address
#   $dns->set(php => ['127.0.0.2', '::1']);             # A and AAAA records of php.test; [] for no data
#   $dns->srv('_php._tcp' => [10, 5, 9000, 'one'], ...);     # priority, weight, port, target
#   $dns->remove('php');                                # NXDOMAIN
#   $dns->stop; $dns->start_again(host => '127.0.0.9'); # with all records
package DnsServer;

use strict;
use warnings;
use parent 'OwnServer';
use IO::Socket::INET;
use Deadline;
use Httpd;
use Process;

use constant STOP => 'KILL';

sub program { return Process::find_program('knotd') }
sub control { return Process::find_program('knotc') }

sub is_installed { return defined program() && defined control() }

# Options: host (default 127.0.0.1), port (default: a free one), ttl and negative_ttl in seconds
# (default 1), records => { name => addresses }
sub start {
    my ($class, %o) = @_;
    my $self = bless { host => '127.0.0.1', ttl => 1, negative_ttl => 1, serial => 0, lines => {}, owner => $$, %o },
        $class;
    $self->{dir} = Httpd::temporary_dir('dns');
    my $records = $self->{records} // {};
    $self->put($_, address_lines($records->{$_})) for keys %$records;
    return $self->start_again;
}

# Options: host and port, else as before.
sub start_again {
    my ($self, %o) = @_;
    @$self{ keys %o } = values %o;
    my $has_port = $self->{port};
    for my $try (1 .. 3) {
        $self->{port} = $has_port // Httpd::free_port();
        $self->write_config;
        $self->write_zone;
        $self->{process} = Process->start(name => 'knotd', output => "$self->{dir}/log",
            run => [program(), '-c', "$self->{dir}/knot.conf"]);
        return $self if wait_until(15, sub {
            !$self->{process}->is_running ? -1 : $self->ask('zone-status', 'test.') ? 1 : 0;
        }) == 1;
        $self->stop;
        my $why = $self->log_text;
        die "knotd did not start:\n$why" if $has_port || $try == 3;
    }
}

sub host    { return $_[0]{host} }
sub port    { return $_[0]{port} }
sub address {
    my ($self) = @_;
    return $self->{host} =~ /:/ ? "[$self->{host}]:$self->{port}" : "$self->{host}:$self->{port}";
}

# ---- Records ----

# All addresses of a name; [] leaves a name without any.
sub set {
    my ($self, %names) = @_;
    $self->put($_, address_lines($names{$_})) for keys %names;
    return $self->publish;
}

sub srv {
    my ($self, $name, @records) = @_;
    return $self->put($name, map { "SRV $_->[0] $_->[1] $_->[2] $_->[3]" } @records)->publish;
}

sub remove { my ($self, @names) = @_; delete @{ $self->{lines} }{@names}; return $self->publish }

sub ttl { my ($self, $seconds) = @_; $self->{ttl} = $seconds; return $self->publish }

sub address_lines {
    my ($addresses) = @_;
    return map { (/:/ ? 'AAAA' : 'A') . " $_" } @$addresses;
}

# A name without addresses exists by a record that nobody asks for.
sub put {
    my ($self, $name, @lines) = @_;
    $self->{lines}{$name} = @lines ? \@lines : ['TXT "empty"'];
    return $self;
}

sub publish {
    my ($self) = @_;
    return $self if !$self->{process};
    $self->write_zone;
    $self->ask('-b', 'zone-reload', 'test.') or die 'knotc zone-reload: ' . $self->log_text;
    return $self;
}

sub write_zone {
    my ($self) = @_;
    $self->{serial}++;
    my $text = "\$TTL $self->{ttl}\n@ SOA ns hostmaster $self->{serial} 3600 600 86400 $self->{negative_ttl}\n"
        . "@ NS ns\nns A 127.0.0.1\n";
    for my $name (sort keys %{ $self->{lines} }) {
        $text .= "$name $_\n" for @{ $self->{lines}{$name} };
    }
    # An SOA record says how long a negative answer holds by its own TTL, too.
    $text =~ s/^@ SOA/@ $self->{negative_ttl} SOA/m;
    return Httpd::write_file("$self->{dir}/test.zone", $text);
}

# ---- The process ----

sub write_config {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    return Httpd::write_file("$dir/knot.conf", <<"EOC");
server:
    rundir: $dir
    listen: $self->{host}\@$self->{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: $dir/control
database:
    storage: $dir
log:
  - target: stderr
    any: warning
zone:
  - domain: test.
    file: $dir/test.zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
EOC
}

# A command of knotc; true when it went well.
sub ask {
    my ($self, @command) = @_;
    my $knotc = Process->start(name => 'knotc', output => "$self->{dir}/log",
        run => [control(), '-s', "$self->{dir}/control", @command]);
    $knotc->wait_for_end(10) or $knotc->stop('KILL');
    return $knotc->status == 0;
}

1;
