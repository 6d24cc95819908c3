# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-24: an answer with X-Sendfile becomes the file that it names, with all that httpd does for
# files: ranges, validators, conditional requests; but only for files below ProxyFCGISendfileRoot.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use HTTP::Date qw(time2str);
use POSIX ();
use Backend;
use Deadline;
use FcgiRecord;
use Httpd;

# What the query names is sent: X-Sendfile by default.
my $asked_for = sub {
    my ($c, $r) = @_;
    my ($what, $file) = split /=/, $r->{params}{QUERY_STRING}, 2;
    $file =~ s/%(..)/chr hex $1/ge;
    my ($name, $more) = ('X-Sendfile', '');
    $name = 'x-SENDFILE' if $what eq 'case';
    $more = "Content-Type: application/x-own\r\nContent-Disposition: attachment\r\nSet-Cookie: a=1\r\n"
        if $what ne 'untyped';
    $more .= "Status: 200 OK\r\n" if $what eq 'status';
    $more .= "Content-Length: 3\r\n" if $what eq 'length';
    $more .= "Cache-Control: private\r\n";
    $c->stdout("$name: $file\r\n$more\r\n" . ($what eq 'body' ? 'the body of the application' : ''));
    $c->end_request;
};
my $backend = Backend->answering($asked_for);

my $root  = Httpd::temporary_dir('files');
my $dir   = "$root/allowed";
my $small = join '', map { "line $_ of the file\n" } 1 .. 500;
my $big   = 'abcdefghij' x 2_000_000;
mkdir "$root/$_" or die for qw(allowed allowed/sub allowed-not second outside release);
sub file { my ($name, $text) = @_; return Httpd::write_file("$root/$name", $text) }
file('allowed/small.txt', $small);
file('allowed/sub/name with space.txt', $small);
file('allowed/big', $big);
file('allowed/empty', '');
file('allowed/locked', 'nobody may read this');
chmod 0000, "$dir/locked";
file('second/here', 'in the second root');
file('release/here', 'behind a root that is a symlink');
file("$_/secret", 'SECRET') for qw(allowed-not outside .);
symlink "$root/outside/secret", "$dir/link-out" or die;
symlink "$root/outside", "$dir/folder-out" or die;
symlink "../../outside/secret", "$dir/sub/relative-out" or die;
symlink 'small.txt', "$dir/link-in" or die;
symlink 'release', "$root/current" or die;
POSIX::mkfifo("$dir/pipe", 0666) or die;
my $modified = time - 86_400;
utime $modified, $modified, "$dir/small.txt";

my $to = $backend->url;
my $httpd = Httpd->start(config => <<"EOC");
<Proxy balancer://cluster>
    BalancerMember $to enablereuse=on
</Proxy>
ProxyPass /app/  balancer://cluster/app/
ProxyPass /none/ balancer://cluster/none/
<Location /app/>
    ProxyFCGISendfileRoot $dir $root/second $root/current/
