# Licensed under the Apache License, Version 2.0; see LICENSE.
# ScriptedDns.pm - a DNS server that answers every query in the way that the test has named last; for what
# no real server does. UDP and TCP on one port of 127.0.0.1.
#
#   my $dns = ScriptedDns->start(addresses => ['127.0.0.2']);
#   $dns->say('silence');
#   $dns->say('good', addresses => ['127.0.0.3']);
#   $dns->wait_for_queries(3);       # three more have come
package ScriptedDns;

use strict;
use warnings;
use parent 'OwnServer';
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(inet_aton inet_pton AF_INET6);
use Deadline;
use Httpd;
use Process;

use constant STOP => 'KILL';
use constant AS_NAMED => 'as_named';    # what to say is the first label of the name: wrong-id.test.
use constant { A => 1, SOA => 6, AAAA => 28, SRV => 33, TC => 0x0200,
               NOERROR => 0, FORMERR => 1, SERVFAIL => 2, NXDOMAIN => 3, REFUSED => 5 };

# What it can say: the packets in answer to a query { id, type, name, question, protocol, addresses, ttl }.
my %answers = (
    good     => \&good,
    silence  => sub { () },
    servfail => sub { message($_[0], rcode => SERVFAIL) },
    refused  => sub { message($_[0], rcode => REFUSED) },
    formerr  => sub { message($_[0], rcode => FORMERR) },
    nxdomain => sub { message($_[0], rcode => NXDOMAIN, authority => [soa($_[0])]) },
    no_data  => sub { message($_[0], authority => [soa($_[0])]) },
    # only the question for one family gets no answer
    no_aaaa_answer => sub { $_[0]{type} == AAAA ? () : good($_[0]) },
    aaaa_servfail  => sub { $_[0]{type} == AAAA ? message($_[0], rcode => SERVFAIL) : good($_[0]) },
    garbage   => sub { pack 'n a*', $_[0]{id}, join '', map { chr(($_ * 151 + 13) % 256) } 1 .. 200 },
    too_short => sub { substr good($_[0]), 0, 7 },
    # the end is missing, in the middle of an address
    cut_off   => sub { my $good = good($_[0]); substr $good, 0, length($good) - 2 },
    long_rdata => sub { message($_[0], answers => [record(type => A, length => 4000, data => inet_aton('127.0.0.66'))]) },
    short_rdata => sub { message($_[0], answers => [record(type => $_[0]{type}, data => "\x7f\0")]) },
    many_promised => sub { my $good = good($_[0]); substr $good, 6, 2, pack 'n', 65535; $good },
    alias_of_itself => sub { message($_[0], answers => [record(type => 5, data => pack 'n', 0xC00C)]) },
    wrong_id  => sub { my $other = other($_[0]); substr $other, 0, 2, pack 'n', $_[0]{id} ^ 1; $other },
    wrong_question => sub { my $other = other($_[0]); substr $other, 14, 1, 'x'; $other },
    no_answer_bit  => sub { my $other = other($_[0]); substr $other, 2, 1, "\1"; $other },
    # a forged answer before the right one
    wrong_id_first => sub { my $other = other($_[0]); substr $other, 0, 2, pack 'n', $_[0]{id} ^ 1;
                            ($other, good($_[0])) },
    # half of the answer, and no TCP either
    truncated => sub { $_[0]{protocol} eq 'tcp' ? () : message($_[0], flags => TC, answers => [other_record($_[0])]) },
    truncated_twice => sub { message($_[0], flags => TC, answers => [other_record($_[0])]) },
    # the whole answer by TCP
    by_tcp    => sub { $_[0]{protocol} eq 'tcp' ? good($_[0]) : message($_[0], flags => TC) },
);

# ---- Messages ----

sub good {
    my ($query) = @_;
    my @data = $query->{type} == A ? map({ inet_aton($_) } grep { !/:/ } @{ $query->{addresses} })
             : $query->{type} == AAAA ? map({ inet_pton(AF_INET6, $_) } grep { /:/ } @{ $query->{addresses} }) : ();
    return message($query, answers => [map { record(type => $query->{type}, ttl => $query->{ttl}, data => $_) } @data],
                   @data ? () : (authority => [soa($query)]));
}

# An address that must never be used.
sub other { my ($query) = @_; return message($query, answers => [other_record($query)]) }
sub other_record {
    my ($query) = @_;
    return record(type => $query->{type}, data => $query->{type} == AAAA ? inet_pton(AF_INET6, '::66')
                                                                         : inet_aton('127.0.0.66'));
}

