# Licensed under the Apache License, Version 2.0; see LICENSE.
# discover= and its parameters, and BalancerResolver: what is refused with the remedy, and what is taken. A
# name that does not resolve stops nobody from starting.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Configtest;
use Discovery;
use FastBackend;
use Httpd;
use ScriptedDns;

plan skip_all => 'stock discovers nothing' if Httpd::is_stock();

sub section { my (@lines) = @_; return Discovery::balancer(app => @lines) }
sub a { return section('BalancerMember fcgi://php.test:9000 discover=a ' . join ' ', @_) }

# ---- What can be discovered ----

refused('an unknown kind', section('BalancerMember fcgi://php.test:9000 discover=mx'), qr/discover=mx.*\ba\b.*\bsrv\b/);
refused('an IPv4 address', section('BalancerMember fcgi://10.0.0.1:9000 discover=a'), qr/10\.0\.0\.1.*discover=/s);
refused('an IPv6 address', section('BalancerMember fcgi://[::1]:9000 discover=a'), qr/::1.*discover=/s);
refused('a unix socket', section('BalancerMember unix:/run/php.sock|fcgi://php discover=a'), qr/unix.*discover=|discover=.*unix/s);
refused('a port with SRV records, which have their own', section('BalancerMember fcgi://_php._tcp.test:9000 discover=srv'),
    qr/port.*discover=srv|discover=srv.*port/s);
refused('a worker outside of a balancer', "ProxyPass /x/ fcgi://php.test:9000/ discover=a\n", qr/discover/);
refused('a route, which is of one member', a('route=a'), qr/route.*BalancerStickyCookie/);
refused('options without discover=', section('BalancerMember fcgi://php.test:9000 onempty=keep'), qr/onempty.*discover=/s);

# ---- Options ----

for my $wrong (['discovermax=0', qr/discovermax=0.*1 to/], ['discovermax=many', qr/discovermax/], ['discoverinterval=0', qr/discoverinterval=0/],
               ['discoverinterval=soon', qr/discoverinterval=soon.*duration/], ['discoverwait=-1', qr/discoverwait=-1/],
               ['onempty=never', qr/onempty=never.*keep/]) {
    refused($wrong->[0], a($wrong->[0]), $wrong->[1]);
}
taken('all of them', a('discovermax=500 discoverinterval=5s discoverwait=10 onempty=2m loadfactor=3 maxinflight=5 hcmethod=TCP'));
taken('onempty=keep', a('onempty=keep'));
taken('SRV records', section('BalancerMember fcgi://_php._tcp.test discover=srv'));
taken('defaults and members of the configuration beside it', section('BalancerMemberDefaults maxinflight=4',
    'BalancerMember fcgi://php.test:9000 discover=a', 'BalancerMember fcgi://10.0.0.1:9000', 'ProxySet growth=3'));

# ---- BalancerResolver ----

for my $wrong (['a name', 'dns.example.com', qr/dns\.example\.com.*IP address/], ['a port that is none', '10.0.0.2:99999', qr/10\.0\.0\.2:99999/],
               ['a time limit of 0', '10.0.0.2 timeout=0', qr/timeout=0/], ['retries without end', '10.0.0.2 retries=1000', qr/retries=1000/],
               ['an unknown word', '10.0.0.2 valid=10s', qr/valid=10s.*timeout=/], ['no family', 'ipv4=off ipv6=off', qr/ipv4=off ipv6=off/]) {
    refused("BalancerResolver: $wrong->[0]", "BalancerResolver $wrong->[1]\n", $wrong->[2]);
}
refused('BalancerResolver in a section', "<Proxy balancer://app>\nBalancerResolver 10.0.0.2\n</Proxy>\n", qr/BalancerResolver/);
taken("BalancerResolver $_", "BalancerResolver $_\n" . a()) for '127.0.0.53', '10.0.0.2:5353 [::1]:53 ::1 timeout=500ms retries=0 ipv6=off';

# ---- A name that does not resolve ----

my $dns   = ScriptedDns->start(says => 'nxdomain');
my $fixed = FastBackend->start;
my $httpd = Httpd->start(config => Discovery::resolver($dns)
    . Discovery::balancer(app => Discovery::line('nowhere', 9000))
    . Discovery::balancer(mixed => Discovery::line('nowhere', 9000), 'BalancerMember ' . $fixed->url));
pass 'a name that does not exist: httpd starts';
Discovery::becomes($httpd, 'empty', '... the source is empty', 'app');
is_deeply $httpd->balancer('app')->{members}, [], '... without members, not even one of that name';
is $httpd->get('/app/x')->{status}, 503, '... a request gets a 503';
is_deeply [$httpd->end_words('/app/x')], ['no_member'], '... with its reason';
is $httpd->get('/mixed/x')->{status}, 200, '... a configured member beside it serves';
$httpd->expect_log(qr/FC0528: balancer:\/\/\w+: .*nowhere/);
$httpd->expect_log(qr/FC0422: balancer:\/\/app: no_member/);
$httpd->stop;

done_testing;
