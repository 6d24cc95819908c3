# Licensed under the Apache License, Version 2.0; see LICENSE.
# Packages.pm - installs the programs that the bench compares, without starting a service.
package Packages;

use strict;
use warnings;

my %package_of = (apache2 => 'apache2', wrk => 'wrk', nginx => 'nginx-light', haproxy => 'haproxy',
                  lighttpd => 'lighttpd', strace => 'strace',
                  valgrind => 'valgrind', 'php-fpm8.2' => 'php8.2-fpm');
my $policy = '/usr/sbin/policy-rc.d';    # while it says 101, no package starts a service

sub missing {
    return sort map { $package_of{$_} }
        grep { my $program = $_; !grep { -x "$_/$program" } split /:/, $ENV{PATH} } keys %package_of;
}

# As root, install what is missing. What cannot be had is reported where it is used.
sub install {
    my @missing = missing() or return;
    my @command = ('apt-get', 'install', '-q', '-y', '--no-install-recommends', @missing);
    if ($> != 0) {
        print STDERR "bench: missing programs; as root: @command\n";
        return;
    }
    print STDERR "bench: installing @missing\n";
    my $policy_is_ours = !-e $policy;
    if ($policy_is_ours) {
        open my $out, '>', $policy or die "$policy: $!";
        print {$out} "#!/bin/sh\nexit 101\n";
        close $out;
        chmod 0755, $policy;
    }
    my $done = eval {
        local $ENV{DEBIAN_FRONTEND} = 'noninteractive';
        local @SIG{qw(INT TERM HUP)} = (sub { die "ended by a signal\n" }) x 3;
        system('apt-get update -q >&2') == 0 && system("@command >&2") == 0
            or print STDERR "bench: apt-get failed (see above)\n";
        1;
    };
    my $why = $@;
    unlink $policy if $policy_is_ours;
    # A server that came for our sake shall not start at the next boot either.
    for my $service (grep { /^(?:apache2|nginx-light|haproxy|lighttpd|php8\.2-fpm)$/ } @missing) {
        system "systemctl disable --quiet @{[ $service =~ s/-light$//r ]} 2> /dev/null";
    }
    die $why if !$done;
    return;
}

1;
