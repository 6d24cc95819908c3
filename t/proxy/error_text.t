# Licensed under the Apache License, Version 2.0; see LICENSE.
# F-18: each line of error text that a backend sends is one entry in the error log, wherever the
# records are cut; PHP's notices are info, its warnings warn, the rest error; a request that says
# too much is cut short in the log; the answer is never harmed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Digest::SHA qw(sha1_hex);
use Backend;
use Deadline;
use FcgiRecord;
use Fpm;
use Httpd;

use constant LINES_LOGGED => 100;    # of one request

my $head = "Content-Type: text/plain\r\n\r\n";
my @said = (
    ['PHP Notice:  Undefined index: a in /srv/x.php on line 1',     'info'],
    ['PHP Deprecated:  Function b() is deprecated in /srv/x.php',   'info'],
    ['PHP Warning:  Division by zero in /srv/x.php on line 2',      'warn'],
    ['PHP Fatal error:  Uncaught Exception: c in /srv/x.php:3',     'error'],
    ['PHP Parse error:  syntax error in /srv/x.php on line 4',      'error'],
    ['PHP message: PHP Notice:  with the prefix of PHP-FPM',        'info'],
    ['PHP message: PHP Warning:  with the prefix of PHP-FPM',       'warn'],
    ['any other text',                                              'error'],
);
my $text = join '', map { "$_->[0]\n" } @said;
my $megabyte = join '', map { sprintf "line %06d %s\n", $_, 'x' x 88 } 1 .. 10_486;
my %does = (
    # ?N: cut after N bytes into two records, the first of them before the response head
    cut => sub {
        my ($c, $r) = @_;
        my $at = $r->{params}{QUERY_STRING};
        $c->record(FCGI_STDERR, $c->{id}, substr $text, 0, $at) if $at;
        $c->stdout("${head}answer");
        $c->record(FCGI_STDERR, $c->{id}, substr $text, $at) if $at < length $text;
    },
    # within the head and within the body, a record for each byte
    bytes => sub {
        my ($c) = @_;
        my @error = split //, $text;
        my @answer = split //, "${head}answer";
        my $out = '';
        while (@error || @answer) {
            $out .= FcgiRecord::record(FCGI_STDERR, $c->{id}, shift @error, 3) if @error;
            $out .= FcgiRecord::record(FCGI_STDOUT, $c->{id}, shift @answer) if @answer;
        }
        $c->send($out);
    },
    # all of it in the head, the body in between, no end of line at the end
    megabyte => sub {
        my ($c) = @_;
        $c->stderr(substr $megabyte, 0, 524_288);
        $c->stdout($head);
        for my $n (0 .. 15) {
            $c->stdout("piece $n\n" x 5_000);
            $c->stderr(substr $megabyte, 524_288 + $n * 32_768, $n == 15 ? 1_048_576 : 32_768);
        }
    },
    one_line => sub { my ($c) = @_; $c->stderr('y' x 1_048_576); $c->stdout("${head}answer") },
    hundred  => sub { my ($c) = @_; $c->stderr("one of hundred\n" x LINES_LOGGED);
        $c->stdout("${head}answer") },
    next     => sub { my ($c) = @_; $c->stderr("the next request is heard\n");
        $c->stdout("${head}answer") },
    escapes  => sub { my ($c) = @_; $c->stderr("red \e[31m and\rFC0230 forged\0 end\n");
        $c->stdout("${head}answer") },
    blank    => sub { my ($c) = @_; $c->stderr("\n\r\n  \n"); $c->stdout("${head}answer") },
    no_head  => sub { my ($c) = @_; $c->stderr("PHP Fatal error:  no answer comes\n") },
);
my $backend = Backend->answering(sub {
    my ($connection, $request) = @_;
    my ($what) = $request->{params}{SCRIPT_NAME} =~ m{(\w+)$};
    $does{$what}->($connection, $request);
    $connection->end_request;
});
my $httpd = Httpd->start(log_level => 'info', config => <<"EOC");
ProxyPass /app/ @{[ $backend->url('/app/') ]} enablereuse=on
EOC
my $ours = qr/^\[[^\]]*\] \[proxy_fastcgi:(\w+)\]/;

