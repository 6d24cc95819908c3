# Licensed under the Apache License, Version 2.0; see LICENSE.
# The access log has the notes of a request that ended in an ErrorDocument, or in another internal
# redirect: %{...}n means the request that was redirected to, which has had no member.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

my $refusing = Backend->refusing;
my $closes = Backend->start(script => sub { $_[0]->close });
my $accel = Backend->answering(sub {
    $_[0]->stdout("X-Accel-Redirect: /page.html\r\n\r\n");
    $_[0]->end_request;
});
my $page = Backend->echo(name => 'page');
my $httpd = Httpd->start(files => { 'page.html' => 'the page', 'page.php' => '' }, config => <<"EOC");
LogFormat "%U %>s %{fcgi-end}n %{fcgi-member}n %{fcgi-tries}n %{fcgi-queue-us}n" notes
LogFormat "%U %>s %{fcgi-end}^Jn %{trace-id}^Jn" json
CustomLog \@root\@/notes.log notes
CustomLog \@root\@/json.log json
ProxyFCGITrace On
<Proxy balancer://empty>
    BalancerMember @{[ $refusing->url ]} status=+D
</Proxy>
ProxyPass /refused/ @{[ $refusing->url ]}/
ProxyPass /closed/ @{[ $closes->url ]}/
ProxyPass /nobody/ balancer://empty/
ProxyPass /accel/ @{[ $accel->url ]}/
ProxyPass /again/ @{[ $refusing->url ]}/
ProxyPass /page.php @{[ $page->url ]}/page.php
ErrorDocument 502 /page.html
ErrorDocument 503 /page.html
<Location /again/>
    ErrorDocument 503 /page.php
</Location>
<Location /accel/>
    ProxyFCGIInternalRedirect On
</Location>
EOC
$httpd->expect_log(qr/FC0251: .*connect_refused/, times => 2);
$httpd->expect_log(qr/FC0251: .*backend_eof/, times => 1);
$httpd->expect_log(qr/FC0422: .*no_member/, times => 1);

$httpd->get("/$_/x.php") for qw(refused closed nobody accel again);
is $httpd->get('/page.html')->{body}, 'the page', 'a file alone';
$httpd->stop;

my %notes = map { /^(\S+) (.*)/ ? ($1 => $2) : () } split /\n/, Httpd::text_of($httpd->root . '/notes.log');
is_deeply \%notes, {
    '/refused/x.php' => "503 connect_refused @{[ $refusing->url ]}/ 1 -",
    '/closed/x.php'  => "502 backend_eof @{[ $closes->url ]}/ 1 -",
    '/nobody/x.php'  => '503 no_member - - 0',
    '/accel/x.php'   => "200 ok @{[ $accel->url ]}/ 1 -",
    '/again/x.php'   => "503 ok @{[ $page->url ]}/page.php 1 -",    # the page itself came from a member
    '/page.html'     => '200 - - - -',
}, 'the notes';
my $id = qr/"[0-9a-f]{32}"/;
my $json = Httpd::text_of($httpd->root . '/json.log');
like $json, qr{^/closed/x\.php 502 "backend_eof" $id$}m, '... in JSON, and the trace';
like $json, qr{^/page\.html 200 null null$}m, '... but not of a file alone';

done_testing;
