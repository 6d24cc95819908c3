#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# fuzz_replay.t - the replay of the fuzzers' kept inputs finds mistakes: each one planted here, in a
# copy of a source, makes it fail.
use strict;
use warnings;
use Cwd ();
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $top = dirname dirname dirname(Cwd::abs_path(__FILE__));
chdir $top or die "$top: $!";
my $dir = tempdir(CLEANUP => 1);
my $build = $ENV{BUILD} || 'build';

# As all of this build was compiled; a planted mistake may leave something unused.
sub made { my $value = `make -s print VARIABLE=$_[0]`; chomp $value; return $value }
chomp(my $cc = Httpd::text_of("$build/flags"));
$cc .= ' -w -fvisibility=default -It/fuzz ' . made('UNIT_INC');
my $libs = join ' ', '-Wl,--start-group', glob("$build/lib/*.a"), '-Wl,--end-group', made('UNIT_LINK');

sub run { my $text = qx($_[0] 2>&1); return ($?, $text) }

# Builds the replay of an entry point, with some source instead of the real one.
sub build {
    my ($name, $instead) = @_;
    my ($status, $text) = run("$cc -o $dir/replay_$name t/fuzz/replay.c t/fuzz/fuzz_$name.c "
        . ($instead || '') . " $libs");
    is $status, 0, "$name builds" or diag $text;
    return "$dir/replay_$name";
}

sub planted {
    my ($file, $right, $wrong) = @_;
    my ($source) = glob "modules/{*/*,shared}/$file";
    my $code = Httpd::text_of($source);
    my $count = () = $code =~ /\Q$right\E/g;
    is $count, 1, "$file has one place to plant a mistake: $right";
    $code =~ s/\Q$right\E/$wrong/;
    return Httpd::write_file("$dir/$file", $code);
}

