# Licensed under the Apache License, Version 2.0; see LICENSE.
# What operators want of a fleet is kept while the store is away, over restarts of everything, and against forgers. Of two
# who did not know of each other one wins, the same on all fronts, and the audit of both tells. An edited configuration wins.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Digest::SHA qw(hmac_sha256_hex);
use JSON::PP ();
use Test::More;
use Deadline;
use Fleet;
use FleetOperator;

Fleet::skip_unless_testable();

my ($one, $two, $new, $other) = map { "fcgi://127.0.0.1:$_" } 1 .. 4;
sub members { my ($more) = @_; return <<"EOC" }
BalancerPersist On
<Proxy balancer://app>
BalancerMember $one $more
BalancerMember $two
ProxySet growth=1
</Proxy>
ProxyPass /app/ balancer://app/
EOC
my $fleet = Fleet->start(fronts => 2, httpd => FleetOperator::httpd(), config => FleetOperator::config() . members(''));
my ($web1, $web2) = my @fronts = $fleet->fronts;
my $redis = $fleet->redis;
my ($bob, $ann) = my @both = (FleetOperator->new($web1, 'bob'), FleetOperator->new($web2, 'ann'));
Fleet::comes_up($_) for @fronts;

# One test result: soon a member is so for all of these.
sub holds {
    my ($name, $url, $check, @where) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    @where = @both if !@where;
    return ok(wait_until(20, sub { !grep { my $member = $_->member($url); !$member || !$check->($member) } @where }), $name)
        || diag explain [map { $_->member($url) } @where];
}
sub entries { my ($operator, $what) = @_; return [map { [@$_{qw(user before after)}] } grep { $_->{what} eq $what } $operator->audit] }

