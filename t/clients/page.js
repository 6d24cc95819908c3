// Licensed under the Apache License, Version 2.0; see LICENSE.
// page.js - see page.t.
'use strict';

const {check, same, until, open, isAccessible, fitsItsWidth, picture, run} = require('./browser');
const url = process.env.URL;
const first = process.env.FIRST;
const second = process.env.SECOND;

const shop = (page) => page.locator('section.balancer', {hasText: 'balancer://shop'});
const row = (page, member) => shop(page).locator('tbody tr', {hasText: member})
    .and(page.locator('.members tr'));
const pill = (page, member) => row(page, member).locator('.pill').innerText();
const becomes = (page, member, word) => until(async () => await pill(page, member) === word);

async function looksRight() {
    const page = await open(url);
    const charts = shop(page).locator('.chart .line:not(.second)');
    check(await until(async () => await charts.count() === 4, 30), 'four charts');
    for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({colorScheme: scheme});
        await page.getByRole('button', {name: 'Pause'}).click();
        await isAccessible(page, `the page, ${scheme}`);
        await page.getByRole('button', {name: 'Pause'}).click();
        await picture(page, `page-${scheme}`, {fullPage: true});
    }
    await fitsItsWidth(page, 'the page');
    same(await pill(page, 'route gone'), 'error', 'a member in error says so in words');
    check(/connect_refused; next trial in \d/.test(await row(page, 'route gone').innerText()),
        '... and why, and what comes next');
    check((await row(page, second).innerText()).includes('weight 2'), 'a weight is told');
    check((await row(page, first).innerText()).includes('FPM: '), "PHP-FPM's own numbers are told");
    same(await page.locator('script:not([src])').count(), 0, 'a route with <script> is only text');
    check((await page.content()).includes("route &lt;script&gt;"), '... and is shown');
    page.isSilent('the page');
}

async function isAlive() {
    const page = await open(url);
    const line = shop(page).locator('.chart .line').first();
    const requests = row(page, first).locator('td').nth(14);
    const was = [await line.getAttribute('d'), await requests.innerText()];
    await page.evaluate(() => { window.isTheSamePage = true; });
    await shop(page).locator('details:not(.more) > summary').click();
    await page.locator('input[name=filter]').focus();
    check(await until(async () => await requests.innerText() !== was[1]), 'numbers move');
    check(await until(async () => await line.getAttribute('d') !== was[0], 20), 'charts move');
    check(await page.evaluate(() => window.isTheSamePage), '... without a reload');
    same(await shop(page).locator('details:not(.more)').getAttribute('open'), null,
        'what was folded up stays so');
    same(await page.evaluate(() => document.activeElement.name), 'filter', 'the focus stays');
    await page.getByRole('button', {name: 'Pause'}).click();
    const still = await requests.innerText();
    const fetched = page.waitForRequest(() => true, {timeout: 3000}).catch(() => null);
    same(await fetched, null, 'a paused page asks for nothing');
    same(await requests.innerText(), still, '... and stands still');
    page.isSilent('the live page');
}

async function tellsThatTheServerIsGone() {
    const page = await open(url, {expected: /ERR_FAILED|ERR_INTERNET/});
    await page.context().setOffline(true);
    const state = page.locator('#live-state');
    check(await until(async () => (await state.innerText()).includes('does not respond')),
        'a server that does not respond is told');
    await page.context().setOffline(false);
    check(await until(async () => await state.innerText() === 'Live'), '... and that it is back');
    page.isSilent('the lost page');
}

