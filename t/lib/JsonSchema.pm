# Licensed under the Apache License, Version 2.0; see LICENSE.
# JsonSchema.pm - is a JSON text valid by a JSON Schema? By Debian's python3-jsonschema.
#
#   is JsonSchema::complaints($schema_text, $json_text), '', 'the status is as its schema says';
#   my $schemas = JsonSchema->new($document_text);     # for many texts, by the schemas of a document
#   $schemas->complaints_of('#/components/schemas/member', $json_text);
package JsonSchema;

use strict;
use warnings;
use IPC::Open2 qw(open2);
use JSON::PP ();

# Fields that the schema does not name are an error here, though readers shall allow them: a field
# that is added has to be described.
my $program = <<'EOP';
import json, sys
try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:    # jsonschema before 4.0: not all of it is checked
    from jsonschema import Draft7Validator as Validator

def objects(node, at='#'):
    if isinstance(node, (dict, list)):
        if isinstance(node, dict):
            yield at, node
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from objects(value, f'{at}/{name}')

# What others extend stays open.
def close(document):
    every = list(objects(document))
    extended = {part.get('$ref') for _, node in every for part in node.get('allOf', [])}
    for at, node in every:
        if 'properties' in node and at not in extended:
            if not {'additionalProperties', 'unevaluatedProperties'} & set(node):
                node['additionalProperties'] = False

document = json.loads(json.loads(sys.stdin.readline()))
if '$schema' in document:
    Validator.check_schema(document)
close(document)
validators = {'#': Validator(document)}

def complaints(schema, text):
    try:
        instance = json.loads(text)
    except ValueError as error:
        return str(error)
    if schema not in validators:
        validators[schema] = Validator({**document, '$ref': schema})
    errors = list(validators[schema].iter_errors(instance))
    return '\n'.join('/'.join(map(str, error.absolute_path)) + ' ' + error.message[:200]
                     for error in errors[:10])

for line in sys.stdin:
    print(json.dumps(complaints(*json.loads(line))), flush=True)
EOP

sub is_current { return system('python3', '-c', 'from jsonschema import Draft202012Validator') == 0 }

sub new {
    my ($class, $document) = @_;
    return bless { document => $document, pid => 0, owner => 0 }, $class;
}

# The validator runs from the first question on; a child process of the test has one of its own.
sub start {
    my ($self) = @_;
    @$self{qw(to from)} = ();
    $self->{pid}   = open2($self->{from}, $self->{to}, 'python3', '-c', $program);
    $self->{owner} = $$;
    $self->tell($self->{document});
    return;
}

sub tell { my ($self, $data) = @_; return print { $self->{to} } JSON::PP->new->ascii->allow_nonref->encode($data), "\n" }

# What is wrong with a text, a line each; '' for nothing.
# schema   a reference into the document
sub complaints_of {
    my ($self, $schema, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';
    $self->start if $self->{owner} != $$;
    $self->tell([$schema, $text]);
    $self->{to}->flush;
    my $said = readline $self->{from};
    return JSON::PP->new->allow_nonref->decode($said) if defined $said;
    return 'python3 with jsonschema failed: apt-get install python3-jsonschema';
}

sub complaints {
    my ($schema_text, $text) = @_;
    return __PACKAGE__->new($schema_text)->complaints_of('#', $text);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!);
    close $self->{to};
    waitpid $self->{pid}, 0;
    return;
}

1;
