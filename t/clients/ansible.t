# Licensed under the Apache License, Version 2.0; see LICENSE.
# Ansible's module apache2_mod_proxy (collection community.general) lists members and changes them, as it
# does with stock's manager. It reads the page, so the page must stay as it looks for it:
#   - the text "Server Version: Apache/2.4."
#   - the first <a> is of the balancer; every other <a> is a link to edit a member, and there is none
#     for anything else (it cannot do with more than one balancer, here as with stock)
#   - in its href "b=NAME&w=URL&nonce=TOKEN", in this order, where TOKEN has only letters, digits, "-"
#     and "=": it posts this text back, and "&w_status_D=1" and the like behind it, without a confirmation
#   - the second <table> is of the members: a row of <th>, and then a <td> for each in every row, with one
#     text in it; the URL of the member in its row; "Dis", "Drn", "Stby", "Ign" in the cell Status
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Test::More;
use File::Temp ();
use JSON::PP ();
use Httpd;
use Process;

my ($module) = grep { -e } map { "$_/ansible_collections/community/general/plugins/modules/apache2_mod_proxy.py" }
    split(/:/, $ENV{ANSIBLE_COLLECTIONS_PATH} // ''), '/usr/lib/python3/dist-packages';
my $ansible = Process::find_program('ansible');
plan skip_all => 'ansible is missing: apt-get install ansible python3-bs4' if !$ansible || !$module;
plan skip_all => 'BeautifulSoup is missing: apt-get install python3-bs4'
    if system('/usr/bin/python3 -c "import bs4" 2>/dev/null') != 0;

my $httpd = Httpd->start(debug_log => 'balancer_manager:notice', config => <<'EOC');
<Proxy balancer://app-1.cluster>
BalancerMember fcgi://127.0.0.1:9001 route=one
BalancerMember http://127.0.0.2:9002/path loadfactor=2.5
</Proxy>
ProxyPass /app/ balancer://app-1.cluster/
EOC

# The module asks for the name that BeautifulSoup had in Python 2.
my $dir = File::Temp->newdir('ansible-XXXXXX', TMPDIR => 1);
open my $shim, '>', "$dir/BeautifulSoup.py" or die "$dir: $!";
print {$shim} "from functools import partial\nimport bs4\nBeautifulSoup = partial(bs4.BeautifulSoup, features='html.parser')\n";
close $shim;
my %environment = (HOME => "$dir", PYTHONPATH => "$dir", ANSIBLE_HOME => "$dir/home", ANSIBLE_LOCAL_TEMP => "$dir/tmp",
    ANSIBLE_REMOTE_TMP => "$dir/remote", ANSIBLE_STDOUT_CALLBACK => 'json', ANSIBLE_LOAD_CALLBACK_PLUGINS => 1,
    ANSIBLE_LOCALHOST_WARNING => 'False', ANSIBLE_NOCOLOR => 1, LC_ALL => 'C.UTF-8');

# What the module says; %argument: its arguments.
sub run_module {
    my (%argument) = @_;
    my $text = join ' ', 'balancer_vhost=127.0.0.1:' . $httpd->port, map { "$_=$argument{$_}" } sort keys %argument;
    unlink "$dir/out";
    my $process = Process->start(name => 'ansible', output => "$dir/out", env => \%environment,
        run => [$ansible, 'localhost', '-e', 'ansible_python_interpreter=/usr/bin/python3',
                '-m', 'community.general.apache2_mod_proxy', '-a', $text]);
    $process->wait_for_end(120) or $process->stop;
    my $said = Httpd::read_file("$dir/out") // return {};
    my ($json) = $said =~ /^(\{.*^\})/ms;
    my $all = eval { JSON::PP->new->utf8->decode($json // '') } // { said => $said };
    return $all->{plays}[0]{tasks}[0]{hosts}{localhost} // $all;
}
sub state_of { my ($piece) = @_; return $httpd->member($piece)->{state} }

my $listed = run_module();
my @members = @{ $listed->{members} || [] };
is scalar @members, 2, 'both members are listed' or diag explain $listed;
is_deeply [map { [@$_{qw(protocol host port path)}] } @members],
    [['fcgi', '127.0.0.1', '9001', undef], ['http', '127.0.0.2', '9002', '/path']], '... with their addresses';
is_deeply [map { $_->{attributes}{Factor} } @members], ['1.00', '2.50'], '... and attributes';
is $members[0]{attributes}{Route}, 'one', '... such as the route';
is_deeply $members[0]{status}, { map { $_ => JSON::PP::false } qw(disabled drained hot_standby ignore_errors) },
    '... and their status';

my $host = '127.0.0.2';
my %state = (disabled => 'disabled', drained => 'draining', hot_standby => 'standby', present => 'ok');
for my $word (qw(disabled drained hot_standby present)) {
    my $done = run_module(member_host => $host, state => $word);
    ok $done->{changed}, "state=$word is a change" or diag explain $done;
    is state_of('127.0.0.2'), $state{$word}, '... which has happened';
    is state_of('127.0.0.1'), 'ok', '... to this one';
    ok !run_module(member_host => $host, state => $word)->{changed}, '... once' if $word eq 'drained';
}
ok run_module(member_host => $host, state => 'drained,ignore_errors')->{member}{status}{drained}, 'two at once';
is state_of('127.0.0.2'), 'draining', '... so it is';
like run_module(member_host => 'no.host', state => 'disabled')->{msg} // '', qr/not a member/, 'a member that is not there';
ok $httpd->wait_for_log(qr/FC0601: balancer:\/\/app-1\.cluster .*disabled "off" -> "on"/), 'all is in the audit';

$httpd->stop;
done_testing;
