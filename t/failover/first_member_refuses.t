# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-03: the first member refuses the connection. The second gets the whole request, whatever the
# method and the body; the first one counts a connect_refused.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Httpd;
use HttpSocket;

my $second = Backend->echo(name => 'second');
# 20 MB that differ everywhere
my $large  = join '', map { pack 'N', $_ * 2_654_435_761 % 4_294_967_296 } 1 .. 5_242_880;

my @cases = (
    ['GET',                 'GET',  undef],
    ['POST of 12 bytes',    'POST', 'twelve bytes'],
    ['PUT of 12 bytes',     'PUT',  'twelve bytes'],
    ['POST of 100,000 bytes', 'POST', substr $large, 0, 100_000],
    ['POST of 20 MB',       'POST', $large],
    ['chunked POST of 1 MB', 'POST', substr($large, 0, 1_048_576), 'chunked'],
);
my (@refusing, $config);
my $one_strike = Httpd::is_stock() ? '' : 'maxfails=1';
for my $n (0 .. $#cases) {
    push @refusing, Backend->refusing;
    $config .= "<Proxy balancer://case$n>\nBalancerMember @{[ $refusing[$n]->url ]} $one_strike retry=60\nBalancerMember @{[ $second->url ]}\n</Proxy>\n"
             . "ProxyPass /case$n/ balancer://case$n/\n";
}
my $alone = Backend->refusing;
my $httpd = Httpd->start(config => <<"EOC");
$config
<Proxy balancer://alone>
    BalancerMember @{[ $alone->url ]}
</Proxy>
ProxyPass /alone/ balancer://alone/
ProxyPass /plain/ @{[ $alone->url ]}/
EOC

for my $n (0 .. $#cases) {
    my ($name, $method, $body, $chunked) = @{ $cases[$n] };
    $second->forget;
    my $response = $httpd->send($method, "/case$n/x", $chunked
        ? (header => { 'Transfer-Encoding' => 'chunked' },
           body => HttpSocket::chunked($body, 30_000))
        : defined $body ? (body => $body) : ());
    is $response->{status}, 200, "$name: 200" or diag $response->{body};
    my $seen = Httpd::decode_json($response);
    is $seen->{backend}, 'second', "$name: from the second member";
    is $seen->{params}{REQUEST_METHOD}, $method, "$name: the method";
    if (defined $body) {
        is $seen->{stdin_bytes}, length $body, "$name: all bytes";
        is $seen->{stdin_sha1}, sha1_hex($body), "$name: the right bytes";
        is $seen->{params}{CONTENT_LENGTH}, length $body, "$name: CONTENT_LENGTH";
    }
    is scalar($second->requests), 1, "$name: once";
    my $first = $httpd->member($refusing[$n]->port, "case$n");
    is $first->{state}, 'error', "$name: the first member is out";
    is $first->{last_error}, 'connect_refused', "$name: its last error" if !Httpd::is_stock();
    is $first->{failures}, 1, "$name: one failure" if !Httpd::is_stock();
    is $httpd->in_flight("case$n"), 0, "$name: nothing in flight";

    # While it is out, nobody knocks there.
    is $httpd->get("/case$n/y")->{status}, 200, "$name: the next request is served";
}
is $httpd->get('/alone/x')->{status}, 503, 'no other member: 503';
is $httpd->post('/alone/x', 'twelve bytes')->{status}, 503, 'no other member, POST: 503';
is $httpd->get('/plain/x')->{status}, 503, 'no balancer: 503';

$httpd->expect_log(qr/FC0251: .*connect_refused.*another member gets it/, times => scalar @cases);
$httpd->expect_log(qr/FC0251: .*connect_refused.*answered 503/, times => 3);
$httpd->stop;

done_testing;
