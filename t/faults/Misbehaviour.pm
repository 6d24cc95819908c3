# Licensed under the Apache License, Version 2.0; see LICENSE.
# Misbehaviour.pm - what a FastCGI backend can do wrong, by name, and what a client may then see.
#
# Each kind is { may => [words], does => sub { my ($connection, $token) = @_ }, ... }. The words:
#   ok     the whole answer: `status` (200) and `body` (of the token; see text)
#   cut    the begin of that answer, which is seen to be cut
#   NNN    a whole answer of httpd's with this status
# More of a kind:
#   unread    the backend does not read the request's body before `does` begins
#   is_slow   some time limit is part of it
#   not_begun   the backend says so: the request may be sent again
#   at        it needs a backend of its own: see start()
package Misbehaviour;

use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use List::Util qw(min);
use Time::HiRes ();
use Application;
use Backend;
use Deadline;
use FcgiRecord;
use FullBacklog;

use constant { LONGEST_FLOOD => 25, HUGE => 6_000_000 };

my %kind;

sub names { return sort keys %kind }
sub kind  { my ($name) = @_; return $kind{$name} // die "there is no kind '$name'\n" }

# What was promised for this token, as it must come whole.
sub text { my ($token, $bytes) = @_; return Application::download_body($token, $bytes // 3000) }

sub head { return join '', map { "$_\r\n" } @_, '' }

# Each head names its token, so that a head of another request is seen as well.
sub head_of { my ($token, @fields) = @_; return head("X-Token: $token", 'Content-Type: text/plain', @fields) }

sub record { my ($c, $type, $content, @more) = @_; return FcgiRecord::record($type, $c->{id}, $content, @more) }

sub end_of {
    my ($c, @status) = @_;
    return record($c, FCGI_STDOUT, '') . record($c, FCGI_END_REQUEST, FcgiRecord::end_request_body(@status));
}

sub answer {
    my ($c, $token, %o) = @_;
    $c->stdout(($o{head} // head_of($token)) . ($o{body} // text($token)));
    return $c->end_request($o{app_status}, $o{protocol_status});
}

# The same bytes again and again: some megabytes a second, until the peer has had enough.
sub flood {
    my ($c, $bytes) = @_;
    my $until = now_monotonic() + LONGEST_FLOOD * $Deadline::STRETCH;
    $bytes x= 1 + int 16_384 / length $bytes;
    while (now_monotonic() < $until && $c->send($bytes)) { Time::HiRes::sleep(0.002) }
    return $c->close;
}

sub hang { my ($c) = @_; $c->wait_for_close(LONGEST_FLOOD * $Deadline::STRETCH); return $c->close }

sub trickle {
    my ($c) = @_;
    my $until = now_monotonic() + LONGEST_FLOOD * $Deadline::STRETCH;
    while (now_monotonic() < $until && $c->stdout('X')) { $c->wait_for_close(0.1) and last }
    return $c->close;
}

my @broken  = ('502');           # before a whole head
my @cut     = ('cut', '502');    # behind it: 502 while nothing of it was passed on
my @late    = ('504');
my @cut_late = ('cut', '504');
my @flooded = ('502', '504');    # too many, or too long

# ---- Records ----

%kind = (
    sound => { may => ['ok'], does => \&answer },
    wrong_version => { may => \@broken, does => sub {
        my ($c, $token) = @_;
        $c->record(FCGI_STDOUT, $c->{id}, head_of($token) . text($token), 0, 2);
        hang($c);
    } },
    wrong_version_later => { may => \@cut, does => sub {
        my ($c, $token) = @_;
        $c->stdout(head_of($token) . text($token, 1000));
        $c->record(FCGI_STDOUT, $c->{id}, text($token), 0, 0);
        hang($c);
    } },
    foreign_records => { may => ['ok'], does => sub {
        my ($c, $token) = @_;
        my $other = $c->{id} + 1;
        $c->stdout(head_of($token));
        $c->record(FCGI_STDOUT, $other, 'of another request');
        $c->stdout(text($token));
        $c->send(FcgiRecord::record(FCGI_END_REQUEST, $other, FcgiRecord::end_request_body()));
        $c->end_request;
    } },
    only_foreign_records => { may => \@broken, does => sub {
        my ($c, $token) = @_;
        $c->{id} += 7;
        answer($c, $token);
        $c->close;
    } },
    unknown_types => { may => ['ok'], does => sub {
        my ($c, $token) = @_;
        my @noise = map { record($c, $_, 'noise', $_) } 0, 1, 2, 4, 5, 8, 11, 12, 255;
        $c->send(join '', @noise, record($c, FCGI_STDOUT, head_of($token)), @noise,
            record($c, FCGI_STDOUT, text($token)), @noise, end_of($c));
    } },
    management_records => { may => ['ok'], does => sub {
        my ($c, $token) = @_;
        $c->send(FcgiRecord::record($_, 0, 'x' x 60_000)) for FCGI_GET_VALUES_RESULT, FCGI_UNKNOWN_TYPE;
        answer($c, $token);
    } },
    byte_by_byte => { may => ['ok'], body => sub { text($_[0], 300) }, does => sub {
        my ($c, $token) = @_;
        my $all = join '', map { record($c, FCGI_STDOUT, $_, 3) } split //, head_of($token) . text($token, 300);
        $c->send_split($all . end_of($c), 1 .. 200);
    } },
    padded => { may => ['ok'], does => sub {
        my ($c, $token) = @_;
        my $all = head_of($token) . text($token);
        $c->send(join '', map { record($c, FCGI_STDERR, '', 255) . record($c, FCGI_STDOUT, $_, 255) }
            unpack '(a7)*', $all);
        $c->send(end_of($c));
    } },
    biggest_records => { may => ['ok'], body => sub { text($_[0], 655_350) }, does => sub {
        my ($c, $token) = @_;
        $c->stdout(head_of($token));
        $c->send(record($c, FCGI_STDOUT, $_, 255)) for unpack '(a65535)*', text($token, 655_350);
        $c->end_request;
    } },
    no_end_of_stdout => { may => ['ok'], does => sub {
        my ($c, $token) = @_;
        $c->stdout(head_of($token) . text($token));
        $c->end_request_only;
    } },
    stdout_behind_its_end => { may => \@cut, does => sub {
        my ($c, $token) = @_;
        $c->stdout(head_of($token) . text($token, 1000));
        $c->send(record($c, FCGI_STDOUT, '') . record($c, FCGI_STDOUT, substr text($token), 1000));
        $c->end_request;
    } },
);

# ---- Records without end ----

my %flood = (
    empty_errors    => sub { my ($c) = @_; record($c, FCGI_STDERR, '') },
    empty_stdout    => sub { my ($c) = @_; record($c, FCGI_STDOUT, '') },
    empty_unknown   => sub { my ($c) = @_; record($c, 77, '') },
    padding         => sub { my ($c) = @_; record($c, FCGI_STDERR, '', 255) },
    foreign_records => sub { my ($c) = @_; FcgiRecord::record(FCGI_STDOUT, $c->{id} + 1, 'x' x 100) },
    error_lines     => sub { my ($c) = @_; record($c, FCGI_STDERR, "a line of an endless report\n" x 50) },
    error_line      => sub { my ($c) = @_; record($c, FCGI_STDERR, 'x' x 2000) },
    interim_heads   => sub { my ($c) = @_;
        record($c, FCGI_STDOUT, head('Status: 103 Early Hints', 'Link: </a>')) },
    continues       => sub { my ($c) = @_; record($c, FCGI_STDOUT, head('Status: 100 Continue')) },
    head_fields     => sub { my ($c) = @_; record($c, FCGI_STDOUT, "X-Field: value\r\n" x 20) },
    head_line       => sub { my ($c) = @_; record($c, FCGI_STDOUT, 'x' x 500) },
);
for my $name (keys %flood) {
    $kind{"endless_$name"} = { may => \@flooded, is_slow => 1,
        does => sub { flood($_[0], $flood{$name}->($_[0])) } };
}
$kind{endless_empty_errors_in_body} = { may => ['cut', @flooded], is_slow => 1, does => sub {
    my ($c, $token) = @_;
    $c->stdout(head_of($token) . text($token, 1000));
    flood($c, record($c, FCGI_STDERR, ''));
} };
# A body without end is data: only time bounds it. Whatever came, it was the begin of it.
$kind{endless_body} = { may => \@cut_late, is_slow => 1, body => sub { text($_[0], $_[1] + 1) }, does => sub {
    my ($c, $token) = @_;
    $c->stdout(head_of($token));
    flood($c, record($c, FCGI_STDOUT, text($token, 1000 * length "$token\n")));
} };

# ---- END_REQUEST ----

my %end = (
    end_before_head   => [\@broken, sub { $_[0]->end_request }],
    end_in_head       => [\@broken, sub {
        $_[0]->stdout("Content-Type: text/plain\r\nX-Half: ye"); $_[0]->end_request }],
    end_before_length => [\@cut, sub { my ($c, $token) = @_;
        answer($c, $token, head => head_of($token, 'Content-Length: 3000'), body => text($token, 1000)) }],
    end_twice         => [['ok'], sub { answer(@_); $_[0]->end_request_only }],
    end_short         => [\@cut, sub { my ($c, $token) = @_;
        $c->stdout(head_of($token) . text($token)); $c->record(FCGI_END_REQUEST, $c->{id}, "\0" x 4) }],
    end_long          => [['ok'], sub { my ($c, $token) = @_;
        $c->stdout(head_of($token) . text($token)); $c->record(FCGI_END_REQUEST, $c->{id}, "\0" x 60_000, 255) }],
    app_status        => [['ok'], sub { answer(@_, app_status => 255) }],
    app_status_alone  => [\@broken, sub { $_[0]->end_request(0xffffffff) }],
    cannot_multiplex  => [\@broken, sub { $_[0]->end_request(0, FCGI_CANT_MPX_CONN) }],
    overloaded        => [['503'], sub { $_[0]->end_request(0, FCGI_OVERLOADED) }],
    unknown_role      => [\@broken, sub { $_[0]->end_request(0, FCGI_UNKNOWN_ROLE) }],
    unknown_status    => [\@broken, sub { $_[0]->end_request(0, 200) }],
    overloaded_late   => [['ok'], sub { answer(@_, protocol_status => FCGI_OVERLOADED) }],
);
$kind{$_} = { may => $end{$_}[0], does => $end{$_}[1] } for keys %end;
$kind{overloaded}{not_begun} = 1;

# ---- Behind the end, on a connection that may be kept ----

my %late = (
    answer_twice   => sub { my ($c, $token) = @_;
        record($c, FCGI_STDOUT, head_of($token) . 'again') . end_of($c) },
    answer_to_next => sub { my ($c, $token) = @_;
        FcgiRecord::record(FCGI_STDOUT, $c->{id} + 1, head_of($token) . 'not asked for')
        . FcgiRecord::record(FCGI_END_REQUEST, $c->{id} + 1, FcgiRecord::end_request_body()) },
    errors_behind_end => sub { my ($c) = @_; record($c, FCGI_STDERR, 'too late') },
    garbage_behind_end => sub { "\0garbage" },
    byte_behind_end => sub { "\1" },
);
for my $name (keys %late) {
    $kind{$name} = { may => ['ok'], does => sub {    # in one piece
        my ($c, $token) = @_;
        $c->send(record($c, FCGI_STDOUT, head_of($token) . text($token)) . end_of($c) . $late{$name}->(@_));
    } };
}
$kind{stdout_long_behind_end} = { may => ['ok'], does => sub {
    my ($c, $token) = @_;
    answer($c, $token);
    Time::HiRes::sleep(0.05);    # the connection may be in use for the next request by now
    $c->stdout('late');
} };

# ---- Leaving: at every point of the exchange, in three ways ----

my @leave = (close => sub { $_[0]->close }, reset => sub { $_[0]->reset },
             half_close => sub { $_[0]->half_close; hang($_[0]) });

# The bytes of an answer up to a point.
sub up_to {
    my ($c, $token, $point) = @_;
    my @part = (record($c, FCGI_STDOUT, head_of($token)), record($c, FCGI_STDOUT, text($token), 100),
                record($c, FCGI_STDOUT, ''), record($c, FCGI_END_REQUEST, FcgiRecord::end_request_body()));
    my @at = (0, map { my $n = $_; my $sum = 0; $sum += length for @part[0 .. $n]; $sum } 0 .. $#part);
    my %bytes = (before_answer => 0, in_record_header => 3, in_head => 20, behind_head => $at[1],
                 in_body => $at[1] + 1000, in_padding => $at[2] - 50, before_stdout_end => $at[2],
                 before_end => $at[3], in_end => $at[3] + 12, behind_end => $at[4]);
    return substr join('', @part), 0, $bytes{$point};
}

for my $point (qw(before_answer in_record_header in_head)) { leaving($point, \@broken) }
for my $point (qw(behind_head in_body in_padding before_stdout_end before_end in_end)) { leaving($point, \@cut) }
leaving('behind_end', ['ok']);

sub leaving {
    my ($point, $may) = @_;
    my @ways = @leave;
    while (my ($way, $leave) = splice @ways, 0, 2) {
        $kind{"${way}_$point"} = { may => $may, does => sub {
            my ($c, $token) = @_;
            $c->send(up_to($c, $token, $point));
            # what a reset overtakes is lost: that shall be nobody's fault here
            Time::HiRes::sleep(0.03) if $way eq 'reset';
            $leave->($c);
        } };
    }
    return;
}
$kind{close_before_body} = { may => \@broken, unread => 1, does => sub { $_[0]->close } };
$kind{reset_before_body} = { may => \@broken, unread => 1, does => sub { $_[0]->reset } };
$kind{close_in_request_body} = { may => \@broken, unread => 1,
    does => sub { my ($c) = @_; $c->read_record; $c->close } };
$kind{close_at_once} = { may => \@broken, at => 'closes' };
$kind{reset_at_once} = { may => ['503', @broken], at => 'resets' };    # 503: before connect() has seen it
$kind{nobody_listens} = { may => ['503'], at => 'refuses' };
$kind{connection_hangs} = { may => ['503'], at => 'hangs', is_slow => 1 };

# ---- The request's body ----

$kind{deaf} = { may => \@late, unread => 1, is_slow => 1, does => \&hang };
$kind{answer_before_body} = { may => ['ok'], unread => 1, does => \&answer };
$kind{answer_before_body_and_close} = { may => ['ok'], unread => 1, does => sub { answer(@_); $_[0]->close } };
$kind{cut_before_body} = { may => \@cut, unread => 1, does => sub {
    my ($c, $token) = @_;
    $c->stdout(head_of($token) . text($token, 1000));
    $c->close;
} };

# ---- Heads ----

# name => [may, field or fields]
my %head = (
    head_60k         => [['ok'], 'X-Long: ' . 'x' x 60_000],
    head_100k        => [\@broken, 'X-Long: ' . 'x' x 100_000],
    many_fields      => [['ok'], map { "X-$_: $_" } 1 .. 2000],
    one_field_often  => [['ok'], ('X-Same: 1') x 5000],
    cookies          => [['ok'], map { "Set-Cookie: a$_=b" } 1 .. 1200],
    nul_in_value     => [\@broken, "X-Nul: a\0b"],
    nul_in_name      => [\@broken, "X-N\0ul: a"],
    escape_in_value  => [\@broken, "X-Escape: a\e[2Jb"],
    # as stock, which reads lines by their LF: the CR is in the value
    bare_cr_in_value => [['ok', @broken], "X-Cr: a\rX-Injected: yes"],
    bare_cr_first    => [['ok', @broken], "\rX-Cr: a"],
    high_bytes       => [['ok'], "X-High: \xc3\xa9\xff\x80"],
    no_colon         => [\@broken, 'This is no header field'],
    no_name          => [\@broken, ': value'],
    blank_in_name    => [\@broken, 'X Name : value'],
    folded           => [\@broken, "X-Folded: a\r\n b"],
    transfer_encoding => [['ok'], 'Transfer-Encoding: chunked'],
    hop_by_hop       => [['ok'], 'Connection: X-Token, close', 'Keep-Alive: timeout=999', 'Upgrade: h2c',
                         'Trailer: X'],
    own_names        => [['ok'], 'Date: never', 'Server: evil', 'Via: 1.1 evil', 'Warning: 199 - x', 'Age: -1'],
    content_type_odd => [['ok'], 'Content-Type: ' . 'x/' x 3000, 'Content-Type: ;;;=,,'],
    encoding_lie     => [['ok'], 'Vary: *', 'Last-Modified: yesterday', 'Expires: 0', 'ETag: nothing, "'],
    length_short     => [['ok'], 'Content-Length: 1000'],
    length_long      => [\@cut, 'Content-Length: 3001'],
    length_huge      => [\@cut, 'Content-Length: 9000000000000000000'],
    length_twice     => [['ok'], ('Content-Length: 3000') x 2],
    length_two       => [['ok', @cut], 'Content-Length: 3000', 'Content-Length: 2999'],
    length_list      => [['ok', @broken], 'Content-Length: 3000, 3000'],
    length_empty     => [['ok'], 'Content-Length: '],
    length_comma     => [['ok'], 'Content-Length: 3,000'],
    length_fraction  => [['ok'], 'Content-Length: 3000.0'],
    length_negative  => [['ok'], 'Content-Length: -1'],
    length_word      => [['ok'], 'Content-Length: many'],
    length_overflow  => [['ok'], 'Content-Length: 99999999999999999999999'],
    length_hex       => [['ok'], 'Content-Length: 0xbb8'],
);
for my $name (keys %head) {
    my ($may, @fields) = @{ $head{$name} };
    $kind{$name} = { may => $may, does => sub { answer(@_, head => head_of($_[1], @fields)) } };
}
$kind{length_short}{body} = sub { text($_[0], 1000) };
$kind{length_two}{body} = sub { text($_[0], 2999) };
$kind{http_head} = { may => \@broken,
    does => sub { answer(@_, head => "HTTP/1.1 200 OK\r\n" . head_of($_[1])) } };
$kind{lf_only} = { may => ['ok'], does => sub { answer(@_, head => head_of($_[1]) =~ s/\r//gr) } };

# Statuses: [may, value, the client's status]
my %status = (
    word => [\@broken, 'what'], empty => [\@broken, ''], zero => [\@broken, '0'], minus => [\@broken, '-1'],
    two_digits => [\@broken, '99'], four_digits => [\@broken, '1000'], overflow => [\@broken, '99999999999'],
    glued => [['ok', @broken], '200OK'], none_but_words => [\@broken, 'OK 200'],
    switching => [\@broken, '101 Switching'], long => [['ok', @broken], '200 ' . 'x' x 9000],
    999 => [['ok'], '999 Odd', 999], 600 => [['ok'], '600 None', 600],
    no_content => [['ok'], '204 No Content', 204], not_modified => [['ok'], '304 Not Modified', 304],
    reset_content => [['ok'], '205 Reset Content', 205], partial => [['ok'], '206 Partial Content', 206],
    twice => [['ok', @broken], "200 OK\r\nStatus: 404 Not Found", 404],
);
for my $name (keys %status) {
    my ($may, $value, $status) = @{ $status{$name} };
    $kind{"status_$name"} = { may => $may, status => $status // 200,
        does => sub { answer(@_, head => head_of($_[1], "Status: $value")) } };
}

# Heads that lead elsewhere. `followed`: what may be seen where ProxyFCGIInternalRedirect is on.
my %elsewhere = (
    location_loop   => [['ok'], ['500'], 302, sub { "Location: /followed/location_loop?token=$_[0]" }],
    location_none   => [['ok'], ['404'], 302, sub { 'Location: /nothing/there' }],
    location_empty  => [['ok'], ['ok'], 302, sub { 'Location: ' }],
    location_foreign => [['ok'], ['ok'], 302, sub { 'Location: //evil.example/' }],
    location_odd    => [['ok'], ['ok'], 302, sub { 'Location: http://[::1' . 'x' x 5000 }],
    sendfile_passwd => [['ok'], ['403'], 200, sub { 'X-Sendfile: /etc/passwd' }],
    sendfile_climbs => [['ok'], ['403', '404'], 200, sub { 'X-Sendfile: /tmp/../etc/passwd' }],
    sendfile_device => [['ok'], ['403'], 200, sub { 'X-Sendfile: /dev/zero' }],
    sendfile_folder => [['ok'], ['403'], 200, sub { 'X-Sendfile: /' }],
    sendfile_relative => [['ok'], ['403'], 200, sub { 'X-Sendfile: etc/passwd' }],
    sendfile_none   => [['ok'], ['404'], 200, sub { 'X-Sendfile: /no/such/file' }],
    sendfile_long   => [['ok'], ['404'], 200, sub { 'X-Sendfile: /' . 'x/' x 5000 }],
    accel_loop      => [['ok'], ['500'], 200, sub { "X-Accel-Redirect: /followed/accel_loop?token=$_[0]" }],
    accel_foreign   => [['ok'], ['502'], 200, sub { 'X-Accel-Redirect: http://evil.example/' }],
    accel_climbs    => [['ok'], ['400', '404'], 200, sub { 'X-Accel-Redirect: /../../etc/passwd' }],
);
for my $name (keys %elsewhere) {
    my ($may, $followed, $status, $field) = @{ $elsewhere{$name} };
    $kind{$name} = { may => $may, followed => $followed, status => $status,
        does => sub { answer(@_, head => head_of($_[1], $field->($_[1]))) } };
}

# ---- Interim answers ----

my $hints = head('Status: 103 Early Hints', 'Link: </a.css>; rel=preload');
$kind{interim} = { may => ['ok'], does => sub { answer(@_, head => $hints x 3 . head_of($_[1])) } };
$kind{interim_often} = { may => ['ok', @broken],
    does => sub { answer(@_, head => $hints x 1000 . head_of($_[1])) } };
$kind{interim_alone} = { may => \@broken, does => sub { $_[0]->stdout($hints); $_[0]->end_request } };
$kind{interim_and_close} = { may => \@broken, does => sub { $_[0]->stdout($hints); $_[0]->close } };

# ---- Bodies ----

$kind{huge} = { may => ['ok'], body => sub { text($_[0], HUGE) },
    does => sub { answer(@_, body => text($_[1], HUGE)) } };
$kind{huge_and_close} = { may => \@cut, body => sub { text($_[0], HUGE) }, does => sub {
    my ($c, $token) = @_;
    $c->stdout(head_of($token) . text($token, HUGE / 2));
    $c->close;
} };
for my $entry ([chunks => "5\r\nhello\r\n0\r\n\r\n"],
    [http_answer => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], [another_head => head('Status: 404 Not Found')], [empty => '']) {
    my ($name, $body) = @$entry;
    $kind{"body_of_$name"} = { may => ['ok'], body => sub { $body }, does => sub { answer(@_, body => $body) } };
}

# ---- Time ----

$kind{silent} = { may => \@late, is_slow => 1, does => \&hang };
$kind{stuck_in_record_header} = { may => \@late, is_slow => 1,
    does => sub { $_[0]->send("\1\6"); hang($_[0]) } };
$kind{stuck_in_head} = { may => \@late, is_slow => 1, does => sub { $_[0]->stdout('Content-'); hang($_[0]) } };
$kind{stuck_in_body} = { may => \@cut_late, is_slow => 1, does => sub {
    $_[0]->send(up_to(@_, 'in_body')); hang($_[0]) } };
$kind{stuck_before_end} = { may => \@cut_late, is_slow => 1, does => sub {
    $_[0]->send(up_to(@_, 'before_end')); hang($_[0]) } };
$kind{trickles_head} = { may => \@late, is_slow => 1, does => \&trickle };
$kind{trickles_body} = { may => \@cut_late, is_slow => 1, body => sub { 'X' x 3000 }, does => sub {
    $_[0]->stdout(head_of($_[1])); trickle($_[0]) } };
$kind{pauses} = { may => ['ok'], does => sub {
    my ($c, $token) = @_;
    for my $piece (unpack '(a500)*', head_of($token) . text($token)) {
        $c->stdout($piece);
        Time::HiRes::sleep(0.03);
    }
    $c->end_request;
} };

# ---- Any of it: records in random order, which the token alone decides ----

# Numbers below a limit, the same ones for the same token everywhere.
sub dice {
    my ($token) = @_;
    my $state = hex substr sha1_hex($token), 0, 7;
    return sub {
        my ($below) = @_;
        $state = ($state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
        return ($state >> 8) % $below;
    };
}

# { steps => [[what, content, padding]...], body, may }: what is sent, and what that makes of it.
sub random_plan {
    my ($token) = @_;
    my $dice = dice($token);
    my $head = head_of($token, map { "X-$_: " . 'v' x $dice->(50) } 0 .. $dice->(5));
    my $rest = $head . text($token, $dice->(2) ? $dice->(4000) : $dice->(80_000));
    my ($sent, @steps) = ('');
    my @last = qw(end end end end end close reset half_close version stdout_behind_its_end short_end);
    my $last = $last[ $dice->(scalar @last) ];
    my $left = $last eq 'end' && $dice->(4) ? 1000 : $dice->(12);    # steps until it ends
    while (length $rest && $left--) {
        my $bytes = min(65_535, 1 + $dice->((3, 100, 30_000)[ $dice->(3) ]));
        $sent .= my $piece = substr $rest, 0, $bytes, '';
        push @steps, [ stdout => $piece, $dice->(4) ? 0 : $dice->(256) ];
        next if $dice->(4);
        push @steps, [ (qw(foreign unknown empty_stderr stderr pause))[ $dice->(5) ], '', $dice->(256) ];
    }
    push @steps, [$last];
    push @steps, [late => ''] if $last eq 'end' && !$dice->(4);
    my $has_head = length $sent >= length $head;
    return { steps => \@steps, body => $has_head ? substr($sent, length $head) : '',
             may => !$has_head ? \@broken : $last eq 'end' ? ['ok'] : \@cut };
}

my %step = (
    stdout => sub { my ($c, $content, $padding) = @_; record($c, FCGI_STDOUT, $content, $padding) },
    foreign => sub { my ($c, undef, $padding) = @_;
        FcgiRecord::record(FCGI_STDOUT, $c->{id} + 3, 'foreign', $padding) },
    unknown => sub { my ($c, undef, $padding) = @_; record($c, 100 + $padding % 100, 'unknown', $padding) },
    empty_stderr => sub { my ($c, undef, $padding) = @_; record($c, FCGI_STDERR, '', $padding) },
    stderr => sub { my ($c, undef, $padding) = @_; record($c, FCGI_STDERR, "half a line", $padding) },
    end => sub { my ($c) = @_; end_of($c) },
    late => sub { my ($c) = @_; record($c, FCGI_STDERR, 'late') },
    version => sub { my ($c) = @_; record($c, FCGI_STDOUT, '', 0, 9) },
    stdout_behind_its_end => sub { my ($c) = @_; record($c, FCGI_STDOUT, '') . record($c, FCGI_STDOUT, 'more') },
    short_end => sub { my ($c) = @_; record($c, FCGI_END_REQUEST, 'short') },
);

# Gathered and sent in pieces that know nothing of records.
$kind{random} = { may => ['ok', @cut], plan => \&random_plan, does => sub {
    my ($c, $token) = @_;
    my $bytes = '';
    my $pass_on = sub {
        $c->send_split($bytes, sort { $a <=> $b } map { int rand length $bytes } 1 .. rand 4);
        $bytes = '';
    };
    for my $step (@{ random_plan($token)->{steps} }) {
        my ($what, @more) = @$step;
        if (my $make = $step{$what}) { $bytes .= $make->($c, @more); next }
        $pass_on->();
        Time::HiRes::sleep(0.03);    # also before a reset: see leaving()
        my %leave = @leave;
        $leave{$what}->($c) if $leave{$what};
    }
    $pass_on->() if length $bytes;
} };

# ---- What is expected ----

# { may => { word => 1 }, status, body } for a request with this token by this route, when so many
# bytes of a body came.
sub expected {
    my ($name, $token, $route, $bytes) = @_;
    my $kind = kind($name);
    my $plan = $kind->{plan} ? $kind->{plan}->($token) : {};
    my $may  = $route eq 'followed' && $kind->{followed} || $plan->{may} || $kind->{may};
    my $body = $plan->{body} // ($kind->{body} ? $kind->{body}->($token, $bytes) : text($token));
    return { may => { map { $_ => 1 } @$may }, status => $kind->{status} // 200, body => $body };
}

# ---- The backends ----

sub serve {
    my ($c, $runs) = @_;
    while (my $request = $c->read_begin_and_params) {
        my ($name)  = $request->{params}{SCRIPT_NAME} =~ m{(\w+)$};
        my ($token) = $request->{params}{QUERY_STRING} =~ /token=([\w-]+)/;
        my $kind = kind($name // '');
        $runs->note($token, $request->{params}{REQUEST_METHOD}) if !$kind->{not_begun};
        if (!$kind->{unread}) {
            1 while defined $c->read_stdin($request);
            return if $request->{cut};
        }
        $kind->{does}->($c, $token);
        return if $c->is_closed || !$request->{keep};
    }
    return;
}

# { tcp, unix, closes, resets, refuses, hangs }; `runs` (an Application) is told who was asked.
sub start {
    my ($runs) = @_;
    my $script = sub { serve($_[0], $runs) };
    return {
        tcp     => Backend->start(script => $script, name => 'hostile'),
        unix    => Backend->start(script => $script, name => 'hostile', listen => 'unix'),
        closes  => Backend->start(script => sub { $_[0]->close }, name => 'closes'),
        resets  => Backend->start(script => sub { $_[0]->reset }, name => 'resets'),
        refuses => Backend->refusing,
        hangs   => FullBacklog->start,
    };
}

1;
