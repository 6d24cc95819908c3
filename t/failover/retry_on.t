# Licensed under the Apache License, Version 2.0; see LICENSE.
# ProxyFCGIRetryOn: after which failures a request goes on to another member, one word for each. What
# may have run goes on only for methods that may run twice, once, and within a budget; an answer that is
# given up leaves nothing behind, and is the answer when nobody has a better one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use FcgiRecord;
use Httpd;
use HttpSocket;

plan skip_all => 'stock has no such directive' if Httpd::is_stock();

my %bad = (
    first_byte_timeout => sub { $_[0]->wait_for_close(20) },
    bad_response => sub { $_[0]->stdout("This is no head\r\n\r\n"); $_[0]->end_request },
    short   => sub { my ($c) = @_;
        $c->send(FcgiRecord::record(FCGI_STDOUT, $c->{id}, "Content-Length: 9\r\nX-First: yes\r\n\r\nshort")
            . FcgiRecord::record(FCGI_END_REQUEST, $c->{id}, FcgiRecord::end_request_body())) },
    no_head => sub { $_[0]->end_request },
    backend_eof => sub { $_[0]->close },
    big => sub { $_[0]->stdout("Status: 503 Busy\r\n\r\n" . 'x' x 200_000); $_[0]->end_request },
    map { my $status = $_; ("http_$status" => sub {
        $_[0]->stdout("Status: $status Own\r\nX-First: yes\r\nSet-Cookie: first=1\r\nRetry-After: 77\r\nContent-Type: text/first\r\n\r\npage of the first");
        $_[0]->end_request;
    }) } 500, 502, 503, 504,
);
# The first member fails as it is told; the second one serves, or says 503 too.
my $first = Backend->answering(sub {
    my ($c, $r) = @_;
    my ($how) = $r->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    $bad{$how}->($c);
});
my $second = Backend->echo(name => 'second');
my $busy = Backend->answering(sub {
    $_[0]->stdout("Status: 503 Busy\r\nContent-Type: text/busy\r\n\r\npage of the second"); $_[0]->end_request });
my $refuses = Backend->refusing;

