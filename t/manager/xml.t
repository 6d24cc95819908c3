# Licensed under the Apache License, Version 2.0; see LICENSE.
# ?xml=1 has stock's elements in stock's order. With TEST_STOCK=1 the same test asks stock.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Httpd;

my $httpd = Httpd->start(without => ['proxy_fastcgi', 'proxy_fcgi'], config => <<'EOC');
<Proxy balancer://app>
BalancerMember http://127.0.0.1:1 route=one loadfactor=2 retry=7 timeout=5 keepalive=on
BalancerMember http://127.0.0.1:2 status=+D
ProxySet stickysession=SID|sid maxattempts=2 nonce=secret
</Proxy>
ProxyPass /app/ balancer://app/
EOC

# Stock shows XML only to who sends a Referer; ours to everybody that may read.
my %header = Httpd::is_stock() ? (header => { Referer => 'http://localhost/' }) : ();
my $response = $httpd->get('/balancer-manager?xml=1', %header);
is $response->{status}, 200, 'XML is there';
like $response->{header}{'content-type'}, qr{^text/xml}, '... and says so';
my $xml = $response->{body};
like $xml, qr{^<\?xml version='1\.0' encoding='UTF-8' \?>\n<httpd:manager xmlns:httpd='http://httpd\.apache\.org'>},
    'it begins as with stock';

my ($balancer) = $xml =~ m{<httpd:balancer>(.*?)<httpd:workers>}s;
is_deeply [$balancer =~ m{<httpd:(\w+)>}g],
    [qw(name nonce stickysession nofailover timeout maxattempts lbmethod scolonpathdelim)],
    'the elements of a balancer, in order';
my %value = $balancer =~ m{<httpd:(\w+)>(.*?)</httpd:\1>}g;
is_deeply [@value{qw(name stickysession nofailover timeout maxattempts lbmethod scolonpathdelim)}],
    ['balancer://app', 'SID', 'Off', 0, 2, 'byrequests', 'Off'], '... and their values';

like $value{nonce}, Httpd::is_stock() ? qr/^secret$/ : qr/^[0-9a-f]{8}-[0-9a-f]{32}$/,
    '... the nonce is a token: scripts may post it';

my @members = $xml =~ m{<httpd:worker>(.*?)</httpd:worker>}gs;
is @members, 2, 'both members are there';
is_deeply [grep { !/^flush/ } $members[0] =~ m{<httpd:(\w+)>}g],
    [qw(name scheme hostname loadfactor port min smax max ttl timeout keepalive status retries lbstatus
        loadfactor transferred read elected route redirect busy lbset retry)],
    'the elements of a member, in order';
%value = $members[0] =~ m{<httpd:(\w+)>(.*?)</httpd:\1>}g;
is_deeply [@value{qw(name scheme hostname loadfactor port timeout keepalive status elected route redirect
                     busy lbset retry)}],
    ['http://127.0.0.1:1', 'http', '127.0.0.1', '2.00', 1, 5, 'On', 'Init Ok ', 0, 'one', '', 0, 0, 7],
    '... and their values';
like $members[1], qr{<httpd:status>Init Dis </httpd:status>}, 'status of a member that is disabled';
unlike $members[1], qr{<httpd:timeout>}, 'what is not set is not there';

$httpd->stop;
done_testing;
