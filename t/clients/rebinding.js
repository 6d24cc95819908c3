// Licensed under the Apache License, Version 2.0; see LICENSE.
// rebinding.js - see rebinding.t.
'use strict';

const {check, same, open, run} = require('./browser');
const port = process.env.PORT;

// What a page can do with a manager of its own origin.
async function attack(manager) {
    const body = (values) => new URLSearchParams({b: 'app', w: 'http://127.0.0.1:1', ...values});
    const text = await (await fetch(manager)).text();
    const [token] = text.match(/[0-9a-f]{8}-[0-9a-f]{32}/) || [''];
    const status = await fetch(`${manager}/v1/status`);
    const form = await fetch(manager, {method: 'POST', body: body({nonce: token, w_lf: '3'})});
    const json = await fetch(`${manager}/v1/balancers/app`, {
        method: 'PATCH', body: '{"timeout": 0}',
        headers: {'Content-Type': 'application/json', 'X-CSRF-Token': token},
    });
    return {token, seen: status.ok, changed: form.ok, patched: json.ok};
}

async function of(host, manager) {
    const page = await open(`http://${host}:${port}/no-page-of-this-server`, {expected: /status of 40/});
    return page.evaluate(attack, manager);
}

async function isRefused() {
    const {token, seen, changed, patched} = await of('evil.test', '/balancer-manager');
    same(token, '', 'a rebound page gets no token');
    check(!seen, '... and sees nothing');
    check(!changed && !patched, '... and changes nothing');
}

async function letsFriendsIn() {
    const {token, seen, changed, patched} = await of('friend.test', '/friends');
    check(token && seen && changed && patched, 'a name of BalancerManagerHost may');
}

run([isRefused, letsFriendsIn], ['--host-resolver-rules=MAP *.test 127.0.0.1']);
