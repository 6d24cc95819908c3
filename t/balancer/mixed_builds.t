#!/usr/bin/perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
# mixed_builds.t - modules of two releases do not start together: one of them has another stamp here.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Configtest;
use Httpd;
use Test::More;

sub content { my ($file) = @_; local (@ARGV, $/) = $file; return scalar <> }

my $from  = Httpd::build_dir();
my $dir   = Httpd::temporary_dir('mixed');
my @files = map { "mod_$_.so" } qw(proxy_fastcgi balancer_byrequests balancer_manager);
my ($stamp) = content("$from/contract_stamp.c") =~ /"([0-9a-f]{12})"/ or die 'no stamp';
my $config = "<Proxy balancer://a>\n    BalancerMember fcgi://127.0.0.1:9000\n</Proxy>\nProxyPass / balancer://a/\n";

# All as they were built but one, which is of another contract.
sub mix {
    my ($other) = @_;
    for my $file (@files) {
        my $bytes = content("$from/$file");
        $bytes =~ s/\Q$stamp/0123456789ab/ or die "no stamp in $file" if $file eq $other;
        Httpd::write_file("$dir/$file", $bytes);
    }
    return;
}

{
    local $ENV{BUILD} = "$dir";
    mix('');
    taken('all of one build', $config);
    my $cure = qr/are not of the same release; install all modules from one package or build/;
    mix('mod_proxy_fastcgi.so');
    refused('another mod_proxy_fastcgi', $config,
        qr/mod_proxy_fastcgi \(version \S+, contract 0123456789ab\) and mod_balancer_byrequests \(version \S+, contract $stamp\) $cure/);
    mix('mod_balancer_manager.so');
    refused('another mod_balancer_manager', $config, qr/mod_balancer_manager \(version .* $cure/);
    mix('mod_balancer_byrequests.so');
    refused('another mod_balancer_byrequests', $config, qr/$cure/);
}

done_testing;
