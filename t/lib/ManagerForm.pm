# Licensed under the Apache License, Version 2.0; see LICENSE.
# ManagerForm.pm - the manager's form, as its page sends it.
#
#   my $answer = ManagerForm::post($httpd, [b => 'app', w => $url, w_lf => 3]);
#   ManagerForm::post($httpd, [...], page => '/team', header => {...});    # get the token, too
#
# The page's token comes with it unless the fields have a nonce; one that is undef is not sent.
package ManagerForm;

use strict;
use warnings;
use ManagerApi;

# The text of a form: names and values, each name as often as it is there.
sub text {
    my (@fields) = @_;
    my @parts;
    while (my ($name, $value) = splice @fields, 0, 2) {
        push @parts, "$name=" . ManagerApi::encoded($value) if defined $value;
    }
    return join '&', @parts;
}

sub post {
    my ($httpd, $fields, %o) = @_;
    my $page   = $o{page} // '/balancer-manager';
    my $header = $o{header} // {};
    my %given  = @$fields;
    my @token  = exists $given{nonce} ? ()
        : (nonce => ManagerApi->new($httpd, base => $page, header => $header)->token);
    return $httpd->post($page, text(@$fields, @token),
        header => { 'Content-Type' => 'application/x-www-form-urlencoded', %$header });
}

1;
