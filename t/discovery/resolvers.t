# Licensed under the Apache License, Version 2.0; see LICENSE.
# No request ever waits for a resolver: none that never answers, none that is killed and comes back at another
# address. Without BalancerResolver the servers and search domains are those of /etc/resolv.conf, as it is now.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Deadline;
use Discovery;
use DnsServer;
use FastBackend;
use Httpd;
use Load;
use ScriptedDns;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

my @two     = ('127.0.0.2', '127.0.0.3');
my $backend = FastBackend->start(host => '0.0.0.0');
my $port    = $backend->port;

# ---- One that never answers: it is asked for minutes, requests are served at once ----

my $mute  = ScriptedDns->start(says => 'silence');
my $httpd = Httpd->start(config => "BalancerResolver @{[ $mute->address ]} timeout=20s retries=5\n"
    . Discovery::balancer(app => Discovery::line('php', $port), "BalancerMember fcgi://127.0.0.9:$port")
    . Discovery::balancer(none => Discovery::line('none', $port)));
ok $mute->wait_for_queries(1), 'a resolver that never answers is asked';
my $began = now_monotonic();
is join(' ', map { $httpd->get('/app/x')->{status} } 1 .. 20), join(' ', (200) x 20), '... requests are served';
is $httpd->get('/none/x')->{status}, 503, '... or refused, where there is no member yet';
in_time(now_monotonic() - $began, 3, '... at once');
is Discovery::source($httpd, 'none')->{state}, 'waiting', '... the source waits for its first answer';
$httpd->expect_log(qr/FC0422: balancer:\/\/none: no_member/);
ok $httpd->graceful, 'a graceful restart does not wait for it either';
is $httpd->get('/app/x')->{status}, 200, '... requests are served';
my $ending = now_monotonic();
$httpd->stop;
in_time(now_monotonic() - $ending, 8, '... nor does the end');

# ---- Killed, and back elsewhere ----

my $dns  = DnsServer->start(records => { php => \@two });
my $next = "127.0.0.53:" . $dns->port;
$httpd = Httpd->start(config => Discovery::resolver($dns, $next) . Discovery::balancer(app => Discovery::line('php', $port)));
$httpd->expect_log(qr/FC0526: balancer:\/\/app: .*php/);
Discovery::settles($httpd, \@two, 'two members', 'app');
my $load = Load->start(port => $httpd->port, clients => 2, pause => 0.005, path => '/app/x');
$load->wait_until_running;
$dns->stop;
Discovery::becomes($httpd, 'stale', 'the resolver is killed', 'app');
is_deeply Discovery::addresses($httpd, 'app'), \@two, '... the members stay';
$dns->start_again(host => '127.0.0.53');
Discovery::becomes($httpd, 'ok', '... and comes back at another address, the second one of the directive', 'app');
$dns->set(php => ['127.0.0.4']);
Discovery::settles($httpd, ['127.0.0.4'], '... it is the one that counts', 'app');
Discovery::had_no_errors($load, 'no client saw an error');
$dns->stop;
$httpd->expect_log(qr/FC05\d\d/, optional => 1);
$httpd->stop;

# ---- /etc/resolv.conf ----

SKIP: {
    my $dir = Httpd::temporary_dir('resolv');
    my $resolv_conf = sub {
        open my $out, '>', "$dir/resolv.conf" or die $!;    # in place: httpd's is this very file
        print {$out} "nameserver $_[0]\nsearch test\noptions timeout:1 attempts:1\n";
        close $out;
    };
    $resolv_conf->('127.0.0.251');
    chmod 0644, "$dir/resolv.conf";
    skip 'only root may mount another /etc/resolv.conf', 4
        if $> || system("unshare -m mount --bind $dir/resolv.conf /etc/resolv.conf 2>/dev/null");
    my $program = Httpd::httpd_program();
    Httpd::write_file("$dir/httpd", <<"EOC");
#!/bin/sh
exec unshare -m sh -c 'mount --bind $dir/resolv.conf /etc/resolv.conf && exec $program "\$@"' sh "\$@"
EOC
    chmod 0755, "$dir/httpd";
    my $standard = eval { DnsServer->start(host => '127.0.0.251', port => 53, records => { php => \@two }) };
    skip 'no DNS server at port 53', 4 if !$standard;
    $httpd = Httpd->new(config => Discovery::balancer(app =>
        "BalancerMember fcgi://php:$port discover=a discoverinterval=100ms discoverwait=0"));
    {
        no warnings 'redefine';
        local *Httpd::httpd_program = sub { return "$dir/httpd" };
        $httpd->start;
    }
    Discovery::settles($httpd, \@two, 'resolv.conf says which server, and in which domain to search', 'app');
    $httpd->expect_log(qr/FC0526: balancer:\/\/app: .*php/);
    $standard->stop;
    Discovery::becomes($httpd, 'stale', 'that server goes', 'app');
    $standard->start_again(host => '127.0.0.252');
    $standard->set(php => ['127.0.0.5']);
    $resolv_conf->('127.0.0.252');
    Discovery::settles($httpd, ['127.0.0.5'], '... resolv.conf names another one: it is asked, without a reload', 'app');
    $httpd->stop;
}

done_testing;
