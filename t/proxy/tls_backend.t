# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-29: an fcgis:// backend is spoken to over TLS, and its certificate is verified as SSLProxy* says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use Fpm;
use Httpd;
use HttpSocket;
use TlsProxy;

plan skip_all => 'IO::Socket::SSL is not installed' if !TlsProxy::is_possible();

my $ours   = TlsProxy::Authority->new('Our authority');
my $theirs = TlsProxy::Authority->new('Another authority');
my $echo   = Backend->echo;
my $large  = join '', map { pack 'N', $_ * 2_654_435_761 % 4_294_967_296 } 1 .. 1_310_720;    # 5 MB
my $source = Backend->answering(sub {
    my ($c) = @_;
    $c->stdout("Content-Type: application/octet-stream\r\n\r\n$large");
    $c->end_request;
});
my $dies = Backend->answering(sub { $_[0]->close });
# A piece at once, the rest when the gate opens.
my $pieces = Backend->answering(sub {
    my ($c) = @_;
    $c->stdout("Content-Type: text/plain\r\n\r\nfirst");
    $c->wait_for_gate('rest');
    $c->stdout(' and rest');
    $c->end_request;
});
my %to = (
    pieces     => TlsProxy->start(to => $pieces, authority => $ours, bundles => 0.3),
    right      => TlsProxy->start(to => $echo,   authority => $ours),
    kept       => TlsProxy->start(to => $echo,   authority => $ours),
    balanced   => TlsProxy->start(to => $echo,   authority => $ours),
    large      => TlsProxy->start(to => $source, authority => $ours),
    dies       => TlsProxy->start(to => $dies,   authority => $ours),
    authority  => TlsProxy->start(to => $echo,   authority => $theirs),
    name       => TlsProxy->start(to => $echo,   authority => $ours, name => 'elsewhere.example'),
    mutual     => TlsProxy->start(to => $echo,   authority => $ours, client_authority => $ours),
    lax        => TlsProxy->start(to => $echo,   authority => $theirs, name => 'elsewhere.example'),
);
my $plain = Backend->echo;    # speaks no TLS
my ($certificate, $key) = $ours->issue('httpd.example', $ours->file . '.client');
open my $both, '>', $ours->file . '.both' or die;
# before OpenSSL 3 SSLProxyMachineCertificateFile takes no PKCS#8
print {$both} Httpd::read_file($certificate), scalar qx(openssl pkey -traditional -in $key);
close $both;
chmod 0644, $ours->file . '.both';

my $pass = join '', map { "ProxyPass /$_/ @{[ $to{$_}->url(qq(/$_/)) ]}\n" }
    qw(right large pieces dies authority name mutual);
my $httpd = Httpd->start(modules => ['ssl'], children => 1, in_turn => 1, config => <<"EOC");
SSLProxyEngine On
SSLProxyVerify require
SSLProxyVerifyDepth 3
SSLProxyCACertificateFile @{[ $ours->file ]}
SSLProxyCheckPeerName on
SSLProxyMachineCertificateFile @{[ $ours->file ]}.both
$pass
ProxyPass /kept/  @{[ $to{kept}->url('/kept/') ]} enablereuse=on
ProxyPass /plain/ fcgis://localhost:@{[ $plain->port ]}/plain/ connectiontimeout=2
<Proxy balancer://cluster>
    BalancerMember @{[ $to{balanced}->url ]} enablereuse=on
</Proxy>
ProxyPass /balanced/ balancer://cluster/balanced/
EOC

# ---- Verified ----

for my $form ('right', 'kept', 'balanced', 'mutual') {
    my $response = $httpd->get("/$form/x?q=1");
    is $response->{status}, 200, "$form: 200" or diag $response->{body};
    is Httpd::decode_json($response)->{params}{QUERY_STRING}, 'q=1', "$form: the request came over";
    cmp_ok $to{$form}->handshakes, '>=', 1, "$form: ... over TLS";
}
my $megabyte = substr $large, 0, 1_048_576;
for my $form ('right', 'kept', 'balanced') {
    my $seen = Httpd::decode_json($httpd->post("/$form/x", $megabyte));
    is $seen->{stdin_bytes}, length $megabyte, "$form: a POST of 1 MB: all bytes";
    is $seen->{stdin_sha1}, sha1_hex($megabyte), "$form: a POST of 1 MB: the right ones";
    $seen = Httpd::decode_json($httpd->send('POST', "/$form/x",
        header => { 'Transfer-Encoding' => 'chunked' }, body => HttpSocket::chunked($megabyte, 30_000)));
    is $seen->{stdin_sha1}, sha1_hex($megabyte), "$form: the same chunked";
}
my $response = $httpd->get('/large/x');
is $response->{status}, 200, 'an answer of 5 MB: 200';
is sha1_hex($response->{body}), sha1_hex($large), '... every byte';
my $slow = HttpSocket->connect($httpd->port, receive_buffer => 8192);
$slow->request('GET', '/large/x', header => { Connection => 'close' });
is sha1_hex($slow->read_response->{body}), sha1_hex($large), '... to a client with a small window, too';
$slow->close;    # the one process of prefork would wait two seconds for that

