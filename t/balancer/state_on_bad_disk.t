# Licensed under the Apache License, Version 2.0; see LICENSE.
# BalancerPersist on a disk that is full or broken: what was saved before stays whole and is what the
# next start has; nothing half written is left to take room; the log says so; and when the disk works
# again, the next change is kept.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use JSON::PP ();
use BadDisk;
use Httpd;
use ManagerForm;

plan skip_all => 'stock keeps its state differently' if Httpd::is_stock();

my $disk  = BadDisk->new;
my $httpd = Httpd->start(children => 1, env => $disk->env, config => <<"EOC");
@{[ Httpd::is_at_least('2.5.0') ? 'DefaultStateDir' : 'DefaultRuntimeDir' ]} @{[ $disk->folder ]}
BalancerPersist On
<Proxy balancer://cluster>
    BalancerMember fcgi://127.0.0.1:@{[ Httpd::free_port() ]}
</Proxy>
ProxyPass /app/ balancer://cluster/
EOC
$httpd->expect_log(qr/AH00098/, optional => 1);    # it was killed: its pid file was left
my $folder = $disk->folder . '/balancer-state';
my $file   = "$folder/balancer-state.json";

sub set_weight {
    my ($weight) = @_;
    my $url = $httpd->member('fcgi', 'cluster')->{url};
    return ManagerForm::post($httpd, [b => 'cluster', w => $url, w_lf => $weight])->{status};
}
sub saved_weight {
    my $text = Httpd::read_file($file) // return "no file: $!";
    my $state = eval { JSON::PP::decode_json($text) } // return "broken: $@";
    return $state->{balancers}[0]{members}[0]{values}{weight}{run_time};
}

is set_weight(2), 200, 'a change';
my $before = saved_weight();
my $weight = 2;
for my $fault (['write', 'ENOSPC', 0], ['write', 'ENOSPC', 100], ['write', 'EDQUOT', 100], ['write', 'EIO', 0],
               ['sync', 'EIO', 0], ['sync', 'ENOSPC', 0]) {
    my ($operation, $error, $after) = @$fault;
    $httpd->mark_log;
    $disk->fails($operation, $error, after => $after);
    is set_weight(++$weight), 200, "$operation fails with $error after $after bytes: the change holds";
    is $httpd->member('fcgi', 'cluster')->{weight}, $weight, '... while httpd runs';
    ok $httpd->wait_for_log(qr/:warn\].*FC0455/), '... the log says that it is not kept';
    is saved_weight(), $before, '... what was saved before is whole';
    is_deeply [map { s{.*/}{}r } glob "$folder/* $folder/.[a-z]*"], ['balancer-state.json'],
        '... and nothing else is left';
    $disk->works;
    is set_weight(++$weight), 200, '... the disk works again';
    $before = saved_weight();
    like $before, qr/^$weight/, '... the next change is kept' or diag $before;
}
$disk->fails('write', 'ENOSPC');
is set_weight(50), 200, 'a change that is not kept';
$disk->works;
$httpd->kill_all;
$httpd->start;
is $httpd->member('fcgi', 'cluster')->{weight}, $weight, 'after kill -9 of everything: what was saved last';
$httpd->expect_log(qr/FC0455/, times => 7);
$httpd->stop;

done_testing;
