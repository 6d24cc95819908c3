# Licensed under the Apache License, Version 2.0; see LICENSE.
# X-Sendfile names what is a file of its root one moment and a link out of it the next: what was looked
# at is what is sent. Nothing from outside comes out, and a pipe blocks nobody.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use POSIX ();
use Backend;
use Deadline;
use Httpd;
use HttpSocket;
use Process;

plan skip_all => 'stock has no X-Sendfile' if Httpd::is_stock();

use constant { SECONDS => 3, CLIENTS => 4 };

my $root = Httpd::temporary_dir('race');
mkdir "$root/$_" or die for qw(allowed outside allowed/in);
sub file { my ($name, $text) = @_; return Httpd::write_file("$root/$name", $text) }
file('allowed/in/file', 'ALLOWED');
file('outside/file', 'SECRET');
POSIX::mkfifo("$root/allowed/pipe", 0666) or die;

my $backend = Backend->answering(sub {
    my ($c, $r) = @_;
    my ($name) = $r->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    $name = 'folder/file' if $name eq 'folder';
    $c->stdout("X-Sendfile: $root/allowed/$name\r\nContent-Type: text/plain\r\n\r\n");
    $c->end_request;
});
my $httpd = Httpd->start(threads => 32, any_log => 1, config => <<"EOC");
ProxyPass / @{[ $backend->url('/') ]} enablereuse=on
<Location />
    ProxyFCGISendfileRoot $root/allowed
</Location>
EOC

# ---- Names that are swapped all the time ----

# A file that is a link out the next moment, and a folder.
mkdir "$root/allowed/folder" or die;
link "$root/allowed/in/file", "$root/allowed/folder/file" or die;
symlink "$root/outside", "$root/spare" or die;
my @swappers = map { Process->start(name => 'swapper', run => $_) } sub {
    while (1) {
        symlink "$root/outside/file", "$root/new";
        rename "$root/new", "$root/allowed/link";
        link "$root/allowed/in/file", "$root/new";
        rename "$root/new", "$root/allowed/link";
    }
}, sub {
    while (1) {
        rename "$root/allowed/folder", "$root/away";
        rename "$root/spare", "$root/allowed/folder";
        rename "$root/allowed/folder", "$root/spare";
        rename "$root/away", "$root/allowed/folder";
    }
};
my @clients;
for my $n (1 .. CLIENTS) {
    pipe my $from, my $to or die "pipe: $!";
    push @clients, { from => $from, process => Process->start(name => 'client', run => sub {
        my %seen;
        my $end = now_monotonic() + SECONDS;
        while (now_monotonic() < $end) {
            my $client = $httpd->connect;
            for (1 .. 50) {
                $client->request('GET', $n % 2 ? '/link' : '/folder');
                my $r = $client->read_response;
                $seen{ $r->{status} == 200 ? $r->{body} : $r->{status} }++;
                last if ($r->{header}{connection} // '') =~ /close/i || !$r->{complete};
            }
        }
        syswrite $to, join ' ', map { "$_=$seen{$_}" } sort keys %seen;
        POSIX::_exit(0);
    }) };
    close $to;
}
my %seen;
for my $client (@clients) {
    my $text = do { local $/; readline $client->{from} } // '';
    $seen{$1} += $2 while $text =~ /(\w+)=(\d+)/g;
}
$_->stop('KILL') for @swappers;
diag join ', ', map { "$_: $seen{$_}" } sort keys %seen;
cmp_ok $seen{ALLOWED} // 0, '>', 10, 'the file is sent while it is one';
cmp_ok $seen{403} // 0, '>', 10, '... and refused while its name leads out';
is $seen{SECRET}, undef, '... and nothing of what lies outside is sent';

# ---- Nobody waits for the other end of a pipe ----

my $began = now_monotonic();
is $httpd->get('/pipe')->{status}, 403, 'a pipe is refused';
cmp_ok now_monotonic() - $began, '<', 2 * $Deadline::STRETCH, '... at once';
$httpd->stop;

done_testing;
