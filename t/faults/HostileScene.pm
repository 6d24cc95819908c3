# Licensed under the Apache License, Version 2.0; see LICENSE.
# HostileScene.pm - what the hostile soak plays in: two httpds of the same configuration, one in which
# each wait is parked and one in which none is, before the backends of Misbehaviour.pm; and what must
# be true of them at the end. A sub wrong_... returns a sentence for each thing that is wrong.
package HostileScene;

use strict;
use warnings;
use List::Util qw(max);
use Application;
use Deadline;
use Httpd;
use Misbehaviour;
use Parking;
use Process;

# What a process may grow by while one group of kinds is served: some requests at once with their
# buffers. A sanitizer keeps for a while what was freed.
use constant { GROWS_MB => 24, GROWS_MB_SANITIZED => 100, MB => 1024 };

# Seconds. Within `total` nothing of a backend's may take longer, whatever it does.
my %limits = (silence => 1, total => 2, connect => 1, queue => 2);
$_ *= $Deadline::STRETCH for values %limits;

# The ways through httpd, and what may be seen there whatever the kind allows.
my %routes = (
    kept => [], fresh => [], plain => [], plain_fresh => [], deflated => [], cached => [], streamed => [],
    unabsorbed => [], followed => [], ignores_abort => [],
    judged => ['503'],    # members go out of service
    queued => ['503'],    # more requests than may be in flight, and than may wait
);

sub limits { return \%limits }
sub routes { return \%routes }

# ---- The configuration ----

sub milliseconds { my ($name) = @_; return $limits{$name} * 1000 . 'ms' }

# What all members and workers have.
sub parameters {
    return 'firstbyte=' . milliseconds('silence') . " timeout=$limits{silence} total=" . milliseconds('total')
        . ' connectiontimeout=' . milliseconds('connect');
}

my $keeps = 'enablereuse=on idletimeout=1s';

sub balancers {
    my ($backend) = @_;
    my %own = (
        kept   => "status=+I $keeps",
        fresh  => 'status=+I',
        judged => "$keeps maxfails=5 retry=1",
        queued => "status=+I $keeps maxinflight=2 queue=10 queuetimeout=$limits{queue}",
    );
    my $text = '';
    for my $name (sort keys %own) {
        my @members = map { "BalancerMember $_ @{[ parameters() ]} $own{$name}\n" }
            $backend->{tcp}->url, $backend->{unix}->url;
        $text .= "<Proxy balancer://$name>\n" . join('', @members) . "</Proxy>\n";
    }
    return $text;
}

sub passes {
    my ($backend) = @_;
    my $port = $backend->{tcp}->port;
    my $usual = parameters();
    my %to = (
        (map { $_ => "balancer://$_/" } qw(kept fresh judged queued)),
        (map { $_ => 'balancer://kept/' } qw(deflated streamed unabsorbed followed ignores_abort)),
        cached      => 'balancer://fresh/',
        plain       => "fcgi://127.0.0.1:$port/ $usual $keeps",
        plain_fresh => "fcgi://localhost:$port/ $usual",
        (map { $_ => $backend->{$_}->url('/') . " $usual" } qw(closes resets refuses hangs)),
    );
    return join '', map { "ProxyPass /$_/ $to{$_}\n" } sort keys %to;
}

sub config {
    my ($backend, $park) = @_;
    return <<"EOC" . balancers($backend) . passes($backend);
ProxyFCGIPark $park
AsyncRequestWorkerFactor 100
ListenBacklog 1024
Timeout @{[ 10 * $Deadline::STRETCH ]}
KeepAliveTimeout 30
MaxKeepAliveRequests 0
Protocols h2c http/1.1
ErrorLogFormat "[%{u}t] [%-m:%l] [%L] %M"
LogFormat "%>L \\"%r\\" %>s %X %{fcgi-end}n" hostile
CustomLog \@root\@/access.log hostile
<Location /deflated/>
    SetOutputFilter DEFLATE
</Location>
CacheRoot \@root\@/state
CacheEnable disk /cached/
CacheIgnoreNoLastMod On
CacheDefaultExpire 60
<Location /streamed/>
    ProxyFCGIRequestBody Stream
</Location>
<Location /unabsorbed/>
    ProxyFCGIAbsorbLimit 0
</Location>
<Location /ignores_abort/>
    ProxyFCGIIgnoreClientAbort On
</Location>
<Location /followed/>
    ProxyFCGISendfileRoot \@docroot\@
    ProxyFCGIInternalRedirect On
</Location>
<Location /server-status>
    SetHandler server-status
</Location>
ProxyPass /server-status !
EOC
}

