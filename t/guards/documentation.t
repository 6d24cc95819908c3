# Licensed under the Apache License, Version 2.0; see LICENSE.
# What the sources know, the documents tell, and nothing else: log numbers, directives, parameters.
use strict;
use warnings;
use File::Find;
use File::Temp;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP qw(decode_json);
use Test::More;
use Httpd;

my $top = "$FindBin::RealBin/../..";

my $sources = '';
find({ no_chdir => 1, wanted => sub { $sources .= Httpd::text_of($_) if /\.[ch]$/ } }, "$top/modules");
my %readme = map { $_ => Httpd::text_of("$top/modules/$_/README.md") }
    qw(proxy_fastcgi balancer_byrequests balancer_manager);
my $readmes = join '', values %readme;

sub same_sets {
    my ($known, $told, $name) = @_;
    my (%known, %told);
    @known{@$known} = ();
    @told{@$told} = ();
    is_deeply [grep { !exists $told{$_} } sort keys %known], [], "$name of the sources are told";
    is_deeply [grep { !exists $known{$_} } sort keys %told], [], "... and no others";
    cmp_ok scalar(keys %known), '>', 4, '... of which there are some';
    return;
}

my $messages = Httpd::text_of("$top/docs/log-messages.md");
same_sets([ $sources =~ /FCLOGNO\((\d+)\)/g ], [ $messages =~ /^\| FC(\d+) \|/mg ], 'log numbers');
for my $section (split /^(?=## )/m, $messages) {
    my ($title) = $section =~ /^## (.*)/ or next;
    my %rows = map { $_ => 1 } my @rows = $section =~ /^\| FC(\d+) \|/mg;
    is_deeply \@rows, [sort keys %rows], "... one row each, in order: $title";
    unlike $section, qr/\n\n\| FC/, '... in one table';
}

# ---- Directives: each has a heading of its own ----

my @directives = $sources =~ /AP_INIT_\w+\(\s*"(\w+)"/g;
push @directives, $sources =~ /^\s*(?:FLAG|SIZE|SWITCH)\(\s*"(\w+)"/mg;
my @shared = qw(ProxyHCExpr ProxyHCTemplate);    # mod_proxy_hcheck's words, in a section on checks
same_sets([ grep { my $d = $_; !grep { $d eq $_ } @shared } @directives ],
    [ $readmes =~ /^##+ (Proxy\w+|Balancer\w+)(?: Directive)?$/mg ], 'directives');
like $readmes, qr/\b$_\b/, "$_ is told" for @shared;

# ---- Parameters of members: the rows of shared/parameter.h ----

my @parameters = $sources =~ /\{ "(\w+)", FC_\w+, offsetof\(\w+_(?:params|settings)_t/g;
cmp_ok scalar @parameters, '>', 10, 'parameters';
like $readmes, qr/^\|.*`\Q$_\E`/m, "$_ is told" for @parameters;

# ---- What older httpds lack: shared/compat/httpd.h says so, and the table in README.md ----

# Where a row begins or ends: the minor magic number of 2.4.N.
my %minor = (37 => 83, 48 => 105, 49 => 116, 52 => 121, 53 => 124, 58 => 129, 59 => 131, 62 => 134, 63 => 139);
my $headers = File::Temp->newdir;
Httpd::write_file("$headers/$_", '') for qw(httpd.h apr_lib.h apr_strings.h);

sub lacks {
    my ($patch) = @_;
    Httpd::write_file("$headers/ap_mmn.h", <<"EOC");
#define MODULE_MAGIC_NUMBER_MAJOR 20120211
#define MODULE_MAGIC_NUMBER_MINOR $minor{$patch}
#define AP_MODULE_MAGIC_AT_LEAST(major, minor) (major < 20120211 || (major == 20120211 && minor <= $minor{$patch}))
EOC
    my $text = `echo '#include "httpd.h"' | cc -E -I$top/modules/shared/compat -I$headers -x c - 2>&1`;
    unlike $text, qr/error:/, "compat/ knows 2.4.$patch";
    return $text =~ /", ([^"]+) \(2\.4\.\d+\)"/g;
}

my ($all, $rows_of_httpd) = ('', 0);
my $overview = Httpd::text_of("$top/README.md");
while ($overview =~ /^\| 2\.4\.(\d+) (?:and later|to 2\.4\.(\d+)) \| [^|]+ \| (?:also )?(.*) \|$/mg) {
    my ($from, $to, $lacks) = ($1, $2 // $1, $3);
    $all .= $lacks =~ s/`//gr . ";" if $lacks ne 'nothing';
    for my $patch ($from, $to) {
        my @lacks = lacks($patch);
        is_deeply [scalar(@lacks), grep { index($all, $_) < 0 } @lacks], [$rows_of_httpd], "README: what 2.4.$patch lacks";
    }
    $rows_of_httpd++;
}
is $rows_of_httpd, 5, '... in each row';

# ---- Settings that operators change: the rows of include/balancer_setting.h ----

my %json_type = (WHOLE => 'number', HUNDREDTHS => 'number', SECONDS => 'number', DURATION => 'number',
    LIMIT => 'number or string', SWITCH => 'boolean', TEXT => 'string');
my $rows = Httpd::text_of("$top/include/balancer_setting.h");
my ($limit_max) = Httpd::text_of("$top/include/balancer_numbers.h") =~ /#define LB_LIMIT_MAX +(\d+)/;

sub number_of {
    my ($text, $type) = @_;
    return $text =~ /^LB_LIMIT_(?:MAX|AUTO)$/ ? $limit_max
         : $text =~ /^apr_time_from_sec\((\d+)\)$/ ? $1
         : $text =~ /^(?:(\d+) \* )?LB_DAY_US$/ ? 86400 * ($1 || 1)
         : $type eq 'HUNDREDTHS' ? $text / 100 : $text;
}

my %setting;    # by id
while ($rows =~ /^ +X\((\w+), "(\w+)", (true|false), (\w+), ([^,]+), ((?:[^,()]|\([^()]*\))+), \w+\)/mg) {
    $setting{$1} = { name => $2, whose => $3 eq 'true' ? 'member' : 'balancer', type => $4,
                     range => number_of($5, $4) . ' to ' . number_of($6, $4) };
}
while ($rows =~ /^ +FLAG\((\w+), "(\w+)", '(\w)'/mg) {
    $setting{$1} = { name => $2, whose => 'member', type => 'SWITCH', letter => $3 };
}
cmp_ok scalar(keys %setting), '>', 20, 'settings';

# The manager's fields, in forms and in JSON: what its README tells of them.
my %in_json;
for my $whose (qw(member balancer)) {
    my ($table) = $readme{balancer_manager} =~ /^\| Setting of a $whose \| Type \|.*\n\|[-|]+\n((?:\|.*\n)+)/m;
    for my $line (split /\n/, $table) {
        my ($names) = $line =~ /^\| ([^|]*) \|/;
        $in_json{"$whose $_"} = $line for $names =~ /`(\w+)`/g;
    }
}
my $fields = Httpd::text_of("$top/modules/balancer_manager/change/field.c");
my %json_name = map { ($_ => 1) }
    map { my ($name, $is_of_member) = /OTHER\("(\w+)", (\w+)/; ($is_of_member eq 'true' ? 'member' : 'balancer') . " $name" }
    $fields =~ /(OTHER\("\w+", \w+)/g;
while ($fields =~ /\{ "(\w+)", SETTING\((\w+)\)/g) {
    my ($form_name, $s) = ($1, $setting{$2});
    my $name = "$s->{whose} $s->{name}";
    my ($in_forms) = $readme{balancer_manager} =~ /^(\| `$form_name` \|.*)/m;
    $json_name{$name} = 1;
    ok $in_forms, "$form_name is told";
    is substr($form_name, -1), $s->{letter}, '... it is the flag of the balancer' if $s->{letter};
    like $in_json{$name}, qr/\| $json_type{ $s->{type} } \|/, "$name is told, and its type";
    next if $json_type{ $s->{type} } !~ /^number/;
    like $in_json{$name}, qr/\b$s->{range}\b/, "... from $s->{range}";
    like $in_forms, qr/\b$s->{range}\b/, '... also in forms' if $s->{type} ne 'DURATION';    # there it has units
}
is_deeply [sort keys %in_json], [sort keys %json_name], 'no other settings are told';

# The same in the description of the JSON interface.
my $schemas = decode_json(Httpd::text_of("$top/modules/balancer_manager/assets/openapi.json"))->{components}{schemas};
my %described = map { my ($whose, $schema) = @$_; map { ("$whose $_" => $schema->{properties}{$_}) } keys %{ $schema->{properties} } }
    [member => $schemas->{member_settings}], [balancer => $schemas->{balancer_change}];
is_deeply [sort keys %described], [sort keys %json_name], 'the description of the interface has the same settings';
my %json_schema_type = (WHOLE => 'integer', SECONDS => 'integer', HUNDREDTHS => 'number', DURATION => 'number',
    LIMIT => 'integer', SWITCH => 'boolean', TEXT => 'string');
for my $s (grep { exists $described{"$_->{whose} $_->{name}"} } values %setting) {
    my $schema = $described{"$s->{whose} $s->{name}"};
    $schema = $schema->{oneOf}[0] if $schema->{oneOf};
    my ($type) = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
    is $type, $json_schema_type{ $s->{type} }, "$s->{whose} $s->{name}: its type";
    is "$schema->{minimum} to $schema->{maximum}", $s->{range}, '... its range' if defined $schema->{minimum};
    ok defined $schema->{minimum} || $type !~ /integer|number/, '... has one, if it is a number';
}

# ---- Metrics: the families of the manager, with their types ----

my @families = $sources =~ /\{ "([a-z_]+)", "(?:counter|gauge|histogram)",/g;
push @families, $sources =~ /mgr_metrics_family\(m, "([a-z_]+)"/g;
my ($table) = $readme{balancer_manager} =~ /^\| Family \| Type \|.*\n\|[-|]+\n((?:\|.*\n)+)/m;
my %told;
for my $row (split /\n/, $table) {
    my ($names, $type) = $row =~ /^\| ([^|]*) \| (\w+) \|/;
    $told{$_} = $type for $names =~ /`([a-z_]+)(?:\{[a-z_,]+\})?`/g;
}
same_sets(\@families, [keys %told], 'families of metrics');
while ($sources =~ /(?:\{ |mgr_metrics_family\(m, )"([a-z_]+)",\s+"(counter|gauge|histogram)",/g) {
    my ($name, $type) = ($1, $2);
    is $told{$name}, $type, "$name is a $type";
    is $name =~ /_total$/ ? 1 : 0, $type eq 'counter' ? 1 : 0, '... as its name says';
}

done_testing;
