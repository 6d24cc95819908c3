# Licensed under the Apache License, Version 2.0; see LICENSE.
# Each command that the documents show can be given: goals of make, scripts, tests, groups of packages and variables exist,
# and a shell takes the text. Each link leads to a file, and to a heading in it. What is safe to run is run elsewhere:
# configurations.t, t/manager/documented_commands.t, t/package.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

chdir "$FindBin::RealBin/../.." or die "$!";

my @documents = map { glob } qw(*.md docs/*.md docs/*/*.md docs/*/*/*.md modules/*/README.md scripts/packaging/README.md);
my %text      = map { $_ => Httpd::text_of($_) } @documents;

# ---- What is shown: shell blocks, indented lines and `code` that begin as a command does ----

my $program = qr{(?:sudo |[A-Z_]+=\S* )*(?:make|scripts/[\w./-]+|t/TEST|t/faults/\w+)(?![\w./-])};

sub commands_of {
    my ($text) = @_;
    my @blocks   = $text =~ /^```sh\n(.*?)^```/msg;
    my @commands = $text =~ /^ {4}($program.*)$/mg;
    (my $prose = $text) =~ s/^(?:```.*?^```| {4}[^\n]*)$//msg;
    push @commands, $prose =~ /`($program[^`]*)`/g;
    s/\s+#.*//, s/\s+/ /g for @commands;
    return (\@blocks, @commands);
}

sub a_shell_takes {
    my ($script) = @_;
    open my $bash, '|-', 'bash -n 2>&1' or die "bash: $!";
    print {$bash} $script;
    return close $bash;
}

# ---- What there is ----

my ($phony) = qx(make -pRrnq print 2>/dev/null) =~ /^\.PHONY: (.*)$/m;
my %goal      = map { $_ => 1 } split / /, $phony;
my $machinery = join '', map { Httpd::text_of($_) } 'Makefile', '.ci/run', (glob 't/lib/*.pm'), 't/TEST',
    grep { -f } glob 'scripts/* scripts/*/* scripts/*/*/* t/faults/*';

sub problem_of {
    my ($command) = @_;
    return "a shell does not take it" if !a_shell_takes($command);
    my @words = map { s/^["']|["'.,;:]$//gr } split ' ', $command =~ s/(=)(["']).*?\2/$1/gr;
    for (grep { defined } map { /^([A-Z][A-Z_]+)=/ ? $1 : undef } @words) {
        return "nothing reads $_" if $machinery !~ /\b$_\b/;
    }
    @words = grep { !/^(?:[A-Z][A-Z_]+=|-|sudo$)/ } @words;
    my $name = shift @words // return;
    return $name eq 'make' ? (map { "make has no goal $_" } grep { !$goal{$_} } @words)[0]
         : !-x $name       ? "there is no $name"
         : $name eq 't/TEST' ? (map { "there is no test $_" } grep { !-e "t/$_" && !-e "t/$_.t" } @words)[0]
         : $name eq 'scripts/setup' && system("scripts/setup --list @words > /dev/null 2>&1") ? 'there is no such group'
         : undef;
}

my $count = 0;
for my $document (@documents) {
    my ($blocks, @commands) = commands_of($text{$document});
    ok a_shell_takes($_), "$document: a shell takes the block" or diag $_ for @$blocks;
    my @problems = map { my $problem = problem_of($_); $problem ? "$_: $problem" : () } @commands;
    is_deeply \@problems, [], "$document: its commands can be given" if @commands;
    $count += @commands;
}
cmp_ok $count, '>', 50, 'there are some';
is problem_of('make no-such-goal'), 'make has no goal no-such-goal', '... and one that cannot is found';

# The first words of the Makefile say which goals there are.
my @told = map { split m{ / }, s/ {2,}.*//r } Httpd::text_of('Makefile') =~ /^#   make ([a-z][^;\n]*)/mg;
is_deeply [grep { !$goal{$_} } map { /^([\w-]+)/ } @told], [], 'the goals that the Makefile names exist';

my @scripts = grep { -f && -x && Httpd::text_of($_) =~ /^#!/ } glob 'scripts/* scripts/*/* scripts/*/*/*';
is_deeply [grep { my ($name) = m{([^/]+)$}; Httpd::text_of($_) !~ /^(?:#|"""|--) ?\Q$name\E - \S/m } @scripts], [],
    'each script says what it does';

is_deeply [grep { $machinery !~ /\b$_\b/ } Httpd::text_of('README.md') =~ /^ {4}(?:sudo )?apt-get install ([^.\n]+)$/m ? grep { !/^-/ } split ' ', $1 : ()],
    [], 'the packages that README.md names are those of scripts/setup';

# ---- Links ----

sub anchors_of {
    my ($file) = @_;
    my $text = ($text{$file} // Httpd::text_of($file)) =~ s/^```.*?^```$//msgr;
    return map { my $anchor = lc s/[^\w\s-]//gr; $anchor =~ tr/ /-/; $anchor => 1 } $text =~ /^#+ +(.+?) *$/mg;
}

for my $document (@documents) {
    my ($folder) = $document =~ m{^(.*/)?};
    my @broken;
    for my $link ($text{$document} =~ /\]\((?!\w+:)([^)\s]+)\)/g) {
        my ($path, $anchor) = split /#/, $link, 2;
        my $file = $path eq '' ? $document : ($folder // '') . $path;
        my %anchor = -e $file && defined $anchor ? anchors_of($file) : ();
        push @broken, $link if !-e $file || defined $anchor && !$anchor{$anchor};
    }
    is_deeply \@broken, [], "$document: its links lead somewhere";
}

done_testing;
