# Licensed under the Apache License, Version 2.0; see LICENSE.
# Httpd.pm - a private Apache httpd for one test, with a configuration of its own.
#
#   my $httpd = Httpd->start(config => <<"EOC", modules => ['headers'], children => 4);
#   ProxyPass /app/ @{[ $backend->url('/') ]}
#   EOC
#   $httpd->get('/app/x')->{status};
#   $httpd->expect_log(qr/FC0217/);
#   $httpd->stop;      # also checks that its error log has only expected lines
#
# Environment: BUILD       where our three modules are (default: build/ beside t/)
#              TEST_STOCK  1: use httpd's own mod_proxy_fcgi, mod_proxy_balancer and
#                          mod_lbmethod_byrequests, and do not check error logs; for comparison
#              TEST_MPM    event (default), worker, prefork
#              TEST_PARKING  always: park every request that waits; off: park none
#              APXS        the apxs of the httpd to use (default: the one in the PATH)
#              HTTPD       another program than its own, for example one that wraps it
#              TEST_CORES  a directory for core dumps, writable for everyone
package Httpd;

use strict;
use warnings;
use Carp;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(sum0);
use Deadline;
use ErrorLog;
use HttpSocket;
use Process;
use Test::More ();

my $top = abs_path(dirname(__FILE__) . '/../..');

sub is_stock  { return $ENV{TEST_STOCK} ? 1 : 0 }
sub build_dir { return abs_path($ENV{BUILD} || "$top/build") || "$top/build" }

my %program;
sub program {
    my ($name, @candidates) = @_;
    return $program{$name} //= $ENV{$name} || Process::find_program(@candidates)
        // die "no program $name (@candidates)\n";
}
sub apxs_program { return program('APXS', 'apxs2', 'apxs') }

# What apxs knows of its httpd.
my %told;
sub told_by_apxs {
    my ($name) = @_;
    return $told{$name} //= qx("@{[ apxs_program() ]}" -q $name 2>/dev/null) =~ s/\n\z//r;
}

# Which apxs is meant says which httpd is.
sub httpd_program {
    return program('HTTPD', $ENV{APXS} ? join '/', map { told_by_apxs($_) } qw(SBINDIR PROGNAME) : (), 'apache2', 'httpd');
}

sub libexec_dir { return told_by_apxs('LIBEXECDIR') || '/usr/lib/apache2/modules' }

# Is it this version of httpd or a later one?
my $version;
sub is_at_least {
    my ($least) = @_;
    $version //= qx("@{[ httpd_program() ]}" -v 2>/dev/null) =~ m{Apache/([\d.]+)} ? $1 : '0';
    return version->parse("v$version") >= version->parse("v$least");
}

# What follows is about httpd of this version and later: `tests` of a SKIP block, or all of the file.
sub needs_version {
    my ($least, $why, $tests) = @_;
    return if is_at_least($least);
    return $tests ? Test::More::skip("httpd before $least $why", $tests)
        : Test::More::plan(skip_all => "httpd before $least $why");
}

my $static;
sub is_static {
    my ($module) = @_;
    $static //= qx("@{[ httpd_program() ]}" -l 2>/dev/null);
    return $static =~ /\bmod_\Q$module\E\.c\b/;
}

# The line that makes requests park, or not, by TEST_PARKING.
sub parking_line {
    my $how = $ENV{TEST_PARKING} // '';
    return is_stock() || $how eq '' ? '' : 'ProxyFCGIPark ' . ($how eq 'off' ? 'Off' : 'share=0') . "\n";
}

sub our_modules   { return qw(proxy_fastcgi balancer_byrequests balancer_manager) }
sub stock_modules { return qw(proxy_fcgi proxy_balancer lbmethod_byrequests) }

# LoadModule lines; ours come from the build, the others from where httpd has them.
sub load_module {
    my ($module) = @_;
    return '' if is_static($module);
    my $dir = (grep { $_ eq $module } our_modules()) ? build_dir() : libexec_dir();
    die "$dir/mod_$module.so is missing\n" if !-e "$dir/mod_$module.so";
    return "LoadModule ${module}_module $dir/mod_$module.so\n";
}

