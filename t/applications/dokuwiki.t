# Licensed under the Apache License, Version 2.0; see LICENSE.
# DokuWiki: installed, written in, uploads, pretty URLs by .htaccess and by PATH_INFO, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhpApplication qw($picture $document log_in comes_back);
use Httpd;


# Debian installs it by debconf; its own installer wants all folders in one.
sub prepare {
    my ($site) = @_;
    my ($root, $docroot) = (PhpApplication::root(), $site->{docroot});
    system 'cp', '-rL', glob("$root/usr/share/dokuwiki/*"), $docroot;
    system 'cp', '-r', "$root/etc/dokuwiki", "$docroot/conf";
    system 'cp', '-r', "$root/var/lib/dokuwiki/data", "$docroot/data";
    unlink "$docroot/inc/preload.php", map { "$docroot/conf/$_.auth.php" } qw(acl users);
    Httpd::write_file("$docroot/conf/local.protected.php", '<?php $conf["userewrite"] = 1; $conf["savedir"] = "./data";');
    # The package's own rules, in use.
    Httpd::write_file("$docroot/.htaccess", Httpd::text_of("$root/usr/share/dokuwiki/.htaccess.dist")
        =~ s/^## Not all installations.*//msr =~ s/^#(Rewrite|Options)/$1/mgr);
    PhpApplication::give_away("$docroot/conf", "$docroot/data");
    return;
}

sub visit {
    my ($visitor, $site) = @_;
    $visitor->get('/install.php');
    $visitor->submit({ 'd[title]' => 'Our wiki', 'd[acl]' => 1, 'd[superuser]' => 'admin', 'd[fullname]' => 'Ad Min',
        'd[email]' => 'admin@example.com', 'd[password]' => 'correct horse', 'd[confirm]' => 'correct horse',
        'd[policy]' => 0, 'd[license]' => 'cc-by-sa' }, with => 'd[title]');
    $visitor->sees('it is installed', qr/configuration was finished successfully/);

    log_in($visitor, '/start?do=login', { u => 'admin', p => 'correct horse' }, secret => 'p',
        refused => qr/Sorry, username or password was wrong/, status => 403, welcome => qr/Ad Min/);

    for my $file (['x.png', $picture], ['big.pdf', $document]) {
        my ($name, $bytes) = @$file;
        $visitor->get('/lib/exe/mediamanager.php?ns=team');
        $visitor->submit({ upload => $file, mediaid => $name }, with => 'upload');
        $visitor->sees("$name is there", qr/Upload successful/);
        comes_back($visitor, "/_media/team:$name", $name, $bytes);
        $visitor->get("/lib/exe/fetch.php?media=team:$name", 'If-None-Match' => $visitor->header('ETag') // '');
        $visitor->holds('... and not when they are known', $visitor->status == 304, $visitor->page->status_line);
    }
    $visitor->get('/_media/team:big.pdf', Range => 'bytes=1000-1999');
    $visitor->holds('a part of them', $visitor->status == 206 && $visitor->bytes eq substr($document, 1000, 1000), $visitor->page->status_line);

    # After the uploads: the program keeps a page as it was when the files were missing, for a second or for good.
    $visitor->get('/team:plan?do=edit');
    $visitor->submit({ wikitext => "====== Plan für alle ======\nIt works & more.\n{{:team:x.png}} {{:team:big.pdf}}" },
        with => 'wikitext', button => 'do[save]');
    $visitor->sees('what was written', qr/Plan für alle.*It works &amp; more/s);

    for my $path ('/team:plan', '/doku.php/team/plan', '/doku.php?id=team:plan') {
        $visitor->get($path);
        $visitor->sees("a page by $path", qr/Plan für alle/);
    }
    $visitor->get('/team:none');
    $visitor->sees('a page that is not there', qr/This topic does not exist yet/);
    $visitor->get($_) for '/', '/lib/exe/css.php?t=dokuwiki', '/lib/exe/js.php?t=dokuwiki', '/_export/raw/team/plan',
        '/team:plan?do=revisions', '/start?do=index', '/start?do=search&q=works', '/conf/local.php', '/lib/', '/nothing.php',
        '/lib/exe/fetch.php?media=team:none.png', '/start?do=admin&page=usermanager';
    $visitor->head('/team:plan');
    $visitor->get('/start?do=logout');
    return;
}

PhpApplication::compare(name => 'DokuWiki', prepare => \&prepare, visit => \&visit,
    expected_log => qr/AH01630: .*local\.php|FC0230: .*Primary script unknown/, differs => {
    'HEAD /team:plan' => 'HEAD has the Content-Encoding of GET, which stock leaves out' });