# ---- Begin and end ----

# Where sanitizers leave what they find, unless t/TEST looks at it.
sub prepare_findings {
    return if defined $ENV{TEST_FINDINGS};
    my $dir = Httpd::temporary_dir('findings');
    chmod 0777, $dir;
    $ENV{TEST_FINDINGS} = "$dir";
    return $dir;
}

sub start {
    my ($class) = @_;
    my $self = bless { root => Httpd::temporary_dir('hostile'), findings => prepare_findings() }, $class;
    $self->{runs}    = Application->new("$self->{root}/ran");
    $self->{backend} = Misbehaviour::start($self->{runs});
    my %park = (parked => 'share=0', threads => 'Off');
    for my $driver (keys %park) {
        $self->{httpd}{$driver} = Httpd->start(children => 2, threads => 32, any_log => 1,
            config => config($self->{backend}, $park{$driver}),
            modules => [qw(filter deflate cache cache_disk http2 status)]);
    }
    return $self;
}

sub drivers { my ($self) = @_; return sort keys %{ $self->{httpd} } }
sub httpds  { my ($self) = @_; return map { $self->{httpd}{$_} } $self->drivers }
sub ports   { my ($self) = @_; return { map { $_ => $self->{httpd}{$_}->port } $self->drivers } }

# All is at rest, so a graceful stop ends at once, and without the limit of 3 s after which httpd reports
# a child that still looks for leaks on a busy machine.
sub stop_httpd {
    my ($self) = @_;
    my @httpds = $self->httpds;
    my @pids = map { $_->pid } @httpds;
    kill 'WINCH', @pids;
    wait_until(60, sub { !grep { Process::is_alive($_) } @pids });
    $_->stop for @httpds;
    return;
}
sub stop { my ($self) = @_; $_->stop for grep { $_->can('stop') } values %{ $self->{backend} }; return }

sub is_sanitized {
    my ($self) = @_;
    my ($pid) = map { $_->children } $self->httpds;
    open my $in, '<', "/proc/$pid/maps" or return 0;
    return (grep { /libasan/ } <$in>) ? 1 : 0;
}

# ---- At rest ----

sub counts_left {
    my ($httpd) = @_;
    my @left;
    for my $balancer (@{ $httpd->status->{balancers} }) {
        push @left, "balancer $balancer->{name}: $balancer->{queued} wait" if $balancer->{queued};
        for my $member (@{ $balancer->{members} }) {
            push @left, map { "$balancer->{name}: $member->{name}: $_ is $member->{$_}" }
                grep { $member->{$_} } qw(in_flight queued);
        }
    }
    my $parked = Parking::parked($httpd);
    return @left, $parked ? "$parked requests are parked" : ();
}

# Of all processes: { socket => n, file => n, eventfd => n }.
sub descriptors {
    my ($httpd) = @_;
    my %all;
    for my $pid ($httpd->children) {
        my $now = Parking::descriptors($pid);
        $all{$_} += $now->{$_} // 0 for qw(socket file eventfd);
    }
    return \%all;
}

# The same when nothing changes any more: kept connections have been closed.
sub descriptors_at_rest {
    my ($httpd) = @_;
    my ($last, $same) = ('', 0);
    wait_until(30, sub {
        my $now = descriptors($httpd);
        my $text = join ' ', map { "$_=$now->{$_}" } sort keys %$now;
        $same = $text eq $last ? $same + 1 : 0;
        $last = $text;
        return $same > 30;
    });
    return descriptors($httpd);
}

# From here on it shall be as it is now.
sub remember {
    my ($self) = @_;
    for my $driver ($self->drivers) {
        my $httpd = $self->{httpd}{$driver};
        $self->{before}{$driver} = { pids => [ sort $httpd->children ],
                                     descriptors => descriptors_at_rest($httpd) };
    }
    $self->{at_begin} = $self->begin_measure;
    return;
}

sub wrong_at_rest {
    my ($self) = @_;
    my @wrong;
    for my $driver ($self->drivers) {
        my ($httpd, $before) = ($self->{httpd}{$driver}, $self->{before}{$driver});
        my @left;
        wait_until(30, sub { !(@left = counts_left($httpd)) });
        my @pids = sort $httpd->children;
        push @left, "processes @{ $before->{pids} } are now @pids" if "@pids" ne "@{ $before->{pids} }";
        my $now = descriptors_at_rest($httpd);
        push @left, map { "$now->{$_} descriptors of the kind $_, before $before->{descriptors}{$_}" }
            grep { $now->{$_} > $before->{descriptors}{$_} } sort keys %$now;
        push @left, map { "$_ is left" } glob $httpd->tmp_dir . '/*';
        push @wrong, map { "$driver: $_" } @left;
    }
    return @wrong;
}

