// Licensed under the Apache License, Version 2.0; see LICENSE.
// browser.js - a Chromium for one test: pages that may not complain, and checks that Page.pm reads.
'use strict';

const fs = require('fs');
const path = require('path');
const {chromium} = require('playwright-core');

const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.env.SCREENSHOTS;
let browser = null;

function report(isGood, name, why) {
    const lines = isGood || !why ? '' : String(why).replace(/^/gm, '# ') + '\n';
    process.stdout.write(`${isGood ? 'ok' : 'not ok'} ${name}\n${lines}`);
}

function check(value, name, why) {
    report(Boolean(value), name, why);
}

function same(is, should, name) {
    report(is === should, name, `is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`);
}

// Wait until `test`, which may be async, gives something true; returns it, or null after the time.
async function until(test, seconds = 10) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
        const value = await test();
        if (value || Date.now() > end) {
            return value || null;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

// A page whose console has to stay silent, but for what `expected` matches.
async function open(url, {expected = /^$/, ...options} = {}) {
    const context = await browser.newContext({viewport: {width: 1440, height: 900}, ...options});
    context.setDefaultTimeout(30000);
    const page = await context.newPage();
    const complaints = [];
    const note = (text) => expected.test(text) || complaints.push(text);
    page.on('console', (message) => message.type() === 'error' && note(message.text()));
    page.on('pageerror', (error) => note(String(error)));
    page.isSilent = (name) => same(complaints.join('\n'), '', `${name}: nothing in the console`);
    await page.goto(url);
    return page;
}

async function isAccessible(page, name) {
    await page.evaluate(axeSource);          // by the debugger: the CSP of the page holds
    const {violations} = await page.evaluate(() => window.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }));
    const text = violations.map((v) => `${v.id}: ${v.help}\n  `
        + v.nodes.slice(0, 3).map((n) => `${n.target} ${n.html.slice(0, 160)} ${n.failureSummary}`)
            .join('\n  '));
    same(text.join('\n'), '', `${name}: axe finds nothing`);
}

async function fitsItsWidth(page, name) {
    const excess = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
    same(excess, 0, `${name}: no wider than the window`);
}

async function picture(page, name, options = {}) {
    await page.screenshot({path: path.join(pictures, `${name}.png`), ...options});
}

// Run the steps, one after the other; what one throws fails it and does not stop the others.
// args: more options of Chromium.
async function run(steps, args = []) {
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
            ...args],
    });
    for (const step of steps) {
        try {
            await step();
        }
        catch (error) {
            report(false, step.name, error.stack);
        }
        await Promise.all(browser.contexts().map((context) => context.close()));
    }
    await browser.close();
    process.stdout.write('done\n');
}

module.exports = {check, same, until, open, isAccessible, fitsItsWidth, picture, run};
