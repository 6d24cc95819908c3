# Licensed under the Apache License, Version 2.0; see LICENSE.
# A SetHandler that is meant for mod_proxy and that nobody serves never sends the file itself, which
# would be the source of a script: what configtest can see it refuses, and the rest gets a 500.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

sub configtest {
    my ($handler) = @_;
    return Httpd->configtest(config => "<FilesMatch \"\\.php\$\">\n    SetHandler \"$handler\"\n</FilesMatch>\n");
}

# ---- configtest ----

my %why = (
    'proxy:unix:/run/php.sock'                => qr/no "\|".*as in proxy:unix:\/run\/php\.sock\|fcgi:\/\/localhost/,
    'proxy:unix:/run/php.sock|localhost'      => qr/no scheme/,
    'proxy:unix:/run/php.sock|fcgi:localhost' => qr/no scheme/,
    'proxy:127.0.0.1:9000'                    => qr/no scheme/,
    'proxy:fcgi:/127.0.0.1:9000'              => qr/no scheme/,
    'proxy:fcgi//127.0.0.1:9000'              => qr/no scheme/,
    'proxy: fcgi://127.0.0.1:9000'            => qr/no scheme/,
    'proxy:'                                  => qr/no scheme/,
    'fcgi://127.0.0.1:9000'                   => qr/begin with "proxy:"/,
    'unix:/run/php.sock|fcgi://localhost'     => qr/begin with "proxy:"/,
);
for my $handler (sort keys %why) {
    my ($code, $text) = configtest($handler);
    isnt $code, 0, "$handler: refused";
    like $text, qr/FC0355: SetHandler on line \d+ of .*: "\Q$handler\E".*$why{$handler}/, '... and says why';
}
for my $handler ('proxy:unix:/run/php.sock|fcgi://localhost', 'proxy:unix:/run/php.sock|fcgi://', 'proxy:fcgi://127.0.0.1:9000',
    'Proxy:http://127.0.0.1/', 'server-info', 'None', 'expr=proxy:%{ENV:where}', 'proxy:%{ENV:where}') {
    my ($code, $text) = configtest($handler);
    is $code, 0, "$handler: accepted" or diag $text;
    unlike $text, qr/FC0/, '... without a word';
}

# ---- At run time: what configtest does not see, or cannot know ----

my $backend = Backend->echo;
my %handler = (
    scheme => 'proxy:fgci://127.0.0.1:9000',
    module => 'proxy:scgi://127.0.0.1:9000',
    socket => 'proxy:unix:/run/php.sock',
    prefix => $backend->url,
);
my %files = map { ("$_/x.php" => "<?php SOURCE", "$_/.htaccess" => "SetHandler \"$handler{$_}\"\n") } keys %handler;
my $httpd = Httpd->start(files => { %files, 'right/x.php' => '<?php SOURCE', 'right/.htaccess' => 'SetHandler "proxy:' . $backend->url . "\"\n",
    'plain/x.txt' => 'text' });

for my $mistake (sort keys %handler) {
    my $response = $httpd->get("/$mistake/x.php");
    is $response->{status}, 500, "$handler{$mistake}: 500";
    unlike $response->{body}, qr/SOURCE/, '... without the source';
    $httpd->expect_log(qr/FC0354: .*"\Q$handler{$mistake}\E".*\/$mistake\/x\.php/, times => 1);
}
is $httpd->get('/right/x.php')->{status}, 200, 'a handler that is served';
is $httpd->get('/plain/x.txt')->{body}, 'text', 'a file without a handler';

$httpd->stop;
done_testing;
