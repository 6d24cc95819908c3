# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-01, F-02, F-04, F-05: a member that fails after it has read the request. A request that may have
# run is sent again only when its method allows it; with its whole body; and never a third time to
# the same member.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use FcgiRecord;
use Httpd;
use HttpSocket;

my $head = "Content-Type: text/plain\r\n\r\n";

# The first member of each balancer fails in its own way; the second says what it got.
my %fails = (
    eof      => sub { $_[0]->close },
    reset    => sub { $_[0]->reset },
    overload => sub { $_[0]->end_request_only(0, FCGI_OVERLOADED) },
    partial  => sub { $_[0]->stdout("${head}partial"); $_[0]->close },
    head     => sub { $_[0]->stdout("Content-Type: text/pl"); $_[0]->close },
);
my $second = Backend->echo(name => 'second');
my (%first, $config);
for my $how (sort keys %fails) {
    $first{$how} = Backend->answering($fails{$how}, name => $how);
    $config .= "<Proxy balancer://$how>\n"
             . "BalancerMember @{[ $first{$how}->url ]} status=+I\n"
             . "BalancerMember @{[ $second->url ]} lbset=1\n"
             . "</Proxy>\nProxyPass /$how/ balancer://$how/\n";
}
$config .= "<Proxy balancer://full>\nBalancerMember @{[ $first{overload}->url ]}\n</Proxy>\n"
         . "ProxyPass /full/ balancer://full/\n";

# A kept connection that ends after the next request was written on it.
my $forgetful = Backend->start(name => 'forgetful', script => sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    $connection->stdout("${head}first on $connection->{number}");
    $connection->end_request;
    $connection->read_request;
    $connection->close;
});
my $httpd = Httpd->start(children => 1, threads => 8, in_turn => 1, config => <<"EOC");
$config
<Proxy balancer://kept>
    BalancerMember @{[ $forgetful->url ]} enablereuse=on
    BalancerMember @{[ $second->url ]} lbset=1
</Proxy>
ProxyPass /kept/ balancer://kept/
EOC

sub try {
    my ($how, $method, $body) = @_;
    $second->forget;
    $first{$how}->forget if $first{$how};
    $httpd->mark_log;
    my $response = $httpd->send($method, "/$how/x", defined $body ? (body => $body) : ());
    $response->{first}  = $first{$how} ? scalar($first{$how}->requests) : undef;
    $response->{second} = [$second->requests];
    $response->{lines}  = [$httpd->log_lines(qr/FC0251/)];
    return $response;
}

# ---- The request was read, nothing came back ----

for my $how ('eof', 'reset') {
    my $r = try($how, 'POST', 'twelve bytes');
    is $r->{status}, 502, "$how, POST: 502";
    is $r->{first}, 1, "$how, POST: once at the first member";
    is scalar @{ $r->{second} }, 0, "$how, POST: the second is not called";
    is scalar @{ $r->{lines} }, 1, "$how, POST: one line";
    like $r->{lines}[0], qr/backend_eof/, "$how, POST: with its word";

    for my $method (qw(GET HEAD PUT DELETE OPTIONS)) {
        my $body = $method eq 'PUT' ? 'twelve bytes' : undef;
        $r = try($how, $method, $body);
        is $r->{status}, 200, "$how, $method: 200";
        is $r->{first}, 1, "$how, $method: once at the first member";
        is scalar @{ $r->{second} }, 1, "$how, $method: once at the second";
        is $r->{second}[0]{stdin_sha1}, sha1_hex($body // ''), "$how, $method: with its body";
        is $r->{second}[0]{params}{CONTENT_LENGTH}, 12, "$how, $method: and CONTENT_LENGTH"
            if $body;
        is scalar @{ $r->{lines} }, 1, "$how, $method: one line";
    }
}

# ---- Not begun, says the backend ----

for my $method (qw(GET POST)) {
    my $r = try('overload', $method, $method eq 'POST' ? 'twelve bytes' : undef);
    is $r->{status}, 200, "overloaded, $method: another member serves it";
    is scalar @{ $r->{second} }, 1, "overloaded, $method: once";
    is $r->{second}[0]{stdin_bytes}, $method eq 'POST' ? 12 : 0, "overloaded, $method: with its body";
    # after that the member is left in peace for a moment
    like $r->{lines}[0], qr/overloaded/, "overloaded, $method: the word" if $method eq 'GET';
}
my $full = $httpd->post('/full/x', 'twelve bytes');
is $full->{status}, 503, 'overloaded, no other member: 503';
like $full->{header}{'retry-after'}, qr/^\d+$/, '... with Retry-After';
is $httpd->member($first{overload}->port, 'full')->{state}, 'ok', '... and the member is not failed';

# ---- The answer had begun ----

{
    my $r = try('partial', 'GET');
    ok !$r->{complete} || $r->{status} == 502, 'cut in the body, GET: the client can tell';
    is scalar @{ $r->{second} }, 0, '... the second is not called';
    $r = try('head', 'POST', 'twelve bytes');
    is $r->{status}, 502, 'cut in the head, POST: 502';
    is scalar @{ $r->{second} }, 0, '... the second is not called';
}

# ---- A kept connection that breaks after the request was written ----

is $httpd->get('/kept/x')->{body}, 'first on 1', 'kept: the first request';
is $httpd->get('/kept/x')->{body}, 'first on 2',
    'kept: GET on the broken connection goes to the same member again';
is $httpd->member($forgetful->port, 'kept')->{failures}, 0, '... that counts as no failure'
    if !Httpd::is_stock();
my $post = $httpd->post('/kept/x', 'twelve bytes');
is $post->{status}, 502, 'kept: POST on the broken connection is a 502';
is scalar(grep { $_->{params}{REQUEST_METHOD} eq 'POST' } $forgetful->requests), 1,
    '... it was sent once';
is $httpd->member($forgetful->port, 'kept')->{state}, 'ok', '... the member stays in service';
is $httpd->get('/kept/x')->{body}, 'first on 3', 'kept: and all is well';
is $httpd->in_flight($_), 0, "$_: nothing in flight" for sort keys %fails, 'kept', 'full';

$httpd->expect_log(qr/FC0251: .*(?:backend_eof|overloaded)/);
$httpd->stop;

done_testing;