my @mistakes = (
    # entry point, file, right, wrong, what is wrong then
    [record => 'record.c', 'in[0] << 8 | in[1]', 'in[1] << 8 | in[0]',
     'numbers are read backwards'],
    [record => 'record.c', 'in.bytes < FCGI_RECORD_HEADER_BYTES', 'in.bytes < 7',
     'seven bytes do'],
    [params => 'params.c', 'MAX 127', 'MAX 128', 'a length of 128 takes one byte'],
    [params => 'params.c', 'room -= bytes', 'room -= 0', 'records get more than they hold'],
    [params => 'params.c', 'name > FCGI_RECORD_CONTENT_MAX || value > FCGI_RECORD_CONTENT_MAX', '0',
     'a sum wraps around'],
    [response_head => 'response_head.c', '.line_has_text = lf == NULL', '.line_has_text = 0',
     'a piece that ends inside a line is forgotten'],
    [response_head => 'response_head.c', " && !scan->after_cr", '', 'two CRs are one'],
    [response_head => 'response_head.c', "c < 0x20 && c != '\\t'", "c == 0", 'a bare CR passes'],
    [exchange => 'exchange.c', 'x->scan = scan;', '', 'the scan starts again with each piece'],
    [exchange => 'exchange.c', "x->padding_left = x->record.padding_bytes", 'x->padding_left = 0',
     'padding is read as a header'],
    [exchange => 'exchange.c', 'x->stream_is_doubtful = true', '(void)x',
     'a foreign record leaves no doubt'],
    [exchange => 'exchange.c', ' && x->padding_left == 0', '', 'padding is left for the next one'],
    [exchange => 'exchange.c', '(uint16_t)(chunk.bytes % FCGI_RECORD_CONTENT_MAX)',
     '(uint16_t)chunk.bytes', 'the last record of a big chunk has a wrong length'],
    [exchange => 'exchange.c', 'o->header_sent = (uint8_t)(o->header_sent + bytes)',
     'o->header_sent = FCGI_RECORD_HEADER_BYTES', 'a header that is cut is not sent on'],
    [form => 'form.c', 'may_be_many(name)', 'strcmp(name, "w") == 0',
     'of many opened balancers the last counts'],
    [form => 'form.c', " || ap_unescape_urlencoded(value) != OK", '', 'a broken value passes'],
    [api_path => 'api_path.c', 'strncasecmp(text, "%2f", 3)', 'strncmp(text, "%2f", 3)',
     '%2F stays in a name'],
    [api_path => 'escape.c', 'strchr("-._~", c)', 'strchr("-._~%", c)',
     'a percent sign is not escaped'],
    [api_path => 'api_path.c', '!*key || ', '', 'there is a balancer without a key'],
    [selection => 'selection.c', 'fc_directive_count(text, 1, 3600, &seconds)',
     '((seconds = atoi(text)), true)', 'a page is reloaded every two hours'],
    [selection => 'selection.c', '!sort_key(selection.sort)', 'false', 'any key sorts'],
    [selection => 'escape.c', '"&+;=\'"', '"+;=\'"', 'an ampersand in a filter starts a parameter'],
    [utf8 => 'utf8_character.c', '{ 0xE0, 0xE0, 0xA0, 0xBF, 3 }', '{ 0xE0, 0xE0, 0x80, 0xBF, 3 }',
     'a character may be longer than it need be'],
    [utf8 => 'utf8_character.c', '{ 0xED, 0xED, 0x80, 0x9F, 3 }', '{ 0xED, 0xED, 0x80, 0xBF, 3 }',
     'surrogates pass'],
    [utf8 => 'utf8_character.c', '{ 0xF4, 0xF4, 0x80, 0x8F, 4 }', '{ 0xF4, 0xF4, 0x80, 0xBF, 4 }',
     'there is something beyond U+10FFFF'],
    [utf8 => 'utf8.c', 'c[1] < 0xA0', 'c[1] < 0x80', 'a line speaks to a terminal'],
    [token => 'token.c', 'now - when > MGR_TOKEN_LIFE_SECONDS', 'false', 'a token lives for ever'],
    [token => 'token.c', 'CRYPTO_memcmp(expected, token, MGR_TOKEN_CHARS)',
     'CRYPTO_memcmp(expected, token, MGR_TOKEN_CHARS - 1)', 'the last digit does not count'],
    [token => 'token.c', 'WHEN_DIGITS + 1 + strlen(user)', 'WHEN_DIGITS',
     "one user's token is another's"],
    [dns_reply => 'dns_message.c', 'return *at < from;', 'return true;', 'a pointer leads anywhere'],
    [dns_reply => 'dns_message.c', '!has(bytes, *at, count)', 'false', 'data reaches out of the message'],
    [dns_reply => 'dns_message.c', 'record->ttl > INT32_MAX', 'false', 'a TTL may be negative'],
    [dns_reply => 'dns_message.c', '(char)tolower(label[i])', '(char)label[i]', 'names differ by case'],
    [dns_reply => 'dns_reply.c', 'message.is_truncated', 'false', 'a truncated reply is an answer'],
    [field => 'setting_value.c', ' && number <= setting->max', '', 'a weight has no limit'],
    [field => 'field.c', 'apr_iscntrl(*c)', "*c == '\\r'", 'control characters pass'],
    [field => 'setting_value.c', ' || digits > 9', '', 'huge numbers wrap around'],
    [field => 'field.c', ' || whole > most', '', 'huge numbers of JSON wrap around'],
    [intent_json => 'intent_json.c', 'return at < now ? at : now;', 'return at;', 'a wish is from the future'],
    [intent_json => 'intent_json.c', 'json_string_length(value) <= TEXT_MAX', 'true', 'a value is longer than any'],
    [intent_json => 'intent_json.c', '(uint64_t)number <= LB_INTENT_COUNTER_MAX', 'true', 'nobody can count on'],
    [intent_json => 'intent_json.c', 'wish->standing = LB_INTENT_PENDING;', '', "another front's work is done here"],
    [intent_json => 'fleet_intent.c', 'order_of_keys(&intents->entries[middle], key) < 0',
     'order_of_keys(&intents->entries[middle], key) > 0', 'wishes are in the wrong order'],
    [intent_json => 'fleet_intent.c', '|| is_void(intents, intent)', '', 'a wish is for a member that was removed since'],
    [intent_json => 'fleet_intent.c', ' || lb_fleet_intent_order(&e->stamp, &key.stamp) >= 0', ' || true', 'a removal leaves what was wanted before'],
    [intent_json => 'fleet_intent.c', 'known && !is_newer(intent, known)', 'false', 'what is known already is new'],
    [trace_context => 'trace_context.c', "c >= 'a' && c <= 'f'", "c >= 'a' && c <= 'z'",
     'a digit may be any letter'],
    [trace_context => 'trace_context.c', 'is_zero(read.span_id, FCGI_SPAN_ID_BYTES)', 'false', 'a parent may be none'],
    [trace_context => 'trace_context.c', "header.at[FCGI_TRACEPARENT_BYTES] == '-'", 'true',
     'a later version goes on without a dash'],
    [trace_context => 'trace_context.c', 'version > 0 && ', '', 'version 00 goes on behind its flags'],
    [trace_context => 'trace_context.c', 'count == MEMBERS_MAX || ', 'count == 4 * MEMBERS_MAX || ',
     'there are more members than may be'],
    [trace_context => 'trace_context.c', " || value.at[i] == '='", '', 'a value has an equals sign'],
    [trace_context => 'trace_context.c', '> FCGI_TRACESTATE_MAX', '> 2 * FCGI_TRACESTATE_MAX',
     'a tracestate is longer than its buffer'],
    [otlp_line => 'json_character.c', "*text == '\"' || ", '', 'a quote ends a text'],
    [otlp_line => 'json_character.c', '(unsigned char)*text < 0x20', '(unsigned char)*text < 0x0a',
     'a line ends within a text'],
    [otlp_line => 'json_character.c', 'return sizeof(FC_UTF8_REPLACEMENT) - 1;', 'return 2;',
     'a character is cut'],
    [otlp_line => 'otlp_line.c', ' - (sizeof(ENDING) - 1) - line->bytes', ' - line->bytes',
     'a line has no room for its end'],
    [otlp_line => 'otlp_line.c', 'TEXT_LEAST 32', 'TEXT_LEAST 1024', 'a long span is left out'],
    [otlp_line => 'otlp_line.c', 'put(&w, line->spans > 0 ? "," : "")', 'put(&w, "")', 'spans have no comma between them'],
    [view_document => 'view_document.c', ' && *number <= most', '', 'a count may be negative'],
    [view_document => 'view_document.c', 'value && *value', 'value', 'a name may be empty'],
    [view_document => 'view_document.c', 'has_news(member) == with_news', 'has_news(member) && with_news', 'idle members are forgotten'],
);

for my $name (map { /fuzz_(\w+)\.c$/ } glob 't/fuzz/fuzz_*.c') {
    my $replay = build($name);
    my ($status, $text) = run("$replay t/fuzz/corpus/$name");
    is $status, 0, "$name: the real code passes" or diag $text;
    ok scalar(grep { $_->[0] eq $name } @mistakes), "$name: there are mistakes to plant";
}
for (@mistakes) {
    my ($name, $file, $right, $wrong, $what) = @$_;
    my $replay = build($name, planted($file, $right, $wrong));
    my ($status, $text) = run("$replay t/fuzz/corpus/$name");
    isnt $status, 0, "$name: found that $what";
    like $text, qr{^replay: t/fuzz/corpus/$name/\S+ fails}m, '... and the input is named';
}

# ---- Nothing to replay ----
mkdir "$dir/empty" or die $!;
my $replay = build('record');
my ($status, $text) = run("$replay $dir/empty");
isnt $status, 0, 'an empty corpus fails';
like $text, qr/nothing to replay/, '... and says so';
($status) = run("$replay $dir/nowhere");
isnt $status, 0, 'so does one that is not there';

done_testing();
