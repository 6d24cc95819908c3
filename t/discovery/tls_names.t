# Licensed under the Apache License, Version 2.0; see LICENSE.
# The certificate of a discovered fcgis:// member is that of the name in DNS, not of its address: for
# requests and for checks.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Discovery;
use DnsServer;
use Httpd;
use TlsProxy;

plan skip_all => 'knotd is not installed' if !DnsServer::is_installed();
plan skip_all => 'stock discovers nothing' if Httpd::is_stock();
plan skip_all => 'IO::Socket::SSL is not installed' if !TlsProxy::is_possible();

my $authority = TlsProxy::Authority->new('Authority');
my $backend   = Backend->echo;
my %to = map { $_ => TlsProxy->start(to => $backend, authority => $authority, name => $_) }
    qw(php.test elsewhere.test);
my $dns = DnsServer->start(records => { php => ['127.0.0.1'] });
sub line { return Discovery::line('php', $_[0]->port, @_[1 .. $#_]) =~ s/fcgi:/fcgis:/r }
my $httpd = Httpd->start(modules => ['ssl'], config => Discovery::resolver($dns)
    . "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCACertificateFile @{[ $authority->file ]}\n"
    . Discovery::balancer(right => line($to{'php.test'}, 'hcmethod=FCGI hcuri=/ping hcinterval=200ms'))
    . Discovery::balancer(wrong => line($to{'elsewhere.test'})));

Discovery::settles($httpd, ['127.0.0.1'], "$_: one member", $_) for qw(right wrong);
ok wait_until(10, sub { $httpd->get('/right/x')->{status} == 200 }),
    'a certificate of the name: checks pass, and requests are answered';
is $httpd->get('/wrong/x')->{status}, 502, 'a certificate of another name: refused';
$httpd->expect_log(qr/AH0\d+|FC0\d+.*tls_failed|FC0\d+: balancer:\/\/wrong|certificate/);
$httpd->expect_log(qr/FC0422: balancer:\/\/right/, optional => 1);

$httpd->stop;
done_testing;
