# Licensed under the Apache License, Version 2.0; see LICENSE.
# Kinds of checks: hcexpr on status, header and body, TCP, templates and defaults, TLS; an http://
# member beside, which mod_proxy_hcheck checks; all MPMs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use TlsProxy;

my $padding = 'x' x 4000;
my $up = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("Status: 204 Nothing\r\nX-Load: 3\r\n\r\nstate=up $padding");
    $connection->end_request;
});
my $sick = Backend->answering(sub {
    my ($connection) = @_;
    $connection->stdout("X-Load: 9\r\n\r\nstate=down");
    $connection->end_request;
});
my $large = Backend->answering(sub {          # more of a body than is kept
    my ($connection) = @_;
    $connection->stdout("Content-Type: text/plain\r\n\r\nfirst" . 'x' x 100_000 . 'last');
    $connection->end_request;
});
my $silent = Backend->answering(sub { $_[0]->wait_for_close(60) });
my $absent = Backend->refusing;
my $closes = Backend->start(script => sub { $_[0]->close });
my $babble = Backend->start(script => sub { $_[0]->send("HTTP/1.1 400 Bad Request\r\n\r\n") });
my $headless = Backend->answering(sub { $_[0]->stdout("no head"); $_[0]->end_request });
my $moved = Backend->answering(sub {
    $_[0]->stdout("Status: 302 Found\r\nLocation: /x\r\n\r\n");
    $_[0]->end_request;
});

my $fcgi = 'hcmethod=FCGI hcuri=/ping';
my %member = (
    status   => [$up,     "$fcgi hcexpr=no_content"],
    header   => [$up,     "$fcgi hcexpr=light"],
    header_f => [$sick,   "$fcgi hcexpr=light"],
    body     => [$up,     "$fcgi hcexpr=says_up"],
    body_f   => [$sick,   "$fcgi hcexpr=says_up"],
    kept     => [$large,  "$fcgi hcexpr=has_first"],
    not_kept => [$large,  "$fcgi hcexpr=has_last"],
    moved    => [$moved,  'hcmethod=GET hcuri=/ping'],
    options  => [$up,     'hcmethod=OPTIONS hcuri=/ping'],
    tcp      => [$silent, 'hcmethod=TCP'],
    tcp_f    => [$absent, 'hcmethod=TCP'],
    silent_f => [$silent, "$fcgi hctimeout=200ms"],
    closes_f => [$closes, $fcgi],
    babble_f => [$babble, $fcgi],
    headless_f => [$headless, $fcgi],
    none     => [$absent, 'hcmethod=NONE'],
    template => [$up,     'hctemplate=deep'],
    template_f => [$sick, 'hctemplate=deep'],
    own_wins => [$sick,   'hcexpr=heavy hctemplate=deep'],
);
my %outcome = (
    header_f => 'bad_response', body_f => 'bad_response', not_kept => 'bad_response',
    tcp_f => 'connect_refused', silent_f => 'first_byte_timeout', closes_f => 'backend_eof',
    babble_f => 'protocol', headless_f => 'bad_response', template_f => 'bad_response',
);
my $config = <<'EOC';
ProxyHCExpr no_content {%{REQUEST_STATUS} == 204}
ProxyHCExpr light {%{resp:X-Load} -lt 5}
ProxyHCExpr heavy {%{resp:X-Load} -ge 5}
ProxyHCExpr says_up {hc('body') =~ /state=up/}
ProxyHCExpr has_first {hc('body') =~ /^first/}
ProxyHCExpr has_last {hc('body') =~ /last$/}
ProxyHCTemplate deep hcmethod=GET hcuri=/deep hcexpr=light
EOC
for my $name (sort keys %member) {
    my ($backend, $parameters) = @{ $member{$name} };
    $config .= "<Proxy balancer://$name>\n    BalancerMember @{[ $backend->url ]} $parameters\n"
             . "    BalancerMemberDefaults hcinterval=60s hctimeout=10s\n</Proxy>\n"
             . "ProxyPass /$name/ balancer://$name/\n";
}

