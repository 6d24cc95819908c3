# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-10: 50 balancers with 100 members each are shown whole and right, in each of the forms, polled by
# several at once while requests are served.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use FastBackend;
use Httpd;
use JsonSchema;
use Load;
use Metrics;

my ($balancers, $members) = (50, 100);
my $backend = FastBackend->start;
my $config = '';
for my $b (1 .. $balancers) {
    $config .= "<Proxy balancer://b$b>\n"
        . join('', map { 'BalancerMember fcgi://127.0.0.1:' . ($b * 200 + $_) . " route=r$_ status=+D\n" }
            2 .. $members)
        . "BalancerMember @{[ $backend->url ]}\n</Proxy>\nProxyPass /b$b/ balancer://b$b/\n";
}
my $httpd = Httpd->start(config => $config, children => 2, threads => 16);
my $load  = Load->start(port => $httpd->port, clients => 2, path => sub {
    my ($client, $n) = @_;
    return '/b' . ($n % $balancers + 1) . '/x';
});
my @polls = map {
    Load->start(port => $httpd->port, clients => 1, requests => 3, path => "/balancer-manager/$_")
} 'v1/status', 'metrics', '', '?format=text', '?xml=1';
for (@polls) {
    my $result = $_->finish;
    is $result->{status}{200}, 3, "$_->{path}: three polls are answered";
    is $result->{failed}, 0, '... whole';
}
my $result = $load->stop;
is $result->{failed}, 0, 'no request has failed meanwhile';
cmp_ok $result->{status}{200}, '>', 0, '... and some were made';

my $response = $httpd->get('/balancer-manager/v1/status');
is JsonSchema::complaints($httpd->get('/balancer-manager/v1/schema')->{body}, $response->{body}), '',
    'the status is as its schema says';
my $status = Httpd::decode_json($response);
is scalar @{ $status->{balancers} }, $balancers, 'all balancers are there';
is_deeply [map { scalar @{ $_->{members} } } @{ $status->{balancers} }], [($members) x $balancers],
    '... with all their members';
my ($elected, $answers, %urls) = (0, 0);
for my $balancer (@{ $status->{balancers} }) {
    for my $member (@{ $balancer->{members} }) {
        $elected += $member->{elected};
        $answers += $member->{responses}{'2xx'};
        $urls{"$balancer->{name} $member->{url}"}++;
    }
}
is scalar keys %urls, $balancers * $members, 'each once';
is $elected, $result->{status}{200}, 'elections add up to the requests';
is $answers, $result->{status}{200}, '... and the answers';

# M-10: the page has a line for each balancer, and the members of those that were asked for
sub rows_of { return scalar(() = $httpd->get("/balancer-manager$_[0]")->{body} =~ /<tr id="m/g) }
is rows_of(''), 0, 'the page has no members while they are too many';
is rows_of('?open=b7'), $members, '... but for those of a balancer that was opened';
is rows_of('?open=b7&open=b9&open=none'), 2 * $members, '... or of two';
is rows_of('?open=%3Cb%3E'), 0, '... and none of an unknown one';
is rows_of('?filter=:1442'), 1, 'the filter finds one member of all';
is rows_of('?b=b7'), $members, 'the form of a balancer shows all of its members';
my $page = $httpd->get('/balancer-manager?sort=name&open=%22%3Ci%3E')->{body};
is scalar(() = $page =~ /<button name="open"/g), $balancers, 'each has a button that opens it';
like $page, qr/<input type="hidden" name="sort" value="name">/, '... and keeps the selection';
unlike $page, qr/<i>/, 'what is open is only text';

my $scrape = Metrics->scrape($httpd);
is $scrape->complaints, '', 'promtool is content with all of them';
is scalar($scrape->matching('in_flight_requests')), $balancers * $members, 'a series for each member';
is $scrape->sum('elections_total'), $elected, 'and the same sum';

my @lines = grep { m{^  fcgi://} } split /\n/, $httpd->get('/balancer-manager?format=text')->{body};
is scalar @lines, $balancers * $members, 'a line of text for each member';

# 32 processes that put 5,000 members away each: on a busy machine, stock's take as long
$httpd->expect_log(qr/AH0004[5-7]/, optional => 1) if $httpd->{mpm} eq 'prefork';
$httpd->stop;
done_testing;