async function filtersAndSorts() {
    const page = await open(url);
    const rows = page.locator('.members tbody tr');
    await page.locator('input[name=filter]').fill('ROUTE');
    check(await until(async () => await rows.count() === 0), 'a filter that nothing matches');
    await page.locator('input[name=filter]').fill('gone');
    check(await until(async () => await rows.count() === 1), 'the filter finds a route');
    check(page.url().endsWith('?filter=gone'), '... and the URL has it');
    await page.locator('input[name=filter]').fill('');
    await page.locator('select[name=state]').selectOption('draining');
    check(await until(async () => await rows.count() === 1), 'the state selects members');
    await page.locator('select[name=state]').selectOption('');
    check(await until(async () => await rows.count() === 6), 'all are back');
    const button = shop(page).getByRole('button', {name: 'Share', exact: true});
    const order = () => shop(page).locator('.members td:nth-child(4)').allTextContents();
    const weights = async () => (await order()).join();
    await button.click();
    check(await until(async () => await weights() === '1.00,1.00,1.00,2.00'), 'a column sorts');
    await button.click();
    check(await until(async () => await weights() === '2.00,1.00,1.00,1.00'), '... both ways');
    same(await shop(page).locator('th[aria-sort]').getAttribute('aria-sort'), 'descending',
        '... and says so');
    await page.reload();
    same(await weights(), '2.00,1.00,1.00,1.00', '... also after a reload');
    page.isSilent('filter and sort');
}

async function drainsByMouse() {
    const page = await open(url);
    await page.getByRole('button', {name: `Drain ${second}`}).first().click();
    same(await becomes(page, second, 'draining'), true, 'a button drains a member');
    check((await page.locator('#notes').innerText()).length > 5, '... and the result is told');
    check((await page.locator('#changes').innerText()).includes(second), '... also in the changes');
    await page.getByRole('button', {name: `Ready ${second}`}).first().click();
    same(await becomes(page, second, 'ok'), true, '... and another makes it ready again');
    page.isSilent('operation by mouse');
}

async function operatesMany() {
    const page = await open(url);
    const drain = shop(page).getByRole('button', {name: 'Drain', exact: true});
    const all = shop(page).getByRole('checkbox', {name: /^all/});
    const box = (member) => row(page, member).locator('input[name=w]');
    const lines = () => page.locator('.confirm').innerText();
    await page.waitForResponse((response) => response.url() === url);
    check(await until(() => drain.isDisabled()), 'nothing is selected, and nothing can be pressed');
    await box(first).check();
    await box(second).check();
    await page.waitForResponse((response) => response.url() === url);
    check(await drain.isEnabled(), '... until there is, also after the page was fetched again');
    await drain.click();
    check((await lines()).includes('Drain 2 members of balancer://shop?'), 'what is for many is to be confirmed');
    check((await lines()).includes('1 of 4 members will be left in service'), '... and what comes of it is told');
    await isAccessible(page, 'the confirmation');
    await picture(page, 'confirmation');
    await page.getByRole('button', {name: 'Cancel'}).click();
    same(await pill(page, first), 'ok', '... nothing is done before');
    await box(first).check();
    await box(second).check();
    await drain.click();
    await page.getByRole('button', {name: 'Drain 2 members'}).click();
    check(await becomes(page, first, 'draining') && await becomes(page, second, 'draining'),
        '... and is done then');
    await shop(page).locator('.members tr', {hasText: 'script'}).getByRole('button', {name: /^Disable/}).click();
    check((await lines()).includes('This is the last usable member: new requests will get 503 until'),
        'the last one is told');
    await isAccessible(page, 'the warning');
    await picture(page, 'outage');
    await page.emulateMedia({colorScheme: 'dark', reducedMotion: 'reduce'});
    await isAccessible(page, 'the warning, dark');
    await picture(page, 'outage-dark');
    await page.getByRole('button', {name: 'Cancel'}).click();
    await all.check();
    same(await shop(page).locator('input[name=w]:checked').count(), 4, 'all can be selected');
    await box('route gone').uncheck();
    check(!await all.isChecked(), '... which are not all any more without one of them');
    await shop(page).getByRole('button', {name: 'Ready', exact: true}).click();
    await page.getByRole('button', {name: 'Make ready 3 members'}).click();
    check(await becomes(page, first, 'ok') && await becomes(page, second, 'ok'),
        '... and made ready');
    page.isSilent('operation of many');
}

// Tab until the element is reached: everything has to be in the order.
async function tabTo(page, name) {
    for (let i = 0; i < 300; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement.getAttribute('aria-label')) === name) {
            return true;
        }
    }
    return false;
}