# A piece that comes in one packet with a session ticket of TLS 1.3 is seen at once as well.
my $in_time = 0;
for my $n (1 .. 3) {
    $pieces->close_gate('rest');
    my $client = $httpd->connect;
    $client->request('GET', '/pieces/x');
    my $came = defined $client->read_until(qr/first/, 2);
    $pieces->open_gate('rest');
    my $has_all = defined $client->read_until(qr/and rest/, 10);
    $client->close;
    $in_time++ if $came && $has_all;
    last if !$came;
}
is $in_time, 3, 'the first piece of an answer is passed on before there is more';

# ---- Kept ----

my $before = $to{kept}->handshakes;
for my $n (1 .. 20) {
    my $seen = $n % 5 ? $httpd->get("/kept/x?$n") : $httpd->post("/kept/x?$n", 'x' x 50_000);
    is Httpd::decode_json($seen)->{params}{QUERY_STRING}, $n, "kept connection: request $n has its own answer";
}
cmp_ok $to{kept}->handshakes - $before, '<=', 1, 'enablereuse=on: one handshake for many requests';
$before = $to{right}->handshakes;
$httpd->get('/right/x') for 1 .. 3;
is $to{right}->handshakes - $before, 3, 'no reuse: one handshake for each';

# ---- Refused ----

$echo->forget;
for my $case (['authority', 'a certificate of another authority',
                    qr/(?:unable to get|self.signed|verif|unknown|issuer).*/i],
              ['name', 'a certificate for another name', qr/name|elsewhere\.example|localhost/i]) {
    my ($form, $name, $cause) = @$case;
    $httpd->mark_log;
    for my $method ('GET', 'POST') {
        my $refused = $httpd->send($method, "/$form/x", $method eq 'POST' ? (body => 'secret') : ());
        is $refused->{status}, 502, "$name, $method: 502";
        unlike $refused->{body}, qr/QUERY_STRING/, "$name, $method: no answer of the backend";
    }
    my $line = $httpd->wait_for_log(qr/FC0251: .*\b$to{$form}{port}\b/, 5) // 'no line';
    like $line, $cause, "$name: one line of ours names the member and the cause";
}
is scalar($echo->requests), 0, 'neither got any byte of a request';
$httpd->mark_log;
is $httpd->get('/plain/x', seconds => 20)->{status}, 502, 'a backend without TLS: 502';
ok $httpd->wait_for_log(qr/FC0251: .*@{[ $plain->port ]}/, 5), '... and a line of ours';
is $httpd->get('/dies/x')->{status}, 502, 'a backend that closes without an answer: 502';
is $httpd->get('/right/x')->{status}, 200, 'and then a good one again';

$httpd->expect_log(qr/FC0251/);
$httpd->expect_log(qr/AH\d+: .*(?:SSL|TLS|[Cc]ertificate|peer|handshake)/, optional => 1);
$httpd->expect_log(qr/SSL Library Error/, optional => 1);
$httpd->stop;

# ---- Without verification, and without TLS ----

my $lax = Httpd->start(modules => ['ssl'], config => <<"EOC");
SSLProxyEngine On
SSLProxyVerify none
SSLProxyCheckPeerName off
ProxyPass /lax/ @{[ $to{lax}->url('/lax/') ]}
EOC
is $lax->get('/lax/x')->{status}, 200, 'SSLProxyVerify none and no check of the name: any certificate will do';
$lax->expect_log(qr/AH01873/, optional => 1);
$lax->stop;

for my $case ([['ssl'], 'SSLProxyEngine is off'], [[], 'mod_ssl is not loaded']) {
    my ($modules, $name) = @$case;
    my $off = Httpd->start(modules => $modules,
        config => "ProxyPass /off/ @{[ $to{right}->url('/off/') ]}\n");
    $before = $to{right}->handshakes;
    $echo->forget;
    like $off->get('/off/x')->{status}, qr/^50[023]$/, "$name: an error";
    is scalar($echo->requests), 0, "$name: nothing goes out in the clear";
    is $to{right}->handshakes, $before, "$name: no handshake";
    $off->expect_log(qr/FC0\d+|AH0\d+/);
    $off->stop;
}

# ---- PHP-FPM behind it ----

SKIP: {
    skip 'php-fpm is not installed', 1 if !Fpm::is_installed();
    my $fpm = Fpm->start(children => 2, files => { 'x.php' =>
        '<?php echo sha1(file_get_contents("php://input")), " ", $_SERVER["SCRIPT_FILENAME"];' });
    my $tls = TlsProxy->start(to => $fpm, authority => $ours);
    my $php = Httpd->start(modules => ['ssl'], config => <<"EOC");
SSLProxyEngine On
SSLProxyVerify require
SSLProxyCACertificateFile @{[ $ours->file ]}
ProxyPassMatch "^/(.*\\.php)\$" "@{[ $tls->url($fpm->docroot) ]}/\$1"
EOC
    is $php->post('/x.php', $megabyte)->{body}, sha1_hex($megabyte) . ' ' . $fpm->docroot . '/x.php',
        'PHP-FPM behind TLS: script and body';
    $php->expect_log(qr/AH01873/, optional => 1);
    $php->stop;
}

done_testing;
