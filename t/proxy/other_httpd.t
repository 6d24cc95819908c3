# Licensed under the Apache License, Version 2.0; see LICENSE.
# An httpd that sets other CGI variables than this module knows (a later version): the first request of a
# process finds out, the log says so once, and each request gets what httpd sets.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Httpd;

plan skip_all => 'stock has nothing to find out' if Httpd::is_stock();
plan skip_all => 'builds with checks abort there' if Httpd::httpd_program() =~ /httpd-asan$/;

my $dir = Httpd::temporary_dir('other');
system('cc', '-shared', '-fPIC', '-D_GNU_SOURCE', '-O1', '-o', "$dir/other_httpd.so",
    abs_path("$FindBin::RealBin/../backend/other_httpd.c"), '-ldl') == 0 or die 'cc failed';

my $echo  = Backend->echo;
my $httpd = Httpd->start(children => 1, in_turn => 1, log_level => 'notice', env => { LD_PRELOAD => "$dir/other_httpd.so" },
    config => "ProxyPass /app/ @{[ $echo->url ]}/\n");
for my $request (1 .. 3) {
    my $params = Httpd::decode_json($httpd->get('/app/x.php', header => { 'X-Request' => $request }))->{params};
    is $params->{LD_LIBRARY_PATH}, '/other', "request $request: what httpd sets";
    is $params->{HTTP_X_REQUEST}, $request, '... with all the rest';
    is $params->{SCRIPT_FILENAME}, '/x.php', '... and the script';
}
is scalar(grep { /FC0336/ } $httpd->log->lines_from(0)), 1, 'the log says so once';
$httpd->stop;

my $usual = Httpd->start(children => 1, log_level => 'notice', config => "ProxyPass /app/ @{[ $echo->url ]}/\n");
ok !exists Httpd::decode_json($usual->get('/app/x.php'))->{params}{LD_LIBRARY_PATH}, 'with the usual httpd there is none';
is scalar(grep { /FC0336/ } $usual->log->lines_from(0)), 0, '... and nothing to say';
$usual->stop;

done_testing;
