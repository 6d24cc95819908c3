# Licensed under the Apache License, Version 2.0; see LICENSE.
# The environment of a request is the one that mod_proxy_fcgi makes, whatever stands in the request and
# in the configuration: a backend gets the same variables, with the same values, in the same order, and
# the access log (%{NAME}e) and an output filter (Header set) find the same in it afterwards. Both run
# here, before the same backend.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;
use HttpSocket;
use HTTP::Tiny;
use JSON::PP ();
use TlsProxy;

plan skip_all => 'both are compared in one run' if Httpd::is_stock();
Httpd::needs_version('2.4.59', 'sets other variables in its stock modules');

my $echo = Backend->echo;
my $to   = $echo->url;

my $has_tls = TlsProxy::is_possible();
my $tls_dir = Httpd::temporary_dir('environment');
my $authority = $has_tls ? TlsProxy::Authority->new('Environment CA') : undef;
my ($certificate, $key) = $has_tls ? $authority->issue('localhost', "$tls_dir/server") : ();
my $tls = !$has_tls ? '' : <<"EOC";
Listen 127.0.0.1:\@port2\@
<VirtualHost 127.0.0.1:\@port2\@>
SSLEngine On
SSLOptions +StdEnvVars
SSLCertificateFile $certificate
SSLCertificateKeyFile $key
ProxyPass / $to/srv/
</VirtualHost>
EOC

# ---- In which configurations, and what is asked for in each ----

my %hosts = (
    plain        => "ProxyPass / $to/srv/",
    balanced     => 'ProxyPass / balancer://echo/srv/',
    handler      => "<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>",
    named        => "ProxyPass / $to/srv/\nUseCanonicalName On\nServerAdmin webmaster\@example.com\nServerSignature EMail",
    'passes auth' => "ProxyPass / $to/srv/\n<Location />\nCGIPassAuth On\n</Location>",
    'knows users' => "ProxyPass / $to/srv/\n<Location />\nAuthType Basic\nAuthName x\nAuthBasicProvider file\n"
        . "AuthUserFile \"\@root\@/users\"\nRequire valid-user\n</Location>",
    'sets other variables' => "ProxyPass / $to/srv/\nSetEnv A 1\nSetEnv b \"2 3\"\nSetEnv EMPTY\nSetEnvIf Host (.*) HOST_WAS=\$1",
    'sets httpds variables' => "ProxyPass / $to/srv/\nSetEnv SERVER_NAME elsewhere\nSetEnv PATH /nowhere\nSetEnv remote_addr 192.0.2.1\n"
        . "SetEnv REQUEST_METHOD PUT\nSetEnv HTTP_HOST other\nSetEnv CONTENT_TYPE text/odd\nSetEnv REDIRECT_URL /r",
    'sets by a rule' => "ProxyPass / $to/srv/\nRewriteEngine On\nRewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization},E=X:1]",
    'sets by expression' => "ProxyPass / $to/srv/\nProxyFCGISetEnvIf true X_HOST \"%{HTTP_HOST}\"\n"
        . "ProxyFCGISetEnvIf \"reqenv('HTTP_HOST') == 'sets-by-expression.test'\" HTTP_HOST seen\n"
        . "ProxyFCGISetEnvIf true !SERVER_ADMIN\nProxyFCGISetEnvIf \"%{REQUEST_METHOD} == 'POST'\" CONTENT_TYPE \"%{REQUEST_URI}\"",
    'headers twice' => "ProxyPass / $to/srv/\nRequestHeader add X-Twice one\nRequestHeader add x-twice two\nRequestHeader add Host third",
    'odd headers'  => "ProxyPass / $to/srv/\nRequestHeader set X_Under score\nRequestHeader set X.Dot dot\nRequestHeader set X-9 nine",
    'many variables' => join("\n", "ProxyPass / $to/srv/", map { "SetEnv MANY_$_ $_" } 1 .. 150),
    'knows the client' => "ProxyPass / $to/srv/\nRemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.1",
    'current uri' => "<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\nCGIVar REQUEST_URI current-uri\n</FilesMatch>",
    'whole url'   => "<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>\nQualifyRedirectURL On\nErrorDocument 404 /e.php",
    'error page'  => "<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>\nErrorDocument 404 /e.php",
    'alias'       => "Alias /other \"\@docroot\@/sub\"\n<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>",
    'rewrites'    => "RewriteEngine On\nRewriteRule ^/r/(.*) /index.php?to=\$1 [PT,QSA]\n<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>",
    'looks names up' => "ProxyPass / $to/srv/\nHostnameLookups On",
    'includes'    => "<FilesMatch \\.php\$>\nSetHandler \"proxy:$to\"\n</FilesMatch>\nAddOutputFilter INCLUDES .shtml\n"
        . "<Directory \"\@docroot\@\">\nOptions +Includes\n</Directory>",
);
my @requests = (
    ['GET', '/index.php'], ['GET', '/index.php?a=1&b=%20<&"'], ['HEAD', '/index.php'], ['OPTIONS', '/index.php'],
    ['POST', '/index.php', body => 'a=1', header => { 'Content-Type' => 'application/x-www-form-urlencoded' }],
    ['GET', '/sub/'], ['GET', '/index.php/path/info?q'], ['GET', '/a%20b/%C3%A9.php'], ['GET', '/no/such.php'],
    ['GET', '/index.php', header => { Proxy => 'http://evil:1/', Authorization => 'Basic dTpw', 'Proxy-Authorization' => 'Basic eDp5' }],
    ['GET', '/index.php', header => { Authorization => 'Basic dTp3cm9uZw==' }],
    ['GET', '/index.php', header => { 'X-Client' => '192.0.2.7', Cookie => 'a=b; c=d', 'User-Agent' => 'x' x 300,
        'X_Under' => 1, 'X.Dot' => 2, 'X-a-1-B' => 3, 'X!' => 4, X => '', 'content-TYPE' => 'x/y', 'IF-none-MATCH' => '"q"' }],
    ['GET', '/index.php', header => { Accept => ['a/b', 'c/d'], 'X-Long' => 'y' x 4000 }],
    ['GET', '/index.php', header => { map { ("X-H$_" => $_) } 1 .. 90 }],
    ['GET', '/index.php', version => '1.0'], ['GET', '/r/x/y?z=1'], ['GET', '/other/index.php'], ['GET', '/other/'],
    ['GET', '/page.shtml/info?p=1'],
    ['GET', '/e.php', header => { 'X-Prüfung' => 1 }],
);
# before, stock hands on a name with %C3%A9 as it is, and PHP-FPM finds no such file
@requests = grep { $_->[1] !~ /%C3/ } @requests if !Httpd::is_at_least('2.4.64');

