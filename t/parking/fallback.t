# Licensed under the Apache License, Version 2.0; see LICENSE.
# Where a request cannot be parked it waits in its thread, and the log says so once; what is to happen
# when too many are parked is the configuration's choice.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Http2;
use Httpd;
use HttpSocket;
use Parking;

Parking::skip_unless_possible();

my $slow = FastBackend->start(bytes => 10, ms => 600);
my $plain = "ProxyPass /app/ @{[ $slow->url('/') ]}\nErrorDocument 404 /app/page\nErrorDocument 403 /app/page\n";
my $says_once = sub {
    my ($httpd, $why) = @_;
    is scalar(my @lines = $httpd->log_lines(qr/FC0296.*\Q$why\E/)), 1, "$why: said once";
    return;
};

# ---- Parts of other requests ----
my $httpd = Parking::start(threads => 8, modules => ['include', 'filter'], debug_log => 'proxy_fastcgi:info',
    files => { 'page.shtml' => 'before <!--#include virtual="/app/part" --> after' },
    config => "$plain\nAddOutputFilter INCLUDES .shtml\n<Directory \@docroot\@>\nOptions +Includes\n</Directory>\n");
my $page = $httpd->get('/missing');
is $page->{status}, 200, 'an internal redirect: answered';
is length $page->{body}, 10, '... by the backend';
$says_once->($httpd, 'part of another request');
is Parking::status($httpd)->{FCGIParkedHereMost}, 0, '... nothing was parked';
like $httpd->get('/page.shtml')->{body}, qr/^before .{10} after/s, 'a subrequest: answered';
is Parking::status($httpd)->{FCGIParkedHereMost}, 0, '... nothing was parked';
is $httpd->get('/app/x')->{status}, 200, 'a request of its own';
is Parking::status($httpd)->{FCGIParkedHereMost}, 1, '... was parked';
$httpd->stop;

# ---- What stays one request ----
$httpd = Parking::start(threads => 8, files => { 'index.php' => 'of no interest' }, config => <<"EOC");
DirectoryIndex index.php
<Directory \@docroot\@>
    FallbackResource /index.php
</Directory>
<FilesMatch "\\.php\$">
    SetHandler "proxy:@{[ $slow->url ]}"
</FilesMatch>
EOC
for my $case (['DirectoryIndex', '/'], ['FallbackResource', '/a/b']) {
    my ($what, $path) = @$case;
    my ($client) = Parking::clients($httpd, 1, $path);
    ok Parking::wait_for($httpd, 1), "$what: parked";
    is length $client->read_response->{body}, 10, '... answered';
}
$httpd->stop;

# ---- HTTP/2 ----
SKIP: {
    skip 'curl speaks no HTTP/2', 3 if !Http2::is_installed();
    $httpd = Parking::start(threads => 8, modules => ['http2'], debug_log => 'proxy_fastcgi:info',
        config => "Protocols h2c http/1.1\n$plain");
    is Http2::get($httpd->port, '/app/x')->{status}, 200, 'HTTP/2: answered';
    $says_once->($httpd, 'HTTP/2');
    is Parking::status($httpd)->{FCGIParkedHereMost}, 0, '... nothing was parked';
    $httpd->stop;
}

# ---- A balancer with members of other schemes ----
my $mixed = <<"EOC";
<Proxy balancer://mixed>
    BalancerMember @{[ $slow->url ]} maxinflight=1 queue=9
    BalancerMember http://127.0.0.1:1 status=+D
</Proxy>
ProxyPass /mixed/ balancer://mixed/
EOC
$httpd = Parking::start(threads => 8, modules => ['proxy_http'], debug_log => 'proxy_fastcgi:info', config => $mixed);
my @clients = Parking::clients($httpd, 2, '/mixed/x');
is scalar(grep { $_->read_response->{status} == 200 } @clients), 2, 'members of two schemes: answered';
$says_once->($httpd, 'members of other schemes');
is Parking::status($httpd)->{FCGIParkedHereMost}, 0, '... nothing was parked';
$httpd->stop;

# ---- Other MPMs, and Off ----
for my $case (['prefork', 'share=0'], ['worker', 'share=0'], ['event', 'Off']) {
    my ($mpm, $park) = @$case;
    $httpd = Parking::start(mpm => $mpm, threads => 4, park => $park, log_level => 'info', config => $plain);
    is $httpd->get('/app/x')->{status}, 200, "$mpm, $park: answered";
    is Parking::status($httpd)->{FCGIParked}, 0, '... nothing was parked';
    my @lines = $httpd->log_lines(qr/FC0295/);
    is scalar(@lines), $mpm eq 'event' ? 0 : 1, '... said once when there is something to say';
    $httpd->expect_log(qr/./, optional => 1);    # LogLevel info
    $httpd->stop;
}

# ---- Too many ----
for my $overflow ('wait', 'refuse') {
    $httpd = Parking::start(threads => 8, park => "share=25% max=5 overflow=$overflow", config => $plain);
    my $warm = $httpd->get('/app/x');    # now the backend is known to be slow: requests park at once
    @clients = Parking::clients($httpd, 5, '/app/x');
    ok Parking::wait_for($httpd, 5), "$overflow: as many are parked as may be";
    push @clients, map { Parking::clients($httpd, 1, '/app/x') } 1 .. 2;
    ok wait_until(5, sub { Parking::status($httpd)->{FCGIWaitingThreadsHere} == 2 }),
        "$overflow: two more wait in threads";
    my $began = now_monotonic();
    my $more = $httpd->get('/app/x');
    if ($overflow eq 'wait') {
        is $more->{status}, 200, 'wait: the next waits, too';
    }
    else {
        is $more->{status}, 503, 'refuse: the next is refused';
        ok $more->{header}{'retry-after'}, '... with Retry-After';
        in_time(now_monotonic() - $began, 0.4, '... at once');
        is_deeply [grep { $_ ne 'ok' } $httpd->end_words('/app/x', 2)], ['queue_full'], '... with a word';
        $httpd->expect_log(qr/FC0291.*queue_full/);
    }
    is scalar(grep { $_->read_response->{status} == 200 } @clients), 7, "$overflow: the others are answered";
    $httpd->stop;
}

# ---- What contradicts ----
$httpd = Parking::start(threads => 8, park => 'max=100000', log_level => 'notice', config => $plain);
ok $httpd->wait_for_log(qr/notice.*FC0293.*ThreadsPerChild 8.*AsyncRequestWorkerFactor/),
    'more than the MPM has connections: said at start';
ok $httpd->wait_for_log(qr/notice.*FC0294.*ulimit/), 'more than there are descriptors: said at start';
$httpd->stop;
for my $wrong ('share=80', 'share=x', 'max=0', 'overflow=perhaps', 'Perhaps') {
    ok !eval { Parking::start(threads => 8, park => $wrong, config => $plain) }, "ProxyFCGIPark $wrong is refused";
    like $@, qr/is not one of On, Off/, '... with the words that are meant';
}

done_testing;
