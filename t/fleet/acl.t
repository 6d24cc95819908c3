# Licensed under the Apache License, Version 2.0; see LICENSE.
# The Redis user of docs/fleet.md can do what fronts need, and nothing else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Socket::INET;
use Test::More;
use Deadline;
use Fleet;
use ManagerApi;

Fleet::skip_unless_testable();

my ($rule) = Httpd::text_of("$FindBin::RealBin/../../docs/fleet.md") =~ /^(ACL SETUSER fleet .*)$/m;
like $rule, qr/>PASSWORD .*~fc:\{shop\}:\*/, 'the document has a rule for a user';
$rule =~ s/>PASSWORD/>of_the_fleet/;
$rule =~ s/ resetchannels// if !RedisServer::is_at_least('6.2');    # as the document says

my $redis = RedisServer->start;
is $redis->ask(split / /, $rule), 'OK', 'Redis takes it';
my $fleet = Fleet->start(fronts => 2, redis => $redis, password => 'of_the_fleet', words => 'interval=200ms lease=2s user=fleet',
    config => <<'EOC');
<Proxy balancer://app>
BalancerMember fcgi://127.0.0.1:1 maxinflight=4
BalancerMember fcgi://127.0.0.1:2 maxinflight=4
ProxySet fleet=intent,view,health,limits
</Proxy>
ProxyPass /app/ balancer://app/srv/
EOC
my ($web1, $web2) = $fleet->fronts;
Fleet::comes_up($_) for $web1, $web2;

sub fleet_of { my ($httpd) = @_; return ManagerApi->new($httpd)->get('fleet')->{json} }
for my $httpd ($web1, $web2) {
    ok wait_until(30, sub { 2 == grep { $_->{fresh} } @{ fleet_of($httpd)->{fronts} } }), "$httpd->{front} sees both";
    ok wait_until(30, sub { fleet_of($httpd)->{checks_by} }), '... and who makes the checks';
}
is Fleet::partings($_), 0, "$_->{front} was never alone" for $web1, $web2;
is_deeply [$redis->ask('ACL', 'LOG')], [], 'nothing that they wanted was denied';

# ---- What else the user may ----

sub denied {
    my (@command) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $redis->{port}) or die "redis: $!";
    my $send = sub { print {$socket} '*' . @_ . "\r\n", map { '$' . length() . "\r\n$_\r\n" } @_; return scalar <$socket> };
    like $send->('AUTH', 'fleet', 'of_the_fleet'), qr/^\+OK/, 'logged in';
    return like $send->(@command), qr/^-NOPERM|-ERR .*(?:ACL|NOPERM)|access a key/i, "... it may not @command";
}
denied(@$_) for ['FLUSHALL'], ['KEYS', '*'], ['HSET', 'session:1', 'a', 'b'], ['HGETALL', 'fc:{other}:view'], ['CONFIG', 'GET', '*'],
    ['EVAL', 'return redis.call("GET", KEYS[1])', 1, 'session:1'];
$fleet->stop;
done_testing;
