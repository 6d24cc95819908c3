# Licensed under the Apache License, Version 2.0; see LICENSE.
# Configtest.pm - what `httpd -t` says of a configuration: two test results each.
#
#   refused('no order', "...\n", qr/queueorder= is not/);    # with this reason and remedy
#   warned('a reserve of all places', "...\n", qr/FC0521/);
#   taken('both', "...\n");                                  # without a warning
package Configtest;

use strict;
use warnings;
use Exporter 'import';
use Test::More;
use Httpd;

our @EXPORT = qw(refused warned taken);

sub refused {
    my ($name, $config, $pattern) = @_;
    my ($code, $text) = Httpd->configtest(config => $config);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    isnt $code, 0, "$name is refused";
    like $text, $pattern, '... with the reason and the remedy';
    return;
}

sub warned {
    my ($name, $config, $pattern) = @_;
    my ($code, $text) = Httpd->configtest(config => $config);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $code, 0, "$name is taken";
    like $text, $pattern, '... with a warning';
    return;
}

sub taken {
    my ($name, $config) = @_;
    my ($code, $text) = Httpd->configtest(config => $config);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $code, 0, "$name is taken" or diag $text;
    unlike $text, qr/FC05\d\d/, '... without a warning';
    return;
}

1;