sub has_module {
    my ($module) = @_;
    return is_static($module) || -e libexec_dir() . "/mod_$module.so";
}

# Who httpd's children and PHP-FPM's children are when the test runs as root.
sub unprivileged_user {
    my ($name) = grep { defined getpwnam $_ } qw(www-data apache nobody);
    return $name;
}

# Ports below the range from which the kernel takes the ports of outgoing connections.
sub free_port {
    for (1 .. 200) {
        my $port = 12_000 + int rand 20_000;
        my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1)
            or next;
        return $port;
    }
    die "no free port\n";
}

# A private directory that the unprivileged user can read.
sub temporary_dir {
    my ($name) = @_;
    my $dir = File::Temp->newdir("$name-XXXXXX", TMPDIR => 1);
    chmod 0755, $dir;
    return $dir;
}

# Httpd->new(...): options
#   config     text; @port@, @port2@, @root@, @docroot@ are filled in
#   modules    more stock modules to load; without => those not to load (also ours)
#   ours       0: neither our modules nor the stock ones in their place
#   children, threads   processes and threads of each (event, worker); prefork: their product
#   in_turn    1: one request at a time meets what the one process keeps; prefork then has only one
#   mpm        event, worker, prefork
#   log_level  default warn
#   manager    0: no /balancer-manager
#   right      of everybody on this machine in the manager: view, operate, edit (default)
#   files      { 'a/index.php' => text } for the document root
#   defaults   0: nothing but Listen, the modules and config (for tests of the configuration itself)
#   debug_log  "proxy_fastcgi:debug" and the like, added to LogLevel
#   env        { name => value } for its environment
#   any_log    1: whatever is in the error log, it is not checked
#   own_clock  1: its wall clock can be set, see set_clock
sub new {
    my ($class, %o) = @_;
    my $self = bless { children => 1, threads => 16, mpm => $ENV{TEST_MPM} || 'event',
                       log_level => 'warn', manager => 1, right => 'edit', modules => [], without => [], files => {},
                       ours => 1, env => {}, config => '', owner => $$, %o }, $class;
    $self->{root} = temporary_dir('httpd');
    make_path(map { "$self->{root}/$_" } qw(htdocs run tmp state));
    if ($> == 0 && defined(my $user = unprivileged_user())) {
        chown +(getpwnam $user)[2, 3], "$self->{root}/tmp", "$self->{root}/state";
    }
    $self->file($_, $self->{files}{$_}) for keys %{ $self->{files} };
    $self->new_ports;
    return $self;
}

sub new_ports {
    my ($self) = @_;
    $self->{port}  = free_port();
    do { $self->{port2} = free_port() } while $self->{port2} == $self->{port};
    return;
}

sub port     { return $_[0]{port} }
sub port2    { return $_[0]{port2} }
sub root     { return "$_[0]{root}" }
sub docroot  { return "$_[0]{root}/htdocs" }
sub tmp_dir  { return "$_[0]{root}/tmp" }
sub log      { return $_[0]{log} }
sub pid      { return $_[0]{process} ? $_[0]{process}->pid : undef }

# A file of the document root.
sub file { my ($self, $path, $text) = @_; return write_file($self->docroot . "/$path", $text) }

# The folders on the way to it are made.
sub write_file {
    my ($file, $text) = @_;
    make_path(dirname $file);
    open my $out, '>', $file or die "$file: $!";
    binmode $out;
    print {$out} $text;
    close $out;
    return $file;
}

# All bytes of a file; nothing when it cannot be read.
sub read_file {
    my ($file) = @_;
    open my $in, '<:raw', $file or return;
    local $/;
    return scalar <$in>;
}

