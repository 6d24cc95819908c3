# Licensed under the Apache License, Version 2.0; see LICENSE.
# A request whose wait in the queue is over when the handler starts is refused then: it is not asked for
# its body, does not queue a second time, and counts as one refusal.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

my $dir = Httpd::temporary_dir('late');
system('cc', '-shared', '-fPIC', '-D_GNU_SOURCE', '-O1', '-o', "$dir/late_look.so",
    abs_path("$FindBin::RealBin/../backend/late_look.c"), '-ldl') == 0 or die 'cc failed';

my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    $connection->wait_for_gate('held', 60) if $request->{params}{QUERY_STRING} eq 'holder';
    $connection->stdout("Content-Type: text/plain\r\n\r\nanswer");
    $connection->end_request;
});
my $httpd = Httpd->start(children => 2, env => { LD_PRELOAD => "$dir/late_look.so", LATE_LOOK_MS => 1000 }, config => <<"EOC");
<Proxy balancer://one>
    BalancerMember @{[ $backend->url ]} maxinflight=1 queue=5 queuetimeout=500ms
</Proxy>
ProxyPass /one/ balancer://one/
EOC
$httpd->expect_log(qr/FC0425.*queue_timeout/);

$backend->close_gate('held');
my $holder = $httpd->connect;
$holder->request('GET', '/one/x?holder');
wait_until(5, sub { $httpd->in_flight('one') == 1 }) or die 'nothing in flight';

my $client = $httpd->connect;
$client->{method} = 'POST';
$client->send("POST /one/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
my $head = $client->read_head;
is $head->{status}, 503, 'refused without being asked for its body';
like $head->{header}{'retry-after'} // '', qr/^\d+$/, '... with Retry-After';
ok wait_until(5, sub { $httpd->balancer('one')->{queued} == 0 }), '... nobody waits any more';
is_deeply $httpd->balancer('one')->{refused}, { queue_timeout => 1 }, '... and it is one refusal';

is scalar($httpd->log_lines(qr/FC0425/)), 1, '... that the log tells once';

$client->close;
$backend->open_gate('held');
is $holder->read_response->{status}, 200, 'the request in front of it is answered';
ok wait_until(5, sub { $httpd->in_flight('one') == 0 }), 'at rest all is 0';
$httpd->stop;

done_testing;
