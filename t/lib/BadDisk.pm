# Licensed under the Apache License, Version 2.0; see LICENSE.
# BadDisk.pm - the temporary folder and the state folder of an httpd on a disk that can be told to
# fail (t/backend/bad_disk.c).
#
#   my $disk  = BadDisk->new;
#   my $httpd = Httpd->start(env => $disk->env, config => ...);
#   $disk->fails("write", "ENOSPC", after => 131_072);     # bytes of a file
#   $disk->works;
package BadDisk;

use strict;
use warnings;
use Cwd qw(abs_path);
use Errno ();
use File::Basename qw(dirname);
use Httpd;

my $source = abs_path(dirname(__FILE__) . '/../backend/bad_disk.c');

sub new {
    my ($class) = @_;
    my $self = bless { dir => Httpd::temporary_dir('disk') }, $class;
    $self->{folder} = "$self->{dir}/disk";
    mkdir $self->{folder} or die "$self->{folder}: $!";
    chmod 0777, $self->{folder};
    system('cc', '-shared', '-fPIC', '-D_GNU_SOURCE', '-O1', '-o', "$self->{dir}/bad_disk.so", $source,
           '-ldl') == 0 or die "cc $source failed\n";
    return $self;
}

sub folder { return $_[0]{folder} }
sub env {
    my ($self) = @_;
    return { LD_PRELOAD => "$self->{dir}/bad_disk.so", BAD_DISK => $self->{folder}, TMPDIR => $self->{folder} };
}

sub fails {
    my ($self, $operation, $error, %o) = @_;
    my $number = Errno->can($error)->();
    open my $out, '>', "$self->{folder}.new" or die "$self->{folder}.new: $!";
    print {$out} "$operation $number ", $o{after} // 0, "\n";
    close $out;
    rename "$self->{folder}.new", "$self->{folder}.fault" or die "rename: $!";
    return;
}

sub works { my ($self) = @_; unlink "$self->{folder}.fault"; return }

1;
