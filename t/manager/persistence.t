# Licensed under the Apache License, Version 2.0; see LICENSE.
# BalancerPersist is not inherited by virtual hosts: the page says of each balancer whether its changes
# outlive a full restart, and so it is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;
use ManagerApi;

my %is_kept = (main => 1, silent => 0, own => 1, off => 0);
sub balancer { return "<Proxy balancer://$_[0]>\n    BalancerMember fcgi://127.0.0.1:1\n</Proxy>\n" }
sub host { return "<VirtualHost 127.0.0.1:\@port2\@>\nServerName $_[0].test\n$_[1]\n" . balancer($_[0]) . "</VirtualHost>\n" }

my $httpd = Httpd->start(debug_log => 'balancer_manager:notice', config => join "\n",
    'BalancerPersist On', balancer('main'), 'Listen 127.0.0.1:@port2@', host('silent', ''),
    host('own', 'BalancerPersist On'), host('off', 'BalancerPersist Off'));
my $api = ManagerApi->new($httpd);

my $page = $httpd->get('/balancer-manager')->{body};
for my $name (sort keys %is_kept) {
    my ($section) = $page =~ m{(<section class="balancer"[^>]* aria-label="balancer://$name .*?</section>)}s;
    like $section // '', $is_kept{$name} ? qr/changes kept across restarts/ : qr/changes lost at a full restart/,
        "the page on balancer://$name";
    is !!$api->get("balancers/$name")->{json}{persistent}, !!$is_kept{$name}, '... and the JSON';
    my $member = ManagerApi::member_path($name, 'fcgi://127.0.0.1:1');
    is $api->patch($member, { weight => 5 })->{status}, 200, '... a change';
}
ok $httpd->restart, 'a full restart';
is $api->get(ManagerApi::member_path($_, 'fcgi://127.0.0.1:1'))->{json}{weight}, $is_kept{$_} ? 5 : 1,
    "... balancer://$_" for sort keys %is_kept;
$httpd->stop;

done_testing;
