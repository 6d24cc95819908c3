# Licensed under the Apache License, Version 2.0; see LICENSE.
# What a configuration asks about the modules in whose place ours stand holds: <IfModule>, LogLevel;
# at the start, after restarts, and with mod_proxy_fcgi really loaded, before or after ours.
# Debian's snippets for PHP-FPM work as they are, and nobody gets the source of a script.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Fpm;
use Httpd;

my @names = ('proxy_fcgi_module', 'mod_proxy_fcgi.c', 'proxy_balancer_module', 'mod_proxy_balancer.c',
             'lbmethod_byrequests_module', 'mod_lbmethod_byrequests.c');

# A path for each answer to each question.
sub questions {
    return join '', map {
        "<IfModule $_>\nRedirect 410 /is/$_\n</IfModule>\n<IfModule !$_>\nRedirect 410 /not/$_\n</IfModule>\n"
    } @_;
}

sub answers {
    my ($httpd, @asked) = @_;
    return join ' ', map {
        my $name = $_;
        my @said = grep { $httpd->get("/$_/$name")->{status} == 410 } qw(is not);
        "@said";
    } @asked;
}

# ---- <IfModule> ----

{
    my $httpd = Httpd->start(config => questions(@names, 'proxy_scgi_module'));
    my $all = join ' ', ('is') x @names;
    is answers($httpd, @names), $all, 'the modules in whose place ours stand are there for <IfModule>';
    is answers($httpd, 'proxy_scgi_module'), 'not', '... and no others';
    my $loaded = qx(@{[ Httpd::httpd_program() ]} -d @{[ $httpd->root ]} -f @{[ $httpd->root ]}/httpd.conf -M 2>&1);
    unlike $loaded, qr/^ (?:proxy_fcgi|proxy_balancer|lbmethod_byrequests)_module/m, '... but -M names what is loaded'
        if !Httpd::is_stock();
    ok $httpd->graceful, 'a graceful restart';
    is answers($httpd, @names, 'proxy_scgi_module'), "$all not", '... keeps it';
    ok $httpd->restart, 'a restart';
    is answers($httpd, @names, 'proxy_scgi_module'), "$all not", '... too';
    $httpd->stop;
}

SKIP: {
    skip 'about our modules', 2 if Httpd::is_stock();
    my $handler = Httpd->start(without => ['balancer_byrequests', 'balancer_manager'],
                               config => questions(@names));
    is answers($handler, @names), 'is is not not not not', 'the handler alone stands for mod_proxy_fcgi';
    $handler->stop;
    my $balancer = Httpd->start(without => ['proxy_fastcgi'], config => questions(@names));
    is answers($balancer, @names), 'not not is is is is', 'the balancer alone for the other two';
    $balancer->stop;
}

# ---- LogLevel names them, too ----

{
    my $backend = Backend->echo;
    my $httpd = Httpd->new(config => <<"EOC", debug_log => 'proxy_balancer:debug');
LogLevel proxy_fcgi:debug mod_proxy_fcgi.c:debug proxy_fcgi_module:debug lbmethod_byrequests:debug
<Proxy balancer://cluster>
    BalancerMember @{[ $backend->url ]}
</Proxy>
ProxyPass /app/ balancer://cluster/srv/
EOC
    $httpd->start;
    is $httpd->get('/app/x.php')->{status}, 200, 'LogLevel takes their names';
    ok $httpd->wait_for_log(qr/FC0423/), '... for ours' if !Httpd::is_stock();
    $httpd->stop;
}

# ---- mod_proxy_fcgi is really there ----

SKIP: {
    skip 'about our modules', 1 if Httpd::is_stock();
    my @ours = Httpd::our_modules();
    for my $order (['proxy_fcgi', @ours], [@ours, 'proxy_fcgi'],
                   ['proxy_fcgi', 'balancer_byrequests', 'proxy_fastcgi', 'balancer_manager']) {
        my $backend = Backend->echo;
        my $httpd = Httpd->new(ours => 0, modules => $order, manager => 0, config => <<"EOC");
@{[ questions(@names) ]}
<IfModule mod_proxy_fcgi.c>
    ProxyFCGISetEnvIf true ADDED "%{reqenv:ADDED}x"
</IfModule>
ProxyPass /app/ @{[ $backend->url ]}/srv/
EOC
        $httpd->start;
        is answers($httpd, @names), join(' ', ('is') x @names), "@$order: all are there";
        my $seen = $httpd->json('/app/x.php');
        is $seen->{params}{ADDED}, 'x', '... a directive that both know has its effect once';
        my %times;
        $times{$_}++ for @{ $seen->{order} };
        is_deeply [grep { $times{$_} > 1 } sort keys %times], [], '... as each variable comes once';
        is $backend->requests, 1, '... in one request';
        like(($httpd->end_words('/app/x.php'))[0], qr/^ok$/, '... of ours');
        ok $httpd->graceful, '... a graceful restart';
        is answers($httpd, @names), join(' ', ('is') x @names), '... changes nothing';
        $httpd->stop;
    }
}

# ---- Debian's snippets ----

# Their socket may be that of this machine's own PHP-FPM, or nobody's: in no case is it the source.
for my $snippet (glob '/etc/apache2/conf-available/php*-fpm.conf') {
    for my $others ([], ['proxy_fcgi']) {
        my $httpd = Httpd->new(modules => $others, any_log => 1, config => "Include $snippet\n",
            files => { map { ("x.$_" => '<?php $password = "secret";') } qw(php phar phtml) });
        $httpd->start;
        for my $when ('at the start', 'after a graceful restart') {
            unlike $httpd->get("/x.$_")->{body}, qr/secret/, "$snippet with (@$others), $when: no source of x.$_"
                for qw(php phar phtml);
            $httpd->graceful if $when eq 'at the start';
        }
        $httpd->stop;
    }
    next if !Fpm::is_installed();
    open my $in, '<', $snippet or die "$snippet: $!";
    my $text = join '', <$in>;
    my $fpm = Fpm->start;
    $text =~ s{unix:/[^|]+}{unix:@{[ $fpm->path ]}}g;
    for my $others ([], ['proxy_fcgi']) {
        my $httpd = Httpd->start(modules => $others, config => $text, files => {
            'x.php' => '<?php echo "ran ", $_SERVER["HTTP_AUTHORIZATION"] ?? "";', 'y.phps' => 'source' });
        is $httpd->get('/x.php', header => { Authorization => 'Basic eDp5' })->{body}, 'ran Basic eDp5',
            "$snippet with (@$others): the script runs, with its credentials";
        is $httpd->get('/y.phps')->{status}, 403, '... and sources are denied';
        $httpd->expect_log(qr/AH01630/, times => 1);
        $httpd->stop;
    }
    $fpm->stop;
}

done_testing;
