# Licensed under the Apache License, Version 2.0; see LICENSE.
# A request to a backend that is usually quick waits for its first byte in the read itself, at first.
# Time limits hold nevertheless, those that are shorter than that too; an answer that takes longer is not
# lost, and a client that leaves is noticed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use Backend;
use Deadline;
use Httpd;

plan skip_all => 'stock has no such parameters' if Httpd::is_stock();

my $head = "Content-Type: text/plain\r\n\r\n";
my %limits = (
    none    => '',
    shorter => 'firstbyte=4ms',
    longer  => 'firstbyte=60ms',
    total   => 'total=5s',
);
my (%backend, $config);
for my $listen ('tcp', 'unix') {
    for my $limit (sort keys %limits) {
        my $name = "$limit-$listen";
        $backend{$name} = Backend->start(name => $name, listen => $listen, script => sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                my $path = $request->{params}{SCRIPT_NAME};
                return $connection->wait_for_close(20) if $path =~ /silent/;
                return if $path =~ /dies/;
                select undef, undef, undef, 0.04 if $path =~ /late/;
                $connection->stdout("$head$connection->{number}");
                $connection->end_request;
            }
        });
        $config .= "<Proxy balancer://$name>\n"
                 . "BalancerMember @{[ $backend{$name}->url ]} enablereuse=on $limits{$limit}\n</Proxy>\n"
                 . "ProxyPass /$name/ balancer://$name/\n";
    }
}
my $httpd = Httpd->start(children => 1, config => $config);

# After this, a first byte usually comes at once, and a connection is kept.
sub be_quick {
    my ($name) = @_;
    return ok wait_until(20, sub {
        my $is_quick = 1;
        for (1 .. 10) {
            my $began = now_monotonic();
            $is_quick &&= $httpd->get("/$name/quick")->{status} == 200 && now_monotonic() - $began < 0.005;
        }
        return $is_quick;
    }), "$name: the backend is quick";
}

for my $name (sort keys %backend) {
    my ($limit) = $name =~ /(\w+)/;
    my $backend = $backend{$name};
    be_quick($name);
    if ($limit eq 'shorter' || $limit eq 'longer') {
        my $began = now_monotonic();
        is $httpd->get("/$name/silent")->{status}, 504, '... one that is silent: 504';
        in_time(now_monotonic() - $began, 0.5, '... in time');
        is_deeply [$httpd->end_words("/$name/silent")], ['first_byte_timeout'], '... by its limit';
        next;
    }
    is $httpd->get("/$name/late")->{status}, 200, '... one that takes longer is served';
    be_quick($name);
    is $httpd->post("/$name/dies", 'twelve bytes')->{status}, 502, '... one that dies: 502';
    be_quick($name);
    my $client = $httpd->connect;
    $backend->forget;
    $client->request('GET', "/$name/silent");
    ok $backend->wait_for_event('request'), '... one is silent';
    my $left = now_monotonic();
    $client->close;
    ok $backend->wait_for_event('peer_closed', 1, 4), '... when its client leaves, so does httpd';
    my ($event) = $backend->events('peer_closed');
    in_time(($event ? $event->{at} : $left + 99) - $left, 0.5, '... soon');
    ok wait_until(2, sub { $httpd->in_flight($name) == 0 }), '... and nothing is in flight';
}
$httpd->expect_log(qr/FC0251: .*first_byte_timeout.*answered 504/);
$httpd->expect_log(qr/FC0251: .*backend_eof.*answered 502/, times => 4);
$httpd->stop;

done_testing;