async function drainsByKeyboard() {
    const page = await open(url);
    await page.keyboard.press('Tab');
    same(await page.evaluate(() => document.activeElement.textContent), 'Skip to the balancers',
        'the first Tab offers to skip');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#main$/);
    check(await tabTo(page, `Drain ${first}`), 'Tab reaches a member');
    same(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle),
         'solid', '... and one sees it');
    await page.keyboard.press('Enter');
    check(await becomes(page, first, 'draining'), 'Enter drains it');
    check(await tabTo(page, `Ready ${first}`), 'Tab reaches it again');
    await page.keyboard.press('Enter');
    check(await becomes(page, first, 'ok'), 'Enter makes it ready');
    page.isSilent('operation by keyboard');
}

async function worksWithoutJavaScript() {
    const page = await open(url, {javaScriptEnabled: false, expected: /status of 400/});
    same(await page.locator('noscript').count() > 0, true, 'a page without JavaScript');
    await page.goto(`${url}?filter=gone&refresh=0`);
    same(await page.locator('.members tbody tr').count(), 1, '... filters');
    await page.goto(url);
    await page.locator('input[name=filter]').fill(second);
    await page.getByRole('button', {name: 'Apply'}).click();
    await page.getByRole('button', {name: `Disable ${second}`}).first().click();
    await page.getByRole('button', {name: 'Disable this member'}).click();
    same(await page.locator('.members tbody tr').count(), 2, '... keeps the filter');
    same(await page.locator('.pill.disabled').first().innerText(), '1 disabled', '... disables');
    await page.getByRole('button', {name: `Ready ${second}`}).first().click();
    await page.goto(url);
    same(await pill(page, second), 'ok', '... and makes ready');
    await shop(page).getByRole('button', {name: 'Drain', exact: true}).click();
    check((await page.getByRole('alert').innerText()).includes('no member was selected'),
        'a button without a selection says so');
    check(await shop(page).locator('.members tbody tr').count() === 4, '... on the page');
    page.isSilent('without JavaScript');
}

async function editsAMember() {
    const page = await open(url, {expected: /status of 400/});
    await row(page, second).getByRole('link').click();
    await isAccessible(page, 'the form of a member');
    await picture(page, 'member', {fullPage: true});
    await page.getByLabel('Load factor').fill('5');
    await page.getByRole('button', {name: 'Apply'}).click();
    check((await row(page, second).innerText()).includes('weight 5 (config 2)'),
        'a weight can be set, and the configured one is told');
    await page.goto(url);
    await page.getByRole('link', {name: 'balancer://shop'}).click();
    await isAccessible(page, 'the form of a balancer');
    await picture(page, 'balancer', {fullPage: true});
    await page.getByLabel('Failover attempts').fill('nine');
    await page.getByRole('button', {name: 'Apply'}).click();
    check((await page.getByRole('alert').innerText()).includes('b_max must be'),
        'a wrong value is told');
    page.isSilent('the forms');
}

async function putsProblemsFirst() {
    const page = await open(url);
    check(/^\(1\) .* - Balancer Manager$/.test(await page.title()), 'the title has the number of problems');
    same(await page.locator('#problems').innerText(), '1 problem', '... as has the page');
    const line = page.locator('.lines tbody tr').first();
    check(/shop.*1 failed.*connect_refused/s.test(await line.innerText()), 'the worst balancer comes first, with the reason');
    check((await shop(page).locator('.members tbody tr').first().innerText()).includes('route gone'),
        '... and its failed member');
    await page.getByRole('button', {name: /^1 Failed/}).click();
    check(await until(async () => await page.locator('.members tbody tr').count() === 1), 'a tile shows the failed ones');
    same(new URL(page.url()).search, '?state=failed', '... in the URL');
    await page.getByRole('button', {name: /^1 Failed/}).click();
    check(await until(async () => await page.locator('.members tbody tr').count() === 6), '... and all again');
    for (const text of await page.locator('.lines a').allInnerTexts()) {
        await page.locator('#jumps').getByRole('link', {name: text, exact: true}).click();
        check(await page.locator('section.balancer:target', {hasText: `balancer://${text}`}).isVisible(),
            `the bar leads to ${text}`);
    }
    await page.getByText('Legend').click();
    await isAccessible(page, 'the legend');
    page.isSilent('problems first');
}

