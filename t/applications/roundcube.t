# Licensed under the Apache License, Version 2.0; see LICENSE.
# Roundcube: mail read, written, sent and received, with attachments, as behind stock httpd.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use MIME::Base64 qw(encode_base64);
use MailServer;
use PhpApplication qw($picture $document log_in comes_back);
use Httpd;

my $message = join "\r\n", 'From: Otto <otto@example.com>', 'To: reader@example.com', 'Subject: =?UTF-8?Q?Pl=C3=A4ne?=',
    'Date: Fri, 27 Nov 2026 10:00:00 +0000', 'Message-ID: <1@example.com>', 'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=part', '', '--part', 'Content-Type: text/plain; charset=UTF-8', '',
    'It works & more.', '--part', 'Content-Type: image/png; name=x.png', 'Content-Disposition: attachment; filename=x.png',
    'Content-Transfer-Encoding: base64', '', encode_base64($picture, "\r\n") . '--part--', '';

# Twice in a session's life its cookie is renewed, by the clock: with sessions of a day, hardly in one of these visits.
sub prepare {
    my ($site) = @_;
    my $mail = $site->{mail} = MailServer->start(messages => [$message]);
    my $folder = '/var/lib/roundcube/public_html';
    PhpApplication::link_code($site, $folder);
    symlink PhpApplication::root() . "$folder/.htaccess", "$site->{docroot}/.htaccess";
    mkdir "$site->{folder}/logs";
    $site->{env}{RCUBE_CONFIG_PATH} = "$site->{folder}/";
    my ($imap, $smtp) = map { '127.0.0.1:' . $_ } $mail->imap_port, $mail->smtp_port;
    Httpd::write_file("$site->{folder}/config.inc.php", <<"EOC");
<?php
\$config['db_dsnw'] = 'sqlite:///$site->{folder}/roundcube.db';
\$config['imap_host'] = '$imap';
\$config['smtp_host'] = '$smtp';
\$config['smtp_user'] = '';
\$config['smtp_pass'] = '';
\$config['log_dir'] = '$site->{folder}/logs';
\$config['session_lifetime'] = 1440;
\$config['temp_dir'] = '$site->{folder}/tmp';
EOC
    return;
}

sub mail { my ($action, %query) = @_; return "/?_task=mail&_action=$action" . join '', map { "&_$_=$query{$_}" } sort keys %query }

# The token of this page, which its JavaScript sends with each request.
sub token { my ($visitor) = @_; my ($token) = $visitor->bytes =~ /"request_token":"([^"]*)"/; return $token // 'none' }

# A new message with an attachment. Options: the hidden fields that say what becomes of it.
sub write_message {
    my ($visitor, $subject, %what) = @_;
    $visitor->get(mail('compose'));
    my $form = $visitor->page;
    my ($id) = $form->request->uri =~ /_id=(\w+)/;
    $visitor->submit({ '_attachments[]' => ['big.pdf', $document] }, with => '_attachments[]', headers => ['X-Roundcube-Request' => token($visitor)],
        to => mail('upload', id => $id, uploadid => 'upload1', remote => 1, from => 'compose'));
    $visitor->sees('an attachment is there', qr/add2attachment_list.*big\.pdf/);
    $visitor->return_to($form);
    $visitor->submit({ _to => 'reader@example.com', _subject => $subject, _message => "It works\n\n-- \nund schön", _framed => 1, %what },
        with => '_message');
    return;
}

sub list {
    my ($visitor, $folder, $subject) = @_;
    $visitor->get(mail('list', mbox => $folder, remote => 1));
    $visitor->sees("$subject is in $folder", qr/add_message_row.*\Q$subject\E/);
    return;
}

sub visit {
    my ($visitor) = @_;
    log_in($visitor, '/', { _user => 'reader@example.com', _pass => MailServer::password() }, secret => '_pass',
        refused => qr/Login failed/, status => 401, welcome => qr/Inbox/);
    my $token = token($visitor);
    list($visitor, 'INBOX', 'Pläne');
    $visitor->get(mail('show', mbox => 'INBOX', uid => 1));
    $visitor->sees('a message', qr/It works &amp; more/);
    comes_back($visitor, mail('get', mbox => 'INBOX', uid => 1, part => 2, embed => 1), 'x.png', $picture);

    write_message($visitor, 'A draft', _draft => 1);
    $visitor->sees('a draft is kept', qr/Message saved to Drafts/);
    list($visitor, 'Drafts', 'A draft');
    write_message($visitor, 'A letter');
    $visitor->sees('a letter is sent', qr/Message sent successfully/);
    list($visitor, $_, 'A letter') for qw(Sent INBOX);
    comes_back($visitor, mail('get', mbox => 'INBOX', uid => 2, part => 2, download => 1, token => $token), 'big.pdf', $document);

    $visitor->get($_) for mail('search', mbox => 'INBOX', q => 'letter', remote => 1), mail('viewsource', mbox => 'INBOX', uid => 1, save => 1, token => $token),
        mail('preview', mbox => 'Drafts', uid => 1), '/?_task=addressbook', '/?_task=settings', '/?_task=settings&_action=folders', '/?_task=settings&_action=about',
        '/skins/elastic/styles/styles.min.css', '/program/js/common.js', '/config/config.inc.php', '/SQL/', '/nothing.php', '/index.php/nothing', '/favicon.ico';
    $visitor->head('/');
    $visitor->get("/?_task=logout&_token=$token");
    $visitor->sees('the form to log in', qr/name="_pass"/);
    $visitor->get(mail('show', mbox => 'INBOX', uid => 1));
    $visitor->sees('... and nothing else now', qr/name="_pass"/);
    return;
}

PhpApplication::compare(name => 'Roundcube', prepare => \&prepare, visit => \&visit, finish => sub { $_[0]{mail}->stop },
    chance => qr/[A-Za-z0-9]{32}/, expected_log => qr/FC0230: .*Primary script unknown/, differs => {
        'GET /nothing.php' => 'a few bytes are not compressed: mod_deflate sees that they are all there is',
        'HEAD /' => 'HEAD has the Content-Encoding of GET, which stock leaves out' });