my %case = (    # of a word or more: which words are on
    default => '', all => 'default first_byte_timeout bad_response http_502 http_503 http_504', none => 'none',
    refused => 'connect_refused', eof => 'backend_eof',
    map { ($_ => $_) } qw(first_byte_timeout bad_response http_502 http_503 http_504),
);
# The members in the order in which they are asked: each is a set of its own.
my (@balancers, $config);
sub balancer {
    my ($words, $rest, @members) = @_;
    my $n = push @balancers, $words;
    $config .= "<Proxy balancer://b$n>\n"
        . join('', map { "BalancerMember $members[$_] lbset=$_ maxfails=16\n" } 0 .. $#members)
        . "BalancerStickyCookie RT\n</Proxy>\nProxyPass /b$n/ balancer://b$n/\n<Location /b$n/>\n"
        . (length $words ? "ProxyFCGIRetryOn $words\n" : '') . "$rest\n</Location>\n";
    return "/b$n";
}
my @pair = ($first->url, $second->url);
my (%on, %impatient);
for (sort keys %case) {
    $on{$_} = balancer($case{$_}, '', @pair);
    # for those who never say anything; a busy machine is slow as well
    $impatient{$_} = balancer($case{$_}, '', $first->url . ' firstbyte=300ms', $second->url);
}
my $non_idempotent = balancer('http_503', 'ProxyFCGIRetryNonIdempotent On', @pair);
my $override  = balancer('http_503', "ProxyErrorOverride On\nErrorDocument 503 \"page of httpd\"", @pair);
my $override_busy = balancer('http_503', "ProxyErrorOverride On\nErrorDocument 503 \"page of httpd\"", $first->url, $busy->url);
my $streamed  = balancer('http_503', 'ProxyFCGIRequestBody Stream', @pair);
my $both_busy = balancer('http_503', '', $first->url, $busy->url, $second->url);
my $alone     = balancer('http_503', '', $first->url);
my $disabled  = balancer('http_503', '', $first->url, $second->url . ' status=+D');
my $down      = balancer('http_503 connect_refused', '', $first->url, $refuses->url);
my $refusing  = balancer('none', '', $refuses->url, $second->url);
my $refused   = balancer('connect_refused', '', $refuses->url, $second->url);
my $inherited = balancer('', '', @pair);
my $budget    = balancer('http_503', '', $first->url, $second->url);
my $httpd = Httpd->start(config => "$config<LocationMatch \"^$inherited/\">\nProxyFCGIRetryOn http_503\n</LocationMatch>\n");

sub check {
    my ($name, $path, $method, $status, $by, %o) = @_;
    my $body = delete $o{body} // ($method eq 'PUT' || $method eq 'POST' ? 'twelve bytes' : undef);
    $_->forget for $first, $second, $busy;
    my $r = $httpd->send($method, $path, defined $body ? (body => $body) : (), %o);
    is $r->{status}, $status, "$name: $status" or diag $r->{body};
    if ($by eq 'second') {
        is Httpd::decode_json($r)->{backend}, 'second', '... the answer of the second member';
        is scalar($second->requests), 1, '... which was asked once';
        is +($second->requests)[0]{stdin_bytes}, length $body, '... with the whole body' if defined $body;
        ok !exists $r->{header}{$_}, "... nothing of the first's: $_" for 'x-first', 'retry-after';
        my @cookies = map { $_->[1] =~ /^(\w+)=/ } grep { $_->[0] eq 'Set-Cookie' } @{ $r->{fields} };
        is_deeply \@cookies, ['RT'], '... and one cookie, for the session with the second';
    }
    else {
        is scalar($second->requests), 0, '... the second member is not asked';
        like $r->{body}, qr/$by/, '... the answer' if length $by;
    }
    return $r;
}

# ---- One word for each failure ----

for my $how (qw(first_byte_timeout bad_response http_502 http_503 http_504)) {
    my $status = $how eq 'first_byte_timeout' ? 504 : $how eq 'bad_response' ? 502 : substr $how, 5;
    my $page = $how =~ /http/ ? 'page of the first' : '';
    my $path = $how eq 'first_byte_timeout' ? \%impatient : \%on;
    for my $words ($how, 'all') {
        for my $method ('GET', 'PUT') {
            check("$method, $how, with $words", "$path->{$words}/$how", $method, 200, 'second');
        }
    }
    check("POST, $how, with $how", "$path->{$how}/$how", 'POST', $status, $page);
    for my $words ('default', 'none') {
        my $r = check("GET, $how, with $words", "$path->{$words}/$how", 'GET', $status, $page);
        is $r->{header}{'retry-after'}, 77, '... with its own fields' if $page;
    }
}
for my $how ('short', 'no_head') {
    check("GET, $how, with bad_response", "$on{bad_response}/$how", 'GET', 200, 'second');
}
check('GET, http_500, with all', "$on{all}/http_500", 'GET', 500, 'page of the first');

check('GET, backend_eof, with backend_eof', "$on{eof}/backend_eof", 'GET', 200, 'second');
check('GET, backend_eof, with connect_refused', "$on{refused}/backend_eof", 'GET', 502, '');
check('GET, connect_refused, with connect_refused', "$refused/x", 'GET', 200, 'second');
check('POST, connect_refused, with connect_refused', "$refused/x", 'POST', 200, 'second');
check('GET, connect_refused, with none', "$refusing/x", 'GET', 503, '');

# ---- What may not be sent again, and what may ----

check('POST with ProxyFCGIRetryNonIdempotent On', "$non_idempotent/http_503", 'POST', 200, 'second');
check('a streamed PUT', "$streamed/http_503", 'PUT', 503, 'page of the first', body => 'x' x 3_000_000);
check('a directive of another section', "$inherited/http_503", 'GET', 200, 'second');

# ---- Nobody has a better answer ----

my $r = check('two members are busy', "$both_busy/http_503", 'GET', 503, 'page of the second');
is $r->{header}{'content-type'}, 'text/busy', '... whole';
ok !exists $r->{header}{'x-first'}, '... and nothing of the first';
for my $case (['a member alone', $alone], ['no other member in service', $disabled]) {
    my ($name, $path) = @$case;
    $r = check($name, "$path/http_503", 'GET', 503, 'page of the first');
    is $r->{header}{'x-first'}, 'yes', '... with its fields';
    is $r->{header}{'content-type'}, 'text/first', '... its type';
    like $r->{header}{'set-cookie'}, qr/first=1/, '... its cookie';
    is_deeply [$httpd->end_words("$path/http_503")], ['ok'], '... the word is that of an answer';
}
$r = check('the other member refuses', "$down/http_503", 'GET', 503, '');
unlike $r->{body}, qr/page of the first/, '... the last failure is the answer';
ok !exists $r->{header}{'x-first'}, '... and nothing of the first';
$r = check('a page that is too big to be held', "$on{all}/big", 'GET', 503, 'xxxx');
is length $r->{body}, 200_000, '... passes whole';
check('an error page of httpd is not needed', "$override/http_503", 'GET', 200, 'second');
check('or it is', "$override_busy/http_503", 'GET', 503, 'page of httpd');

# ---- The budget ----

$second->forget;
$httpd->get("$budget/http_503") for 1 .. 60;
my $again = () = $second->requests;
cmp_ok $again, '>=', 5, 'some of many are sent again';
cmp_ok $again, '<=', 30, '... and not all' or diag $again;

is $httpd->in_flight("b$_"), 0, "nothing in flight in b$_" for 1 .. @balancers;

$httpd->expect_log(qr/FC0251: .*: (?:$_) after.*another member gets it/)
    for qw(first_byte_timeout bad_response http_502 http_503 http_504 backend_eof connect_refused);
$httpd->expect_log(qr/FC0251: .*(?:first_byte_timeout|bad_response|backend_eof|protocol|connect_refused).*answered 50/);
$httpd->expect_log(qr/FC0422: .*no_member/, optional => 1);
$httpd->stop;

# ---- Configuration ----

for my $case (['http_500', qr/http_500.*use default, none, connect_refused, .*http_504/s], ['read_timeout', qr/read_timeout.*use/],
              ['none http_503', qr/none cannot be combined/], ['http_503 none', qr/none cannot be combined/], ['', qr/ProxyFCGIRetryOn/]) {
    my ($words, $says) = @$case;
    my ($code, $said) = Httpd->configtest(config => "ProxyFCGIRetryOn $words\n");
    isnt $code, 0, "'$words' is refused";
    like $said, $says, '... and the cure is named';
}
is +(Httpd->configtest(config => "ProxyFCGIRetryOn default http_503\nProxyFCGIRetryOn http_504\n"))[0], 0,
    'words on several lines add up';

done_testing;
