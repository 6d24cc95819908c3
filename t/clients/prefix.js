// Licensed under the Apache License, Version 2.0; see LICENSE.
// prefix.js - see prefix.t.
'use strict';

const {check, same, until, open, isAccessible, picture, run} = require('./browser');
const one = 'http://127.0.0.1:1';
const two = 'http://127.0.0.1:2';

const row = (page, member) => page.locator('.members tbody tr', {hasText: member});
const becomes = (page, member, word) =>
    until(async () => await row(page, member).locator('.pill').innerText() === word);
const path = (page) => new URL(page.url()).pathname + new URL(page.url()).search;

async function worksAt(url, name, weight) {
    const page = await open(url);
    const here = new URL(url).pathname;
    const strays = [];
    const posts = [];
    page.on('request', (request) => {
        const {pathname} = new URL(request.url());
        if (pathname !== here) {
            strays.push(pathname);
        }
        if (request.method() === 'POST') {
            posts.push(request.url());
        }
    });
    await page.reload();
    same(await page.evaluate(() => getComputedStyle(document.querySelector('.pill')).display),
        'inline-block', `${name}: the style sheet is there`);
    check(await page.locator('#live').isVisible(), '... and the script');
    await page.evaluate(() => { window.isTheSamePage = true; });
    await page.waitForResponse((response) => response.url() === url);
    await until(async () => (await row(page, one).getByRole('link').getAttribute('href')).startsWith('?'));
    check(await page.evaluate(() => window.isTheSamePage), '... which keeps the page up to date');

    await page.getByRole('button', {name: `Drain ${one}`}).click();
    check(await becomes(page, one, 'draining'), 'a button drains');
    same(path(page), here, '... and leads back to the page');
    check((await page.locator('#notes').innerText()).includes('draining off -> on'), '... which says so');
    same(posts.length, 1, '... by one form');
    await page.reload();
    same(posts.length, 1, '... that is not sent again when the page is loaded again');
    same(await page.locator('#notes').innerText(), '', '... and it is told once');
    await page.getByRole('button', {name: `Ready ${one}`}).click();
    await becomes(page, one, 'ok');

    await row(page, one).getByRole('link').click();
    check(await page.getByLabel('Load factor').isVisible(), 'the link to edit leads to the form');
    await page.getByLabel('Load factor').fill(String(weight));
    await page.getByRole('button', {name: 'Apply'}).click();
    check((await row(page, one).innerText()).includes(`weight ${weight}`), '... which works');
    await page.getByRole('link', {name: 'balancer://app'}).click();
    await page.getByRole('button', {name: 'Back'}).click();
    check(await page.locator('#filter').isVisible(), '... and there is a way back');

    await page.locator('input[name=filter]').fill('two');
    check(await until(async () => await page.locator('.members tbody tr').count() === 1), 'the filter works');
    same(path(page), `${here}?filter=two`, '... in the URL');
    await page.locator('input[name=filter]').fill('');
    same(await until(() => path(page) === here), true, '... and back');
    same([...new Set(strays)].join(), '', 'nothing else was asked for');
    page.isSilent(name);
}

async function worksBehindAPrefix() {
    await worksAt(process.env.URL, 'behind a prefix', 5);
}

async function worksBehindASlash() {
    await worksAt(`${process.env.URL}/`, 'with a slash', 4);
}

async function worksDirectly() {
    await worksAt(process.env.DIRECT, 'directly', 5);
}

async function worksWithoutJavaScript() {
    const page = await open(process.env.URL, {javaScriptEnabled: false});
    await page.locator('input[name=filter]').fill(two);
    await page.locator('select[name=refresh]').selectOption('0');    // nothing else loads the page
    await page.getByRole('button', {name: 'Apply'}).click();
    await row(page, two).getByRole('link').click();
    await page.getByLabel('Load factor').fill('6');
    await page.getByRole('button', {name: 'Apply'}).click();
    check((await page.locator('#notes').innerText()).includes('-> 6.00'), 'without JavaScript a form works, too');
    await page.getByRole('button', {name: `Drain ${two}`}).click();
    const url = page.url();
    check(/\?(?:.*&)?done=\d+\.1$/.test(url), '... and a button');
    await page.waitForLoadState();
    await page.reload();
    same(page.url(), url, '... that is not sent again, either');
    await page.getByRole('button', {name: `Ready ${two}`}).click();
    check(await becomes(page, two, 'ok'), '... in both directions');
    page.isSilent('without JavaScript');
}

run([worksBehindAPrefix, worksBehindASlash, worksDirectly, worksWithoutJavaScript]);
