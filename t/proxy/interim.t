# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-15: the backend sends "Status: 103" with Link, then the real answer. HTTP/1.1 and HTTP/2 clients
# get both, at their times; HTTP/1.0 knows no interim answers and gets the real one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Http2;
use Httpd;

plan skip_all => 'stock takes it for the answer' if Httpd::is_stock();

my $hints = "Status: 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
my $more  = "Status: 103 Early Hints\r\nLink: </b.js>; rel=preload\r\nX-Hint: second\r\n\r\n";
my $real  = "Status: 201 Created\r\nContent-Type: text/plain\r\nX-Name: real\r\n\r\nthe body";
my %does = (
    gated => sub { $_[0]->stdout($hints); $_[0]->wait_for_gate('real', 10); $_[0]->stdout($real) },
    once  => sub { $_[0]->stdout("$hints$real") },
    two   => sub { $_[0]->stdout("$hints$more$real") },
    bytes => sub { my ($c) = @_; $c->stdout($_) for split //, "$hints$real" },
    no_status => sub { $_[0]->stdout("${hints}Content-Type: text/plain\r\n\r\nthe body") },
    only  => sub { $_[0]->stdout($hints) },
    dies  => sub { $_[0]->stdout($hints); $_[0]->close },
    length => sub {
        $_[0]->stdout("${hints}Content-Type: text/plain\r\nContent-Length: 8\r\n\r\nthe body");
    },
);
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $does{ $request->{params}{QUERY_STRING} }->($connection);
    $connection->end_request if !$connection->is_closed;
});
my $httpd = Httpd->start(modules => ['http2'], config => <<"EOC");
Protocols h2c http/1.1
H2EarlyHints on
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} status=+I
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC

# ---- HTTP/1.1 ----

{
    my $client = $httpd->connect;
    $client->request('GET', '/app/x?gated');
    my $interim = $client->read_head(5);
    is $interim->{status}, 103, 'HTTP/1.1: the interim answer comes first';
    like $interim->{text} // '', qr/^HTTP\/1\.1 103 Early Hints\r\n/, '... with its status line';
    is $interim->{header}{link}, '</a.css>; rel=preload', '... and its Link';
    ok !exists $interim->{header}{'content-type'}, '... and nothing that belongs to the real one';
    $backend->open_gate('real');
    my $response = $client->read_response;
    is $response->{status}, 201, '... then the real one';
    is $response->{body}, 'the body', '... with its body';
    is $response->{header}{'x-name'}, 'real', '... and its fields';
    ok !exists $response->{header}{link}, '... and not those of the interim answer';
    $client->request('GET', '/app/x?once');
    is $client->read_head(5)->{status}, 103, 'the connection is sound: another interim answer';
    is $client->read_response->{body}, 'the body', '... and another real one';
}
for my $case (['once', 103], ['two', 103, 103], ['bytes', 103], ['no_status', 103],
              ['length', 103]) {
    my ($what, @interim) = @$case;
    my $client = $httpd->connect;
    $client->request('GET', "/app/x?$what");
    is $client->read_head(5)->{status}, $_, "HTTP/1.1, $what: $_" for @interim;
    my $response = $client->read_response;
    is $response->{status}, $what =~ /no_status|length/ ? 200 : 201, '... then the real answer';
    is $response->{body}, 'the body', '... and its body';
    ok $response->{complete}, '... complete';
    ok !exists $response->{header}{$_}, "... without $_" for 'link', 'x-hint';
    is $response->{header}{'content-length'}, 8, '... its length' if $what eq 'length';
}

# ---- HTTP/1.0 ----

for my $what (qw(gated once two bytes no_status)) {
    my $client = $httpd->connect;
    $client->request('GET', "/app/x?$what", version => '1.0');
    my $response = $client->read_response(interim => 1);
    is $response->{status}, $what eq 'no_status' ? 200 : 201,
        "HTTP/1.0, $what: only the real answer";
    is $response->{body}, 'the body', '... and its body';
    ok !exists $response->{header}{link}, '... without the Link of the interim one';
}

# ---- HTTP/2 ----

SKIP: {
    skip 'no curl with HTTP/2', 1 if !Http2::is_installed();
    for my $case (['once', 1], ['two', 2], ['gated', 1]) {
        my ($what, $count) = @$case;
        my $response = Http2::get($httpd->port, "/app/x?$what");
        my @heads = @{ $response->{heads} };
        is scalar(@heads), $count + 1, "HTTP/2, $what: as many heads" or diag explain $response;
        like $heads[0], qr/^HTTP\/2 103 ?\r\n.*^link: <\/a\.css>; rel=preload\r\n/ims,
            '... first the interim answer with its Link';
        is $response->{status}, 201, '... then the real one';
        is $response->{body}, 'the body', '... with its body';
        unlike $heads[-1], qr/^link:/im, '... and without the Link';
    }
}

# ---- No real answer ----

for my $version ('1.1', '1.0') {
    for my $what ('only', 'dies') {
        $httpd->mark_log;
        my $client = $httpd->connect;
        $client->request('GET', "/app/bad?$what", version => $version);
        my $response = $client->read_response(seconds => 5);
        is $response->{status}, 502, "HTTP/$version, $what an interim answer: 502";
        unlike $response->{text} // '', qr/^Link:/mi, '... without its Link';
        my @lines = $httpd->log_lines(qr/FC0251/);
        is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    }
}
is $httpd->in_flight, 0, 'nothing in flight';
$httpd->expect_log(qr/FC0251: .*(?:protocol|bad_response|backend_eof).*answered 502/, times => 4);
$httpd->stop;

done_testing;
