# Licensed under the Apache License, Version 2.0; see LICENSE.
# W3C Trace Context: PHP gets a traceparent whose trace is the client's, if that is trusted, else a new
# one; the access log and lines about failures have its id.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Time::HiRes qw(time);
use Backend;
use Deadline;
use Fpm;
use Httpd;

my ($trace, $span) = ('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331');
my $theirs = "00-$trace-$span-01";
my $fpm = Fpm->start(files => { 'show.php' => <<'EOP' });
<?php
foreach (['HTTP_TRACEPARENT', 'HTTP_TRACESTATE', 'HTTP_X_REQUEST_START', 'EXTRA'] as $name) {
    echo $name, '=', $_SERVER[$name] ?? '(none)', "\n";
}
EOP
my $refusing = Backend->refusing;
my $httpd = Httpd->start(children => 2, threads => 8, modules => ['include'], files => {
    'page.shtml' => "<!--#include virtual=\"/always/show.php?1\" --><!--#include virtual=\"/always/show.php?2\" -->",
}, config => <<"EOC");
LogFormat "%U %{trace-id}n %{span-id}n" ids
CustomLog \@root\@/access.log ids
<Directory \@docroot\@>
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
ProxyPassMatch ^/(?:off|always|never|some|trusted|behind|inner/off|inner)/(.*) @{[ $fpm->url($fpm->docroot) ]}/\$1
ProxyPass /dead/ @{[ $refusing->url ]}/
<Location /always/>
    ProxyFCGITrace On
</Location>
<Location /dead/>
    ProxyFCGITrace On
</Location>
<Location /never/>
    ProxyFCGITrace On sample=0
</Location>
<Location /some/>
    ProxyFCGITrace On sample=25.5%
</Location>
<Location /trusted/>
    ProxyFCGITrace On sample=0% trust=true
    ProxyFCGISetEnvIf true EXTRA "%{reqenv:HTTP_TRACEPARENT}"
</Location>
<Location /behind/>
    ProxyFCGITrace On "trust=-R '127.0.0.0/8' && req('X-Inside') == 'yes'"
</Location>
<Location /inner/>
    ProxyFCGITrace On
</Location>
<Location /inner/off/>
    ProxyFCGITrace Off
</Location>
EOC

# What PHP sees.
sub seen {
    my ($place, %header) = @_;
    my $body = $httpd->get("/$place/show.php", header => \%header)->{body};
    my %seen = $body =~ /^(\w+)=(.*)$/mg;
    (undef, @seen{qw(trace span flags)}) = split /-/, $seen{HTTP_TRACEPARENT} // '';
    return \%seen;
}

# ---- Off ----
my $seen = seen('off', traceparent => $theirs, 'X-Request-Start' => 't=1');
is $seen->{HTTP_TRACEPARENT}, $theirs, 'without the directive, headers are passed on as they are';
is $seen->{HTTP_X_REQUEST_START}, 't=1', '... all of them';
is seen('off')->{HTTP_X_REQUEST_START}, '(none)', '... and none is added';
is seen('inner/off')->{HTTP_TRACEPARENT}, '(none)', 'Off in an inner section';
like seen('inner')->{HTTP_TRACEPARENT}, qr/^00-/, '... and On around it';

# ---- A new trace ----
my $began = int(time * 1e6);
$seen = seen('always');
like $seen->{HTTP_TRACEPARENT}, qr/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/, 'a trace begins';
is $seen->{HTTP_TRACESTATE}, '(none)', '... without a tracestate';
my ($start) = $seen->{HTTP_X_REQUEST_START} =~ /^t=(\d{16})$/;
ok $start && $start >= $began && $start <= time * 1e6, 'when the request came, in microseconds';
isnt seen('always')->{trace}, $seen->{trace}, 'the next request is another trace';
is seen('never')->{flags}, '00', 'sample=0: none is sampled';

# ---- Nobody is trusted unless the configuration says so ----
my %client = (traceparent => $theirs, tracestate => 'a=1', 'X-Request-Start' => 't=1');
$seen = seen('always', %client);
isnt $seen->{trace}, $trace, "a stranger's trace is not taken on";
is $seen->{HTTP_TRACESTATE}, '(none)', '... nor is the tracestate';
isnt $seen->{HTTP_X_REQUEST_START}, 't=1', '... nor when it says the request began';
isnt seen('behind', %client)->{trace}, $trace, 'trust= is an expression: false';
is seen('behind', %client, 'X-Inside' => 'yes')->{trace}, $trace, '... and true';

