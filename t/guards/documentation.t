# Licensed under the Apache License, Version 2.0; see LICENSE.
# What the sources know, the documents tell, and nothing else: log numbers, directives, parameters.
use strict;
use warnings;
use File::Find;
use FindBin;
use Test::More;

my $top = "$FindBin::RealBin/../..";

sub text_of {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $sources = '';
find({ no_chdir => 1, wanted => sub { $sources .= text_of($_) if /\.[ch]$/ } }, "$top/modules");
my %readme = map { $_ => text_of("$top/modules/$_/README.md") }
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

same_sets([ $sources =~ /FCLOGNO\((\d+)\)/g ],
    [ text_of("$top/docs/log-messages.md") =~ /^\| FC(\d+) \|/mg ], 'log numbers');

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

done_testing;
