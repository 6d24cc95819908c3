# Licensed under the Apache License, Version 2.0; see LICENSE.
# Http2.pm - an HTTP/2 client (curl with prior knowledge); the server needs Protocols h2c.
#
#   Http2::get($port, '/x')->{body};      # status, heads (each of them), body, is_complete, why
#   my $lines = Http2::open_lines($port, '/events');    # a handle on which the body comes as it is
package Http2;

use strict;
use warnings;
use File::Temp ();
use Httpd;
use Process;

sub program { return Process::find_program('curl') }

# Is there a curl that speaks HTTP/2?
sub is_installed {
    my $curl = program() // return 0;
    return qx("$curl" -V) =~ /^Features:.*\bHTTP2\b/m ? 1 : 0;
}

sub command {
    my ($port, $path, @options) = @_;
    return (program(), '-q', '--silent', '--show-error', '--http2-prior-knowledge',
            '--max-time', 30, @options, "http://127.0.0.1:$port$path");
}

# is_complete is false when the stream was reset or ended short of its length; why is curl's word.
sub get {
    my ($port, $path, %o) = @_;
    my $dir = File::Temp->newdir('http2-XXXXXX', TMPDIR => 1);
    my $process = Process->start(name => 'curl', output => "$dir/said",
        run => [command($port, $path, '--output', "$dir/body", '--dump-header', "$dir/heads",
                        @{ $o{options} || [] })]);
    $process->wait_for_end(35) or $process->stop('KILL');
    my %text = map { $_ => Httpd::read_file("$dir/$_") // '' } qw(said body heads);
    my @heads = grep { length } split /(?<=\r\n\r\n)/, $text{heads};
    my ($status) = ($heads[-1] // '') =~ m{^HTTP/2 (\d+)};
    return { status => $status // 0, heads => \@heads, body => $text{body}, why => $text{said},
             is_complete => ($process->status // 1) == 0 ? 1 : 0 };
}

# The body as it comes; what it has not read yet is lost when the handle is closed.
sub open_lines {
    my ($port, $path, %o) = @_;
    open my $lines, '-|', command($port, $path, '--no-buffer', @{ $o{options} || [] })
        or die "curl: $!";
    return $lines;
}

1;
