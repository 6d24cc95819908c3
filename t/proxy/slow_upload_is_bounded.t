# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a client can choose removes no limit: neither the length that it announces nor how slowly it
# sends. A body that is streamed holds a right on a member; its client has to send minrate= bytes a
# second, or the right is given to somebody else. total= holds in any case.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock waits for ever' if Httpd::is_stock();

use constant { BYTES => 10_485_760, GRACE => 3, SOON => 3 };    # GRACE: Timeout, as it is below 20 s

my $backend = Backend->start(script => sub {
    my ($connection) = @_;
    my $request = $connection->read_begin_and_params or return;
    $connection->note('asked');
    $connection->read_body($request) or return $connection->note('cut');
    $connection->stdout("Content-Type: text/plain\r\n\r\n$request->{stdin_bytes}");
    $connection->end_request;
});
my $config = '';
for my $name ('spooled', 'beyond', 'streamed', 'any', 'total') {
    $config .= "<Proxy balancer://$name>\n    BalancerMember @{[ $backend->url ]} maxinflight=2 queue=5 queuetimeout=20"
             . ($name eq 'total' ? ' total=2' : '') . "\n</Proxy>\nProxyPass /$name/ balancer://$name/\n";
}
my $httpd = Httpd->start(children => 1, threads => 32, config => <<"EOC");
Timeout @{[ GRACE ]}
$config
<Location /spooled/>
    ProxyFCGISpoolLimit 1M
</Location>
<Location /beyond/>
    ProxyFCGISpoolLimit 1M Stream
</Location>
<Location /streamed/>
    ProxyFCGIRequestBody Stream
</Location>
<LocationMatch "^/(any|total)/">
    ProxyFCGIRequestBody Stream minrate=0
</LocationMatch>
EOC

sub begin_upload {
    my ($name, $bytes) = @_;
    my $client = $httpd->connect;
    $client->{method} = 'POST';
    $client->send("POST /$name/slow HTTP/1.1\r\nHost: x\r\nContent-Length: $bytes\r\n\r\n" . 'x' x 80_000);
    $client->{sent} = 80_000;
    return $client;
}

# So many bytes a second, in pieces, until the time is over or `until` holds.
sub trickle {
    my ($clients, $rate, $seconds, $until) = @_;
    my $end = now_monotonic() + $seconds;
    while (now_monotonic() < $end) {
        return 1 if $until && $until->();
        for my $client (@$clients) { $client->{sent} += $rate / 10 if $client->send('x' x ($rate / 10)) }
        select undef, undef, undef, 0.1;
    }
    return $until ? $until->() : 1;
}

# ---- Over the limit ----

{
    my $client = begin_upload('spooled', BYTES);
    is $client->read_response->{status}, 413, 'a length over ProxyFCGISpoolLimit: 413';
    is scalar(my @asked = $backend->events('asked')), 0, '... and no member was asked';
    is_deeply [$httpd->end_words('/spooled/slow')], ['client_error'], '... the word';
}

# ---- Two clients at 800 bytes a second, and a third one ----

for my $name ('beyond', 'streamed') {
    $backend->forget;
    my @clients = map { begin_upload($name, BYTES) } 1, 2;
    ok $backend->wait_for_event('asked', 2, SOON), "$name: two slow uploads";
    is $httpd->in_flight($name), 2, '... hold both rights';
    my $third = $httpd->connect;
    $third->request('GET', "/$name/third");
    my $began = now_monotonic();
    ok trickle(\@clients, 800, 6 * GRACE * $Deadline::STRETCH, sub { $third->fill(0) }),
        '... a third client is served all the same';
    cmp_ok now_monotonic() - $began, '>', 0.5 * GRACE, '... after they had their time';
    is $third->read_response->{body}, '0', '... with its own answer';
    is $_->read_response->{status}, 408, '... and they have a 408' for @clients;
    is_deeply [$httpd->end_words("/$name/slow", 2)], ['client_error', 'client_error'], '... the word';
    ok $backend->wait_for_event('cut', 2, SOON), '... the backend knows that their bodies are cut';
    is $httpd->member($backend->port, $name)->{failures}, 0, '... which is no failure of it';
    ok wait_until(SOON, sub { !$httpd->in_flight($name) }), '... nothing is in flight';
}

# ---- Who sends fast enough is not touched, however long it takes ----

{
    my $client = begin_upload('streamed', 80_000 + 300_000);
    trickle([$client], 50_000, 30, sub { $client->{sent} >= 380_000 });
    is $client->read_response->{body}, '380000', '50 KB a second for longer than Timeout: served';
}
{
    $backend->forget;
    my $client = begin_upload('any', BYTES);
    ok trickle([$client], 800, 2 * GRACE), 'minrate=0';
    is $httpd->in_flight('any'), 1, '... as slowly as it likes';
    $client->abort;
    ok wait_until(SOON, sub { !$httpd->in_flight('any') }), '... until it leaves';
}

# ---- total ----

{
    my $client = begin_upload('total', BYTES);
    my $began = now_monotonic();
    ok trickle([$client], 100_000, 2 + SOON, sub { $client->fill(0) }), 'total= ends an upload';
    cmp_ok now_monotonic() - $began, '>', 1.5, '... and not too early';
    is $client->read_response->{status}, 504, '... with 504';
}

for my $mistake ('ProxyFCGIRequestBody Stream minrate=soon', 'ProxyFCGIRequestBody Stream fast',
                 'ProxyFCGISpoolLimit 1G Sometimes') {
    my ($code, $text) = Httpd->configtest(config => "$mistake\n");
    isnt $code, 0, "$mistake: refused";
    like $text, qr/${\ ($mistake =~ m{^(\w+)})[0] }: '(?:soon|fast|Sometimes)'/, '... with what is wrong';
}
$httpd->expect_log(qr/FC0221/, times => 1);
$httpd->expect_log(qr/FC0251: .*(?:client_error|total_timeout|client_abort)/);
$httpd->stop;

done_testing;
