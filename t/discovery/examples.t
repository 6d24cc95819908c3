# Licensed under the Apache License, Version 2.0; see LICENSE.
# The examples of members from DNS: httpd takes each configuration without a warning, Docker Compose and
# PHP-FPM take theirs, and what one file says of another is true.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP qw(decode_json);
use Test::More;
use YAML::XS ();
use Fpm;
use Httpd;

plan skip_all => 'stock discovers nothing' if Httpd::is_stock();
my $examples = "$FindBin::RealBin/../../docs/examples";

sub text_of { my ($file) = @_; return Httpd::text_of("$examples/$file") }

# ---- httpd ----

my %httpd = map { $_ => text_of("$_/httpd.conf") } qw(docker-compose kubernetes consul);
for my $example (sort keys %httpd) {
    my $root   = Httpd::temporary_dir('www');
    my $config = $httpd{$example} =~ s{/var/www/html"}{$root"}gr;
    my ($code, $said) = Httpd->configtest(config => $config, modules => ['dir']);
    is $code, 0, "$example: httpd takes the configuration" or diag $said;
    unlike $said, qr/FC\d{4}|AH\d{5}/, '... without a warning';
}
sub member { my ($example) = @_; return ($httpd{$example} =~ /BalancerMember "([^"]+)"/)[0] }
sub parameter { my ($example, $name) = @_; return ($httpd{$example} =~ /\b\Q$name\E=(\S+)/)[0] }

# ---- PHP-FPM's pools: the official image has the rest of the pool in files before ----

my $fpm = Fpm::program();
sub pool_is_fine {
    my ($name, $pool, $example) = @_;
    my $dir = Httpd::temporary_dir('fpm');
    open my $out, '>', "$dir/php-fpm.conf" or die "php-fpm.conf: $!";
    print {$out} "[global]\nerror_log = $dir/log\n[www]\nuser = nobody\nlisten = $dir/sock\n$pool";
    close $out;
    my $said = qx($fpm -t -y $dir/php-fpm.conf 2>&1);
    is $?, 0, "$name: PHP-FPM takes it" or diag $said;
    is parameter($example, 'maxinflight'), ($pool =~ /^ *pm\.max_children = (\d+)/m)[0], '... maxinflight is max_children';
    return ($pool =~ /^ *process_control_timeout = (\d+)s/m)[0];
}

# ---- Docker Compose ----

my $compose = Process::find_program('docker-compose');
SKIP: {
    skip 'docker-compose is not installed', 1 if !$compose;
    my $said = qx($compose -f $examples/docker-compose/compose.yaml config 2>&1);
    is $?, 0, 'Docker Compose takes compose.yaml' or diag $said;
}
my $services = YAML::XS::Load(text_of('docker-compose/compose.yaml'))->{services};
is member('docker-compose'), 'fcgi://php:9000', 'the members are the containers of a service';
ok $services->{php}, '... which there is';
my $timeout = pool_is_fine('docker-compose', text_of('docker-compose/php-fpm.conf'), 'docker-compose');
cmp_ok +($services->{php}{stop_grace_period} =~ /^(\d+)s$/)[0], '>', $timeout, '... requests may end before the container is killed';
for my $file (map { (split /:/)[0] } map { @{ $_->{volumes} } } values %$services) {
    ok -e "$examples/docker-compose/$file", "$file is there";
}
my $build = $services->{web}{build};
my $containerfile = "docker-compose/$build->{context}/$build->{dockerfile}";
ok -e "$examples/$containerfile", "$build->{dockerfile} is there";
my ($script) = text_of($containerfile) =~ m{^RUN /src/(\S+)}m;
ok -x "$examples/docker-compose/$build->{context}/$script", "... and $script, which it runs";

# ---- Kubernetes ----

my %object = map { $_->{kind} => $_ } YAML::XS::Load(text_of('kubernetes/php.yaml'));
is_deeply [sort keys %object], [qw(ConfigMap Deployment Namespace Service)], 'the objects of php.yaml';
my ($service, $deployment) = @object{qw(Service Deployment)};
is $service->{spec}{clusterIP}, 'None', 'the service is headless';
my $host = "$service->{metadata}{name}.$service->{metadata}{namespace}.svc.cluster.local.";
is member('kubernetes'), "fcgi://$host:$service->{spec}{ports}[0]{port}", '... and is the name of the members';
my $pod = $deployment->{spec}{template};
is_deeply [@{$pod->{metadata}{labels}}{qw(app)}], [@{$service->{spec}{selector}}{qw(app)}], 'the service selects the pods';
is_deeply $deployment->{spec}{selector}{matchLabels}, $pod->{metadata}{labels}, '... as does the deployment';
is_deeply [map { $_->{metadata}{namespace} } @object{qw(ConfigMap Deployment Service)}], [($object{Namespace}{metadata}{name}) x 3], 'one namespace';
my $container = $pod->{spec}{containers}[0];
is $container->{readinessProbe}{tcpSocket}{port}, $container->{ports}[0]{name}, 'the probe asks the port of PHP-FPM';
is $container->{ports}[0]{containerPort}, $service->{spec}{ports}[0]{port}, '... which the service has';
my ($file) = keys %{ $object{ConfigMap}{data} };
is $container->{volumeMounts}[0]{subPath}, $file, 'the pool is mounted';
$timeout = pool_is_fine('kubernetes', $object{ConfigMap}{data}{$file}, 'kubernetes');
is parameter('kubernetes', 'hcuri'), ($object{ConfigMap}{data}{$file} =~ /ping\.path = (\S+)/)[0], '... with the path of the checks';
my $sleep = $container->{lifecycle}{preStop}{exec}{command}[1];
cmp_ok $pod->{spec}{terminationGracePeriodSeconds}, '>', $sleep + $timeout, 'requests may end before the pod is killed';

# ---- Consul ----

my $registration = decode_json(text_of('consul/php.json'))->{service};
is member('consul'), "fcgi://_$registration->{name}._tcp.service.consul.", 'the members are the instances of a service';
like $registration->{check}{tcp}, qr/:$registration->{port}$/, '... which is checked at its port';
ok decode_json(text_of('consul/agent.json'))->{dns_config}{enable_truncate}, 'an answer that is cut says so';

done_testing;
