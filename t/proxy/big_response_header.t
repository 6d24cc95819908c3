# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-17: a response header line of 20,000 bytes is passed on; one of 100,000 bytes is a 502 and the
# error log names the header. Thousands of lines of one name are one field, and cost no more memory
# than thousands of others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Apache::Test qw(-withtestmore);
use Backend;
use Httpd;
use MainServer;
use Process;

my $main = MainServer->new;
my $backend = $main->backend(answer => sub {
    my ($connection, $request) = @_;
    my ($bytes, $count) = $request->{params}{QUERY_STRING} =~ /^(\d+)(?:x(\d+))?/;
    my $fields = join '', map { "X-Wide-$_: " . 'w' x $bytes . "\r\n" } 1 .. $count // 1;
    $connection->stdout("Content-Type: text/plain\r\n${fields}X-Last: here\r\n\r\nbody");
    $connection->end_request;
});

my $response = $main->get('/plain/?20000');
is $response->{status}, 200, '20,000 bytes: passed on';
is length $response->{header}{'x-wide-1'}, 20_000, '... whole';
is $response->{header}{'x-last'}, 'here', '... and the header behind it';
is $response->{body}, 'body', '... and the body';

$response = $main->get('/plain/?2000x20');
is $response->{status}, 200, '20 lines of 2,000 bytes: passed on';
is scalar(grep { $_->[0] =~ /^X-Wide-/ } @{ $response->{fields} }), 20, '... all of them';

$response = $main->get('/plain/?100000');
is $response->{status}, 502, '100,000 bytes: 502';
ok !exists $response->{header}{'x-wide-1'}, '... and nothing of it at the client';
$main->expect_log(qr/FC0251: .*too_big_header.*X-Wide-1/, times => 1);

is $main->get('/plain/?10')->{status}, 200, 'the next request is served';

# ---- The same name again and again ----

SKIP: {
    skip 'stock has a limit of its own', 3 if Httpd::is_stock();
    my $often = Backend->answering(sub {
        my ($connection, $request) = @_;
        my $fields = join '', map { "X-Same: $_\r\nSet-Cookie: c$_\r\n" }
            1 .. $request->{params}{QUERY_STRING};
        $connection->stdout("Content-Type: text/plain\r\n$fields\r\nbody");
        $connection->end_request;
    });
    my $httpd = Httpd->start(children => 1, threads => 4,
        config => "ProxyPass /x/ @{[ $often->url ]}/\n");
    $httpd->get('/x/y?1') for 1 .. 8;
    my ($child) = $httpd->children;
    Process::forget_peak($child);
    my $before = Process::kilobytes($child, 'VmRSS');
    my $response = $httpd->get('/x/y?2000');
    is $response->{header}{'x-same'}, join(', ', 1 .. 2000), '2,000 lines of one name are one field';
    is scalar(grep { $_->[0] eq 'Set-Cookie' } @{ $response->{fields} }), 2000, '... but not cookies';
    cmp_ok Process::kilobytes($child, 'VmHWM') - $before, '<', 6144, '... in little memory (kB)';
    $httpd->stop;
}
$main->done;

done_testing;
