# Licensed under the Apache License, Version 2.0; see LICENSE.
# The list of what the modules are made of (SPDX 2.3): well-formed, complete, and the same each time.
use strict;
use warnings;
use Digest::SHA;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP qw(decode_json);
use Test::More;
use Httpd;
use Process;

Process::find_program($_) or plan skip_all => "$_ is not installed" for qw(objdump pkg-config);
plan skip_all => 'nobody ships modules with a sanitizer' if Httpd::httpd_program() =~ /httpd-asan$/;

my $build   = Httpd::build_dir();
my $command = "APXS=@{[ Httpd::apxs_program() ]} $FindBin::RealBin/../../scripts/packaging/sbom $build";
my $text    = qx($command);
is $?, 0, 'it is printed' or die('no SBOM');
is qx($command), $text, '... twice the same';
my $sbom = decode_json($text);

# ---- The document: chapter 6 of the specification ----

is $sbom->{spdxVersion}, 'SPDX-2.3', 'the version of the format';
is $sbom->{dataLicense}, 'CC0-1.0', 'its own licence';
is $sbom->{SPDXID}, 'SPDXRef-DOCUMENT', 'its own id';
like $sbom->{documentNamespace}, qr{^https://[^#\s]+$}, 'a URI of its own, without a fragment';
like $sbom->{creationInfo}{created}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'when it was made';
like $sbom->{creationInfo}{creators}[0], qr/^Tool: \S/, 'what made it';

# ---- Elements and relationships ----

my @elements = ($sbom, @{ $sbom->{packages} }, @{ $sbom->{files} });
my %element;
$element{ $_->{SPDXID} }++ for @elements;
is_deeply [grep { !/^SPDXRef-[a-zA-Z0-9.-]+$/ || $element{$_} > 1 } sort keys %element], [], 'ids are valid, and each is of one element';
my @relations = @{ $sbom->{relationships} };
is_deeply [grep { !$element{$_} } map { @$_{qw(spdxElementId relatedSpdxElement)} } @relations], [], 'relationships are of elements';
my %related = map { ($_ => 1) } map { @$_{qw(spdxElementId relatedSpdxElement)} } @relations;
is_deeply [grep { !$related{$_} } sort keys %element], [], '... and each element has one';
is_deeply [map { $_->{relatedSpdxElement} } grep { $_->{relationshipType} eq 'DESCRIBES' } @relations],
    ['SPDXRef-Package-fastcgi-cluster'], 'it describes the modules';

for my $element (@elements[1 .. $#elements]) {
    like $element->{licenseConcluded}, qr/^[A-Z][\w.+-]*(?: WITH [\w.-]+)?$/, "$element->{SPDXID}: an expression of licences";
    ok exists $element->{copyrightText}, '... and a copyright';
}
for my $package (@{ $sbom->{packages} }) {
    like $package->{versionInfo}, qr/^\d+\.[\w.-]+$/, "$package->{name} has a version";
    is $package->{externalRefs}[0]{referenceLocator}, "pkg:generic/$package->{name}\@$package->{versionInfo}", '... and a purl';
}

# ---- It is about what is there ----

for my $module (Httpd::our_modules()) {
    my ($file) = grep { $_->{fileName} eq "./mod_$module.so" } @{ $sbom->{files} };
    my %sum = map { @$_{qw(algorithm checksumValue)} } @{ $file->{checksums} };
    is $sum{"SHA$_"}, Digest::SHA->new($_)->addfile("$build/mod_$module.so")->hexdigest, "mod_$module.so: its SHA$_" for 1, 256;
}
my %package = map { $_->{name} => $_ } @{ $sbom->{packages} };
my $linked  = qx(objdump -p $build/mod_*.so);
my %soname  = (jansson => 'libjansson', openssl => 'libcrypto', 'c-ares' => 'libcares', hiredis => 'libhiredis');
is !!$package{$_}, $linked =~ /NEEDED +\Q$soname{$_}\E/, "$_ is listed if it is linked" for sort keys %soname;
ok $package{$_}, "$_ is listed" for qw(fastcgi-cluster httpd apr apr-util);

done_testing;
