// Licensed under the Apache License, Version 2.0; see LICENSE.
// many_members.js - see many_members.t.
'use strict';

const {check, same, until, open, fitsItsWidth, picture, run} = require('./browser');
const url = process.env.URL;

async function isFoldedUp() {
    const page = await open(url);
    same(await page.locator('section.balancer').count(), 50, 'all balancers are there');
    same(await page.locator('details[open]').count(), 0, '... folded up');
    check((await page.locator('#b1, .balancer').first().innerText()).includes('1 disabled'),
        '... and each tells how its members are');
    await fitsItsWidth(page, 'the page');
    await picture(page, 'many');
    page.isSilent('the page');
}

async function findsOne() {
    const page = await open(url);
    const rows = page.locator('.members tbody tr');
    await page.locator('input[name=filter]').fill('10.0.7.42:');
    check(await until(async () => await rows.count() === 1), 'the filter finds one of 5,000');
    check(await rows.first().isVisible(), '... and unfolds its balancer');
    await page.locator('input[name=filter]').fill('');
    await page.locator('select[name=state]').selectOption('disabled');
    check(await until(async () => await rows.count() === 50), 'so does a state');
    await picture(page, 'many-disabled');
    page.isSilent('the filter');
}

run([isFoldedUp, findsOne]);
