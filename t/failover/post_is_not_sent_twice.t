# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-01: the first member reads the whole request and closes with no output. Nobody can know whether
# it ran: a method that is not idempotent is not sent to another member, and the client gets a 502.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Httpd;
use HttpSocket;

my $twelve = 'twelve bytes';
my $large  = 'more than one record ' x 10_000;
my @cases = (
    ['POST of 12 bytes',         'POST',  $twelve],
    ['POST with no body',        'POST',  undef],
    ['POST of 210,000 bytes',    'POST',  $large],
    ['chunked POST',             'POST',  $large, how => 'chunked'],
    ['PATCH',                    'PATCH', $twelve],
    ['a method of its own',      'FROB',  $twelve],
    ['POST, reset',              'POST',  $twelve, end => 'reset'],
    ['POST, error text and end', 'POST',  $twelve, end => 'error_text'],
);
my $second = Backend->echo(name => 'second');
my %ends = (
    close      => sub { $_[0]->close },
    reset      => sub { $_[0]->reset },
    error_text => sub { $_[0]->stderr("going down\n"); $_[0]->close },
);
my $config = '';
my @first;
for my $n (0 .. $#cases) {
    my ($name, $method, $body, %o) = @{ $cases[$n] };
    push @first, Backend->answering($ends{ $o{end} // 'close' }, name => "first$n");
    $config .= <<"EOC";
<Proxy balancer://case$n>
    BalancerMember @{[ $first[$n]->url ]}
    BalancerMember @{[ $second->url ]}
</Proxy>
ProxyPass /case$n/ balancer://case$n/
EOC
}
my $httpd = Httpd->start(config => $config);

for my $n (0 .. $#cases) {
    my ($name, $method, $body, %o) = @{ $cases[$n] };
    $second->forget;
    $httpd->mark_log;
    my $response = $httpd->send($method, "/case$n/x",
        !defined $body ? () : ($o{how} // '') eq 'chunked'
            ? (header => { 'Transfer-Encoding' => 'chunked' },
               body => HttpSocket::chunked($body, 30_000))
            : (body => $body));
    is $response->{status}, 502, "$name: 502" or diag $response->{body};
    my ($seen, @more) = $first[$n]->requests;
    is $seen->{stdin_sha1}, sha1_hex($body // ''), '... the first member had the whole request';
    is scalar(@more), 0, '... once';
    is $second->connections, 0, '... the second member is not called';

    my @lines = $httpd->log_lines(qr/FC0251/);
    is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    my $member = 'fcgi://127.0.0.1:' . $first[$n]->port;
    like $lines[0] // '', qr/member \Q$member\E: backend_eof .*answered 502/,
        '... with the member and backend_eof';
    is_deeply [$httpd->end_words("/case$n/x")], ['backend_eof'], '... the word of the access log';
    my $first = $httpd->member($first[$n]->port, "case$n");
    is $first->{failures}, 1, '... one failure of the member' if !Httpd::is_stock();
    is $httpd->in_flight("case$n"), 0, '... and nothing in flight';
}

$httpd->expect_log(qr/FC0251: .*backend_eof.*answered 502/, times => scalar @cases);
$httpd->expect_log(qr/going down/, times => 1);
$httpd->stop;

done_testing;