async function changesFromTheRow() {
    const page = await open(url, {expected: /status of 400/});
    const change = () => page.getByRole('button', {name: `Change ${second}`}).first();
    const dialog = page.getByRole('dialog');
    await change().click();
    same(await dialog.getByLabel('Weight').inputValue(), '2.00', 'the dialog has the present values');
    await isAccessible(page, 'the dialog');
    await picture(page, 'dialog');
    await page.keyboard.press('Escape');
    check(await until(() => dialog.isHidden()), 'Escape closes it');
    await change().click();
    await dialog.getByLabel('Weight').fill('3');
    await dialog.getByLabel('In flight at most').fill('7');
    await dialog.getByRole('button', {name: 'Apply'}).click();
    await page.waitForLoadState();
    check((await page.locator('#notes').innerText()).includes('weight 2.00 -> 3.00'), 'it changes the weight');
    check((await row(page, second).innerText()).includes('of 7'), '... and the limit');
    await page.getByRole('button', {name: 'Undo'}).click();
    await page.waitForLoadState();
    check((await page.locator('#notes').innerText()).includes('weight 3.00 -> 2.00'), 'which can be undone');
    await change().click();
    await dialog.getByLabel('Drain, and disable after').fill('600');
    await dialog.getByRole('button', {name: 'Apply'}).click();
    same(await becomes(page, second, 'draining'), true, 'it drains');
    check(/disabled in \d/.test(await row(page, second).innerText()), '... until a deadline');
    await page.getByRole('button', {name: 'Undo'}).click();
    same(await becomes(page, second, 'ok'), true, '... which can be undone, too');
    await change().click();
    await dialog.getByRole('button', {name: 'All settings'}).click();
    check(await page.getByLabel('Load factor').isVisible(), 'it leads to all settings');
    page.isSilent('the dialog');
}

async function tellsValuesUnderThePointer() {
    const page = await open(url);
    const chart = shop(page).locator('.chart svg').first();
    check(await until(() => chart.isVisible(), 30), 'a chart');
    await page.getByRole('button', {name: 'Pause'}).click();
    await chart.hover();
    check(await until(async () => /^[\d.]+, [\d.]+ \(\d+ s ago\)$/.test(
        await page.locator('.under-pointer').innerText())), 'its values are told under the pointer');
    await page.mouse.move(0, 0);
    same(await page.locator('.under-pointer').count(), 0, '... and only there');
    page.isSilent('the charts');
}

async function fitsAPhone() {
    for (const colorScheme of ['light', 'dark']) {
        const page = await open(url, {viewport: {width: 390, height: 844}, colorScheme,
            deviceScaleFactor: 2});
        await fitsItsWidth(page, `a phone, ${colorScheme}`);
        await isAccessible(page, `a phone, ${colorScheme}`);
        await picture(page, `phone-${colorScheme}`, {fullPage: true});
        await row(page, first).getByRole('link').click();
        await fitsItsWidth(page, `a form on a phone, ${colorScheme}`);
        await picture(page, `phone-member-${colorScheme}`, {fullPage: true});
        page.isSilent('on a phone');
    }
}

async function fitsATablet() {
    const page = await open(url, {viewport: {width: 1024, height: 768}});
    await fitsItsWidth(page, 'a tablet');
    const {x, width} = await page.getByRole('button', {name: `Change ${first}`}).first().boundingBox();
    check(x > 0 && x + width <= 1024, 'no action is cut off');
    for (const {height} of await Promise.all((await shop(page).locator('.members tbody tr:not(.failed, .off)').all()).map((r) => r.boundingBox()))) {
        check(height <= 30, 'rows are dense', `${height} px`);
    }
    await isAccessible(page, 'a tablet');
    page.isSilent('on a tablet');
}

run([looksRight, isAlive, tellsThatTheServerIsGone, putsProblemsFirst, filtersAndSorts, drainsByMouse,
    operatesMany, drainsByKeyboard, worksWithoutJavaScript, changesFromTheRow, tellsValuesUnderThePointer,
    editsAMember, fitsATablet, fitsAPhone]);
