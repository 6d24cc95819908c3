# Licensed under the Apache License, Version 2.0; see LICENSE.
# Each configuration that the documents show is one that httpd takes. Files that it names are made.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Basename qw(basename);
use Httpd;

plan skip_all => 'stock does not know our directives' if Httpd::is_stock();

my $top     = "$FindBin::RealBin/../..";
my $folder  = Httpd::temporary_dir('configurations');
my @modules = qw(ssl headers rewrite http2 auth_basic authn_core authn_file authz_user authz_groupfile);
my $fleet   = "BalancerFleet redis://127.0.0.1:6379 name=documents\n";
my $count   = 0;
my ($no_fleet) = Httpd->configtest(config => $fleet);    # built without libhiredis

# A key, a password, a certificate: configtest reads no more of it than that.
sub made {
    my ($file) = @_;
    my $made = Httpd::write_file("$folder/" . basename($file), 'a' x 32);
    chmod 0600, $made;
    return $made;
}

sub is_taken {
    my ($shown, $where) = @_;
    $count++;
    $shown =~ s{(?<![\w.])(/etc/[\w./-]+)}{made($1)}ge;
    $shown =~ s{\$\{APACHE_LOG_DIR\}|/var/log/apache2(?=/)}{$folder}g;    # the first is Debian's
    return pass "$where: not in this build" if $no_fleet && $shown =~ /fleet=|BalancerFleet/;
    my $config = ($shown =~ /\bfleet=/ && $shown !~ /^BalancerFleet/m ? $fleet : '') . $shown;
    my $httpd  = Httpd->new(manager => 0, modules => \@modules, config => $config);
    mkdir $httpd->root . '/logs';
    my ($code, $said) = $httpd->configtest;
    is $code, 0, "$where: httpd takes it" or diag $said;
    return;
}

for my $file (map { glob "$top/$_" } qw(README.md docs/*.md modules/*/README.md)) {
    my $text = Httpd::text_of($file);
    while ($text =~ /^```apache\n(.*?)^```/msg) {
        my ($shown, $line) = ($1, 1 + substr($text, 0, $-[0]) =~ tr/\n//);
        is_taken($shown, $file =~ s{^\Q$top/\E}{}r . ":$line");
    }
}
cmp_ok $count, '>', 20, 'there are some';

done_testing;