sub record {
    my (%o) = @_;
    return ($o{name} // pack 'n', 0xC00C)
         . pack 'nnNna*', $o{type}, 1, $o{ttl} // 1, $o{length} // length $o{data}, $o{data};
}

sub soa {
    my ($query) = @_;
    return record(type => SOA, ttl => $query->{ttl}, data => "\0\0" . pack 'N5', 1, 3600, 600, 86400, $query->{ttl});
}

# RFC 1035, 4.1; answers and authority are records.
sub message {
    my ($query, %o) = @_;
    my @sections = map { $o{$_} // [] } qw(answers authority);
    return pack('n6', $query->{id}, 0x8180 | ($o{flags} // 0) | ($o{rcode} // 0), 1, map({ scalar @$_ } @sections), 0)
         . $query->{question} . join '', map { @$_ } @sections;
}

# returns  undef for what is no query
sub parse {
    my ($packet) = @_;
    my ($id, $questions) = unpack 'n x2 n', $packet;
    my ($name, $at) = ('', 12);
    return if !$questions;
    while ((my $bytes = ord substr $packet, $at, 1) > 0) {
        $name .= substr($packet, $at + 1, $bytes) . '.';
        $at += 1 + $bytes;
    }
    return { id => $id, name => $name, question => substr($packet, 12, $at + 5 - 12),
             type => unpack 'n', substr $packet, $at + 1, 2 };
}

# ---- The server ----

# Options: port (default: a free one), addresses and ttl of good answers, says (default good), answers => { word => sub }
sub start {
    my ($class, %o) = @_;
    my $self = bless { ttl => 1, addresses => [], answers => {}, owner => $$, %o }, $class;
    $self->{dir} = Httpd::temporary_dir('dns');
    $self->say($self->{says} // 'good');
    for my $try (1 .. 20) {
        my $port = $self->{port} // Httpd::free_port();
        $self->{udp} = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $port) or next;
        $self->{tcp} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 100, ReuseAddr => 1)
            or next;
        $self->{port} = $port;
        last;
    }
    $self->{tcp} // die "no port for a DNS server: $!";
    $self->{process} = Process->start(name => 'scripted DNS', run => sub { $self->serve });
    delete @$self{qw(udp tcp)};
    return $self;
}

sub port    { return $_[0]{port} }
sub address { my ($self) = @_; return "127.0.0.1:$self->{port}" }

# To each query from now on. Options: addresses and ttl, else as before.
sub say {
    my ($self, $word, %o) = @_;
    die "no answer '$word'" if $word ne AS_NAMED && !$self->answer($word);
    @$self{ keys %o } = values %o;
    Httpd::write_file("$self->{dir}/new", JSON::PP::encode_json({ word => $word, map { $_ => $self->{$_} } qw(addresses ttl) }));
    rename "$self->{dir}/new", "$self->{dir}/orders" or die $!;
    return $self;
}

sub answer { my ($self, $word) = @_; return $self->{answers}{$word} // $answers{$word} }

# "udp A name." for each query that has come.
sub queries {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/queries" or return;
    chomp(my @queries = grep { /\n\z/ } <$in>);
    return @queries;
}

sub wait_for_queries {
    my ($self, $count, $seconds) = @_;
    my $before = () = $self->queries;
    return wait_until($seconds // 20, sub { (my @all = $self->queries) >= $before + $count });
}

sub serve {
    my ($self) = @_;
    $0 = 'scripted DNS';
    $SIG{PIPE} = 'IGNORE';
    open my $seen, '>>', "$self->{dir}/queries" or die $!;
    $seen->autoflush(1);
    my $select = IO::Select->new($self->{udp}, $self->{tcp});
    my %buffer;
    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $self->{udp}) {
                my $peer = recv $socket, my $packet, 65535, 0;
                send $socket, $_, 0, $peer for $self->answers_to($packet, 'udp', $seen);
            }
            elsif ($socket == $self->{tcp}) {
                $select->add(my $client = $socket->accept || next);
                $buffer{$client} = '';
            }
            elsif (!sysread $socket, $buffer{$socket}, 65535, length $buffer{$socket}) {
                $select->remove($socket);
                delete $buffer{$socket};
            }
            else {
                while ($buffer{$socket} =~ s/^(..)//s) {
                    my $bytes = unpack 'n', $1;
                    if (length $buffer{$socket} < $bytes) { $buffer{$socket} = $1 . $buffer{$socket}; last }
                    syswrite $socket, pack 'n/a*', $_
                        for $self->answers_to(substr($buffer{$socket}, 0, $bytes, ''), 'tcp', $seen);
                }
            }
        }
    }
}

my %type_name = (1 => 'A', 28 => 'AAAA', 33 => 'SRV');

sub answers_to {
    my ($self, $packet, $protocol, $seen) = @_;
    my $query = parse($packet) or return;
    open my $in, '<', "$self->{dir}/orders" or die $!;
    my $orders = JSON::PP::decode_json(scalar <$in>);
    my $word = $orders->{word};
    ($word = $query->{name}) =~ s/\..*//s, $word =~ tr/-/_/ if $word eq AS_NAMED;
    @$query{qw(protocol addresses ttl)} = ($protocol, @$orders{qw(addresses ttl)});
    my @packets = $self->answer($word)->($query);
    printf {$seen} "%s %s %s\n", $protocol, $type_name{ $query->{type} } // $query->{type}, $query->{name};
    return @packets;
}

1;
