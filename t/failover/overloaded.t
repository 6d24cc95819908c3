# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-05: a member ends the request with OVERLOADED and no output: it has not begun. (a) Another
# member serves the request, whatever its method; the first is left in peace for a moment, but is
# not failed. (b) There is no other: 503 with Retry-After.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;

my $twelve = 'twelve bytes';
my $large  = join '', map { sha1_hex($_) x 512 } 1 .. 1024;    # 20 MB

my $second = Backend->echo(name => 'second');
# Overloaded until the gate is open; a large body is refused before it is read.
sub overloaded {
    my ($name, $how) = @_;
    return Backend->start(name => $name, script => sub {
        my ($connection) = @_;
        my $request = $connection->read_begin_and_params or return;
        $request = $connection->read_body($request) if ($how // '') ne 'early';
        if ($connection->wait_for_gate('room', 0)) {
            $connection->stdout("Content-Type: application/json\r\n\r\n{\"backend\":\"$name\"}");
            $connection->end_request;
            return;
        }
        $connection->note('overloaded');
        $connection->end_request_only(0, FCGI_OVERLOADED);
        $connection->wait_for_close(10);
    });
}
my @cases = (
    ['GET',                     'GET',  undef],
    ['POST of 12 bytes',        'POST', $twelve],
    ['POST of 20 MB',           'POST', $large],
    ['POST of 20 MB, refused before it is read', 'POST', $large, 'early'],
    ['PATCH of 12 bytes',       'PATCH', $twelve],
);
my (@first, $config);
for my $n (0 .. $#cases) {
    push @first, overloaded("first$n", $cases[$n][3]);
    $config .= <<"EOC";
<Proxy balancer://case$n>
    BalancerMember @{[ $first[$n]->url ]}
    BalancerMember @{[ $second->url ]}
</Proxy>
ProxyPass /case$n/ balancer://case$n/
EOC
}
my $moment = overloaded('moment');
my $alone = overloaded('alone');
my @both  = map { overloaded("both$_") } 1, 2;
my $plain = overloaded('plain');
my $httpd = Httpd->start(config => $config . <<"EOC");
<Proxy balancer://moment>
    BalancerMember @{[ $moment->url ]}
    BalancerMember @{[ $second->url ]}
</Proxy>
ProxyPass /moment/ balancer://moment/
<Proxy balancer://alone>
    BalancerMember @{[ $alone->url ]}
</Proxy>
<Proxy balancer://both>
    BalancerMember @{[ $both[0]->url ]}
    BalancerMember @{[ $both[1]->url ]}
</Proxy>
ProxyPass /alone/ balancer://alone/
ProxyPass /both/  balancer://both/
ProxyPass /plain/ @{[ $plain->url ]}/
EOC

# ---- (a) another member is free ----

# By the shares it would be the first one's turn: it is left in peace, and comes back by itself.
sub ask_moment { return Httpd::decode_json($httpd->get('/moment/x'))->{backend} }
is_deeply [ask_moment(), ask_moment()], ['second', 'second'],
    'overloaded: the second serves, and is elected just after that too';
$moment->open_gate('room');
is scalar($moment->events('overloaded')), 1, '... the first was not asked in between';
ok wait_until(10, sub { ask_moment() eq 'moment' }), '... and after a moment it is again';

for my $n (0 .. $#cases) {
    my ($name, $method, $body) = @{ $cases[$n] };
    $second->forget;
    my $response = $httpd->send($method, "/case$n/x", defined $body ? (body => $body) : ());
    is $response->{status}, 200, "$name: 200" or diag $response->{body};
    my $seen = Httpd::decode_json($response);
    is $seen->{backend}, 'second', '... from the second member';
    is $seen->{stdin_sha1}, sha1_hex($body // ''), '... which has the whole body';
    is $seen->{params}{CONTENT_LENGTH} // '', length($body // ''), '... and CONTENT_LENGTH'
        if defined $body;
    is scalar($first[$n]->events('overloaded')), 1, '... the first was asked once';
    my $first = $httpd->member($first[$n]->port, "case$n");
    isnt $first->{state}, 'error', '... and is not failed';
    is $first->{failures}, 0, '... no failure' if !Httpd::is_stock();
    is $httpd->in_flight("case$n"), 0, '... nothing in flight';
}

$httpd->expect_log(qr/FC0251: .*overloaded.*another member gets it/);

# ---- (b) there is no other ----

for my $path ('/alone/x', '/plain/x') {
    $httpd->mark_log;
    my $response = $httpd->post($path, $twelve);
    is $response->{status}, 503, "$path: 503";
    like $response->{header}{'retry-after'} // '', qr/^\d+$/, '... with Retry-After';
    is_deeply [$httpd->end_words($path)], ['overloaded'], '... the word of the access log';
    my @lines = $httpd->log_lines(qr/FC0251/);
    is scalar(@lines), 1, '... one line in the log' or diag join "\n", @lines;
    like $lines[0], qr/overloaded .*answered 503/, '... with the word';
}
is $httpd->member($alone->port, 'alone')->{failures}, 0, 'it is no failure' if !Httpd::is_stock();
$alone->open_gate('room');
ok wait_until(10, sub { $httpd->get('/alone/y')->{status} == 200 }), 'it serves when there is room';

my $response = $httpd->post('/both/x', $twelve);
is $response->{status}, 503, 'both are overloaded: 503';
like $response->{header}{'retry-after'} // '', qr/^\d+$/, '... with Retry-After';
is scalar($_->events('overloaded')), 1, '... ' . $_->name . ' was asked once' for @both;
$_->open_gate('room') for @both;
ok wait_until(10, sub { $httpd->get('/both/y')->{status} == 200 }), '... and they serve again';
is $httpd->in_flight($_), 0, "$_: nothing in flight" for 'alone', 'both';

$httpd->expect_log(qr/FC0251: .*overloaded.*answered 503/, times => 3);
# until there is room again
$httpd->expect_log(qr/FC\d{4}: .*(?:no_member|no member|overloaded)/, optional => 1);
$httpd->stop;

done_testing;
