# Licensed under the Apache License, Version 2.0; see LICENSE.
# MediaWiki: installed by its own installer, written in, uploads, pretty URLs by rewriting and by PATH_INFO, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhpApplication qw($picture log_in comes_back);
use Httpd;


sub prepare {
    my ($site) = @_;
    PhpApplication::link_code($site, '/usr/share/mediawiki');
    unlink "$site->{docroot}/LocalSettings.php", "$site->{docroot}/images";
    mkdir $_ for "$site->{docroot}/images", "$site->{folder}/data", "$site->{folder}/cache";
    $site->{env}{MW_CONFIG_FILE} = "$site->{folder}/LocalSettings.php";
    Httpd::write_file("$site->{docroot}/.htaccess", <<'EOC');
RewriteEngine On
RewriteRule ^wiki/(.*)$ index.php [L]
RewriteRule ^$ index.php [L]
EOC
    PhpApplication::give_away("$site->{docroot}/images");
    return;
}

# The pages of the installer, and what is filled in there.
my @pages = (['uselang', {}], ['submit-continue', {}],
    ['DBType', { DBType => 'sqlite' }], ['submit-continue', {}],
    ['config_wgSitename', { config_wgSitename => 'Our wiki', config__AdminName => 'Admin', config__AdminPassword => 'correct horse',
        config__AdminPasswordConfirm => 'correct horse', config__SkipOptional => 'skip' }],
    ['submit-continue', {}], ['submit-continue', {}]);

sub install {
    my ($visitor, $site) = @_;
    $visitor->get('/mw-config/index.php');
    for my $page (@pages) {
        my ($field, $values) = @$page;
        my %values = $field eq 'DBType' ? (%$values, sqlite_wgSQLiteDataDir => "$site->{folder}/data") : %$values;
        $visitor->submit(\%values, with => $field, button => 'submit-continue');
    }
    $visitor->sees('it is installed', qr/Congratulations/);
    $visitor->get('/mw-config/index.php?localsettings=1');
    $visitor->sees('its settings', qr/^<\?php/);
    # What the administrator does with them.
    Httpd::write_file("$site->{folder}/LocalSettings.php", $visitor->bytes . <<"EOC");
\$wgEnableUploads = true;
\$wgArticlePath = '/wiki/\$1';
\$wgUploadDirectory = '$site->{docroot}/images';
\$wgCacheDirectory = '$site->{folder}/cache';
\$wgJobRunRate = 0;
EOC
    return;
}

sub visit {
    my ($visitor, $site) = @_;
    install($visitor, $site);
    log_in($visitor, '/index.php?title=Special:UserLogin', { wpName => 'Admin', wpPassword => 'correct horse' }, secret => 'wpPassword',
        refused => qr/Incorrect username or password/, welcome => qr/pt-userpage.*Admin/s);

    $visitor->get('/index.php?title=A_plan_f%C3%BCr_alle&action=edit');
    $visitor->submit({ wpTextbox1 => "It works & more.\n== Höhe ==\nText", wpSummary => 'New' }, with => 'wpTextbox1', button => 'wpSave');
    $visitor->sees('what was written', qr/It works &amp; more/);
    $visitor->get('/wiki/Special:Upload');
    $visitor->submit({ wpUploadFile => ['x.png', $picture], wpDestFile => 'X.png', wpIgnoreWarning => 1 }, with => 'wpUploadFile',
        button => 'wpUpload');
    my ($path) = $visitor->bytes =~ m{href="(/images/[^"]*X\.png)"};
    comes_back($visitor, $path, 'X.png', $picture);

    for my $path ('/wiki/A_plan_f%C3%BCr_alle', '/index.php/A_plan_f%C3%BCr_alle', '/index.php?title=A_plan_f%C3%BCr_alle') {
        $visitor->get($path);
        $visitor->sees("a page by $path", qr/It works &amp; more/);
    }
    $visitor->get('/wiki/None');
    $visitor->sees('a page that is not there', qr/There is currently no text in this page/, 404);
    $visitor->get($_) for '/', '/wiki/Special:Preferences', '/wiki/Special:SpecialPages', '/index.php?title=Main_Page&action=history', '/api.php?action=query&meta=siteinfo&format=json',
        '/load.php?lang=en&modules=site.styles&only=styles&skin=vector', '/rest.php/v1/page/Main_Page', '/opensearch_desc.php', '/nothing.php',
        '/index.php?title=A_plan_f%C3%BCr_alle&action=raw', '/wiki/Sub/page?action=info';
    $visitor->head('/wiki/Main_Page');
    return;
}

PhpApplication::compare(name => 'MediaWiki', prepare => \&prepare, visit => \&visit,
    differs => { 'GET /mw-config/index.php?localsettings=N' => 'keys that are drawn by lot' },
    expected_log => qr/FC0230: .*Primary script unknown/);
