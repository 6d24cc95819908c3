# Licensed under the Apache License, Version 2.0; see LICENSE.
# Sessions over several fronts need no store: with the same keyfile, the cookie of one front leads to the same
# member at any other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use Test::More;
use Backend;
use Fleet;
use Httpd;

plan skip_all => 'stock has no such cookie' if Httpd::is_stock();

my @backends = map { Backend->echo(name => "member$_") } 1 .. 4;
my $dir = Httpd::temporary_dir('key');
my %key = (common => Fleet::file_with($dir, 'common', 'k' x 32), other => Fleet::file_with($dir, 'other', 'o' x 32));
sub front {
    my ($key) = @_;
    my $members = join '', map { "BalancerMember @{[ $_->url ]}\n" } @backends;
    return Httpd->start(config => <<"EOC");
<Proxy balancer://app>
BalancerStickyCookie ROUTE keyfile=$key{$key}
$members</Proxy>
ProxyPass /app/ balancer://app/srv/
EOC
}
my ($web1, $web2, $stranger) = map { front($_) } qw(common common other);

# Who answers, and the cookie that is set.
sub ask {
    my ($httpd, $cookie) = @_;
    my $response = $httpd->get('/app/x', header => { defined $cookie ? (Cookie => $cookie) : () });
    my ($set) = ($response->{header}{'set-cookie'} // '') =~ /^(ROUTE=[^;]+)/;
    return (JSON::PP::decode_json($response->{body})->{backend}, $set);
}

my %member_of;
for (1 .. 12) {
    my ($member, $cookie) = ask($web1);
    like $cookie, qr/^ROUTE=./, "$member: a session begins at the first front";
    $member_of{$cookie} = $member;
}
is scalar(keys %member_of), 4, 'sessions are spread over all members';
for my $cookie (sort keys %member_of) {
    for my $httpd ($web2, $web1, $web2) {
        is_deeply [ask($httpd, $cookie)], [$member_of{$cookie}, undef], '... and stay with them, at whatever front';
    }
}
my ($member, $cookie) = ask($stranger, (keys %member_of)[0]);
like $cookie, qr/^ROUTE=./, 'a front with another key takes it for none of its own, and begins a session';
isnt $cookie, (keys %member_of)[0], '... with a cookie of its own';
$web2->stop;
my $from_second = front('common');
is_deeply [ask($from_second, $_)], [$member_of{$_}, undef], 'a front that starts later knows them, too' for sort keys %member_of;
$_->stop for $web1, $from_second, $stranger;
done_testing;
