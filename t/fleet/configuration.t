# Licensed under the Apache License, Version 2.0; see LICENSE.
# BalancerFleet and ProxySet fleet=: what is refused, with the remedy, and what is taken.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Configtest;
use Fleet;
use Httpd;

Fleet::skip_unless_testable();

my $dir    = Httpd::temporary_dir('fleet');
my $secret = Fleet::file_with($dir, 'secret', 'sixteen bytes at least');
my $words  = 'redis://10.0.0.5 name=shop front=web1';

sub fleet    { return join(' ', 'BalancerFleet', @_) . "\n" }
sub balancer { return "<Proxy balancer://app>\nBalancerMember fcgi://10.0.0.1:9000 maxinflight=4\n" . join('', map { "ProxySet $_\n" } @_) . "</Proxy>\n" }

# ---- Where the fronts meet ----

for my $wrong (
    ['no scheme that is known', 'http://10.0.0.5', qr/http:.*redis:\/\//],
    ['TLS', 'rediss://10.0.0.5', qr/rediss:.*no TLS.*tunnel/],
    ['a password in the URL', 'redis://:geheim@10.0.0.5', qr/passwordfile=/],
    ['no host', 'redis:///0', qr/redis:\/\/\/0.*host/],
    ['an address without brackets', 'redis://::1:6379', qr/brackets/],
    ['a port that is none', 'redis://10.0.0.5:99999', qr/99999/],
    ['an empty address in a list', 'redis://10.0.0.5,,10.0.0.6', qr/host/],
    ['a database that is none', 'redis://10.0.0.5/shop', qr/"shop".*database/],
    ['too many addresses', 'redis://' . join(',', map { "10.0.0.$_" } 1 .. 17), qr/at most 16/],
    ['a relative path', 'unix://run/redis.sock', qr/absolute path/],
    ['too long a path', 'unix:///' . 'x' x 200, qr/at most \d+ bytes/],
    ['an unknown word of a socket', 'unix:///run/redis.sock?table=1', qr/\?db=N/],
    ['sentinels without a master', 'sentinel://10.0.0.5', qr/master is missing/],
    ['sentinels with an empty master', 'sentinel://10.0.0.5//1', qr/master is missing/],
) {
    refused("a URL: $wrong->[0]", fleet($wrong->[1], 'name=shop front=web1'), $wrong->[2]);
}
refused('two URLs', fleet('redis://10.0.0.5', 'redis://10.0.0.6', 'name=shop'), qr/commas/);
refused('no URL', fleet('name=shop'), qr/URL is missing/);
taken("a URL: $_", fleet($_, 'name=shop front=web1'))
    for 'redis://10.0.0.5', 'redis://10.0.0.5:6380/3', 'redis://[::1]:6379,redis.example.com/', 'unix:///run/redis.sock?db=2',
        'sentinel://10.0.0.5,10.0.0.6:26380/mymaster', 'sentinel://10.0.0.5/mymaster/1';

# ---- Names ----

refused('no name', fleet('redis://10.0.0.5', 'front=web1'), qr/name= is missing/);
refused("name=$_", fleet('redis://10.0.0.5', "front=web1 \"name=$_\""), qr/name=\Q$_\E: a name has/) for '', 'a b', 'a{b}', 'a:b', 'x' x 65;
refused('a front of such a name', fleet('redis://10.0.0.5', 'name=shop front=a/b'), qr/front=a\/b: a name has/);
taken('a name of all that it can have', fleet('redis://10.0.0.5', 'name=Shop_1.eu-west front=' . 'x' x 64));

# ---- How many there are ----

taken("fronts=$_", fleet($words, "fronts=$_")) for 1, 32;
refused("fronts=$_", fleet($words, "fronts=$_"), qr/BalancerFleet: .*fronts=/) for 0, 33, 'all', '';

# ---- Files ----

for my $key (qw(passwordfile secretfile)) {
    refused("$key= of a file that is not there", fleet($words, "$key=$dir/none"), qr/$key=: .*\Q$dir\E\/none/);
}
my $short = Fleet::file_with($dir, 'short', 'fifteen bytes!!');
refused('a secret that is too short', fleet($words, "secretfile=$short"), qr/short must have 16 to \d+ bytes.*openssl rand/);
my $empty = Fleet::file_with($dir, 'empty', "\n");
refused('an empty password', fleet($words, "passwordfile=$empty"), qr/empty must have the password in its first line/);
refused('a password that is too long', fleet($words, 'passwordfile=' . Fleet::file_with($dir, 'long', 'x' x 1025)), qr/at most 1024 bytes/);
refused('a user without password', fleet($words, 'user=web'), qr/user= needs passwordfile=/);
my $open = Fleet::file_with($dir, 'open', 'for everybody to be read');
chmod 0644, $open;
warned('a secret that everybody can read', fleet($words, "secretfile=$open"), qr/FC0501: BalancerFleet: .*\Q$open\E/);
warned('a password that everybody can read', fleet($words, "passwordfile=$open"), qr/FC0501: BalancerFleet: .*\Q$open\E/);

# ---- Times, and words ----

for my $wrong (['interval=0', qr/interval=0/], ['interval=1m', qr/interval=1m/], ['lease=1s', qr/lease=1s/], ['lease=1h', qr/lease=1h/],
               ['lease=soon', qr/lease=soon.*duration/], ['interval=2s', qr/lease=5s is shorter than 4 intervals of 2s/],
               ['ttl=5s', qr/ttl= is unknown.*lease=/], ['shop', qr/shop: use a URL/]) {
    refused($wrong->[0], fleet($words, $wrong->[0]), $wrong->[1]);
}
taken('all of it', fleet($words, "user=web passwordfile=$secret secretfile=$secret interval=250ms lease=1m"));
refused('the directive twice', fleet($words) x 2, qr/BalancerFleet is there twice/);
refused('the directive in a section', "<Proxy balancer://app>\n" . fleet($words) . "</Proxy>\n", qr/BalancerFleet/);

# ---- What a balancer shares ----

taken("fleet=$_", fleet($words) . balancer("fleet=$_")) for 'intent', 'intent,view,health,limits', 'none', 'NONE';
taken('fleet= before the directive', balancer('fleet=limits') . fleet($words));
taken('limits without maxinflight', fleet($words) . "<Proxy balancer://app>\nBalancerMember fcgi://10.0.0.1:9000\nProxySet fleet=limits\n</Proxy>\n");
refused("fleet=$_", fleet($words) . balancer("fleet=$_"), qr/fleet=\Q$_\E.*use intent, view, health and limits/) for 'sessions', 'intent;view', 'none,view';
refused('fleet= without anything', fleet($words) . balancer('fleet='), qr/use intent/);
refused('fleet= without BalancerFleet', balancer('fleet=intent,limits'), qr/FC0568: balancer:\/\/app: fleet= needs BalancerFleet/);
taken('fleet=none without BalancerFleet', balancer('fleet=none'));

done_testing;
