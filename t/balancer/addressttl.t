# Licensed under the Apache License, Version 2.0; see LICENSE.
# addressttl: the name of a member is looked up again. httpd runs with an /etc/hosts of its own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use FastBackend;
use Httpd;

Httpd::needs_version('2.4.59', 'has no addressttl=');

my $dir = Httpd::temporary_dir('hosts');
sub hosts {
    my ($address) = @_;
    open my $out, '>', "$dir/hosts" or die $!;    # in place: httpd's /etc/hosts is this very file
    print {$out} "127.0.0.1 localhost\n$address moving.test\n";
    close $out;
    return;
}
hosts('127.0.0.1');
chmod 0644, "$dir/hosts";
plan skip_all => 'only root may mount another /etc/hosts'
    if $> || system("unshare -m mount --bind $dir/hosts /etc/hosts 2>/dev/null");

my $program = Httpd::httpd_program();
open my $out, '>', "$dir/httpd" or die $!;
print {$out} <<"EOC";
#!/bin/sh
exec unshare -m sh -c 'mount --bind $dir/hosts /etc/hosts && exec $program "\$@"' sh "\$@"
EOC
close $out;
chmod 0755, "$dir/httpd";

my $backend = FastBackend->start;
my $url     = 'fcgi://moving.test:' . $backend->port;
my $httpd = Httpd->new(in_turn => 1, config => <<"EOC");    # each process looks up its names
<Proxy balancer://short>
BalancerMember $url addressttl=1 status=+I
</Proxy>
<Proxy balancer://long>
BalancerMember $url status=+I
</Proxy>
ProxyPass /short/ balancer://short/
ProxyPass /long/ balancer://long/
EOC
{
    no warnings 'redefine';
    local *Httpd::httpd_program = sub { return "$dir/httpd" };
    $httpd->start;
}

is $httpd->get("/$_/x")->{status}, 200, "$_: answers" for 'short', 'long';
hosts('127.0.0.9');
$httpd->expect_log(qr/connect_refused|127\.0\.0\.9|moving\.test/);
ok wait_until(10, sub { $httpd->get('/short/x')->{status} == 503 }),
    'with addressttl the new address is used, where nobody listens';
is $httpd->get('/long/x')->{status}, 200, 'without it the old one stays';
hosts('127.0.0.1');
ok wait_until(10, sub { $httpd->get('/short/x')->{status} == 200 }), 'and back';
$httpd->stop;

done_testing;
