# Licensed under the Apache License, Version 2.0; see LICENSE.
# PhpApplication.pm - a real PHP application behind the modules and behind stock httpd, in each form of configuration.
#
#   PhpApplication::compare(name => 'DokuWiki',
#       prepare => sub { my ($site) = @_; ... },             # fills $site->{docroot} and $site->{folder}
#       visit   => sub { my ($visitor, $site) = @_; ... },   # the same on both sides
#       chance => qr/data-pw="[^"]*"/,                       # what is drawn by lot
#       finish  => sub { my ($site) = @_; ... },             # ends what else was started
#       expected_log => qr/AH01630/,
#       differs => { 'GET /x' => 'why that differs' });
#
# Each visit has a site of its own: two pools of PHP-FPM, which share its folder, and an httpd. Behind our modules
# all that the visitor looks for must be there; whatever came is compared with what came from stock, and each
# difference must be explained. `make check-applications` unpacks the applications first.
package PhpApplication;

use strict;
use warnings;
use Exporter qw(import);
use File::Path qw(make_path);
use List::Util qw(uniq);
use POSIX ();
use Test::More;
use Deadline;
use Fpm;
use Httpd;
use Process;
use Visitor;

our @EXPORT_OK = qw($picture $document log_in comes_back);

# ---- The forms ----

my @forms = (
    { name => 'SetHandler to a balancer',                  by => \&by_handler,     listen => 'tcp' },
    { name => 'SetHandler to a balancer of unix sockets',  by => \&by_handler,     listen => 'unix' },
    { name => 'SetHandler to a balancer, sticky',          by => \&by_handler,     listen => 'tcp', is_sticky => 1 },
    { name => 'SetHandler to a unix socket',               by => \&by_socket,      listen => 'unix' },
    { name => 'ProxyPassMatch to a balancer',              by => \&by_match,       listen => 'tcp' },
    { name => 'ProxyPassMatch to a balancer of unix sockets', by => \&by_match,    listen => 'unix' },
);

sub balancer {
    my ($form, @urls) = @_;
    my @names = ('a' .. 'z');
    return join "\n", 'Header set X-Member "%{BALANCER_WORKER_ROUTE}e" env=BALANCER_WORKER_ROUTE', '<Proxy "balancer://php">',
        (map { "BalancerMember \"$_\" route=" . shift @names } @urls),
        $form->{is_sticky} ? 'ProxySet stickysession=ROUTEID' : (), '</Proxy>',
        $form->{is_sticky}
        ? 'Header add Set-Cookie "ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED' : ();
}

sub handler { my ($url) = @_; return qq(<FilesMatch "\\.php\$">\nSetHandler "proxy:$url"\n</FilesMatch>) }

sub by_handler { my ($form, @urls) = @_; return (balancer($form, @urls), handler('balancer://php')) }
sub by_socket  { my ($form, @urls) = @_; return handler($urls[0]) }
sub by_match   {
    my ($form, @urls) = @_;
    return (balancer($form, @urls), 'ProxyPassMatch "^/(.*\.php(/.*)?)$" "balancer://php@docroot@/$1"');
}

# ---- A site ----

sub folder { return Httpd::build_dir() . '/applications' }
sub root   { return folder() . '/root' }
sub is_unpacked { return -e folder() . '/complete' }

# What programs from there need to find their libraries, and PHP its extensions.
sub environment {
    my $root = root();
    return (LD_LIBRARY_PATH => join(':', glob "$root/{usr/,}lib/*-linux-gnu $root/usr/lib/dovecot"),
            PHP_INI_SCAN_DIR => folder() . '/php.d');
}

# Who runs PHP-FPM and the servers behind it: not root.
sub user { return $> == 0 ? (getpwnam Httpd::unprivileged_user())[2, 3] : ($>, $) + 0) }

# Folders, and all in them, for that user.
sub give_away {
    my (@folders) = @_;
    system 'chown', '-R', join(':', user()), @folders if $> == 0;
    return;
}

# The docroot has links to what lies in this folder of the packages.
sub link_code {
    my ($site, $folder) = @_;
    for my $entry (glob root() . "$folder/*") {
        my ($name) = $entry =~ m{([^/]+)\z};
        symlink $entry, "$site->{docroot}/$name" or die "$name: $!";
    }
    return;
}

