# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-22: with kept connections, clients that leave at any point and backends that add bytes behind
# END_REQUEST or use a wrong id, no answer ever holds another request's token.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;
use HttpSocket;
use Process;

my $head = "Content-Type: text/plain\r\n\r\n";
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($token, $how) = $request->{params}{QUERY_STRING} =~ /^(\w+)\.(\d+)$/;
    my $id = $connection->{id};
    my $body = "$token\n" x (1 + $how * 7 % 400);
    my $answer = FcgiRecord::record(FCGI_STDOUT, $id, "$head$body");
    my $end = FcgiRecord::record(FCGI_STDOUT, $id, '')
            . FcgiRecord::record(FCGI_END_REQUEST, $id, FcgiRecord::end_request_body());
    $how %= 20;
    my $stray = FcgiRecord::record(FCGI_STDOUT, $id, "${head}stray $token\n");
    $connection->send($how == 1 ? $answer . $end . $stray
        : $how == 2 ? $answer . $end . $end
        : $how == 3 ? FcgiRecord::record(FCGI_STDOUT, $id + 1, $head) . $answer . $end
        : $how == 4 ? $answer . $end . "\1"
        : $how == 5 ? $answer . FcgiRecord::record(FCGI_STDERR, $id, '') . $end
        : $how == 6 ? $answer
        : $answer . $end);
    $connection->close if $how == 6;       # cut: END_REQUEST is missing
    if ($how == 7) {                       # late bytes behind the end
        $connection->send($stray);
    }
});
my $httpd = Httpd->start(children => 2, threads => 16, config => <<"EOC");
CustomLog /dev/null "x"
ProxyPass /kept/ @{[ $backend->url('/') ]} enablereuse=on keepidle=32
EOC

my $each    = ($ENV{TEST_REQUESTS} || 3200) / 8;
my $results = Httpd::temporary_dir('tokens');
my @clients = map {
    my $number = $_;
    Process->start(name => "client $number", run => sub {
        my %seen = (own => 0, foreign => 0, left => 0, cut => 0, other => 0);
        my $client;
        for my $n (1 .. $each) {
            my $token = sprintf 'token%02dx%06d', $number, $n;
            $client //= HttpSocket->connect($httpd->port);
            $client->request('GET', "/kept/?$token." . int rand 1000);
            if (rand() < 0.1) {            # leave at a random byte
                $client->fill(rand 0.01) if rand() < 0.7;
                rand() < 0.5 ? $client->abort : $client->close;
                undef $client;
                $seen{left}++;
                next;
            }
            my $response = $client->read_response;
            my %tokens = map { $_ => 1 } split /\n/, $response->{body};
            delete $tokens{$token};
            delete @tokens{ grep { index($token, $_) == 0 } keys %tokens }
                if !$response->{complete};
            $seen{ $response->{status} != 200 ? 'other' : %tokens ? 'foreign'
                : $response->{complete} ? 'own' : 'cut' }++;
            my $says = $response->{header}{connection} // '';
            undef $client if !$response->{complete} || $says =~ /close/i;
        }
        open my $out, '>', "$results/$number" or die;
        print {$out} join ' ', %seen;
        close $out;
    });
} 1 .. 8;
my %sum;
for my $number (1 .. 8) {
    ok $clients[$number - 1]->wait_for_end(200), "client $number has ended";
    open my $in, '<', "$results/$number" or next;
    my %seen = split ' ', <$in>;
    $sum{$_} += $seen{$_} for keys %seen;
}
note join ', ', map { "$_ $sum{$_}" } sort keys %sum;
is $sum{foreign}, 0, 'no answer holds the token of another request';
cmp_ok $sum{own}, '>', $each * 6, '... of many';
cmp_ok $sum{cut}, '>', 0, '... a cut one is seen to be cut';
cmp_ok $sum{other}, '<', $each, '... few are errors';
ok $backend->wait_for_reuse(sub { $httpd->get('/kept/?token.0') }), '... and connections are used again';
$httpd->expect_log(qr/FC0251: .*(?:backend_eof|protocol)/, optional => 1);
$httpd->stop;

done_testing;
