# Licensed under the Apache License, Version 2.0; see LICENSE.
# As on a Debian machine: our modules by a2enmod, PHP-FPM's configuration by a2enconf, mod_proxy_fcgi
# enabled and disabled again while httpd runs. Nobody ever gets the source of a script.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use File::Basename qw(basename);
use Test::More;
use Httpd;

my @snippets = map { basename $_, '.conf' } glob '/etc/apache2/conf-available/php*-fpm.conf';
plan skip_all => 'no a2enmod, or no configuration of PHP-FPM, on this machine'
    if !@snippets || !Process::find_program('a2enmod');

# ---- Folders of its own, with all that is available here, and ours from the build ----

my $folder = Httpd::temporary_dir('apache2');
mkdir "$folder/$_" for qw(mods-available mods-enabled conf-available conf-enabled state);
symlink "/etc/apache2/envvars", "$folder/envvars";
for my $available (glob '/etc/apache2/{mods,conf}-available/*') {
    my ($name) = $available =~ m{^/etc/apache2/(.+)};
    symlink $available, "$folder/$name";
}
for my $module (Httpd::our_modules()) {
    my $file = "$folder/mods-available/$module.load";
    unlink $file;
    Httpd::write_file($file, Httpd::text_of("$FindBin::RealBin/../../conf.d/$module.load")
        =~ s{\S+(/mod_$module\.so)}{Httpd::build_dir() . $1}er);
}

sub run_tool {
    my ($tool, @names) = @_;
    my $said = qx(APACHE_CONFDIR=$folder APACHE_STATE_DIRECTORY=$folder/state $tool @names 2>&1);
    is $?, 0, "$tool @names" or diag $said;
    return;
}

run_tool('a2enmod', 'setenvif', Httpd::our_modules());
run_tool('a2enconf', @snippets);

my $httpd = Httpd->new(ours => 0, manager => 0, any_log => 1, config => <<"EOC",
IncludeOptional $folder/mods-enabled/*.load
IncludeOptional $folder/mods-enabled/*.conf
IncludeOptional $folder/conf-enabled/*.conf
EOC
    files => { map { ("x.$_" => '<?php $password = "secret";') } qw(php phar phtml) });
$httpd->start;

sub no_source {
    my ($when) = @_;
    unlike $httpd->get("/x.$_")->{body}, qr/secret/, "$when: no source of x.$_" for qw(php phar phtml);
    return;
}

no_source('ours alone');
for my $tool ('a2enmod', 'a2dismod') {
    run_tool($tool, 'proxy_fcgi');
    ok $httpd->graceful, '... and a graceful restart';
    no_source("after $tool proxy_fcgi");
}
$httpd->stop;

done_testing;