sub start_site {
    my ($form, $o) = @_;
    my $httpd = Httpd->new(children => 2, modules => [qw(rewrite headers filter deflate)], config => '');
    my $site = { httpd => $httpd, docroot => $httpd->docroot, folder => Httpd::temporary_dir('site'), env => {}, admin => {},
                 config => '', port => $httpd->port, secrets => [] };
    make_path(map { "$site->{folder}/$_" } qw(sessions tmp));
    $o->{prepare}->($site);
    give_away("$site->{folder}");
    my %environment = environment();
    local @ENV{ keys %environment } = values %environment;
    my @fpm = map {
        Fpm->start(children => 3, listen => $form->{listen}, docroot => $site->{docroot},
            env => { SITE => "$site->{folder}", %{ $site->{env} } },
            admin => { 'session.save_path' => "$site->{folder}/sessions", 'upload_tmp_dir' => "$site->{folder}/tmp",
                       error_log => "$site->{folder}/php.log", display_errors => 0, log_errors => 1, post_max_size => '32M',
                       upload_max_filesize => '32M', memory_limit => '256M', %{ $site->{admin} } })
    } 1 .. 2;
    $site->{fpm} = \@fpm;
    my @names = ('a' .. 'z');
    my @urls = map { $_->path ? 'unix:' . $_->path . '|fcgi://' . shift @names : $_->url } @fpm;
    delete local @ENV{qw(LD_LIBRARY_PATH PHP_INI_SCAN_DIR)};
    $httpd->{config} = join "\n", 'DirectoryIndex index.php index.html', 'AddType text/css .css', 'AddType text/javascript .js',
        'AddType image/png .png', 'AddOutputFilterByType DEFLATE text/html text/css text/javascript', $form->{by}->($form, @urls),
        '<Location "/balancer-manager">', 'RewriteEngine Off', '</Location>', $site->{config};
    $httpd->start;
    $httpd->expect_log($o->{expected_log}, optional => 1) if $o->{expected_log};
    return $site;
}

