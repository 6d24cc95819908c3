# Licensed under the Apache License, Version 2.0; see LICENSE.
# WordPress: installed, written in by forms and by its REST interface, uploads, comments, pretty URLs, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP qw(encode_json);
use PhpApplication;
use Httpd;
use MariaDb;

my $picture = pack 'H*', '89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154'
    . '08d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082';
my $document = "%PDF-1.4\r\n" . join '', map { chr($_ % 256) } 0 .. 300_000;
my $most = 20;
my $database;

sub start_database {
    my $sql = "CREATE USER wp\@localhost IDENTIFIED BY 'pw';\n";
    $sql .= "CREATE DATABASE wp$_;\nGRANT ALL ON wp$_.* TO wp\@localhost;\n" for 1 .. $most;
    return MariaDb->start(sql => $sql);
}

my $sites = 0;
sub prepare {
    my ($site) = @_;
    $database //= start_database();
    $sites++;
    my ($root, $docroot) = (PhpApplication::root(), $site->{docroot});
    PhpApplication::link_code($site, '/usr/share/wordpress');
    unlink "$docroot/wp-content";
    system 'cp', '-rL', "$root/var/lib/wordpress/wp-content", "$docroot/wp-content";
    my $socket = $database->socket;
    Httpd::write_file("$site->{folder}/config.php", <<"EOC");
<?php
define('DB_NAME', 'wp$sites');
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

    $visitor->get('/wp-login.php');
    $visitor->submit({ log => 'admin', pwd => 'wrong' }, with => 'log');
    $visitor->sees('a wrong password is refused', qr/is incorrect/);
    $visitor->submit({ log => 'admin', pwd => 'correct horse' }, with => 'log');
    $visitor->sees('the dashboard', qr/Howdy.*Dashboard/s);

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
        $visitor->get($url =~ s{\\/}{/}gr) if $url;
        $visitor->holds("the bytes of $name come back", $visitor->bytes eq $bytes, $url // 'it is not there');
    }
    # As a program sends it that does not know how much is to come.
    my @chunks = ($picture, '');
    $visitor->send(POST => '/wp-json/wp/v2/media', sub { shift @chunks }, 'X-WP-Nonce' => $rest[1], 'Content-Type' => 'image/png',
        'Content-Disposition' => 'attachment; filename=chunked.png');
    $visitor->note('an upload without a length', $visitor->status);
    push @{ $visitor->failures }, 'an upload without a length: ' . $visitor->status if $visitor->status != 201 && !Httpd::is_stock();

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

PhpApplication::compare(name => 'wordpress', prepare => \&prepare, visit => \&visit,
    chance => qr/data-pw="[^"]*"/, differs => {
        'GET /wp-admin/admin-ajax.php?action=rest-nonce' => 'mod_deflate leaves a few bytes as they are if it sees that they are all',
        'HEAD /a-plan-for-all/' => 'stock has no Content-Encoding there, though its answer to GET has one',
        'POST /wp-json/wp/vN/media' => 'stock sends a body without a length as an empty one',
        'an upload without a length' => 'stock sends a body without a length as an empty one' },
    expected_log => qr/FC0230: .*Primary script unknown/);
