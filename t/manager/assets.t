# Licensed under the Apache License, Version 2.0; see LICENSE.
# The files that the page needs come out of the module; a browser keeps them until they change.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], config => <<'EOC');
<LocationMatch "^/manager\d">
SetHandler balancer-manager
</LocationMatch>
EOC
my $page = '/balancer-manager';

my %browser = (header => { Accept => 'text/html,*/*;q=0.8' });
my ($query) = $httpd->get($page, %browser)->{body} =~ /href="(\?asset=manager\.css&amp;v=\w+)"/;
ok $query, 'the page names its style sheet, by its own path whatever that is';
my $url = $page . ($query // '') =~ s/&amp;/&/r;
my $css = $httpd->get($url);
is $css->{status}, 200, '... which is there';
is $css->{body}, Httpd::text_of("$FindBin::RealBin/../../modules/balancer_manager/assets/manager.css"), '... as it lies in assets/';
is $css->{header}{'content-type'}, 'text/css; charset=utf-8', '... as CSS';
is $css->{header}{'x-content-type-options'}, 'nosniff', '... and nothing else';
like $css->{header}{'cache-control'}, qr/max-age=31536000/, '... to be kept';

my $etag = $css->{header}{etag};
my $again = $httpd->get($url, header => { 'If-None-Match' => $etag });
is $again->{status}, 304, 'who has it is told so';
is $again->{body}, '', '... and nothing more';
is $httpd->get($url, header => { 'If-None-Match' => '"other"' })->{status}, 200,
    'who has another one gets it';
like $httpd->get("$page?asset=manager.css$_")->{header}{'cache-control'}, qr/no-cache/,
    "manager.css$_ is not kept unasked" for '', '&v=other', '&v=';

my $head = $httpd->send('HEAD', $url);
is $head->{status}, 200, 'HEAD works';
is $head->{body}, '', '... without a body';
is $head->{header}{'content-length'}, length $css->{body}, '... but with its length';
my $posted = $httpd->send('POST', $url, body => '');
is $posted->{status}, 405, 'nothing can be posted to it';
is $posted->{header}{allow}, 'GET, HEAD', '... as the answer says';
is $httpd->get("$page$_")->{status}, 404, "$_ is not there" for '/assets', '?asset=no.css', '?asset=../manager.css';
is $httpd->get("$page?asset=")->{header}{'content-type'}, 'text/html; charset=utf-8', 'no name at all is the page';
is $httpd->get($_ . $query =~ s/&amp;/&/r)->{body}, $css->{body}, "$_ has it as well" for "$page/no/such/page", '/manager1';

# ---- A script finds stock's links ----

my $html = $httpd->get($page)->{body};
my @links = $html =~ /(?:href|action|src|url)="([^"#][^"]*)"/g;
cmp_ok scalar @links, '>', 3, 'links';
is scalar(grep { !m{^\Q$page\E\?} } @links), 0, 'each has the path, as stock writes it' or diag "@links";
$html = $httpd->get($page, %browser)->{body};
@links = $html =~ /(?:href|action|src|url)="([^"#][^"]*)"/g;
is scalar(grep { !/^\?/ } @links), 0, '... and none of them for a browser' or diag "@links";

$httpd->stop;
done_testing;