# returns  the visitor, who has been there
sub visit {
    my ($form, $o) = @_;
    my $site = start_site($form, $o);
    my $visitor = Visitor->new(port => $site->{httpd}->port,
        chance => $o->{chance} // qr/(?!)/, secrets => [$site->{docroot}, $site->{httpd}->root, "$site->{folder}", root(), @{ $site->{secrets} }]);
    eval { $o->{visit}->($visitor, $site); 1 } or push @{ $visitor->failures }, "died: $@";
    check_site($form, $site, $visitor) if !Httpd::is_stock();
    $site->{httpd}->stop;
    $_->stop for @{ $site->{fpm} };
    $o->{finish}->($site) if $o->{finish};
    if (@{ $visitor->failures } && open my $log, '<', "$site->{folder}/php.log") { diag grep { /error/i } <$log> }
    return $visitor;
}

# Both members had their share, unless the visitor was kept at one of them, and all is over.
sub check_site {
    my ($form, $site, $visitor) = @_;
    return if $form->{by} == \&by_socket;
    my $httpd = $site->{httpd};
    is scalar($visitor->members), $form->{is_sticky} ? 1 : 2, '... by as many members as it should be';
    ok wait_until(30, sub { $httpd->in_flight('php') == 0 }), '... none of which keeps a request';
    return;
}

# ---- What visitors of more than one application do ----

our $picture = pack 'H*', '89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154'
    . '08d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082';
our $document = "%PDF-1.4\r\n" . join '', map { chr($_ % 256) } 0 .. 300_000;

# Logs in by the form at `path`: with a wrong password first, which is refused.
# Options: secret => the field of the password, refused => what is seen then (status => with which), welcome => what is seen at last
sub log_in {
    my ($visitor, $path, $values, %o) = @_;
    $visitor->get($path);
    $visitor->submit({ %$values, $o{secret} => 'wrong' }, with => $o{secret});
    $visitor->sees('a wrong password is refused', $o{refused}, $o{status});
    $visitor->submit($values, with => $o{secret});
    $visitor->sees('the user is welcome', $o{welcome});
    return;
}

# What was uploaded is at `path`, byte for byte.
sub comes_back {
    my ($visitor, $path, $name, $bytes) = @_;
    $visitor->get($path || '/missing');
    $visitor->holds("the bytes of $name come back", $visitor->bytes eq $bytes, ($path || 'it is nowhere') . ': ' . $visitor->page->status_line);
    return;
}

# ---- Comparing ----

# The first lines that differ.
sub first_difference {
    my ($ours, $stock) = @_;
    my @ours = split /\n/, $ours;
    my @stock = split /\n/, $stock;
    my $at = 0;
    $at++ while $at < @ours && $at < @stock && $ours[$at] eq $stock[$at];
    return map { defined ? substr $_, 0, 600 : '(nothing)' } $ours[$at], $stock[$at];
}

sub compare_steps {
    my ($ours, $stock, $differs, $seen) = @_;
    my ($different, @unexplained) = (0);
    my $most = @$ours > @$stock ? @$ours : @$stock;
    for my $at (0 .. $most - 1) {
        my ($name, $here) = @{ $ours->[$at] // ['(nothing)', ''] };
        my ($other, $there) = @{ $stock->[$at] // ['(nothing)', ''] };
        next if $name eq $other && $here eq $there;
        $different++;
        if ($differs->{$name}) {
            note "differs: $name: $differs->{$name}";
            $seen->{$name}++;
            next;
        }
        my ($our_line, $stock_line) = first_difference($here, $there);
        push @unexplained, "step $at: $name" . ($name eq $other ? '' : " (stock: $other)"), "  ours:  $our_line", "  stock: $stock_line";
        last if $name ne $other;
    }
    return ($different, @unexplained);
}

sub nothing {
    my ($lines, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok !@$lines, $name or diag join "\n", @$lines;
    return;
}

# Environment: FORMS, a pattern of names: only these
sub compare {
    my (%o) = @_;
    plan skip_all => 'make check-applications unpacks them' if !is_unpacked();
    my (%seen, %cell);
    my $wanted = $ENV{FORMS} // '';
    my @tried = grep { $_->{name} =~ /$wanted/ } @forms;
    for my $form (@tried) {
        my $ours = visit($form, \%o);
        nothing($ours->failures, "$o{name}, $form->{name}: all that was looked for");
        my $stock = do { local $ENV{TEST_STOCK} = 1; visit($form, \%o) };
        my ($different, @unexplained) = compare_steps($ours->steps, $stock->steps, $o{differs} // {}, \%seen);
        nothing(\@unexplained, '... and it came as it comes from stock, or it is known why not');
        my $steps = @{ $ours->steps };
        $cell{ $form->{name} } = @{ $ours->failures } || @unexplained ? '**failed**' : ($steps - $different) . " of $steps";
    }
    if (@tried == @forms) {
        my $differs = $o{differs} // {};
        nothing([grep { !$seen{$_} } sort keys %$differs], 'all differences that are explained are there');
        write_row($o{name}, (map { $cell{ $_->{name} } } @forms), join('; ', sort { $a cmp $b } uniq values %$differs) || '-');
    }
    done_testing;
    return;
}

# ---- For docs/PLATFORMS.md: of so many steps, so many came as from stock ----

sub row { return join('', map { "| $_ " } @_) . "|\n" }

sub table {
    my $heading = row('Application', (map { $_->{name} } @forms), 'What differs from stock', 'Date');
    return join '', $heading, '|---' x (@forms + 3), "|\n", map { open my $in, '<', $_ or die "$_: $!"; <$in> } glob folder() . '/rows/*';
}

sub version {
    my ($name) = @_;
    open my $in, '<', folder() . '/versions' or return '?';
    my ($version) = map { /^\Q$name\E (.*)/ ? $1 : () } <$in>;
    return $version;
}

sub write_row {
    my ($name, @cells) = @_;
    Httpd::write_file(folder() . '/rows/' . lc $name, row("$name " . version(lc $name), @cells, POSIX::strftime('%F', localtime)));
    return;
}

1;