# ---- A trusted client ----
$seen = seen('trusted', %client, tracestate => ['a=1,, b=2', ' c=3 ']);
is $seen->{trace}, $trace, 'the trace goes on';
isnt $seen->{span}, $span, '... with a parent of ours';
is $seen->{flags}, '01', '... and is sampled because the client said so';
is $seen->{HTTP_TRACESTATE}, 'a=1,b=2,c=3', 'headers of tracestate are combined';
is $seen->{HTTP_X_REQUEST_START}, 't=1', 'the first proxy knows when the request began';
is $seen->{EXTRA}, $seen->{HTTP_TRACEPARENT}, 'ProxyFCGISetEnvIf sees the variables';
is seen('trusted', traceparent => "00-$trace-$span-00")->{flags}, '00', 'what the client does not sample';
is seen('trusted', traceparent => "00-$trace-$span-fe")->{flags}, '00', 'only one of the flags is known';
is seen('trusted', traceparent => "cc-$trace-$span-01-future")->{HTTP_TRACEPARENT} =~ /^00-$trace-/, 1,
    'a later version is read as this one';
is seen('trusted', traceparent => $theirs, tracestate => 'a=1,B=2')->{HTTP_TRACESTATE}, '(none)',
    'a malformed tracestate is dropped';
for my $malformed ('', 'x', "$theirs-more", uc $theirs, "ff-$trace-$span-01", '00-' . '0' x 32 . "-$span-01",
                   "00-$trace-" . '0' x 16 . '-01', [$theirs, $theirs]) {
    $seen = seen('trusted', %client, traceparent => $malformed);
    my $name = ref $malformed ? 'two headers' : "'$malformed'";
    ok $seen->{trace} ne $trace && $seen->{trace} =~ /^[0-9a-f]{32}$/, "$name: a new trace";
    is $seen->{HTTP_TRACESTATE}, '(none)', '... without the old tracestate';
}

# ---- Sampling: about so many, and the same ones everywhere ----
my @sampled = grep { $_->{flags} eq '01' } my @all = map { seen('some') } 1 .. 200;
ok @sampled > 10 && @sampled < 100, 'sample=25.5%: ' . @sampled . ' of 200';
my $least = 0.745 * 2 ** 56;
is_deeply [map { no warnings 'portable'; hex(substr $_->{trace}, 18) >= $least ? '01' : '00' } @all], [map { $_->{flags} } @all],
    'the last 56 bits of the trace id decide, as everywhere with OpenTelemetry';

# ---- Logs ----
$seen = seen('always');
ok wait_until(5, sub { grep { m{^/always/show\.php $seen->{trace} [0-9a-f]{16}$} } $httpd->access_lines }),
    'the access log has the ids';
ok !(grep { m{^/always/show\.php \S+ $seen->{span}$} } $httpd->access_lines), '... of the request, not of a try';
ok !(grep { m{^/off/} && !/ - -$/ } $httpd->access_lines), '... none without a trace';
is $httpd->get('/dead/x')->{status}, 503, 'a member that is not there';
ok wait_until(5, sub { grep { m{^/dead/} } $httpd->access_lines }), '... is logged';
my ($id) = map { m{^/dead/x ([0-9a-f]{32}) } ? $1 : () } $httpd->access_lines;
$httpd->expect_log(qr/FC0251: exchange connecting: .* connect_refused .*; answered 503; trace $id/, times => 1);

# ---- One trace for a page and its parts ----
my @parts = $httpd->get('/page.shtml')->{body} =~ /HTTP_TRACEPARENT=(\S+)/g;
is scalar @parts, 2, 'a page includes two responses';
is +(split /-/, $parts[0])[1], (split /-/, $parts[1])[1], '... of one trace';
isnt $parts[0], $parts[1], '... in two spans';

$httpd->stop;

# ---- Mistakes in the configuration ----
for my $case ([ 'ProxyFCGITrace Perhaps', qr/'Perhaps' is not On or Off/ ],
              [ 'ProxyFCGITrace', qr/On or Off is missing/ ],
              [ 'ProxyFCGITrace On sample=101', qr/sample='101' is not a percentage/ ],
              [ 'ProxyFCGITrace On sample=-1', qr/sample='-1' is not a percentage/ ],
              [ 'ProxyFCGITrace On sample=nan', qr/sample='nan' is not a percentage/ ],
              [ 'ProxyFCGITrace On sample=1%%', qr/sample='1%%' is not a percentage/ ],
              [ 'ProxyFCGITrace On sample=', qr/sample='' is not a percentage/ ],
              [ 'ProxyFCGITrace On "trust=req("', qr/cannot parse the expression/ ],
              [ 'ProxyFCGITrace On everything', qr/'everything' is not sample=percent or trust=expression/ ],
              [ 'ProxyFCGITraceLog |', qr/'\|' is not a file or \|program/ ],
              [ "<VirtualHost *:1>\nProxyFCGITraceLog x\n</VirtualHost>", qr/ProxyFCGITraceLog cannot occur within/ ]) {
    my ($config, $message) = @$case;
    my ($code, $said) = Httpd->configtest(config => $config);
    isnt $code, 0, "refused: $config";
    like $said, $message, '... and why';
}
done_testing;