# [level, what was said] of each FC0230 line since the mark
sub entries {
    return map { /$ours.*FC0230: member \S+ says: (.*)$/ ? [$1, $2] : () } $httpd->log_lines;
}
sub entries_are {
    my ($wanted, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_until(5, sub { (my @e = entries()) >= @$wanted });
    my @entries = map { (my $said = $_->[1]) =~ s/, referer: .*//; [$_->[0], $said] } entries();
    return is_deeply \@entries, $wanted, $name;
}

# ---- Cut anywhere ----

my @said_with_level = map { [$_->[1], $_->[0]] } @said;
my ($unharmed, $right, @bad) = (0, 0);
for my $at (0 .. length $text) {
    $httpd->mark_log;
    my $response = $httpd->get("/app/cut?$at");
    $unharmed++ if $response->{status} == 200 && $response->{body} eq 'answer';
    wait_until(5, sub { (my @e = entries()) >= @said });
    my @entries = entries();
    if (join('|', map { "@$_" } @entries) eq join '|', map { "@$_" } @said_with_level) { $right++ }
    else { push @bad, $at }
}
is $unharmed, 1 + length $text, 'cut after any byte: the answer is unharmed';
is $right, 1 + length $text, 'cut after any byte: each line is one entry at its level'
    or diag "wrong when cut after @bad[0 .. ($#bad < 9 ? $#bad : 9)]";

$httpd->mark_log;
my $response = $httpd->get('/app/bytes');
is $response->{body}, 'answer', 'a record for each byte, mixed with head and body: unharmed';
entries_are(\@said_with_level, 'a record for each byte: each line is one entry at its level');

$httpd->mark_log;
is $httpd->get('/app/blank')->{body}, 'answer', 'blank lines: unharmed';
is scalar(entries()), 0, 'blank lines are no entries';

$httpd->mark_log;
is $httpd->get('/app/escapes')->{body}, 'answer', 'control characters: unharmed';
wait_until(5, sub { (my @e = entries()) >= 1 });
my @lines = $httpd->log_lines(qr/forged/);
is scalar @lines, 1, 'control characters make no line of their own';
unlike $lines[0] // '', qr/[\0-\x08\x0b-\x1f]/, '... and are escaped';

# ---- Too much ----

sub left_out {
    my ($line) = $httpd->wait_for_log(qr/omitted/, 5);
    return ($line // '') =~ /\bFC0\d+: .*?(\d+) (?:more )?lines?\b.*omitted/ ? $1
        : "no number of lines in: " . ($line // 'nothing');
}
$httpd->mark_log;
$response = $httpd->get('/app/megabyte');
is $response->{status}, 200, 'a megabyte: 200';
is sha1_hex($response->{body}), sha1_hex(join '', map { "piece $_\n" x 5_000 } 0 .. 15),
    'a megabyte: the answer is unharmed';
is left_out(), 10_486 - LINES_LOGGED, 'a megabyte: one line says how many were omitted';
is scalar(entries()), LINES_LOGGED, 'a megabyte: no more than a hundred entries';
is +(entries())[0][1] =~ s/ x+$//r, 'line 000001', 'a megabyte: the first ones';
is scalar(my @said_so = $httpd->log_lines(qr/omitted/)), 1, 'a megabyte: said once';

$httpd->mark_log;
$response = $httpd->get('/app/one_line');
is $response->{body}, 'answer', 'a megabyte without an end of line: the answer is unharmed';
my ($bytes, $longest) = (0, 0);
wait_until(5, sub { (my @e = entries()) >= 1 });
for my $line ($httpd->log_lines) {
    $bytes += length $line;
    $longest = length $line if length $line > $longest;
}
cmp_ok $bytes, '<', 1_000_000, 'a megabyte without an end of line: not all of it is logged';
cmp_ok $longest, '<=', 9000, '... and no entry is longer than httpd\'s own longest';
cmp_ok scalar(entries()), '<=', LINES_LOGGED, '... in no more than a hundred entries';

$httpd->mark_log;
is $httpd->get('/app/hundred')->{body}, 'answer', 'just as many as are allowed: unharmed';
is $httpd->get('/app/next')->{body}, 'answer', 'the next request';
ok $httpd->wait_for_log(qr/FC0230: .*the next request is heard/),
    '... is heard again: the limit is that of a request';
is scalar(my @hundred = $httpd->log_lines(qr/FC0230: .*one of hundred/)), LINES_LOGGED,
    'just as many as are allowed are all logged';
is scalar($httpd->log_lines(qr/omitted/)), 0, '... and nothing is said to be omitted';

# ---- Error text and no answer ----

$httpd->mark_log;
is $httpd->get('/app/no_head')->{status}, 502, 'only error text: 502';
entries_are([['error', 'PHP Fatal error:  no answer comes']], '... and the text is logged');

$httpd->expect_log(qr/FC0230/);
$httpd->expect_log(qr/omitted/);
$httpd->expect_log(qr/FC0251: .*bad_response/, times => 1);
$httpd->stop;

# ---- What PHP-FPM says ----

SKIP: {
    skip 'php-fpm is not installed', 1 if !Fpm::is_installed();
    my $fpm = Fpm->start(children => 2, admin => {
        log_errors => 'On', display_errors => 'Off', error_reporting => 32767, html_errors => 'Off' },
        files => { 'says.php' => <<'EOP', 'stops.php' => <<'EOP2' });
<?php
ini_set('error_log', '');
trigger_error('token-notice', E_USER_NOTICE);
trigger_error('token-deprecated', E_USER_DEPRECATED);
trigger_error('token-warning', E_USER_WARNING);
error_log('token-other');
echo 'answer';
EOP
<?php
echo 'before';
throw new Exception('token-fatal');
EOP2
    my $php = Httpd->start(log_level => 'info', config => <<"EOC");
ProxyPass /php/ "@{[ $fpm->url ]}@{[ $fpm->docroot ]}/"
ProxyPass /kept/ "unix:@{[ $fpm->path ]}|fcgi://kept@{[ $fpm->docroot ]}/" enablereuse=on
EOC
    for my $form ('php', 'kept') {
        $php->mark_log;
        is $php->get("/$form/says.php")->{body}, 'answer', "$form: a script that warns is served";
        for (['notice', 'info'], ['deprecated', 'info'], ['warning', 'warn'], ['other', 'error']) {
            my ($token, $level) = @$_;
            my $line = $php->wait_for_log(qr/FC0230: .*token-$token\b/, 5) // 'no line';
            is +($line =~ $ours)[0], $level, "$form: PHP's $token is of level $level"
                or diag $line;
            unlike $line, qr/token-(?!$token)/, "$form: PHP's $token has a line of its own";
        }
        $php->get("/$form/stops.php");
        my $line = $php->wait_for_log(qr/FC0230: .*token-fatal\b/, 5) // 'no line';
        is +($line =~ $ours)[0], 'error', "$form: an uncaught exception is of level error";

        $php->mark_log;
        is $php->get("/$form/missing.php")->{status}, 404, "$form: no such script: 404";
        $line = $php->wait_for_log(qr/Primary script unknown/, 5) // 'no line';
        like $line, qr{FC0230: .*Primary script unknown.*\Q@{[ $fpm->docroot ]}\E/missing\.php},
            "$form: ... and the log names the SCRIPT_FILENAME that was sent";
    }
    $php->expect_log(qr/FC0230/);
    $php->stop;
}

done_testing;
