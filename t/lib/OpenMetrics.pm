# Licensed under the Apache License, Version 2.0; see LICENSE.
# OpenMetrics.pm - one scrape of <manager>/metrics in OpenMetrics, read by Prometheus' own client library
# for Python, which is strict (python3-prometheus-client).
#
#   my $scrape = OpenMetrics->scrape($httpd);
#   is $scrape->complaint, '', 'it is OpenMetrics';
#   $scrape->{types}{fastcgi_cluster_tries}                 # 'counter': families have no _total
#   grep { $_->{labels}{le} eq '0.1' } $scrape->exemplars   # name, labels, value, trace_id, at
package OpenMetrics;

use strict;
use warnings;
use File::Temp ();
use JSON::PP ();

# Debian's python3, for whose version the package is.
my $program = <<'EOP';
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
seen = {'complaint': '', 'types': {}, 'exemplars': [], 'samples': []}
try:
    for family in text_string_to_metric_families(open(sys.argv[1], encoding='utf-8').read()):
        seen['types'][family.name] = family.type
        for sample in family.samples:
            seen['samples'].append({'name': sample.name, 'labels': sample.labels, 'value': sample.value})
            if sample.exemplar:
                seen['exemplars'].append({'name': sample.name, 'labels': sample.labels,
                    'trace_id': sample.exemplar.labels['trace_id'], 'value': sample.exemplar.value,
                    'at': float(sample.exemplar.timestamp)})
except ValueError as error:
    seen['complaint'] = str(error)
print(json.dumps(seen))
EOP

sub scrape {
    my ($class, $httpd, %o) = @_;
    my $response = $httpd->get($o{path} // '/balancer-manager/metrics',
        header => { Accept => $o{accept} // 'application/openmetrics-text; version=1.0.0' });
    my $file = File::Temp->new;
    binmode $file;
    print {$file} $response->{body};
    close $file;
    open my $python, '-|', '/usr/bin/python3', '-c', $program, $file->filename or die "python3: $!";
    my $seen = do { local $/; <$python> };
    close $python or die "python3-prometheus-client is missing: scripts/setup\n";
    return bless { %{ JSON::PP::decode_json($seen) }, response => $response }, $class;
}

sub response  { return $_[0]{response} }
sub complaint { return $_[0]{complaint} }
sub exemplars { return @{ $_[0]{exemplars} } }

# name{label="value",...} => value, labels in the order of their names.
sub series {
    my ($self) = @_;
    return map {
        my $sample = $_;
        my $labels = $sample->{labels};
        my $text = join ',', map { "$_=\"$labels->{$_}\"" } sort keys %$labels;
        ("$sample->{name}\{$text}" => $sample->{value} + 0);
    } @{ $self->{samples} };
}

1;