# The same of a file that has to be there.
sub text_of { my ($file) = @_; return read_file($file) // die "$file: $!" }

sub config_text {
    my ($self) = @_;
    my %without = map { $_ => 1 } @{ $self->{without} };
    my @replaced = !$self->{ours} ? () : is_stock() ? stock_modules() : our_modules();
    my (%seen, @modules);
    my @always = qw(authz_core authz_host mime dir alias env setenvif log_config unixd proxy
                    slotmem_shm);
    for my $module ("mpm_$self->{mpm}", @always, @{ $self->{modules} }, @replaced) {
        push @modules, $module if !$without{$module} && !$seen{$module}++;
    }
    my $root = $self->root;
    my $text = join '', map { load_module($_) } @modules;
    $text .= "Listen 127.0.0.1:$self->{port}\nServerName localhost\n";
    # httpd 2.5 has a directory of its own for what 2.4 keeps there
    $text .= "DefaultStateDir $root/run\n" if is_at_least('2.5.0');
    $text .= "ServerRoot $root\nDefaultRuntimeDir $root/run\nPidFile $root/run/httpd.pid\n"
        . ($ENV{TEST_CORES} ? "CoreDumpDirectory $ENV{TEST_CORES}\n" : '')
           . "ErrorLog $root/error.log\nTypesConfig /dev/null\n";
    if ($> == 0 && defined(my $user = unprivileged_user())) {
        my $group = getgrgid((getpwnam $user)[3]);
        $text .= "User $user\nGroup $group\n";
    }
    $text .= parking_line() if grep { $_ eq 'proxy_fastcgi' } @modules;
    if ($self->{defaults} // 1) {
        $text .= "LogLevel $self->{log_level} " . ($self->{debug_log} // '') . "\n";
        $text .= "LogFormat \"%h %t \\\"%r\\\" %>s %B %{fcgi-end}n\" test\nCustomLog $root/access.log test\n"
            if $self->config_has_no('CustomLog');
        $text .= "DocumentRoot $root/htdocs\n<Directory $root/htdocs>\nRequire all granted\n"
               . "AllowOverride All\n</Directory>\n";
        $text .= $self->mpm_text;
        if ($self->{manager} && $self->{ours} && !$without{balancer_manager}) {
            $text .= "<Location /balancer-manager>\nSetHandler balancer-manager\nRequire local\n"
                   . (is_stock() ? '' : "BalancerManagerRequire $self->{right} local\n")
                   . "</Location>\nProxyPass /balancer-manager !\n";
        }
    }
    my $own = $self->{config};
    my %value = (port => $self->{port}, port2 => $self->{port2}, root => $root,
                 docroot => $self->docroot);
    $own =~ s/\@(port2?|root|docroot)\@/$value{$1}/g;
    return $text . $own . "\n";
}

sub config_has_no {
    my ($self, $directive) = @_;
    return $self->{config} !~ /^\s*\Q$directive\E\b/mi;
}

# How many processes take requests.
sub processes {
    my ($self) = @_;
    return $self->{mpm} ne 'prefork' ? $self->{children} : $self->{in_turn} ? 1 : $self->{children} * $self->{threads};
}

# In a SKIP block: the next tests are about several requests in one process at the same time.
sub needs_threads {
    my ($self, $tests) = @_;
    Test::More::skip('a process of prefork has one request at a time', $tests) if $self->{mpm} eq 'prefork';
    return;
}

# Exactly so many children for all of its life; room for those of the generation before.
sub mpm_text {
    my ($self) = @_;
    my ($children, $threads) = @$self{qw(children threads)};
    if ($self->{mpm} eq 'prefork') {
        my $n = $self->processes;
        return "StartServers $n\nMinSpareServers $n\nMaxSpareServers $n\nServerLimit $n\n"
             . "MaxRequestWorkers $n\nMaxConnectionsPerChild 0\n";
    }
    my ($workers, $limit) = ($children * $threads, $children * 3 + 2);
    # before 2.4.54 it makes none for one that was killed while there are enough idle threads
    my $spare = is_at_least('2.4.54') ? 1 : $workers;
    return "StartServers $children\nServerLimit $limit\nThreadLimit $threads\n"
         . "ThreadsPerChild $threads\nMaxRequestWorkers $workers\nMinSpareThreads $spare\n"
         . "MaxSpareThreads $workers\nMaxConnectionsPerChild 0\n";
}

sub write_config {
    my ($self) = @_;
    my $file = "$self->{root}/httpd.conf";
    open my $out, '>', $file or die "$file: $!";
    print {$out} $self->config_text;
    close $out;
    return $file;
}

# New configuration text, for the next start or restart.
sub set_config { my ($self, $config) = @_; $self->{config} = $config; $self->write_config; return }

# Httpd->configtest(options of new) or $httpd->configtest: exit code and text.
sub configtest {
    my ($self, %o) = @_;
    $self = $self->new(%o) if !ref $self;
    my $file = $self->write_config;
    my $text = "$self->{root}/configtest";
    unlink $text;
    my $process = Process->start(name => 'configtest', output => $text,
        run => [httpd_program(), '-t', '-d', $self->root, '-f', $file]);
    $process->wait_for_end(30) or $process->stop;
    my $said = read_file($text) // return ($process->status >> 8, '');
    # what goes wrong after the error log is open stands there
    return ($process->status >> 8, $said . (read_file("$self->{root}/error.log") // ''));
}

# Start and wait until it answers; dies with the error log's text when it does not.
sub start {
    my ($self, %o) = @_;
    $self = $self->new(%o) if !ref $self;
    for my $try (1 .. 3) {
        $self->write_config;
        my $log = "$self->{root}/error.log";
        open my $touch, '>>', $log or die "$log: $!";
        close $touch;
        $self->{log} //= $self->open_log($log);
        $self->{process} = Process->start(name => 'httpd', output => "$self->{root}/stderr",
            env => { TMPDIR => $self->tmp_dir, $self->clock_environment, %{ $self->{env} } },
            run => [httpd_program(), '-DFOREGROUND', '-d', $self->root,
                    '-f', "$self->{root}/httpd.conf"]);
        my $up = wait_until(30, sub {
            !$self->{process}->is_running ? 'ended' : $self->is_up ? 'up' : 0;
        }) || 'silent';
        return $self if $up eq 'up';
        $self->{process}->stop;
        my $stderr = "$self->{root}/stderr";
        my $why = join '', map { "$_\n" } $self->log->lines_from(0),
            ErrorLog::lines_from({ file => $stderr }, 0);
        if ($why =~ /Address already in use/ && $try < 3) {
            unlink $log, $stderr;
            $self->new_ports;
            next;
        }
        $self->{log}{checked} = 1;
        die "httpd did not start ($up):\n$why";
    }
}

# With what this version of httpd says of itself.
sub open_log {
    my ($self, $file) = @_;
    my $log = ErrorLog->new($file, strict => !is_stock() && !$self->{any_log});
    # its children end only by a second signal
    $log->expect(qr/AH00045/, optional => 1) if $self->{mpm} eq 'worker' && !is_at_least('2.4.62');
    # a test kills several of them; httpd counts them from 2.4.54 on
    $log->expect(qr/AH10392: children are killed successively/, optional => 1);
    return $log;
}

# All its children are there and the port is open. After a graceful restart worker and prefork start
# again with one child and make more on demand.
sub is_up {
    my ($self, %o) = @_;
    my $wanted = $o{after_graceful} && $self->{mpm} ne 'event' ? 1 : $self->processes;
    return (my @children = $self->children) >= $wanted && $self->can_connect;
}

sub can_connect {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) ? 1 : 0;
}

# End it by SIGTERM and check its error log.
sub stop {
    my ($self) = @_;
    return if $self->{owner} != $$;
    if (my $process = delete $self->{process}) {
        my @children = Process::children_of($process->pid);
        $self->log->stopping;
        $process->stop('TERM') or print STDERR "# httpd did not end within its time\n";
        kill 'KILL', grep { Process::is_alive($_) } @children;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->log ? $self->log->check : 1;
}

# End it and leave everything as it lies: kill -9 of all its processes.
sub kill_all {
    my ($self) = @_;
    my $process = delete $self->{process} or return;
    my @pids = ($process->pid, Process::children_of($process->pid));
    kill 'KILL', @pids;
    $process->wait_for_end(10);
    wait_until(10, sub { !grep { Process::is_alive($_) } @pids });
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($@, $?, $!);
    if (${^GLOBAL_PHASE} eq q(DESTRUCT)) { $self->{process}->stop if $self->{process} }
    else { $self->stop }
    return;
}

# ---- A wall clock of its own, by libfaketime; the monotonic clock stays ----

# The library; none where it hangs: beside the runtimes of sanitizers, and under valgrind.
sub can_set_clock {
    return if httpd_program() =~ /httpd-(?:asan|valgrind)$/;
    return (glob '/usr/lib/*/faketime/libfaketimeMT.so.1')[0];
}

sub clock_environment {
    my ($self) = @_;
    return if !$self->{own_clock};
    $self->set_clock(0);
    return (LD_PRELOAD => can_set_clock(), FAKETIME_TIMESTAMP_FILE => "$self->{root}/clock",
            FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1, FAKETIME_DISABLE_SHM => 1);
}

# Seconds by which it differs from the machine's.
sub set_clock {
    my ($self, $seconds) = @_;
    my $file = "$self->{root}/clock";
    open my $out, '>', "$file.new" or die "$file: $!";
    printf {$out} "%+d\n", $seconds;
    close $out;
    rename "$file.new", $file or die "$file: $!";
    return;
}

# ---- Children ----

sub children {
    my ($self) = @_;
    return grep { Process::is_alive($_) } Process::children_of($self->pid);
}

# Memory of the only child (prefork: of all): VmRSS or VmHWM, see Process.pm.
sub child_kilobytes {
    my ($self, $what) = @_;
    return sum0(map { Process::kilobytes($_, $what) } $self->children);
}

# Kill one child with SIGKILL; returns its pid when another has taken its place.
sub kill_child {
    my ($self, $pid) = @_;
    $pid //= ($self->children)[0];
    my $count = () = $self->children;
    kill 'KILL', $pid;
    wait_until(10, sub { !Process::is_alive($pid) });
    return $pid;
}

sub wait_for_children {
    my ($self, $count, $seconds) = @_;
    $count //= $self->processes;
    return wait_until($seconds // 15, sub { (my @c = $self->children) >= $count });
}

# Signal the parent and wait until it has read its configuration again.
sub signal_and_resume {
    my ($self, $signal) = @_;
    my $offset = -s $self->log->file;
    kill $signal, $self->pid;
    return wait_until(30, sub {
        grep { /resuming normal operations/ } $self->log->lines_from($offset);
    });
}

# Begin a graceful restart; returns the pids of the old children, who may still be busy.
sub graceful_begin {
    my ($self) = @_;
    my @old = $self->children;
    $self->signal_and_resume('USR1') or return;
    return @old;
}

# Graceful restart; true when all old children are gone and the new ones are there.
sub graceful {
    my ($self, $seconds) = @_;
    my @old = $self->graceful_begin or return 0;
    my $gone = wait_until($seconds // 40, sub { !grep { Process::is_alive($_) } @old });
    return $gone && wait_until(20, sub { $self->is_up(after_graceful => 1) });
}

# A full restart in place (SIGHUP).
sub restart {
    my ($self) = @_;
    return $self->signal_and_resume('HUP') && wait_until(30, sub { $self->is_up });
}

# ---- Requests ----

sub connect { my ($self, %o) = @_; return HttpSocket->connect($self->{port}, %o) }

# One request on a connection of its own; see HttpSocket::read_response.
sub send {
    my ($self, $method, $path, %o) = @_;
    return HttpSocket->once($o{port} // $self->{port}, $method, $path, %o);
}
sub get  { my ($self, $path, %o) = @_; return $self->send('GET', $path, %o) }
sub post { my ($self, $path, $body, %o) = @_; return $self->send('POST', $path, body => $body, %o) }

sub json { my ($self, $path, %o) = @_; return decode_json($self->get($path, %o)) }

sub decode_json {
    my ($response) = @_;
    return eval { JSON::PP::decode_json($response->{body}) }
        // { error => "status $response->{status}: $response->{body}", params => {} };
}

# ---- Error log ----

sub expect_log   { my ($self, $pattern, @o) = @_; $self->log->expect($pattern, @o); return }
sub wait_for_log {
    my ($self, $pattern, $seconds) = @_;
    return $self->log->wait_for($pattern, $seconds);
}
sub log_lines    { my ($self, $pattern) = @_; return $self->log->lines($pattern) }
sub mark_log     { my ($self) = @_; $self->log->mark; return }

sub access_lines {
    my ($self) = @_;
    open my $in, '<', "$self->{root}/access.log" or return;
    chomp(my @lines = <$in>);
    return @lines;
}

# How the requests of a path ended: the words of %{fcgi-end}n, in order. A line is written after the
# client has its answer: this waits until there are so many of them.
sub end_words {
    my ($self, $path, $count) = @_;
    my @words;
    wait_until(5, sub {
        @words = map { m{ \Q$path\E(?:\?\S*)? HTTP/[\d.]+" \d+ \d+ (\S+)$} ? $1 : () }
            $self->access_lines;
        return @words >= ($count // 1);
    });
    return @words;
}

# ---- The manager ----

sub status {
    my ($self, %o) = @_;
    return $self->stock_status if is_stock();
    my $response = $self->get('/balancer-manager/v1/status',
        header => { Accept => 'application/json' }, %o);
    die "manager: $response->{status} $response->{body}\n" if $response->{status} != 200;
    return JSON::PP::decode_json($response->{body});
}

# The same shape from the stock manager's XML, as far as it tells.
sub stock_status {
    my ($self) = @_;
    my $xml = $self->get('/balancer-manager?xml=1',
        header => { Referer => 'http://localhost/balancer-manager' })->{body};
    my @balancers;
    while ($xml =~ m{<httpd:balancer>(.*?)</httpd:balancer>}gs) {
        my $text = $1;
        my ($name) = $text =~ m{<httpd:name>(.*?)</httpd:name>};
        my $balancer = { name => $name, members => [] };
        while ($text =~ m{<httpd:worker>(.*?)</httpd:worker>}gs) {
            my %field = $1 =~ m{<httpd:(\w+)>(.*?)</httpd:\w+>}gs;
            my $status = $field{status} // '';
            push @{ $balancer->{members} }, {
                name => $field{name}, weight => $field{loadfactor} + 0,
                elected => ($field{elected} // 0) + 0, in_flight => ($field{busy} // 0) + 0,
                state => $status =~ /Err/ ? 'error' : $status =~ /Dis/ ? 'disabled'
                    : $status =~ /Stop/ ? 'stopped' : $status =~ /Drn/ ? 'draining'
                    : $status =~ /Stby/ ? 'standby' : $status =~ /Spar/ ? 'spare' : 'ok' };
        }
        push @balancers, $balancer;
    }
    return { balancers => \@balancers };
}

# One balancer's members: by short name ("cluster") or the only one there is.
sub balancer {
    my ($self, $name) = @_;
    my ($found) = grep { !defined $name || $_->{name} =~ m{^(?:balancer://)?\Q$name\E$} }
        @{ $self->status->{balancers} };
    return $found;
}

# A member by a piece of its name, mostly the port.
sub member {
    my ($self, $piece, $balancer) = @_;
    my ($found) = grep { $_->{name} =~ /\Q$piece\E/ } @{ $self->balancer($balancer)->{members} };
    return $found;
}

sub elected {
    my ($self, $balancer) = @_;
    return map { $_->{elected} } @{ $self->balancer($balancer)->{members} };
}

sub in_flight {
    my ($self, $balancer) = @_;
    my $sum = 0;
    $sum += $_->{in_flight} for @{ $self->balancer($balancer)->{members} };
    return $sum;
}

1;
