# Licensed under the Apache License, Version 2.0; see LICENSE.
# Heads that are not quite right cost no page: a Content-Length that is none, a status beyond 599, a
# bare CR; and what the application says about Retry-After stands. All as with stock.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Http2;
use Httpd;

my $backend = Backend->answering(sub {
    my ($c, $r) = @_;
    my $head = $r->{params}{QUERY_STRING};
    $head =~ s/%(..)/chr hex $1/ge;
    $c->stdout("${head}Content-Type: text/plain\r\n\r\nthe body");
    $c->end_request;
});
my $httpd = Httpd->start(modules => ['http2'], config => <<"EOC");
Protocols h2c http/1.1
ProxyPass /balancer-manager !
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]} enablereuse=on
</Proxy>
ProxyPass /own/  fcgi://localhost:@{[ $backend->port ]}/own/
ProxyPass /page/ balancer://cluster/page/
ProxyPass /down/ @{[ Backend->refusing->url('/') ]}
<Location /page/>
    ProxyErrorOverride On
    ErrorDocument 503 "our own page"
</Location>
EOC

sub path_for { my ($prefix, $head) = @_; $head =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ge; return "/$prefix/x?$head" }
sub ask { my ($prefix, $head, %o) = @_; return $httpd->send($o{method} // 'GET', path_for($prefix, $head)) }

# ---- Retry-After ----

for my $case (['3600', "Retry-After: 3600\r\n"], ['Fri, 31 Dec 2100 23:59:59 GMT', "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n"],
              [undef, '']) {
    my ($retry_after, $head) = @$case;
    for my $prefix ('own', 'page') {
        my $r = ask($prefix, "Status: 503 Service Unavailable\r\n$head");
        my $name = "$prefix: a 503 of the application" . ($head ? ' with Retry-After' : '');
        is $r->{status}, 503, $name;
        is $r->{body}, $prefix eq 'page' ? 'our own page' : 'the body', '... the body';
        is $r->{header}{'retry-after'}, $retry_after, '... its Retry-After and no other';
    }
}
is $httpd->get('/down/x')->{header}{'retry-after'}, 1, 'a 503 of ours has one' if !Httpd::is_stock();

# ---- A Content-Length that is none ----

for my $length ('', '1,234', '5.0', '-5', 'many', '8 bytes', '0x8', '99999999999999999999999') {
    my $r = ask('own', "Content-Length: $length\r\n");
    is $r->{status}, 200, "Content-Length: '$length': 200";
    is $r->{body}, 'the body', '... with the whole body';
    ok $r->{complete}, '... and a sound end';
}
is ask('own', "Content-Length: 8\r\n")->{header}{'content-length'}, 8, 'a good one stands' if !Httpd::is_stock();

# ---- Statuses ----

for my $status ('600 Own', '700', '999 Request denied') {
    my ($code, $words) = $status =~ /^(\d+) ?(.*)$/;
    my $r = ask('own', "Status: $status\r\n");
    is $r->{status}, $code, "Status: $status";
    # httpd 2.5 puts "Status 700" where there are none
    is $r->{reason}, length $words || !Httpd::is_at_least('2.5.0') ? $words : "Status $code", '... with its own words';
    is $r->{body}, 'the body', '... and the body';
    is ask('page', "Status: $status\r\n")->{status}, $code, '... and no error page of ours takes its place';
}
for my $status ('', 'what', '0', '99 Low', '1000 High', '-200 Minus') {
    like ask('own', "Status: $status\r\n")->{status}, qr/^50[02]$/, "Status: '$status' is none";
}
is Http2::get($httpd->port, path_for('own', "Status: 700 Own\r\n"))->{status}, 700, 'HTTP/2: Status: 700'
    if Http2::is_installed();

# ---- A bare CR ----

for my $case (["X-A: b\rc\r\n", 'bc'], ["X-A: b\r\r\n", 'b'], ["X-A: \rb\r\n", 'b'], ["X-A: b\r: c\n", 'b: c'],
              ["X-\rA: b\r\n", 'b'], ["\rX-A: b\r\n", 'b']) {
    my ($head, $value) = @$case;
    my $r = ask('own', $head);
    (my $name = $head) =~ s/([\r\n])/$1 eq "\r" ? '\r' : '\n'/ge;
    is $r->{status}, 200, "$name: 200";
    is $r->{header}{'x-a'}, $value, '... without it';
    is $r->{body}, 'the body', '... and the body';
    unlike $r->{text}, qr/\r(?!\n)/, '... none goes out';
}
is ask('own', "Location: http://example.com/\rx\r\n")->{header}{location}, 'http://example.com/x', 'a Location';
if (!Httpd::is_stock()) {    # stock sends the rest of the head as the body
    is ask('own', "X-A: b\r\n\r\r\nX-B: c\r\n")->{status}, 502, 'an empty line within, but for CRs: 502';
}

if (!Httpd::is_stock()) {
    my @words = map { m{ HTTP/\S+ (\d+) \S+ (\S+)$} ? [$1, $2] : () } grep { m{/own/} } $httpd->access_lines;
    is_deeply [map { "@$_" } grep { $_->[0] != 502 && $_->[1] ne 'ok' } @words], [], 'the word of what was served is ok';
    is $httpd->member($backend->port)->{state}, 'ok', 'the member is not to blame';
    is $httpd->in_flight, 0, 'nothing is in flight';
}
$httpd->expect_log(qr/FC0331: .*Content-Length/, times => 8);
$httpd->expect_log(qr/FC0251: .*connect_refused/, times => 1);
$httpd->expect_log(qr/FC0251: .*bad_response.*(?:the Status is invalid|empty line)/, times => 7);
$httpd->stop;

done_testing;
