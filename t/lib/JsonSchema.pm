# Licensed under the Apache License, Version 2.0; see LICENSE.
# JsonSchema.pm - is a JSON text valid by a JSON Schema? By Debian's python3-jsonschema.
#
#   is JsonSchema::complaints($schema_text, $json_text), '', 'the status is as its schema says';
package JsonSchema;

use strict;
use warnings;
use File::Temp ();

# Fields that the schema does not name are an error here, though readers shall allow them: a field
# that is added has to be described.
my $program = <<'EOP';
import json, sys
from jsonschema import Draft202012Validator

def close(node):
    if isinstance(node, dict):
        if 'properties' in node and 'additionalProperties' not in node:
            node['additionalProperties'] = False
        for value in node.values():
            close(value)

schema, status = (json.load(open(name, encoding='utf-8')) for name in sys.argv[1:3])
Draft202012Validator.check_schema(schema)
close(schema)
for error in list(Draft202012Validator(schema).iter_errors(status))[:10]:
    print('/'.join(str(step) for step in error.absolute_path), error.message[:200])
EOP

sub complaints {
    my @files = map {
        my $file = File::Temp->new(SUFFIX => '.json');
        binmode $file;
        print {$file} $_;
        close $file;
        $file;
    } @_;
    open my $python, '-|', 'python3', '-c', $program, map { $_->filename } @files
        or die "python3: $!";
    my $said = join '', <$python>;
    close $python;
    return $? ? "python3 with jsonschema failed: apt-get install python3-jsonschema\n$said" : $said;
}

1;
