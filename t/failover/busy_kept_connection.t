# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-04, F-21: a backend that has ended its request is still busy (fastcgi_finish_request) and does
# not read what comes on its kept connection. A safe request need not wait for it; one that must not
# run twice never does: what was written to the old connection can still be read from it later. One
# that has begun to answer, were it with a byte, is at work.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use FcgiRecord;
use Fpm;
use Httpd;

plan skip_all => 'stock has no such thing' if Httpd::is_stock();

use constant BUSY => 0.8;    # seconds for which the backend does something else

# Busy after its first request on the first connection.
sub busy {
    my ($name, $listen) = @_;
    return Backend->start(name => $name, listen => $listen, script => sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->stdout("Content-Type: text/plain\r\n\r\n$name $connection->{number}");
            $connection->end_request;
            if ($connection->number == 1 && !$connection->{was_busy}++) {
                $connection->note('busy');
                select undef, undef, undef, BUSY;
            }
        }
        $connection->note('over');
    });
}
my @cases = (
    ['GET',   '/app',   undef],
    ['POST',  '/app',   'twelve bytes'],
    ['PATCH', '/app',   'twelve bytes'],
);
my (%backend, $config);
for my $listen ('unix', 'tcp') {
    for my $n (0 .. $#cases) {
        my $name = "$listen$n";
        $backend{$name} = busy($name, $listen);
        $config .= "<Proxy balancer://$name>\n"
                 . "BalancerMember @{[ $backend{$name}->url ]} enablereuse=on\n</Proxy>\n"
                 . "ProxyPass /app/$name/ balancer://$name/\n";
    }
}
# On its kept connection it sends the first bytes of a record, and the rest after a while.
my $begins = Backend->start(name => 'begins', script => sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $answer = FcgiRecord::record(FCGI_STDOUT, $connection->{id},
            "Content-Type: text/plain\r\n\r\n$connection->{number}");
        $connection->send(substr $answer, 0, 2);
        select undef, undef, undef, BUSY if $request->{params}{SCRIPT_NAME} =~ /second/;
        $connection->send(substr $answer, 2);
        $connection->end_request;
    }
});
$config .= "<Proxy balancer://begins>\nBalancerMember @{[ $begins->url ]} enablereuse=on\n</Proxy>\n"
         . "ProxyPass /app/begins/ balancer://begins/\n";
my $fpm;
if (Fpm::is_installed()) {
    $fpm = Fpm->start(children => 2, files => {
        'busy.php' => '<?php echo "x"; fastcgi_finish_request(); usleep(800000);
                       touch($_GET["over"]);',
        'note.php' => '<?php file_put_contents($_GET["log"], "run\n", FILE_APPEND); echo "noted";',
        'quick.php' => '<?php echo "quick";',
    });
    chmod 0777, $fpm->docroot;
    $config .= "<Proxy balancer://fpm>\nBalancerMember @{[ $fpm->url ]} enablereuse=on\n</Proxy>\n"
             . "ProxyPass /fpm/ balancer://fpm@{[ $fpm->docroot ]}/\n";
}
my $httpd = Httpd->start(children => 1, threads => 16, in_turn => 1, config => $config);

for my $name (sort keys %backend) {
    my ($method, undef, $body) = @{ $cases[ ($name =~ /(\d)$/)[0] ] };
    my $backend = $backend{$name};
    is $httpd->get("/app/$name/first")->{status}, 200, "$name, $method: a connection is kept";
    ok $backend->wait_for_event('busy'), '... its backend is busy';
    my $began = now_monotonic();
    my $response = $httpd->send($method, "/app/$name/second", defined $body ? (body => $body) : ());
    my $took = now_monotonic() - $began;
    is $response->{status}, 200, '... the next request is served';
    in_time($took, 0.5, '... without waiting for it') if $method eq 'GET';
    is $httpd->get("/app/$name/third")->{status}, 200, '... and the one after it';
    # the first connection has ended, or served one more: then all has happened that can
    ok wait_until(5, sub {
        grep { $_->{connection} == 1 && ($_->{event} eq 'over' || ($_->{number} // 0) > 1) }
            $backend->events;
    }), '... the busy one is over';
    my @second = grep { $_->{params}{SCRIPT_NAME} =~ /second/ } $backend->requests;
    is scalar(@second), 1, '... it has run once' if $method ne 'GET';
    is $httpd->member($name =~ /unix/ ? $name : $backend->port, $name)->{failures}, 0,
        '... no failure of the member';
    is $httpd->in_flight($name), 0, '... nothing in flight';
}

is $httpd->get('/app/begins/first')->{body}, 1, 'begins: a connection is kept';
my $begun = $httpd->get('/app/begins/second');
is $begun->{status}, 200, '... and one that has begun to answer on it is waited for';
is $begun->{body}, 1, '... there';

SKIP: {
    skip 'PHP-FPM is not installed', 1 if !$fpm;
    my ($over, $log) = map { $fpm->docroot . "/$_" } 'over', 'log';
    is $httpd->get("/fpm/busy.php?over=$over")->{status}, 200,
        'FPM: a script goes on after its answer';
    is $httpd->post("/fpm/note.php?log=$log", 'twelve bytes')->{body}, 'noted',
        '... a POST is served';
    ok wait_until(5, sub { -e $over }), '... the script ends';
    # Its child reads what waits on the old connection before it takes a new one; the other child
    # has a kept connection.
    ok wait_until(5, sub { ($fpm->ping // '') eq 'pong' }), '... and its child takes new requests';
    open my $in, '<', $log or die "$log: $!";
    my @runs = <$in>;
    is scalar(@runs), 1, '... the POST has run once';
}

$httpd->expect_log(qr/FC0251: .*unread_connection/, optional => 1);
$httpd->stop;

done_testing;
