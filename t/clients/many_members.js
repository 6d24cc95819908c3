// Licensed under the Apache License, Version 2.0; see LICENSE.
// many_members.js - see many_members.t.
'use strict';

const {check, same, until, open, isAccessible, fitsItsWidth, picture, run} = require('./browser');
const url = process.env.URL;
const balancers = Number(process.env.BALANCERS);
const members = Number(process.env.MEMBERS);

const GENEROUS_MS = 60000;
const rows = (page) => page.locator('.members tbody tr');
const section = (page, name) => page.locator(`section[aria-label^="balancer://${name} of "]`);
const shown = (page, name) => section(page, name).locator('.members tbody tr');
const opener = (page, name) => section(page, name).getByRole('button', {name: /^Show \d/});
const isThere = async (locator, count) => until(async () => await locator.count() === count, 20);

async function isThereAtOnce() {
    const began = Date.now();
    const page = await open(url);
    await page.locator('footer').waitFor();
    check(Date.now() - began < GENEROUS_MS, 'the page is there', `after ${Date.now() - began} ms`);
    same(await page.locator('section.balancer').count(), balancers, '... with all balancers');
    same(await rows(page).count(), 0, '... as one line each');
    same(await page.locator('#overview div', {hasText: 'Members'}).locator('dd').innerText(),
        '5,000', '... and says how many members they have');
    await fitsItsWidth(page, 'the page');
    await isAccessible(page, 'the page');
    await picture(page, 'many');
    page.isSilent('the page');
}

async function findsOneMember() {
    const page = await open(url);
    await page.locator('input[name=filter]').fill('r37-42');
    check(await isThere(rows(page), 1), 'the filter finds one member of all');
    check((await rows(page).innerText()).includes(`:${37 * 200 + 42}`), '... the right one');
    await page.locator('input[name=filter]').fill('');
    check(await isThere(page.locator('section.balancer'), balancers), 'all are back');
    await page.locator('select[name=state]').selectOption('draining');
    check(await isThere(rows(page), balancers), 'the state selects one of each balancer');
    page.isSilent('the filter');
}

async function opensABalancer() {
    const page = await open(url);
    await opener(page, 'b7').click();
    check(await isThere(shown(page, 'b7'), members), 'a balancer shows its members');
    same(await rows(page).count(), members, '... only its own');
    same(await page.evaluate(() => document.activeElement.localName), 'summary',
        '... and has the focus');
    check(page.url().endsWith('?open=b7'), '... and the URL has it');
    await opener(page, 'b9').click();
    check(await isThere(rows(page), 2 * members), 'so does a second one');
    await picture(page, 'many-open');
    await shown(page, 'b9').nth(members - 2).getByRole('button', {name: /^Ready/}).click();
    check(await until(async () => (await section(page, 'b9').locator('.facts .pill.ok').innerText())
        === '2 ok'), 'a button in a row makes a member ready');
    check(await isThere(rows(page), 2 * members), '... and both balancers stay open');
    await section(page, 'b7').locator('details[data-key] > summary').click();
    check(await isThere(opener(page, 'b7'), 1), 'one that is closed is one line again');
    same(await rows(page).count(), members, '... and the other stays open');
    check(page.url().endsWith('?open=b9'), '... as the URL says');
    page.isSilent('opened balancers');
}

async function worksWithoutJavaScript() {
    const page = await open(url, {javaScriptEnabled: false});
    await opener(page, 'b7').click();
    check(await isThere(rows(page), members), 'without JavaScript a button shows the members');
    await opener(page, 'b9').click();
    check(await isThere(rows(page), 2 * members), '... of a second balancer, too');
    await page.locator('input[name=filter]').fill('r9-42');
    await page.getByRole('button', {name: 'Apply'}).click();
    check(await isThere(rows(page), 1), '... and the filter finds one');
    page.isSilent('without JavaScript');
}

run([isThereAtOnce, findsOneMember, opensABalancer, worksWithoutJavaScript]);