# ---- The servers ----

my @logged = qw(PATH SERVER_NAME SERVER_PORT REMOTE_ADDR REMOTE_USER HTTP_HOST HTTP_USER_AGENT HTTP_X_TWICE HTTP_AUTHORIZATION
    CONTENT_TYPE SCRIPT_FILENAME SCRIPT_NAME PATH_INFO REQUEST_URI QUERY_STRING REDIRECT_URL REDIRECT_STATUS X X_HOST A EMPTY MANY_150);
sub host_of { my ($name) = @_; return ($name =~ s/\W+/-/gr) . '.test' }
my $config = join '', "<Proxy balancer://echo>\nBalancerMember $to\n</Proxy>\nDirectoryIndex index.php\n",
    "ProxyFCGIBackendType GENERIC\nHeader always set X-Seen \"%{HTTP_HOST}e %{SERVER_PORT}e %{REQUEST_URI}e %{HTTP_X_A_1_B}e\"\n",
    'LogFormat "%{Host}i %r ' . join(' ', map { "%{$_}e" } @logged) . qq(" environment\nCustomLog "\@root\@/environment.log" environment\n),
    map { "<VirtualHost 127.0.0.1:\@port\@>\nServerName @{[ host_of($_) ]}\nDocumentRoot \"\@docroot\@\"\n$hosts{$_}\n</VirtualHost>\n" } sort keys %hosts;
$config .= $tls;
my @more = (manager => 0, any_log => 1, config => $config, files => {
    'page.shtml' => '<!--#include virtual="/index.php?q" --><!--#include virtual="/sub/index.php/info" -->',
    map { $_ => '' } qw(index.php e.php sub/index.php), 'a b/é.php' });
my @modules = (($has_tls ? 'ssl' : ()), qw(include filter rewrite headers remoteip authn_core authn_file auth_basic authz_user));
sub start {
    my $httpd = Httpd->new(@more, @_);
    Httpd::write_file($httpd->root . '/users', "u:{SHA}UWihiPc9CJOCpmAg8J+q4Z7cJdI=\n");    # p
    chmod 0644, $httpd->root . '/users';
    return $httpd->start;
}
my %server = (ours => start(modules => [@modules]),
              stock => start(modules => [@modules, Httpd::stock_modules()], ours => 0));

# ---- What both make of it ----

# What is of the one request or server only.
my @differs = qw(REMOTE_PORT UNIQUE_ID SSL_SESSION_ID SSL_SESSION_RESUMED);
sub without_ports {
    my ($httpd, $text) = @_;
    my ($ports, $root) = (join('|', $httpd->port, $httpd->port2), $httpd->root);
    return $text =~ s/\b(?:$ports)\b/PORT/gr =~ s/\Q$root\E/ROOT/gr;
}

sub variables_in {
    my ($seen) = @_;
    my $params = $seen->{params};
    my @names = grep { my $name = $_; !grep { $_ eq $name } @differs } @{ $seen->{order} };
    return map { "$_=$params->{$_}" } @names;
}

# What the backend was asked for this response: one request, none, or one for each include. The
# response to HEAD does not tell.
sub requests_behind {
    my ($response) = @_;
    return if $response->{body} !~ /^\{/;
    my $json = JSON::PP->new->latin1;
    $json->incr_parse($response->{body});
    my @seen;
    while (my $one = $json->incr_parse) { push @seen, $one }
    return @seen;
}

# returns  text: the variables one by one, and the header of the response that tells of some
sub text_of {
    my ($httpd, $response) = @_;
    my $header = ($response->{header} // $response->{headers})->{'x-seen'} // '-';
    return without_ports($httpd, join "\n", "status $response->{status}", "X-Seen: $header",
        map { variables_in($_) } requests_behind($response));
}

sub plain_text_of {
    my ($httpd, $name, $method, $path, %o) = @_;
    my $socket = HttpSocket->connect($httpd->port);
    $socket->request($method, $path, %o, header => { Host => host_of($name), Connection => 'close', %{ $o{header} // {} } });
    return text_of($httpd, $socket->read_response);
}

for my $name (sort keys %hosts) {
    for my $request (@requests) {
        my %seen = map { $_ => plain_text_of($server{$_}, $name, @$request) } keys %server;
        my ($method, $path, %o) = @$request;
        is $seen{ours}, $seen{stock}, "$name: $method $path, " . keys(%{ $o{header} // {} }) . ' headers';
    }
}
SKIP: {
    skip 'IO::Socket::SSL is not installed', 4 if !$has_tls;
    for my $path ('/index.php', '/index.php/info') {
        my %seen;
        for my $who (keys %server) {
            my $response = HTTP::Tiny->new(verify_SSL => 0, timeout => 30)
                ->get("https://localhost:@{[ $server{$who}->port2 ]}$path");
            $seen{$who} = text_of($server{$who}, { %$response, body => $response->{content} });
        }
        is $seen{ours}, $seen{stock}, "TLS: GET $path";
        like $seen{ours}, qr/^SSL_SERVER_S_DN_CN=/m, '... with variables of mod_ssl';
    }
}

sub logged {
    my ($httpd) = @_;
    my @lines;
    wait_until(30, sub {
        open my $in, '<', $httpd->root . '/environment.log' or return 0;
        @lines = <$in>;
        return @lines >= @requests * keys %hosts;
    });
    return join '', sort map { without_ports($httpd, $_) } @lines;
}
is logged($server{ours}), logged($server{stock}), 'the access log finds the same in it';
is scalar(grep { /FC0336/ } $server{ours}->log->lines_from(0)), 0, 'this httpd sets what this module knows';

$_->stop for values %server;
done_testing;
