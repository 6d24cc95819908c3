# Licensed under the Apache License, Version 2.0; see LICENSE.
# The OpenAPI description of the JSON interface: it is served, is one document with the schemas of the
# status, has the settings with their ranges, and is what OpenApi.pm holds each exchange of
# ManagerApi.pm against. t/clients/openapi.t has validators and generators read it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use JsonSchema;
use ManagerApi;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
</Proxy>
ProxyPass /app/ balancer://app/
<Location /watch>
SetHandler balancer-status
</Location>
EOC
my $api = ManagerApi->new($httpd);
my $one = ManagerApi::member_path('app', 'http://127.0.0.1:1');

# ---- What is served ----

my $served = $api->get('openapi.json');
is $served->{status}, 200, 'the description is served';
is $served->{body}, Httpd::text_of(Httpd::build_dir() . '/openapi.json'), '... as it was built';
is $api->call('HEAD', 'openapi.json')->{header}{'content-length'}, length $served->{body}, '... with its length';
my $known = { 'If-None-Match' => $served->{header}{etag} };
is $api->get('openapi.json', undef, header => $known)->{status}, 304, 'who has it needs it once';
my $description = $served->{json};
like $description->{openapi}, qr/^3\.1\./, 'it is an OpenAPI description';
my $schemas = $description->{components}{schemas};
my $status_schema = $api->get('schema')->{json};
for my $name (sort keys %{ $status_schema->{'$defs'} }) {
    my $here  = JSON::PP->new->canonical->encode($schemas->{$name} // {});
    my $there = JSON::PP->new->canonical->encode($status_schema->{'$defs'}{$name});
    is $here =~ s{#/components/schemas/}{#/\$defs/}gr, $there, "$name is that of the status";
}
my @dangling = grep { !defined OpenApi::look($_) } $served->{body} =~ /"\$ref": "([^"]*)"/g;
is_deeply \@dangling, [], 'all references lead somewhere, within the document';

# ---- Errors are problems, whatever is asked for ----

for my $path (qw(status schema openapi.json audit members balancers/app balancers/app/members), $one, "$one/reset") {
    is $api->call('PUT', $path, {})->{header}{'content-type'}, 'application/problem+json', "PUT $path";
    is $api->call('OPTIONS', $path)->{status}, 204, "OPTIONS $path";
}
for my $path (qw(nothing status/x openapi audit/ balancers)) {
    is $api->get($path)->{header}{'content-type'}, 'application/problem+json', "there is no $path";
}
is $api->get('status')->{json}{version}, 1, 'the status, as described';
my $watch = ManagerApi->new($httpd, base => '/watch');
is $watch->patch($one, { weight => 2 })->{status}, 405, 'balancer-status changes nothing';

# ---- What OpenApi.pm finds ----

sub differs { my ($method, $path, %o) = @_; return join ' ', OpenApi::differs({ method => $method, path => $path,
    header => $o{header} || {}, body => $o{body} }, $o{answer}) }
sub with { my ($answer, %other) = @_; return { %$answer, %other } }

my $read = $api->get($one);
my %get  = (answer => $read);
is differs('GET', "/$one", %get), '', 'a right answer';
like differs('GET', "/$one", answer => with($read, status => 418)), qr/418 is not described/, 'a status that is not described';
like differs('GET', "/$one", answer => with($read, header => { %{ $read->{header} }, etag => 'x' })), qr/ETag: .*not match/, 'a wrong header';
like differs('GET', "/$one", answer => with($read, header => { 'content-type' => 'application/json' })), qr/ETag is missing/, '... or none';
like differs('GET', "/$one", answer => with($read, header => { %{ $read->{header} }, 'content-type' => 'text/plain' })),
    qr{text/plain is not described}, 'another type';
like differs('GET', "/$one", answer => with($read, body => $read->{body} =~ s/"weight"/"heft"/r)), qr/weight.*heft|heft.*weight/s,
    'a field that is missing, and one that is not described';
like differs('GET', "/$one/x", %get), qr/status 200 instead of 404/, 'a path that is not described';
like differs('PUT', "/$one", %get), qr/status 200 instead of 405/, 'a method that is not';
my $changed = $api->patch($one, { weight => 3 });
my %json = (header => { 'Content-Type' => 'application/json' }, answer => $changed);
is differs('PATCH', "/$one", %json, body => '{"weight":3}'), '', 'a right request';
like differs('PATCH', "/$one", %json, body => '{"weight":300}'), qr/300 is greater/, 'a successful one with a wrong value';
SKIP: {
    skip 'jsonschema before 4.0 has no unevaluatedProperties', 1 if !JsonSchema::is_current();
    like differs('PATCH', "/$one", %json, body => '{"colour":3}'), qr/colour/, '... with a setting that is not described';
}
like differs('PATCH', "/$one", %json), qr/body is missing/, '... without a body';
like differs('PATCH', "/$one", header => {}, answer => $changed, body => '{}'), qr/no Content-Type/, '... or its type';
my $refused = $api->patch($one, { weight => 300 });
is differs('PATCH', "/$one", %json, body => '{"weight":300}', answer => $refused), '', 'what is refused may be wrong';
like differs('PATCH', "/$one", %json, answer => with($refused, body => '{"status":400}')), qr/required property/, '... but not how';

$httpd->stop;
done_testing;