# ---- Memory ----

# { pid => kB now } of all processes; from here on their peaks count.
sub begin_measure {
    my ($self) = @_;
    my @pids = map { $_->children } $self->httpds;
    Process::forget_peak($_) for @pids;
    return { map { $_ => Process::kilobytes($_, 'VmRSS') } @pids };
}

# The MB by which that process has grown at most that has grown most.
sub grown {
    my ($before, $what) = @_;
    return max map { (Process::kilobytes($_, $what // 'VmHWM') - $before->{$_}) / MB } keys %$before;
}

sub grown_in_all { my ($self) = @_; return grown($self->{at_begin}, 'VmRSS') }

sub wrong_memory {
    my ($self, $grown) = @_;
    my $most = $self->is_sanitized ? GROWS_MB_SANITIZED : GROWS_MB;
    return map { sprintf '%s: a process grew by %d MB', $_, $grown->{$_} }
        grep { $grown->{$_} > $most } sort keys %$grown;
}

# ---- The logs ----

# What failed requests have said, by the request's id in the log. What the application says, and
# what is mended on the way, is no failure.
sub reasons {
    my ($httpd) = @_;
    my %reasons;
    for ($httpd->log->lines_from(0)) {
        push @{ $reasons{$1} }, $2
            if /^\[[^\]]*\] \[[^\]]*:error\] \[([^\]]+)\] (?!FC0(?:230|231|243))(FC\d.*)/;
    }
    return \%reasons;
}

# { token => { id, status, end } } of the access log.
sub ended {
    my ($httpd) = @_;
    my %ended;
    for ($httpd->access_lines) {
        $ended{$2} = { id => $1, status => $3, end => $4 }
            if /^(\S+) "\S+ \S*token=([\w-]+) [^"]*" (\d+) \S (\S+)$/;
    }
    return \%ended;
}

# Each failed request has one reason; one whose client has sent half a body may do without.
sub wrong_reasons {
    my ($self) = @_;
    my @wrong;
    for my $driver ($self->drivers) {
        my $reasons = reasons($self->{httpd}{$driver});
        my $ended   = ended($self->{httpd}{$driver});
        for my $token (sort keys %$ended) {
            my ($id, $status, $end) = @{ $ended->{$token} }{qw(id status end)};
            next if $end =~ /^(?:ok|client_abort)$/ || ($end eq '-' && $status < 500);
            my @told = @{ $reasons->{$id} // [] };
            next if @told == 1 || (!@told && $end eq 'client_error');
            push @wrong, "$driver: $token: $status, $end: @{[ scalar @told ]} lines: @told";
        }
    }
    return @wrong;
}

# What the log of that httpd says about a token.
sub reason_of {
    my ($self, $driver, $token) = @_;
    my $httpd = $self->{httpd}{$driver};
    my $ended = $self->{ended}{$driver} //= ended($httpd);
    my $reasons = $self->{reasons}{$driver} //= reasons($httpd);
    my $request = $ended->{$token} // return 'it is not in the access log';
    return join '; ', $request->{end}, @{ $reasons->{ $request->{id} } // [] };
}

# Lines that some kind explains. What sanitizers have found is never one of them.
my $known = qr/FC0(?:230|231|243|244|245|246|247|251|290|331|401|42\d|44\d)|AH00124|AH10244/;

sub wrong_lines {
    my ($self) = @_;
    my @wrong;
    for my $driver ($self->drivers) {
        my $log = $self->{httpd}{$driver}->log;
        $log->expect($known, optional => 1);
        my @lines = $log->lines_from(0);
        my %said;
        for (@lines) { $said{$1}++ if /^\[[^\]]*\] \[[^\]]*\] \[([^\]]+)\] FC0230/ }
        push @wrong, map { "$driver: $_" } $log->complaints,
            (map { 'a line of ' . length() . ' bytes: ' . substr $_, 0, 100 } grep { length > 10_000 } @lines),
            map { "$said{$_} lines of the application in one request" } grep { $said{$_} > 100 } keys %said;
    }
    return @wrong;
}

# Who was asked: no POST reaches a second backend, unless the first one has said that it did not begin.
sub wrong_runs {
    my ($self) = @_;
    my $runs = $self->{runs}->runs;
    return map { "$_: the POST was sent $runs->{$_}{POST} times" }
        grep { ($runs->{$_}{POST} // 0) > 1 } sort keys %$runs;
}

1;
