# Licensed under the Apache License, Version 2.0; see LICENSE.
# Load.pm - many clients at once, each a process with one kept connection.
#
#   my $load = Load->start(port => $port, clients => 20, requests => 3000, path => '/app/');
#   my $result = $load->finish;     # { status => { 200 => 3000 }, failed => 0, bodies => { ... } }
package Load;

use strict;
use warnings;
use File::Temp ();
use JSON::PP ();
use Deadline;
use HttpSocket;
use Httpd;
use Process;

# Options: port, clients, requests (in all; none: until stop()), path (text or sub of the number),
#          method, body, header, keep (default 1: kept connections), bodies (1: count equal bodies),
#          pause (seconds between two requests of a client; default: none)
sub start {
    my ($class, %o) = @_;
    my $self = bless { clients => 4, path => '/', method => 'GET', keep => 1, %o }, $class;
    $self->{dir} = File::Temp->newdir('load-XXXXXX', TMPDIR => 1);
    for my $client (0 .. $self->{clients} - 1) {
        my $share;
        if (defined $self->{requests}) {
            $share = int($self->{requests} / $self->{clients})
                   + ($client < $self->{requests} % $self->{clients} ? 1 : 0);
        }
        push @{ $self->{processes} }, Process->start(name => "client $client", run => sub {
            $self->run_client($client, $share);
        });
    }
    return $self;
}

sub run_client {
    my ($self, $client, $share) = @_;
    my %result = (status => {}, failed => 0, requests => 0, bodies => {}, slowest => 0,
        failures => []);
    my $socket;
    for (my $n = 0; !defined $share || $n < $share; $n++) {
        last if -e "$self->{dir}/stop";
        select undef, undef, undef, $self->{pause} if $self->{pause};
        my $path = ref $self->{path} ? $self->{path}->($client, $n) : $self->{path};
        my $response;
        my $began = now_monotonic();
        # A kept connection that the server closed while it was idle is not a failure: once more.
        for my $fresh (0, 1) {
            my $was_kept = defined $socket;
            $socket //= eval { HttpSocket->connect($self->{port}) } or last;
            $socket->request($self->{method}, $path,
                defined $self->{body} ? (body => $self->{body}) : (),
                header => { $self->{keep} ? () : (Connection => 'close'),
                    %{ $self->{header} || {} } });
            $response = $socket->read_response(seconds => 60);
            last if $response->{status} || !$was_kept;
            undef $socket;
        }
        $result{requests}++;
        my $took = now_monotonic() - $began;
        $result{slowest} = $took if $took > $result{slowest};
        if (!$response || !$response->{complete}) {
            # no connection, no answer or a cut one
            $result{failed}++;
            my $why = !$response ? "no connection: $!"
                : $response->{status} ? 'cut answer' : 'no answer';
            push @{ $result{failures} }, $why if @{ $result{failures} } < 5;
            undef $socket;
            next;
        }
        $result{status}{ $response->{status} }++;
        $result{bodies}{ $response->{body} }++ if $self->{bodies};
        undef $socket
            if !$self->{keep} || ($response->{header}{connection} // '') =~ /close/i
                || $response->{ended_by} eq 'close';
        if (!($n % 32)) {
            open my $out, '>', "$self->{dir}/progress.$client" or die;
            print {$out} $result{requests};
        }
    }
    open my $out, '>', "$self->{dir}/result.$client.new" or die;
    print {$out} JSON::PP::encode_json(\%result);
    close $out;
    rename "$self->{dir}/result.$client.new", "$self->{dir}/result.$client";
}

# Wait until every client has made some requests.
sub wait_until_running {
    my ($self, $seconds) = @_;
    return wait_until($seconds // 15, sub {
        (my @files = glob "$self->{dir}/progress.*") >= $self->{clients};
    });
}

sub stop   { my ($self) = @_; open my $out, '>', "$self->{dir}/stop"; return $self->finish }

# Wait for all clients: the sum of their results.
sub finish {
    my ($self, $seconds) = @_;
    my %sum = (status => {}, failed => 0, requests => 0, bodies => {}, slowest => 0,
        failures => []);
    for my $process (@{ $self->{processes} }) {
        $process->wait_for_end($seconds // 120) or $process->stop('KILL');
    }
    for my $client (0 .. $self->{clients} - 1) {
        my $text = Httpd::read_file("$self->{dir}/result.$client") // do { $sum{failed}++; next };
        my $result = JSON::PP::decode_json($text);
        $sum{$_} += $result->{$_} for qw(failed requests);
        $sum{slowest} = $result->{slowest} if $result->{slowest} > $sum{slowest};
        $sum{status}{$_} += $result->{status}{$_} for keys %{ $result->{status} };
        $sum{bodies}{$_} += $result->{bodies}{$_} for keys %{ $result->{bodies} };
        push @{ $sum{failures} }, @{ $result->{failures} };
    }
    return \%sum;
}

1;
