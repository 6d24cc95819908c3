# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-24, F-28: a Location without a Status is a 302; with ProxyFCGIInternalRedirect On a local one,
# and X-Accel-Redirect, is served by httpd itself from the address that it names.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

my $backend = Backend->answering(sub {
    my ($c, $r) = @_;
    my $query = $r->{params}{QUERY_STRING};
    $query =~ s/%(..)/chr hex $1/ge;
    my $script = $r->{params}{SCRIPT_NAME};
    if ($script =~ /target/) {
        $c->stdout("Content-Type: text/plain\r\n\r\n$r->{params}{REQUEST_METHOD} $script?$query "
            . "of $r->{stdin_bytes} bytes");
    }
    elsif ($script =~ /loop/) {
        $c->stdout("X-Accel-Redirect: $script\r\nContent-Type: text/plain\r\n\r\nloop");
    }
    else {
        $query =~ s/\|/\r\n/g;
        $c->stdout("$query\r\nSet-Cookie: a=1\r\nContent-Type: text/x-own\r\n\r\nthe body of the application");
    }
    $c->end_request;
});
my $to = $backend->url;
my $httpd = Httpd->start(config => <<"EOC", files => {
<Proxy balancer://cluster>
    BalancerMember $to enablereuse=on
</Proxy>
ProxyPass /on/       $to/on/ enablereuse=on
ProxyPass /balanced/ balancer://cluster/balanced/
ProxyPass /off/      fcgi://localhost:@{[ $backend->port ]}/off/
<LocationMatch "^/(?:on|balanced)/">
    ProxyFCGIInternalRedirect On
</LocationMatch>
<Location /denied/>
    Require all denied
</Location>
AddType text/x-static .txt
EOC
    'static/x.txt' => 'the static file', 'static/name with space.txt' => 'with a blank',
    'denied/x.txt' => 'SECRET' });

