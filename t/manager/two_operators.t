# Licensed under the Apache License, Version 2.0; see LICENSE.
# M-04: of many who change the same member at once, having seen the same, one wins; and changes of several
# balancers at once never wait for each other for ever, in whatever order they name them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Temp ();
use Deadline;
use Httpd;
use ManagerApi;

my $httpd = Httpd->start(without => ['proxy_fastcgi'], modules => ['proxy_http'], children => 4, threads => 8,
    config => join '', map { <<"EOC" } qw(one two));
<Proxy balancer://$_>
BalancerMember http://127.0.0.1:1
BalancerMember http://127.0.0.1:2
</Proxy>
ProxyPass /$_/ balancer://$_/
EOC
my $api = ManagerApi->new($httpd);
my $url = 'http://127.0.0.1:1';
my $member = ManagerApi::member_path('one', $url);
my $dir = File::Temp->newdir('operators-XXXXXX', TMPDIR => 1);

# Run this in so many processes at once; what each has returned.
sub at_once {
    my ($count, $what) = @_;
    unlink glob "$dir/*";
    my @processes = map {
        my $number = $_;
        Process->start(name => "operator $number", run => sub {
            wait_until(10, sub { -e "$dir/go" });
            my $said = $what->($number);
            open my $out, '>', "$dir/said.$number" or die $!;
            print {$out} $said;
            close $out;
        });
    } 1 .. $count;
    open my $go, '>', "$dir/go" or die $!;
    $_->wait_for_end(60) for @processes;
    return map { open my $in, '<', $_ or die $!; scalar <$in> } glob "$dir/said.*";
}

for my $round (1 .. 5) {
    my $etag = $api->get($member)->{header}{etag};
    my @said = at_once(8, sub {
        return $api->patch($member, { weight => 10 * $round + $_[0] }, header => { 'If-Match' => $etag })->{status};
    });
    is_deeply [sort { $a <=> $b } @said], [200, (412) x 7], "round $round: one of eight operators wins";
    my @won = grep { $_->{outcome} eq 'changed' } $api->audit;
    is scalar @won, $round, '... and the audit has this change only';
    is $won[0]{after}, sprintf('%.2f', $api->get($member)->{json}{weight}), '... which is the one that was made';
}

my @said = at_once(6, sub {
    my ($number) = @_;
    my @order = $number % 2 ? qw(one two) : qw(two one);
    my %count;
    for my $n (1 .. 20) {
        my @changes = map { { balancer => $_, member => '*', lbset => $number * 10 + $n % 10 } } @order;
        $count{ $api->patch('members', \@changes)->{status} }++;
    }
    return join ' ', %count;
});
is_deeply \@said, [('200 20') x 6], 'changes of two balancers, in both orders, all come to an end';
my %sets = map { $_->{lbset} => 1 } map { @{ $api->get("balancers/$_")->{json}{members} } } qw(one two);
is scalar(keys %sets), 1, '... and each was carried out as a whole';

$httpd->stop;
done_testing;