</Location>
Alias /direct/ $dir/
EOC
sub escaped { my ($text) = @_; $text =~ s/([^\w.\/-])/sprintf '%%%02X', ord $1/ge; return $text }
sub ask {
    my ($file, %o) = @_;
    my $what = delete $o{what} // 'file';
    return $httpd->send($o{method} // 'GET', "/app/x.php?$what=" . escaped($file), %o);
}

# ---- A whole file ----

my $direct = $httpd->get('/direct/small.txt');
my $r = ask("$dir/small.txt");
is $r->{status}, 200, 'a file below the root: 200';
is $r->{body}, $small, 'all of it';
is $r->{header}{'content-length'}, length $small, 'Content-Length is that of the file';
is $r->{header}{'last-modified'}, time2str($modified), 'Last-Modified is that of the file';
like $r->{header}{etag} // '', qr/^"[^"]+"$/, 'it has an ETag';
is $r->{header}{etag}, $direct->{header}{etag}, '... the one that httpd gives to this file';
is $r->{header}{'accept-ranges'}, 'bytes', 'ranges are offered';
is $r->{header}{'content-type'}, 'application/x-own', 'the application\'s Content-Type wins';
is $r->{header}{'content-disposition'}, 'attachment', 'its other fields are passed on';
is $r->{header}{'set-cookie'}, 'a=1', '... and its cookies';
is $r->{header}{'cache-control'}, 'private', '... and Cache-Control';
ok !exists $r->{header}{'x-sendfile'}, 'the header is not visible';
my $etag = $r->{header}{etag} // '"none"';

for my $case (['case', 'in any case of letters'], ['status', 'with Status: 200'],
              ['body', 'with a body of the application'], ['length', 'with a Content-Length of the application']) {
    my ($what, $name) = @$case;
    $r = ask("$dir/small.txt", what => $what);
    is $r->{status}, 200, "$name: 200";
    is $r->{body}, $small, "$name: the file, and nothing else";
    is $r->{header}{'content-length'}, length $small, "$name: the length of the file";
    ok !exists $r->{header}{'x-sendfile'}, "$name: the header is not visible";
}
$r = ask("$dir/sub/name with space.txt");
is $r->{status}, 200, 'a file in a folder below, with a blank in its name: 200';
is $r->{body}, $small, '... all of it';
is ask("$dir/link-in")->{body}, $small, 'a symlink to a file below the root is followed';
is ask("$root/second/here")->{body}, 'in the second root', 'a file below the second root';
is ask("$root/current/here")->{body}, 'behind a root that is a symlink',
    'a root that is itself a symlink, and ends with a slash';
$r = ask("$dir/empty");
is $r->{status}, 200, 'an empty file: 200';
is $r->{header}{'content-length'}, 0, '... of no bytes';
$r = ask("$dir/big");
is sha1_hex($r->{body}), sha1_hex($big), '20 MB: all bytes';
$r = ask("$dir/small.txt", method => 'HEAD');
is $r->{status}, 200, 'HEAD: 200';
is $r->{header}{'content-length'}, length $small, 'HEAD: the length of the file';
is $r->{body}, '', 'HEAD: no body';
$r = ask("$dir/small.txt", method => 'POST', body => 'twelve bytes');
is $r->{status}, 200, 'a POST may be answered with a file';
is $r->{body}, $small, '... all of it';

# ---- Ranges ----

my $middle = ask("$dir/small.txt", header => { Range => 'bytes=100-199' });
is $middle->{status}, 206, 'a range: 206';
is $middle->{body}, substr($small, 100, 100), '... the right bytes';
is $middle->{header}{'content-range'}, 'bytes 100-199/' . length $small, '... Content-Range';
is $middle->{header}{'content-length'}, 100, '... Content-Length';
is $middle->{header}{etag}, $etag, '... the same ETag';
is $middle->{header}{'last-modified'}, time2str($modified), '... the same Last-Modified';
is $middle->{header}{'content-type'}, 'application/x-own', '... the same type';
is ask("$dir/big", header => { Range => 'bytes=-7' })->{body}, substr($big, -7), 'the last seven bytes';
is ask("$dir/big", header => { Range => 'bytes=19999990-' })->{body}, substr($big, 19_999_990),
    'from a place on';
is ask("$dir/small.txt", header => { Range => 'bytes=999999-' })->{status}, 416,
    'a range behind the end: 416';
$r = ask("$dir/small.txt", header => { Range => 'bytes=0-9,20-29' });
is $r->{status}, 206, 'two ranges: 206';
like $r->{header}{'content-type'}, qr{^multipart/byteranges}, '... as parts';
is ask("$dir/small.txt", header => { Range => 'bytes=0-9', 'If-Range' => $etag })->{status}, 206,
    'If-Range with the right ETag: 206';
is ask("$dir/small.txt", header => { Range => 'bytes=0-9', 'If-Range' => '"other"' })->{status}, 200,
    'If-Range with another: 200';

# ---- Conditional requests ----

for my $case ([{ 'If-None-Match' => $etag }, 304], [{ 'If-None-Match' => '"other"' }, 200],
              [{ 'If-Modified-Since' => time2str($modified) }, 304],
              [{ 'If-Modified-Since' => time2str($modified - 10) }, 200],
              [{ 'If-Match' => '"other"' }, 412]) {
    my ($header, $status) = @$case;
    my ($name) = %$header;
    $r = ask("$dir/small.txt", header => $header);
    is $r->{status}, $status, "$name $header->{$name}: $status";
    ok !exists $r->{header}{'x-sendfile'}, "$name: the header is not visible";
    is $r->{header}{etag}, $etag, '304 has the ETag' if $status == 304;
}

# ---- The slot is free while the client reads ----

my $slow = HttpSocket->connect($httpd->port, receive_buffer => 4096);
$slow->request('GET', '/app/x.php?file=' . escaped("$dir/big"));
my $head = $slow->read_head(10);
is $head->{status}, 200, 'a slow client: 200';
ok wait_until(5, sub { $httpd->in_flight('cluster') == 0 }),
    'a slow client: nothing is in flight while it reads';
cmp_ok length $slow->{buffer}, '<', 5_000_000, '... and it has not read it all yet';
my $rest = $slow->read_bytes(length $big, 30) // '';
is sha1_hex($rest), sha1_hex($big), '... and then it gets every byte';
$slow->close;

# ---- Refused ----

my %refused = (
    'outside the roots'           => "$root/outside/secret",
    'a system file'               => '/etc/passwd',
    'dots out of the root'        => "$dir/../secret",
    'dots through a folder'       => "$dir/sub/../../outside/secret",
    'a folder whose name begins like the root' => "$root/allowed-not/secret",
    'a symlink that leads out'    => "$dir/link-out",
    'a folder that leads out'     => "$dir/folder-out/secret",
    'a relative symlink that leads out' => "$dir/sub/relative-out",
    'a relative path'             => 'allowed/small.txt',
    'a relative path with dots'   => '../secret',
    'the root itself'             => $dir,
    'a folder'                    => "$dir/sub",
    'a pipe'                      => "$dir/pipe",
    'no name at all'              => '',
);
$refused{'a file that httpd may not read'} = "$dir/locked" if $> == 0;
for my $name (sort keys %refused) {
    $httpd->mark_log;
    $r = ask($refused{$name}, seconds => 10);
    is $r->{status}, 403, "$name: 403";
    unlike $r->{body}, qr/SECRET|root:|line 1 /, "$name: nothing of a file";
    unlike $r->{body}, qr/\Q$root\E/, "$name: the client does not learn the path";
    ok !exists $r->{header}{'x-sendfile'}, "$name: the header is not visible";
    ok $httpd->wait_for_log(qr/FC0\d+: .*sendfile/i, 5), "$name: and logged";
}
$httpd->mark_log;
$r = ask("$dir/no-such-file");
like $r->{status}, qr/^40[34]$/, 'a file that is not there: refused';
ok $httpd->wait_for_log(qr/FC0\d+: .*sendfile/i, 5), '... and logged';
is ask("$dir/small.txt")->{status}, 200, 'and then a good one again';
is $httpd->in_flight('cluster'), 0, 'nothing is in flight';
my $member = $httpd->member($backend->port, 'cluster');
is $member->{state}, 'ok', 'no refusal blames the member';

# ---- No root ----

$httpd->mark_log;
$r = $httpd->get('/none/x.php?body=' . escaped("$dir/small.txt"));
is $r->{status}, 200, 'no root configured: the answer goes out';
is $r->{body}, 'the body of the application', '... as the application sent it';
is $r->{header}{'x-sendfile'}, "$dir/small.txt", '... with the header, for whoever obeys it';
is_deeply [$httpd->log_lines(qr/FC0/)], [], '... and nothing is logged';

$httpd->expect_log(qr/FC0\d+: .*sendfile/i);
$httpd->stop;

# ---- Configuration ----

for my $wrong ('relative/path', '') {
    my ($code, $said) = Httpd->configtest(config => "ProxyFCGISendfileRoot $wrong\n");
    isnt $code, 0, "a root of '$wrong' is refused";
    like $said, qr/ProxyFCGISendfileRoot/, '... by name';
}

done_testing;
