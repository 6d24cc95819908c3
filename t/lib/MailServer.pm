# Licensed under the Apache License, Version 2.0; see LICENSE.
# MailServer.pm - a private mail server for one test: Dovecot for IMAP, aiosmtpd for SMTP, both on loopback.
#
#   my $mail = MailServer->start(messages => [$text]);   # what is in the inbox
#   $mail->imap_port, $mail->smtp_port;
#   MailServer::password();                              # of any user
#
# Everybody has the same mailbox, and whatever is sent arrives in it. `make check-applications` unpacks them.
package MailServer;

use strict;
use warnings;
use parent 'OwnServer';
use Deadline;
use File::Path qw(make_path);
use Httpd;
use IO::Socket::INET;
use PhpApplication;
use Process;

sub password { return 'horse' }

sub start {
    my ($class, %o) = @_;
    my $self = bless { owner => $$, messages => [], %o, dir => Httpd::temporary_dir('mail') }, $class;
    $self->{$_} = Httpd::free_port() for qw(imap_port smtp_port);
    my $root = PhpApplication::root();
    make_path(map { "$self->{dir}/$_" } qw(run Maildir/cur Maildir/new Maildir/tmp));
    symlink "$root/usr/lib/dovecot/modules", "$self->{dir}/run/modules";
    my $number = 0;
    Httpd::write_file("$self->{dir}/Maildir/new/" . ++$number . '.test', $_) for @{ $self->{messages} };
    my $config = $self->write_config;
    PhpApplication::give_away("$self->{dir}");
    # By itself Dovecot would run doveconf from where that is installed.
    $self->run('imap', "$root/usr/bin/doveconf", '-c', $config, '-m', 'master', '-f', 'service=master',
        '-e', "$root/usr/sbin/dovecot", '-F', '-c', $config);
    $self->run('smtp', '/usr/bin/python3', '-m', 'aiosmtpd', '--nosetuid', '--listen', "127.0.0.1:$self->{smtp_port}",
        '--class', 'aiosmtpd.handlers.Mailbox', "$self->{dir}/Maildir");
    return $self;
}

sub imap_port { return $_[0]{imap_port} }
sub smtp_port { return $_[0]{smtp_port} }

sub write_config {
    my ($self) = @_;
    my ($dir, $root) = ("$self->{dir}", PhpApplication::root());
    my ($uid, $gid) = PhpApplication::user();
    my ($user, $group) = (scalar getpwuid $uid, scalar getgrgid $gid);
    my $password = password();
    return Httpd::write_file("$dir/dovecot.conf", <<"EOC");
base_dir = $dir/run
state_dir = $dir/run
libexec_dir = $root/usr/lib/dovecot
mail_plugin_dir = $root/usr/lib/dovecot/modules
import_environment = LD_LIBRARY_PATH
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = no
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = static
  args = password=$password
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$dir
}
mail_location = maildir:$dir/Maildir
namespace inbox {
  inbox = yes
  mailbox Drafts {
    auto = create
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = create
    special_use = \\Sent
  }
  mailbox Trash {
    auto = create
    special_use = \\Trash
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $self->{imap_port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
EOC
}

# Neither needs the rights of root.
sub run {
    my ($self, $name, @command) = @_;
    my $root = PhpApplication::root();
    my ($uid, $gid) = PhpApplication::user();
    my %environment = PhpApplication::environment();
    my $process = $self->{$name} = Process->start(name => $name, output => "$self->{dir}/log",
        run => [$> == 0 ? ('setpriv', '--clear-groups', "--reuid=$uid", "--regid=$gid") : (), @command],
        env => { %environment, PYTHONPATH => "$root/usr/lib/python3/dist-packages",
                 LD_LIBRARY_PATH => "$environment{LD_LIBRARY_PATH}:$root/usr/lib/dovecot/modules/old-stats" });
    my %peer = (PeerAddr => '127.0.0.1', PeerPort => $self->{"${name}_port"});
    wait_until(60, sub { !$process->is_running || IO::Socket::INET->new(%peer) }) && $process->is_running
        or die "the server of $name did not start:\n" . $self->log_text;
    return;
}

sub stop {
    my ($self) = @_;
    return if $self->{owner} != $$;
    $_->stop('TERM', 30) for grep { defined } map { delete $self->{$_} } qw(imap smtp);
    return;
}

1;
