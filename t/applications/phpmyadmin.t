# Licensed under the Apache License, Version 2.0; see LICENSE.
# phpMyAdmin: a database made and filled by forms, imports, exports, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Digest::MD5 qw(md5_hex);
use PhpApplication qw(log_in);
use Httpd;
use MariaDb;

my %clerk = (pma_username => 'clerk', pma_password => 'correct horse');
my $goods = 5000;
my $import = "INSERT INTO goods (name, price) VALUES\n" . join(",\n", map { "('" . 'n' x 80 . "', $_)" } 1 .. $goods) . ";\n";

# phpMyAdmin shows what is in a database, so each site has one of its own.
sub prepare {
    my ($site) = @_;
    $site->{database} = MariaDb->start(sql =>
        "CREATE USER clerk\@localhost IDENTIFIED BY '$clerk{pma_password}';\nGRANT ALL ON shop.* TO clerk\@localhost;\n");
    push @{ $site->{secrets} }, $site->{database}->dir;
    PhpApplication::link_code($site, '/usr/share/phpmyadmin');
    my $socket = $site->{database}->socket;
    Httpd::write_file("$site->{folder}/config.php", <<"EOC");
<?php
\$cfg['blowfish_secret'] = '0123456789abcdef0123456789abcdef';
\$cfg['Servers'][1] = ['host' => 'localhost', 'socket' => '$socket', 'auth_type' => 'cookie'];
EOC
    return;
}

sub route { my ($route, %query) = @_; return "/index.php?route=$route" . join '', map { "&$_=$query{$_}" } sort keys %query }

# The page itself sends these by JavaScript, which is what ajax_request says.
sub make_table {
    my ($visitor) = @_;
    $visitor->get(route('/server/databases'));
    $visitor->submit({ new_db => 'shop', db_collation => 'utf8mb4_general_ci', ajax_request => 1 }, with => 'new_db');
    $visitor->sees('a database is made', qr/Database shop has been created/);
    $visitor->get(route('/table/create', db => 'shop'));
    $visitor->submit({ table => 'goods', 'field_name[0]' => 'name', 'field_type[0]' => 'VARCHAR', 'field_length[0]' => 90,
        'field_name[1]' => 'price', 'field_type[1]' => 'INT', ajax_request => 1 }, with => 'field_name[0]', button => 'do_save_data');
    $visitor->sees('a table is made', qr/CREATE TABLE `shop`.`goods`/);
    return;
}

sub query {
    my ($visitor, $sql) = @_;
    $visitor->get(route('/database/sql', db => 'shop'));
    $visitor->submit({ sql_query => $sql }, with => 'sql_query');
    return;
}

sub import_file {
    my ($visitor, $name, $sql) = @_;
    $visitor->get(route('/database/import', db => 'shop'));
    $visitor->submit({ import_file => [$name, $sql] }, with => 'import_file');
    $visitor->sees("$name is imported", qr/Import has been successfully finished.*\(\Q$name\E\)/);
    return;
}

sub visit {
    my ($visitor) = @_;
    log_in($visitor, '/', \%clerk, secret => 'pma_password', refused => qr/Access denied for user/, welcome => qr/User: clerk/);
    make_table($visitor);

    my ($name, $price) = map { 'fields[multi_edit][0][' . md5_hex($_) . ']' } qw(name price);
    $visitor->get(route('/table/change', db => 'shop', table => 'goods'));
    $visitor->submit({ $name => 'Käse & "Brot"', $price => 7 }, with => $name);
    $visitor->sees('a row is there', qr/1 row inserted/);
    import_file($visitor, 'more.sql', $import);
    $visitor->get(route('/sql', db => 'shop', table => 'goods', pos => 0));
    $visitor->sees('the rows', qr/Käse &amp; &quot;Brot&quot;/);

    $visitor->get(route('/database/export', db => 'shop'));
    $visitor->submit({}, with => 'quick_or_custom');
    $visitor->holds('a download', ($visitor->header('Content-Disposition') // '') =~ /^attachment; filename="shop\.sql"/, $visitor->page->headers->as_string);
    my $export = $visitor->bytes;
    $visitor->sees('of all rows', qr/Käse & \\"Brot\\"', 7\).*'n{80}', $goods\);/s);
    query($visitor, 'DROP TABLE goods');
    import_file($visitor, 'shop.sql', $export);
    query($visitor, "SELECT CONCAT('there are ', COUNT(*)) FROM goods");
    $visitor->sees('the same rows again', qr/there are @{[ $goods + 1 ]}/);

    $visitor->get($_) for '/', route('/database/structure', db => 'shop'), route('/table/structure', db => 'shop', table => 'goods'),
        route('/table/search', db => 'shop', table => 'goods'), route('/server/variables'),
        route('/preferences/manage'), '/js/messages.php?l=en', '/themes/pmahomme/css/theme.css', '/libraries/', '/doc/html/index.html',
        '/nothing.php', '/index.php/nothing', route('/nothing');
    $visitor->head('/index.php');
    $visitor->get('/');
    my ($token) = $visitor->bytes =~ /name="token" value="([^"]*)"/;
    $visitor->send(POST => route('/logout'), "token=$token", 'Content-Type' => 'application/x-www-form-urlencoded');
    $visitor->sees('the form to log in', qr/name="pma_password"/);
    $visitor->get(route('/database/structure', db => 'shop'));
    $visitor->sees('... and nothing else now', qr/name="pma_password"/);
    return;
}

PhpApplication::compare(name => 'phpMyAdmin', prepare => \&prepare, visit => \&visit, finish => sub { $_[0]{database}->stop },
    expected_log => qr/FC0230: .*Primary script unknown/);
