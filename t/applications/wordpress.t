# Licensed under the Apache License, Version 2.0; see LICENSE.
# WordPress: installed, written in by forms and by its REST interface, uploads, comments, pretty URLs, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP qw(encode_json);
use PhpApplication qw($picture $document log_in comes_back);
use Httpd;
use MariaDb;

sub prepare {
    my ($site) = @_;
    $site->{database} = MariaDb->start(sql => <<'EOC');
CREATE USER wp@localhost IDENTIFIED BY 'pw';
CREATE DATABASE wp;
GRANT ALL ON wp.* TO wp@localhost;
EOC
    my ($root, $docroot) = (PhpApplication::root(), $site->{docroot});
    PhpApplication::link_code($site, '/usr/share/wordpress');
    unlink "$docroot/wp-content";
    system 'cp', '-rL', "$root/var/lib/wordpress/wp-content", "$docroot/wp-content";
    my $socket = $site->{database}->socket;
    Httpd::write_file("$site->{folder}/config.php", <<"EOC");
<?php
define('DB_NAME', 'wp');
define('DB_USER', 'wp');
define('DB_PASSWORD', 'pw');
define('DB_HOST', 'localhost:$socket');
define('WP_CONTENT_DIR', '$docroot/wp-content');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as \$name) {
    define("{\$name}_KEY", "key of \$name");
    define("{\$name}_SALT", "salt of \$name");
}
EOC
    # As WordPress writes it where it may.
    Httpd::write_file("$docroot/.htaccess", <<'EOC');
RewriteEngine On
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]
RewriteBase /
RewriteRule ^index\.php$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]
EOC
    $site->{admin}{sendmail_path} = '/bin/true';
    PhpApplication::give_away($docroot);
    return;
}

sub visit {
    my ($visitor, $site) = @_;
    $visitor->get('/wp-admin/install.php?step=1');
    $visitor->submit({ weblog_title => 'Our pages', user_name => 'admin', admin_password => 'correct horse',
        admin_password2 => 'correct horse', pw_weak => 1, admin_email => 'admin@example.com' }, with => 'weblog_title');
    $visitor->sees('it is installed', qr/WordPress has been installed/);

    log_in($visitor, '/wp-login.php', { log => 'admin', pwd => 'correct horse' }, secret => 'pwd',
        refused => qr/is incorrect/, welcome => qr/Howdy.*Dashboard/s);

    $visitor->get('/wp-admin/options-permalink.php');
    $visitor->submit({ selection => 'custom', permalink_structure => '/%postname%/' }, with => 'permalink_structure');
    $visitor->sees('pretty URLs', qr/Permalink structure updated/);

    $visitor->get('/wp-admin/admin-ajax.php?action=rest-nonce');
    my @rest = ('X-WP-Nonce' => $visitor->bytes, 'Content-Type' => 'application/json');
    $visitor->send(POST => '/wp-json/wp/v2/posts', encode_json({ title => 'A plan for all', status => 'publish',
        content => '<p>It works &amp; more.</p>' }), @rest);
    $visitor->sees('a post is there', qr/"status":"publish"/, 201);
    $visitor->send(PUT => '/wp-json/wp/v2/posts/1', encode_json({ title => 'Changed by PUT' }), @rest);
    $visitor->sees('a post is changed', qr/Changed by PUT/);
    $visitor->send(DELETE => '/wp-json/wp/v2/posts/1', undef, @rest);
    $visitor->sees('a post is gone', qr/"status":"trash"/);

    for my $file (['x.png', $picture], ['big.pdf', $document]) {
        my ($name, $bytes) = @$file;
        $visitor->get('/wp-admin/media-new.php?browser-uploader');
        $visitor->submit({ 'async-upload' => $file }, with => 'async-upload', button => 'html-upload');
        $visitor->get('/wp-json/wp/v2/media?search=' . $name =~ s/\..*//r, @rest);
        my ($url) = $visitor->bytes =~ m{"source_url":"([^"]*)"};
        comes_back($visitor, ($url // '') =~ s{\\/}{/}gr, $name, $bytes);
    }
    # As a program sends it that does not know how much is to come.
    my @chunks = (unpack('(a16384)*', $document), '');
    $visitor->send(POST => '/wp-json/wp/v2/media', sub { shift @chunks }, 'X-WP-Nonce' => $rest[1], 'Content-Type' => 'application/pdf',
        'Content-Disposition' => 'attachment; filename=chunked.pdf');
    $visitor->sees('an upload without a length', qr/"source_url"/, 201);

    for my $path ('/a-plan-for-all/', '/index.php/a-plan-for-all/', '/?name=a-plan-for-all') {
        $visitor->get($path);
        $visitor->sees("a page by $path", qr/It works &amp; more/);
    }
    $visitor->get('/a-plan-for-all/');
    $visitor->submit({ comment => "A comment with ünicode" }, with => 'comment');
    $visitor->sees('a comment', qr/A comment with ünicode/);
    $visitor->get('/nothing-here/');
    $visitor->sees('a page that is not there', qr/404/, 404);
    $visitor->get($_) for '/', '/feed/', '/?p=4', '/wp-admin/edit.php', '/wp-admin/', '/wp-json/',
        '/wp-includes/css/dashicons.min.css', '/wp-content/', '/nothing.php', '/wp-admin/load-styles.php?c=1&load%5B%5D=dashicons,common',
        '/wp-admin/profile.php', '/robots.txt', '/wp-sitemap.xml';
    $visitor->send(POST => '/xmlrpc.php', '<?xml version="1.0"?><methodCall><methodName>system.listMethods</methodName></methodCall>',
        'Content-Type' => 'text/xml');
    $visitor->sees('XML-RPC', qr/wp\.getPost/);
    $visitor->head('/a-plan-for-all/');
    return;
}

PhpApplication::compare(name => 'WordPress', prepare => \&prepare, visit => \&visit, finish => sub { $_[0]{database}->stop },
    chance => qr/data-pw="[^"]*"/, differs => {
        'GET /wp-admin/admin-ajax.php?action=rest-nonce' => 'a few bytes are not compressed: mod_deflate sees that they are all there is',
        'HEAD /a-plan-for-all/' => 'HEAD has the Content-Encoding of GET, which stock leaves out',
        'POST /wp-json/wp/vN/media' => 'PHP gets an upload without a length, which stock loses',
        'an upload without a length' => 'PHP gets an upload without a length, which stock loses' },
    expected_log => qr/FC0230: .*Primary script unknown/);