sub ask {
    my ($prefix, $fields, %o) = @_;
    my $query = $fields;
    $query =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ge;
    return $httpd->send($o{method} // 'GET', "/$prefix/x.php?$query", %o);
}

# ---- Off: the default ----

for my $to ('http://example.com/there', '/static/x.txt', '/off/target?a=b') {
    my $r = ask('off', "Location: $to");
    is $r->{status}, 302, "off: Location $to without a Status is a 302";
    is $r->{header}{location}, $to, '... with the Location as it was';
    is $r->{header}{'set-cookie'}, 'a=1', '... and the cookie';
}
for my $status ('301 Moved Permanently', '303 See Other', '307 Temporary Redirect', '201 Created', '200 OK') {
    for my $prefix ('off', 'on') {
        my $r = ask($prefix, "Status: $status|Location: /static/x.txt");
        is $r->{status}, substr($status, 0, 3), "$prefix: Location with Status $status stays";
        is $r->{header}{location}, '/static/x.txt', '... with the Location as it was';
        is $r->{body}, 'the body of the application', '... and the body';
    }
}
for my $status ('', 'Status: 200 OK|') {
    $httpd->mark_log;
    my $r = ask('off', "${status}X-Accel-Redirect: /static/x.txt");
    is $r->{status}, 200, "off: ${status}X-Accel-Redirect is ignored";
    is $r->{body}, 'the body of the application', '... the answer is the application\'s';
    is $r->{header}{'x-accel-redirect'}, '/static/x.txt', '... with the header, for an nginx in front';
    is_deeply [$httpd->log_lines(qr/FC0/)], [], '... and nothing is logged';
}

# ---- On ----

for my $prefix ('on', 'balanced') {
    for my $field ('X-Accel-Redirect: /static/x.txt', 'x-accel-REDIRECT: /static/x.txt',
                   'Status: 200 OK|X-Accel-Redirect: /static/x.txt', 'Location: /static/x.txt') {
        my $r = ask($prefix, $field);
        is $r->{status}, 200, "$prefix: $field: 200";
        is $r->{body}, 'the static file', "$prefix: $field: the content of the target";
        is $r->{header}{'content-length'}, length 'the static file', '... with its length';
        ok !exists $r->{header}{'x-accel-redirect'}, '... without the header';
        ok !exists $r->{header}{location}, '... and no Location';
    }
    my $r = ask($prefix, 'X-Accel-Redirect: /static/name%20with%20space.txt');
    is $r->{body}, 'with a blank', "$prefix: an escaped name is that of the file";
    $r = ask($prefix, 'X-Accel-Redirect: /static/x.txt', header => { Range => 'bytes=4-9' });
    is $r->{status}, 206, "$prefix: a range of the target: 206";
    is $r->{body}, 'static', '... the right bytes';
    $r = ask($prefix, 'X-Accel-Redirect: /static/x.txt', method => 'HEAD');
    is $r->{status}, 200, "$prefix: HEAD: 200";
    is $r->{body}, '', '... and no body';
    is ask($prefix, 'X-Accel-Redirect: /static/none')->{status}, 404, "$prefix: no such target: 404";
    is ask($prefix, 'Location: /static/none')->{status}, 404, "$prefix: Location to no such target: 404";
    $r = ask($prefix, 'X-Accel-Redirect: /denied/x.txt');
    is $r->{status}, 403, "$prefix: a target that is denied is denied";
    unlike $r->{body}, qr/SECRET/, '... nothing of it goes out';

    $r = ask($prefix, 'X-Accel-Redirect: /on/target?a=b');
    is $r->{body}, 'GET /on/target?a=b of 0 bytes', "$prefix: a target of an application, with its query";
    $r = ask($prefix, 'Location: /on/target?a=b');
    is $r->{body}, 'GET /on/target?a=b of 0 bytes', "$prefix: the same by Location";
    for my $field ('X-Accel-Redirect', 'Location') {
        $r = ask($prefix, "$field: /on/target", method => 'POST', body => 'twelve bytes');
        is $r->{body}, 'GET /on/target? of 0 bytes', "$prefix: $field after a POST is a GET without a body";
    }
    $r = ask($prefix, 'Location: http://example.com/there');
    is $r->{status}, 302, "$prefix: an absolute Location stays a 302";
    is $r->{header}{location}, 'http://example.com/there', '... with the Location as it was';
    $r = ask($prefix, 'Location: //example.com/there');
    is $r->{status}, 302, "$prefix: a Location of another host without a scheme stays a 302";
}

# The client's connection goes on after a redirect.
my $client = $httpd->connect;
for my $n (1 .. 3) {
    $client->request('GET', '/on/x.php?X-Accel-Redirect%3A%20%2Fstatic%2Fx.txt');
    is $client->read_response->{body}, 'the static file', "kept client connection, request $n";
}
$client->close;

# Nowhere to go, and round and round.
for my $nowhere ('http://example.com/x', 'static/x.txt', '') {
    my $r = ask('on', "X-Accel-Redirect: $nowhere");
    like $r->{status}, qr/^5/, "X-Accel-Redirect: '$nowhere' leads nowhere: an error";
    ok !exists $r->{header}{'x-accel-redirect'}, '... without the header';
}
my $r = $httpd->get('/on/loop');
is $r->{status}, 500, 'a redirect to itself ends';
cmp_ok scalar(grep { $_->{params}{SCRIPT_NAME} =~ /loop/ } $backend->requests), '<', 50,
    '... after some rounds';
ok wait_until(5, sub { $httpd->in_flight('cluster') == 0 }), 'nothing is in flight';
my $member = $httpd->member($backend->port, 'cluster');
is $member->{state}, 'ok', 'no redirect blames the member';
is $httpd->get('/on/target')->{status}, 200, 'and then a plain request again';

$httpd->expect_log(qr/FC0\d+: .*X-Accel-Redirect/i);
$httpd->expect_log(qr/AH00124/, optional => 1);               # too many internal redirects
$httpd->expect_log(qr/AH01630: .*denied/, optional => 1);
$httpd->expect_log(qr/FC0251: .*X-Accel-Redirect/i, optional => 1);
$httpd->stop;

done_testing;
