# Licensed under the Apache License, Version 2.0; see LICENSE.
# Faults.pm - what the fault campaign does to httpd and to its backends while clients use them.
#
# Each fault is a sub of the scene { httpd, fpm => [...], scripted, mode_file }; it takes a bounded
# time and leaves everything as it was.
package Faults;

use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes ();
use Deadline;
use Process;

my %fault = (
    'PHP-FPM child killed'      => \&kill_fpm_child,
    'PHP-FPM killed, restarted' => \&kill_fpm,
    'PHP-FPM stopped, continued' => \&stop_fpm,
    'PHP-FPM reloaded'          => \&reload_fpm,
    'all PHP-FPMs reloaded, one after another' => \&reload_all,
    'last usable member killed while another is on trial' => \&kill_last_usable,
    'httpd child killed'        => \&kill_httpd_child,
    'httpd child stopped, continued' => \&stop_httpd_child,
    'httpd restarted gracefully' => \&restart_httpd,
    'member drained, ready'     => \&drain_member,
    'member disabled, enabled'  => \&disable_member,
    'weight changed'            => \&change_weight,
    'backlog filled'            => \&fill_backlog,
    'answers cut at random bytes' => sub { scripted_mode($_[0], 'cut', 1.5) },
    'garbage instead of answers' => sub { scripted_mode($_[0], 'garbage', 1.5) },
    'backend hangs'             => sub { scripted_mode($_[0], 'hang', 1.5) },
    'backend slow to answer'    => sub { scripted_mode($_[0], 'slow', 1.5) },
);

sub names { return sort keys %fault }

# Some faults need time to end: their last begin is so long before the end of the campaign.
use constant LONGEST => 20;

# returns  true when it has happened
sub inject {
    my ($name, $scene) = @_;
    return $fault{$name}->($scene);
}

sub one_of { return $_[ rand @_ ] }
sub pause  { my ($least, $most) = @_; Time::HiRes::sleep($least + rand($most - $least)); return }

# ---- Backends ----

sub kill_fpm_child {
    my ($scene) = @_;
    my $child = one_of(Process::children_of(one_of(@{ $scene->{fpm} })->pid)) or return 0;
    kill 'KILL', $child;
    return 1;
}

sub kill_at_once {
    my ($fpm) = @_;
    kill 'KILL', $fpm->pid, Process::children_of($fpm->pid);
    $fpm->stop;
    return;
}

sub kill_fpm {
    my ($scene) = @_;
    my $fpm = one_of(@{ $scene->{fpm} });
    kill_at_once($fpm);
    pause(0.2, 1.5);
    $fpm->start_again;
    return 1;
}

sub stop_fpm {
    my ($scene) = @_;
    my $fpm = one_of(@{ $scene->{fpm} });
    my @pids = ($fpm->pid, Process::children_of($fpm->pid));
    kill 'STOP', @pids;
    pause(0.5, 3);
    kill 'CONT', reverse @pids;
    return 1;
}

sub reload_fpm { my ($scene) = @_; one_of(@{ $scene->{fpm} })->reload; return 1 }
sub reload_all { my ($scene) = @_; $_->reload for @{ $scene->{fpm} }; return 1 }

# One member is disabled and one is dead. This one comes back, and while a slow request tries it the
# last one dies, too.
sub kill_last_usable {
    my ($scene) = @_;
    my ($httpd, $application) = @$scene{qw(httpd application)};
    my $port = $scene->{scripted}->port;
    my ($disabled) = grep { /%3A$port\b|:$port\b/i } members_of_page($httpd) or return 0;
    my ($tried, $last) = sort { rand() <=> 0.5 } @{ $scene->{fpm} };
    post_form($httpd, "$disabled&w_status_D=1") or return 0;
    kill_at_once($tried);
    pause(0.3, 0.6);    # so that clients find out
    $tried->start_again;
    $application->be_slow_once($tried->pid);
    my $is_tried = wait_until(12, sub { $application->was_slow });
    if ($is_tried) {
        kill_at_once($last);
        pause(0.5, 1.5);
        $last->start_again;
    }
    set_all($httpd, 'w_status_D=0');
    return $is_tried;
}

# Connections that send nothing: as many as PHP-FPM has children, and more.
sub fill_backlog {
    my ($scene) = @_;
    my ($fpm) = grep { $_->port } @{ $scene->{fpm} };
    my @idle = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $fpm->port, Blocking => 0)
    } 1 .. 600;
    pause(0.5, 2);
    return 1;
}

# What the scripted backend does with the requests that it gets.
sub scripted_mode {
    my ($scene, $mode, $seconds) = @_;
    set_mode($scene, $mode);
    pause($seconds / 2, $seconds);
    set_mode($scene, 'serve');
    return 1;
}

sub set_mode {
    my ($scene, $mode) = @_;
    open my $out, '>', "$scene->{mode_file}.new" or die "$scene->{mode_file}: $!";
    print {$out} $mode;
    close $out;
    rename "$scene->{mode_file}.new", $scene->{mode_file} or die "$scene->{mode_file}: $!";
    return 1;
}

# ---- httpd ----

sub kill_httpd_child {
    my ($scene) = @_;
    my $child = one_of($scene->{httpd}->children) or return 0;
    kill 'KILL', $child;
    return 1;
}

sub stop_httpd_child {
    my ($scene) = @_;
    my $child = one_of($scene->{httpd}->children) or return 0;
    kill 'STOP', $child;
    pause(0.2, 1);
    kill 'CONT', $child;
    return 1;
}

sub restart_httpd { my ($scene) = @_; $scene->{httpd}->signal_and_resume('USR1'); return 1 }

# ---- The manager, by the parameters that stock's has too ----

# What is posted for each member of the cluster, from the links of the page: its name and the nonce.
sub members_of_page {
    my ($httpd) = @_;
    my $page = eval { $httpd->get('/balancer-manager')->{body} } // '';
    my %members = map { s/&amp;/&/gr => 1 }
        $page =~ m{balancer-manager/?\?(b=cluster&(?:amp;)?w=[^"]+)"}g;
    return sort keys %members;
}

# returns  true when httpd has carried it out
sub post_form {
    my ($httpd, $form) = @_;
    my $answer = eval {
        $httpd->post('/balancer-manager', $form, header => {
            'Content-Type' => 'application/x-www-form-urlencoded',
            Referer => "http://localhost:@{[ $httpd->port ]}/balancer-manager" });
    };
    return $answer && $answer->{status} == 200;
}

sub set_one {
    my ($scene, $setting) = @_;
    my $httpd = $scene->{httpd};
    my $member = one_of(members_of_page($httpd)) // return 0;
    return post_form($httpd, "$member&$setting");
}

sub switch_one {
    my ($scene, $flag) = @_;
    my $is_done = set_one($scene, "$flag=1");
    pause(0.5, 1.5);
    set_all($scene->{httpd}, "$flag=0");
    return $is_done;
}

# Of all members, since which one it was nobody knows after a graceful restart.
sub set_all {
    my ($httpd, $setting) = @_;
    return wait_until(10, sub {
        my @members = members_of_page($httpd);
        @members == 3 && @members == grep { post_form($httpd, "$_&$setting") } @members;
    });
}

sub drain_member   { my ($scene) = @_; return switch_one($scene, 'w_status_N') }
sub disable_member { my ($scene) = @_; return switch_one($scene, 'w_status_D') }
sub change_weight  { my ($scene) = @_; return set_one($scene, 'w_lf=' . (1 + int rand 5)) }

1;
