// Licensed under the Apache License, Version 2.0; see LICENSE.
// member_page.js - see member_page.t.
'use strict';

const {check, same, until, open, isAccessible, fitsItsWidth, picture, run} = require('./browser');
const {URL: url, FIRST: first, GONE: gone, VIEWER: viewer} = process.env;
const address = (base, member) => `${base}?b=shop&w=${encodeURIComponent(member)}`;

const value = (page, name) => page.locator('#member dl div', {hasText: name}).first().locator('dd').innerText();

async function looksRight() {
    for (const [width, colorScheme] of [1440, 1024, 390].flatMap((w) => [[w, 'light'], [w, 'dark']])) {
        const name = `a member at ${width}, ${colorScheme}`;
        const page = await open(address(url, first), {viewport: {width, height: 900}, colorScheme});
        check(await until(async () => await page.locator('#member .chart .line').count() === 4, 30), `${name}: charts`);
        await page.getByRole('button', {name: 'Pause'}).click();
        await isAccessible(page, name);
        await fitsItsWidth(page, name);
        await picture(page, `member-${width}-${colorScheme}`, {fullPage: true});
        await page.goto(address(url, gone));
        await isAccessible(page, `${name}, in error`);
        await fitsItsWidth(page, `${name}, in error`);
        await picture(page, `member-error-${width}-${colorScheme}`, {fullPage: true});
        page.isSilent(name);
    }
}

async function isFoundAndAlive() {
    const page = await open(url);
    await page.getByRole('link', {name: first}).first().click();
    same(await page.locator('#member h2').innerText().then((text) => text.split(' ')[0]), first, "the row's link leads to it");
    const requests = await value(page, 'Requests');
    await page.locator('#w_lf').fill('7');
    const section = page.locator('section.balancer');
    check(await until(async () => await section.locator('tbody tr', {hasText: first}).count() === 1), 'its balancer is below');
    check(await until(async () => await value(page, 'Requests in flight') !== undefined
        && await page.locator('#member').innerText() !== requests), 'numbers are there');
    const before = await page.locator('#member dd').allInnerTexts();
    check(await until(async () => (await page.locator('#member dd').allInnerTexts()).join() !== before.join(), 20), 'they move');
    same(await page.locator('#w_lf').inputValue(), '7', '... and what is being typed stays');
    await page.getByRole('button', {name: 'All balancers'}).click();
    check(await until(async () => await page.locator('#filter').count() === 1), 'a button leads back');
    page.isSilent('the live page of a member');
}

async function worksWithoutJavaScript() {
    const page = await open(address(viewer, gone), {javaScriptEnabled: false});
    check((await page.locator('#member').innerText()).includes('connect_refused'), 'a viewer without JavaScript sees why');
    same(await page.locator('form.edit').count(), 0, '... and no form to edit');
    check(await page.locator('#member .changes li').count() >= 1, '... and its history');
}

run([looksRight, isFoundAndAlive, worksWithoutJavaScript]);