# What has become of a change on this front.
sub here {
    my ($operator, $member, $setting) = @_;
    my ($found) = grep { ($_->{member} // '') eq $member && $_->{setting} eq $setting } @{ $operator->{api}->get('fleet')->{json}{changes} };
    return $found->{here};
}

# ---- The store is away, and two want different things ----

$redis->halt;
Fleet::goes_alone($_, 'timeout') for @fronts;
is $bob->patch($one, { weight => 5 })->{status}, 200, 'bob wants one thing on web1';
is $ann->patch($one, { weight => 7 })->{status}, 200, 'ann wants another on web2';
is $bob->patch($two, { limit => 3 })->{status}, 200, '... and bob one thing more';
is_deeply [map { $_->member($one)->{weight} } @both], [5, 7], 'each has it there';
$redis->continue;
Fleet::comes_up($_) for @fronts;
holds('the same one wins on both', $one, sub { $_[0]{weight} == 7 });
holds('what nobody else wanted holds on both', $two, sub { $_[0]{limit} == 3 });
ok wait_until(10, sub { @{ entries($bob, 'weight') } == 3 && @{ entries($ann, 'weight') } == 2 }), 'both audits tell';
is_deeply entries($bob, 'weight'),
    [['ann on web2', '5.00', '7.00'], ['bob', '5.00', 'replaced by ann on web2 (7.00)'], ['bob', '1.00', '5.00']], '... that of the loser';
is_deeply entries($ann, 'weight'), [['bob on web1', '5.00', 'replaced by ann (7.00)'], ['ann', '1.00', '7.00']], '... that of the winner';
is $bob->patch($one, { weight => 6 })->{status}, 200, 'bob knows of it by now, and changes it';
holds('... for both', $one, sub { $_[0]{weight} == 6 });
is scalar(grep { $_->[2] =~ /^replaced/ } @{ entries($_, 'weight') }), 1, '... which is no loss' for @both;

# ---- A drain that has ended ----

is $bob->patch($two, { state => 'drain', drain_deadline => 1 })->{status}, 200, 'a drain of one second';
holds('... has ended on both', $two, sub { $_[0]{state} eq 'disabled' });
my $late = $fleet->start_front('web3');
Fleet::comes_up($late);
holds('one that starts later takes it out, too', $two, sub { $_[0]{state} eq 'disabled' && $_[0]{limit} == 3 }, FleetOperator->new($late, 'zoe'));
$late->stop;

# ---- Forgers ----

my ($text) = $redis->ask('HGET', 'fc:{shop}:intent', 'web2') =~ /(\{.*\})/;
my $wanted = JSON::PP::decode_json($text);
for my $wish (@{ $wanted->{wishes} }) {
    $wish->{counter} += 1000;
    $wish->{value} = '99.00' if $wish->{setting} eq 'weight';
}
my $forged = JSON::PP::encode_json($wanted);
my $hmac = hmac_sha256_hex("shop\0intent\0web9\0" . "99 1 $forged", 'a guess that is long enough');
$redis->ask('HSET', 'fc:{shop}:intent', 'web9', "v1 $hmac 99 1 $forged");
for my $front (@fronts) {
    $front->expect_log(qr/FC0562: fleet: the intent of the front web9 is ignored: its seal is broken/, times => 1);
    ok $front->wait_for_log(qr/FC0562/), "$front->{front} sees that it is forged";
}
my $secret = $fleet->{secret};
$hmac = hmac_sha256_hex("shop\0intent\0web8\0" . '99 1 {"version":1}', $secret);
$redis->ask('HSET', 'fc:{shop}:intent', 'web8', qq(v1 $hmac 99 1 {"version":1}));
for my $front (@fronts) {
    $front->expect_log(qr/FC0580: fleet: what operators want on the front web8 is ignored: a value is missing/, times => 1);
    ok $front->wait_for_log(qr/FC0580/), "$front->{front} does not believe what is no document either";
}
is $bob->patch($two, { limit => 4 })->{status}, 200, 'operators go on';
holds('... on both', $two, sub { $_[0]{limit} == 4 });
is_deeply [map { $_->member($one)->{weight} } @both], [6, 6], '... and nothing is as the forger wants it';

# ---- Everything is restarted ----

is $ann->post({ url => $new, state => 'ready', weight => 3 })->{status}, 201, 'a member is added';
holds('... on both', $new, sub { $_[0]{weight} == 3 });
$_->stop for @fronts;
$redis->stop;
$redis->start_again;
$_->start for @fronts;
Fleet::comes_up($_, "$_->{front} is back") for @fronts;
holds('all that was wanted is back', $one, sub { $_[0]{weight} == 6 });
holds('... of the other member', $two, sub { $_[0]{limit} == 4 && $_[0]{state} eq 'disabled' });
holds('... the added member', $new, sub { $_[0]{weight} == 3 });
ok wait_until(10, sub { join(' ', $redis->fronts('shop', 'intent')) eq 'web1 web2' }), '... and the store knows it again';
is $bob->patch($two, { state => 'ready' })->{status}, 200, 'who counts on';
holds('... wins', $two, sub { $_[0]{state} eq 'ok' });

# ---- The configuration is edited on one ----

$web1->stop;
$web1->set_config($fleet->directive('web1') . FleetOperator::config() . members('loadfactor=4'));
$web1->start;
Fleet::comes_up($web1);
holds('what is wanted for the member otherwise', $two, sub { $_[0]{limit} == 4 });
is $bob->member($one)->{weight}, 4, 'the edited value wins';
is $ann->member($one)->{weight}, 6, '... there, where it was edited';
is $ann->patch($one, { weight => 8, limit => 9 })->{status}, 200, 'a later wish on the other front';
holds('... holds as far as the configuration is the same', $one, sub { $_[0]{limit} == 9 });
is_deeply [map { $_->member($one)->{weight} } @both], [4, 8], '... and else on that front';
sub became { my ($setting) = @_; return join ' ', map { here($_, $one, $setting) } @both }
ok wait_until(20, sub { became('weight') eq 'configured done' }), '... which /v1/fleet tells' or diag became('weight');
ok wait_until(20, sub { became('limit') eq 'done done' }), '... of each change' or diag became('limit');
ok $web1->graceful, 'a graceful restart';
holds('... changes nothing', $one, sub { $_[0]{limit} == 9 && $_[0]{weight} == 4 }, $bob);

# ---- What cannot be done there ----

is $ann->delete($new)->{status}, 202, 'a member is removed';
ok wait_until(20, sub { !grep { $_->member($new) } @both }), '... on both';
is $bob->post({ url => $other, scope => 'front' })->{status}, 201, 'another one is added on one front alone';
$web1->expect_log(qr/FC0576: fleet: balancer:\/\/app: what ann on web2 wants of \Q$new\E cannot be done on this front: .*growth/, times => 1);
is $ann->post({ url => $new, state => 'ready' })->{status}, 201, 'a member is added where there is room';
ok $web1->wait_for_log(qr/FC0576/), '... and where there is none, the log says so';
ok wait_until(20, sub { here($bob, $new, 'member') eq 'refused' }), '... and so does /v1/fleet';
like $bob->page, qr/Changes that do not hold here.*\Q$new\E.*\bmember\b.*ann on web2.*refused.*see the error log/s, '... and the page';
is $ann->patch($one, { limit => 10 })->{status}, 200, '... and all else';
holds('... goes on', $one, sub { $_[0]{limit} == 10 });
ok !$ann->member($other), 'what was added on one front is not on the other';
$fleet->stop;

done_testing;
