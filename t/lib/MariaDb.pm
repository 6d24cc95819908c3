# Licensed under the Apache License, Version 2.0; see LICENSE.
# MariaDb.pm - a private MariaDB for one test: a folder of its own, and a socket in it; no port.
#
#   my $database = MariaDb->start(sql => 'CREATE DATABASE shop;');   # as its root, before it listens
#   $database->socket;
#
# `make check-applications` unpacks it. There is no client: SQL is run by mariadbd itself.
package MariaDb;

use strict;
use warnings;
use parent 'OwnServer';
use PhpApplication;
use Deadline;
use Httpd;
use IO::Socket::UNIX;
use Process;

# Options: sql => what is run before it starts, beside the making of its own tables
sub start {
    my ($class, %o) = @_;
    my $self = bless { owner => $$, sql => '', %o, dir => Httpd::temporary_dir('mariadb') }, $class;
    mkdir "$self->{dir}/data";
    PhpApplication::give_away("$self->{dir}");
    $self->bootstrap;
    $self->{process} = $self->run(name => 'mariadbd', arguments => ["--socket=" . $self->socket]);
    wait_until(60, sub { !$self->{process}->is_running || IO::Socket::UNIX->new(Peer => $self->socket) })
        && $self->{process}->is_running or die "mariadbd did not start:\n" . $self->log_text;
    return $self;
}

sub dir    { return "$_[0]{dir}" }
sub socket { return "$_[0]{dir}/socket" }

sub run {
    my ($self, %o) = @_;
    my $root = PhpApplication::root();
    return Process->start(name => $o{name}, output => "$self->{dir}/log", env => { PhpApplication::environment() },
        run => [$o{shell} ? ('sh', '-c', 'exec "$@" < "$0"', $o{shell}) : (), "$root/usr/sbin/mariadbd", '--no-defaults',
            "--basedir=$root/usr", "--lc-messages-dir=$root/usr/share/mysql", "--character-sets-dir=$root/usr/share/mysql/charsets",
            "--datadir=$self->{dir}/data", "--tmpdir=$self->{dir}", "--pid-file=$self->{dir}/pid", '--skip-networking',
            '--innodb-buffer-pool-size=32M', '--innodb-log-file-size=8M', '--innodb-flush-log-at-trx-commit=0',
            '--skip-log-bin', ($> == 0 ? '--user=' . Httpd::unprivileged_user() : ()), @{ $o{arguments} }]);
}

# Its own tables, then what the test wants.
sub bootstrap {
    my ($self) = @_;
    my $sql = "USE mysql;\nSET \@current_hostname = 'localhost';\n";
    for my $script (qw(mysql_system_tables mysql_performance_tables mysql_system_tables_data maria_add_gis_sp_bootstrap)) {
        $sql .= Httpd::text_of(PhpApplication::root() . "/usr/share/mysql/$script.sql") . "\n";
    }
    my $file = Httpd::write_file("$self->{dir}/bootstrap.sql", "CREATE DATABASE mysql;\n$sql\nFLUSH PRIVILEGES;\n$self->{sql}\n");
    my $process = $self->run(name => 'bootstrap', shell => $file, arguments => ['--bootstrap', '--enforce-storage-engine=']);
    $process->wait_for_end(120) && $process->status == 0 or die "mariadbd --bootstrap failed:\n" . $self->log_text;
    return;
}

1;
