# Licensed under the Apache License, Version 2.0; see LICENSE.
# A disk that is full, or broken: no backend ever gets half a body, the client is told that it is our
# fault (500), the log says so, and no member is blamed. An answer that was taken in and cannot be read
# again is cut, and looks cut. When nothing can be taken in, the backend waits for the client.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use BadDisk;
use Backend;
use Deadline;
use Httpd;
use HttpSocket;

plan skip_all => 'stock spools elsewhere' if Httpd::is_stock();

use constant { MB => 1_048_576, SOON => 5 };

my $disk = BadDisk->new;
my $block = join '', map { sha1_hex($_) } 1 .. 26_214;
my $large = join '', map { sprintf('%07d:', $_) . $block } 1 .. 20;    # 20 MB
my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    $connection->note('asked');
    $connection->read_body($request);
    $connection->note('half', bytes => $request->{stdin_bytes}) if $request->{cut};
    return if $request->{cut};
    $connection->stdout("Content-Type: text/plain\r\n\r\n");
    $connection->stdout($request->{params}{QUERY_STRING} =~ /large/ ? $large : $request->{stdin_sha1});
    $connection->note('sent');
    $connection->wait_for_gate('end', 20) if $request->{params}{QUERY_STRING} =~ /gate/;
    $connection->end_request;
    $connection->note('done');
});
my $httpd = Httpd->start(children => 1, threads => 16, env => $disk->env, config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} maxfails=1
</Proxy>
ProxyPass /app/ balancer://cluster/
ProxyPass /alone/ @{[ $backend->url ]}/
EOC

# ---- Request bodies ----

sub upload {
    my ($path, $how, $bytes) = @_;
    $backend->forget;
    my $body = substr $large, 0, $bytes;
    my $response = $how eq 'length' ? $httpd->post($path, $body)
        : $httpd->send('POST', $path, header => { 'Transfer-Encoding' => 'chunked' },
                       body => HttpSocket::chunked($body, 30_000));
    return ($response, sha1_hex($body));
}

# where in the file it fails: at once, in the middle, with the last bytes, which nobody writes until the
# end; the body is 64 KB in memory and 80,000 bytes in the file
my $refused = 0;
for my $error (qw(ENOSPC EIO EDQUOT)) {
    for my $after (0, 65_536, 70_000, 79_999) {
        for my $how ('length', 'chunks') {
            my $path = '/app/' . lc($error) . "-$after-$how";
            $disk->fails('write', $error, after => $after);
            my ($response) = upload($path, $how, 65_536 + 80_000);
            is $response->{status}, 500, "$error after $after bytes, $how: 500";
            is scalar(my @asked = $backend->events('asked')), 0, '... no member was asked';
            is_deeply [$httpd->end_words($path)], ['file_error'], '... the word';
            $refused++;
        }
    }
}
is scalar(my @lines = $httpd->log_lines(qr/:error\].*FC0220/)), $refused, 'each is a line in the log';
$disk->fails('write', 'ENOSPC', after => 80_000);
my ($response, $sum) = upload('/app/fits', 'length', 65_536 + 80_000);
is $response->{body}, $sum, 'what just fits is served';
$disk->fails('write', 'ENOSPC');
($response, $sum) = upload('/app/small', 'length', 60_000);
is $response->{body}, $sum, 'what needs no file is served';
($response) = upload('/alone/x', 'length', 10 * MB);
is $response->{status}, 500, 'without a balancer: 500';
$disk->works;
($response, $sum) = upload('/app/again', 'chunks', 2 * MB);
is $response->{body}, $sum, 'there is room again: served';
ok $backend->wait_for_event('done', 1, SOON), '... and the backend has noted it';

# the file cannot be read again
$disk->fails('read', 'EIO', after => 65_536);
($response) = upload('/app/unread', 'length', 300_000);
is $response->{status}, 500, 'a body that cannot be read again: 500';
ok $backend->wait_for_event('half', 1, SOON), '... the backend knows that it is cut';
is scalar(my @done = $backend->events('done')), 0, '... no backend has taken half of it for all';
is_deeply [$httpd->end_words('/app/unread')], ['file_error'], '... the word';
my $member = $httpd->member($backend->port, 'cluster');
is $member->{failures}, 0, 'no member is blamed for any of it';
is $member->{state}, 'ok', '... nor out of service';
$disk->works;

# no folder at all
rename $disk->folder, $disk->folder . '.away' or die "rename: $!";
($response) = upload('/app/away', 'length', MB);
is $response->{status}, 500, 'the temporary folder has gone: 500';
is scalar(my @asked = $backend->events('asked')), 0, '... no member was asked';
rename $disk->folder . '.away', $disk->folder or die "rename: $!";
($response, $sum) = upload('/app/back', 'length', MB);
is $response->{body}, $sum, '... and is there again: served';
ok $backend->wait_for_event('done', 1, SOON), '... wholly';    # else it is noted among what comes next

# ---- Answers ----

sub slow_client {
    my ($path) = @_;
    $backend->forget;
    my $client = $httpd->connect(receive_buffer => 65_536);
    $client->request('GET', $path);
    return $client;
}

for my $after (0, 100_000, 3 * MB) {
    for my $error ('ENOSPC', 'EIO') {
        $disk->fails('write', $error, after => $after);
        my $client = slow_client("/app/x?large");
        ok $backend->wait_for_event('asked', 1, SOON), "an answer, $error after $after bytes";
        ok $httpd->wait_for_log(qr/FC0222/, SOON), '... the log says so';
        is scalar($httpd->log_lines(qr/FC0222/)), 1, '... once';
        is scalar(@done = $backend->events('done')), 0, '... the backend waits for the client';
        my $got = $client->read_response(seconds => 20);
        is sha1_hex($got->{body}), sha1_hex($large), '... who has the right bytes in the end';
        ok $got->{complete}, '... and the end';
        ok $backend->wait_for_event('done', 1, SOON), '... and the backend is done';
        $httpd->mark_log;
    }
}
$disk->works;
for my $when ('large-gate', 'large') {    # while the backend goes on; when it has ended
    my $client = slow_client("/app/lost?$when");
    ok $backend->wait_for_event($when =~ /gate/ ? 'sent' : 'done', 1, SOON), "an answer is taken in, $when";
    ok wait_until(SOON, sub { $httpd->in_flight('cluster') == ($when =~ /gate/) }), '... all of it';
    $disk->fails('read', 'EIO', after => MB);
    my $got = $client->read_response(seconds => 20);
    $disk->works;
    is $got->{status}, 200, '... and cannot be read again';
    is $got->{complete}, 0, '... it looks cut';
    is index($large, $got->{body}), 0, '... and what came is right';
}
$disk->works;
is $httpd->in_flight('cluster'), 0, 'nothing is in flight';
is_deeply [glob $disk->folder . '/*'], [], 'no file is left';
$httpd->expect_log(qr/FC0220/, times => $refused + 2);
$httpd->expect_log(qr/FC0222/, times => 6);
$httpd->expect_log(qr/:error\].*FC0251: .*file_error.*answered 500/, times => 1);
$httpd->expect_log(qr/:error\].*FC0251: .*file_error.*the response is truncated/, times => 1);
$httpd->stop;

done_testing;