for my $beside (0, 1) {
    my $http = $beside ? <<'EOC' : '';
Listen 127.0.0.1:@port2@
<VirtualHost 127.0.0.1:@port2@>
</VirtualHost>
<Proxy balancer://http>
    BalancerMember http://127.0.0.1:@port2@ hcmethod=GET hcuri=/live hcinterval=1
</Proxy>
ProxyPass /http/ balancer://http/
EOC
    my $with = $beside ? 'beside mod_proxy_hcheck' : 'without mod_proxy_hcheck';
    my $httpd = Httpd->start(config => $config . $http, files => { live => 'yes' },
        modules => $beside ? [qw(watchdog proxy_hcheck proxy_http)] : []);
    my $all_checked = sub {
        my %checked = map { $_->{key} => $_->{members}[0]{check}{at} }
            @{ $httpd->status->{balancers} };
        return !grep { !$checked{$_} } grep { $_ ne 'none' } keys %member;
    };
    ok wait_until(40, $all_checked), "$with: all are checked";
    my %seen = map { $_->{key} => $_->{members}[0] } @{ $httpd->status->{balancers} };
    for my $name (sort keys %member) {
        next if $name eq 'none';
        my $expected = $outcome{$name} // 'ok';
        is $seen{$name}{check}{outcome}, $expected, "$name: $expected";
        is $seen{$name}{state}, $expected eq 'ok' ? 'ok' : 'health_fail', '... and its state';
    }
    is $seen{none}{check}, undef, 'NONE: no check';
    like +($httpd->log_lines(qr/FC0551: balancer:\/\/body_f/))[0], qr/hcexpr says_up is false/,
        'the log names the expression';
    is +($up->requests)[0]{params}{SCRIPT_NAME} =~ m{^/(?:ping|deep)$} ? 1 : 0, 1, 'the path is sent';
    ok +(grep { $_->{params}{SCRIPT_NAME} eq '/deep' } $up->requests), 'and that of the template';
    if ($beside) {
        is $seen{http}{check}, undef, 'the http member is not ours';
        is $httpd->get('/http/live')->{status}, 200, '... it serves';
        unlink $httpd->docroot . '/live';
        ok wait_until(15, sub { $httpd->member($httpd->port2, 'http')->{state} eq 'health_fail' }),
            '... mod_proxy_hcheck puts it out of service';
        $httpd->file('live', 'again');
        ok wait_until(15, sub { $httpd->member($httpd->port2, 'http')->{state} eq 'ok' }),
            '... and takes it back';
        $httpd->expect_log(qr/\[proxy_hcheck:/, optional => 1);
    }
    $httpd->stop;
}

# ---- TLS ----

SKIP: {
    skip 'IO::Socket::SSL is not installed', 4 if !TlsProxy::is_possible();
    my $ours   = TlsProxy::Authority->new('Our authority');
    my $theirs = TlsProxy::Authority->new('Another authority');
    my $right  = TlsProxy->start(to => $up, authority => $ours);
    my $wrong  = TlsProxy->start(to => $up, authority => $theirs);
    my $httpd  = Httpd->start(modules => ['ssl'], config => <<"EOC");
SSLProxyEngine On
SSLProxyVerify require
SSLProxyCACertificateFile @{[ $ours->file ]}
<Proxy balancer://tls>
    BalancerMember @{[ $right->url ]} hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=10s
    BalancerMember @{[ $wrong->url ]} hcmethod=FCGI hcuri=/ping hcinterval=200ms hctimeout=10s
</Proxy>
ProxyPass /tls/ balancer://tls/
EOC
    ok wait_until(15, sub { ($httpd->member($right->port)->{check}{passes} // 0) >= 2 }),
        'a check over TLS passes';
    ok wait_until(15, sub { $httpd->member($wrong->port)->{state} eq 'health_fail' }),
        'a wrong certificate fails';
    is $httpd->member($wrong->port)->{check}{outcome}, 'tls_failed', '... the outcome';
    $httpd->expect_log(qr/AH01873/, optional => 1);
    $httpd->expect_log(qr/AH02039/);
    $httpd->expect_log(qr/AH02003|AH01998|AH01961|AH02411|SSL Library Error/, optional => 1);
    $httpd->stop;
}

# ---- Other MPMs ----

for my $mpm (qw(worker prefork)) {
    my $httpd = Httpd->start(mpm => $mpm, children => 2, threads => 2, config => <<"EOC");
<Proxy balancer://a>
    BalancerMember @{[ $up->url ]} hcmethod=FCGI hcuri=/ping hcinterval=100ms hctimeout=10s
    BalancerMember @{[ $absent->url ]} hcmethod=TCP hcinterval=100ms
</Proxy>
ProxyPass /a/ balancer://a/
EOC
    ok wait_until(15, sub { $httpd->member($up->port)->{check}{passes} >= 5 }), "$mpm: checks";
    ok wait_until(15, sub { $httpd->member($absent->port)->{state} eq 'health_fail' }), '... and what follows from them';
    $httpd->stop;
}

done_testing;
