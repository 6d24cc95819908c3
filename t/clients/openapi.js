// Licensed under the Apache License, Version 2.0; see LICENSE.
// openapi.js - the description of the JSON interface, as other programs read it.
'use strict';

const OpenAPIParser = require('@readme/openapi-parser');
const {createConfig, lintFromString} = require('@redocly/openapi-core');
const {default: openapiTS, astToString} = require('openapi-typescript');
const ts = require('typescript');
const {check, same} = require('./browser');

const address = `${process.env.URL}/v1/openapi.json`;

async function isValid(document) {
    const why = await OpenAPIParser.validate(structuredClone(document)).then(() => '', String);
    same(why, '', 'it is valid OpenAPI');
}

// By the rules of Redocly, whose engine Redoc has; examples are held against their schemas.
async function hasNoLint(text) {
    const config = await createConfig({extends: ['recommended-strict'], rules: {
        'no-invalid-media-type-examples': 'error',
        'no-invalid-parameter-examples': 'error',
    }});
    const problems = await lintFromString({source: text, config});
    same(problems.map((p) => `${p.ruleId}: ${p.message} ${p.location[0].pointer}`).join('\n'), '',
        'Redocly finds nothing');
}

// The errors that TypeScript finds in a program.
function errorsOf(program) {
    const options = {strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: []};
    const host = ts.createCompilerHost(options);
    const onDisk = host.getSourceFile;
    host.getSourceFile = (name, ...more) => name === 'program.ts'
        ? ts.createSourceFile(name, program, options.target) : onDisk(name, ...more);
    return ts.getPreEmitDiagnostics(ts.createProgram(['program.ts'], options, host))
        .map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'));
}

async function generates(text) {
    const types = astToString(await openapiTS(text));
    const client = (setting) => types + `
        type Change = operations['change_member']['requestBody']['content']['application/json'];
        type Member = paths['/balancers/{balancer}/members/{member}']['get']['responses'][200]['content']['application/json'];
        const change: Change = {state: 'drain', ${setting}};
        const inFlight = (member: Member): number => member.in_flight + (member.port ?? 0);
        const many: components['schemas']['changes_of_balancers'] = [{balancer: 'app', member: '*', limit: 'auto'}];
        export {change, inFlight, many};`;
    same(errorsOf(client('drain_deadline: 600')).join('\n'), '', 'a client of generated types');
    check(errorsOf(client('drain_deadline: "soon"')).length === 1, '... which know what is wrong');
}

async function run() {
    const response = await fetch(address);
    const text = await response.text();
    const document = JSON.parse(text);
    await isValid(document);
    await hasNoLint(text);
    await generates(text);
    const server = new URL(document.servers[0].url, address);
    same((await fetch(`${server}/audit`)).status, 200, 'its server is the manager that it comes from');
    process.stdout.write('done\n');
}

run();
