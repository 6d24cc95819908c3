// Licensed under the Apache License, Version 2.0; see LICENSE.
// fleet.js - see fleet.t.
'use strict';

const {check, same, until, open, isAccessible, fitsItsWidth, picture, run} = require('./browser');
const {URL: url, MEMBER: member, OTHER: other, PART: part} = process.env;

const notes = (page) => page.locator('#notes').innerText();
const newest = (page) => page.locator('#changes li').first().innerText();

async function staysOnThisFront() {
    const page = await open(url);
    const dialog = page.getByRole('dialog');
    const here = dialog.getByLabel('This front only');
    const change = async (label, value, isForHere) => {
        await page.getByRole('button', {name: `Change ${member}`}).first().click();
        same(await here.isChecked(), false, `${label}: a change is for all, if nobody says otherwise`);
        await dialog.getByLabel(label).fill(value);
        await here.setChecked(isForHere);
        if (isForHere) {
            await isAccessible(page, 'the dialog');
            await picture(page, 'fleet-dialog');
        }
        await dialog.getByRole('button', {name: 'Apply'}).click();
        await page.waitForLoadState();
    };
    await page.getByRole('button', {name: `Change ${other}`}).first().click();
    check(await until(() => dialog.isVisible()) && !await here.isVisible(), 'no choice where nothing goes to other fronts');
    await page.keyboard.press('Escape');
    await change('Weight', '2', true);
    check((await notes(page)).includes('weight 1.00 -> 2.00'), 'a change for this front only');
    check((await newest(page)).includes('(this front only)'), '... is told as such');
    await page.getByRole('button', {name: 'Undo'}).click();
    await page.waitForLoadState();
    check((await notes(page)).includes('weight 2.00 -> 1.00'), '... can be undone');
    check((await newest(page)).includes('(this front only)'), '... on this front only');
    await change('Weight', '3', true);
    await change('In flight at most', '7', false);
    check((await notes(page)).includes('limit 9 -> 7'), 'a change for all');
    check(!(await newest(page)).includes('only'), '... is told without that');
    page.isSilent('changes in a fleet');
}

async function forgetsAFront() {
    const page = await open(url);
    const fleet = page.locator('#fleet');
    const forget = fleet.getByRole('button', {name: 'Forget web2'});
    check(await until(() => forget.isVisible(), 30), 'a front that is gone can be forgotten');
    same(await fleet.getByRole('button', {name: /^Forget/}).count(), 1, '... and no other');
    await page.getByRole('button', {name: 'Pause'}).click();
    await isAccessible(page, 'the fleet');
    await fitsItsWidth(page, 'the fleet');
    await picture(page, 'fleet', {fullPage: true});
    await forget.click();
    const question = page.locator('.confirm');
    check((await question.innerText()).includes('Forget web2?'), 'the page asks first');
    check((await question.innerText()).includes('stop it first'), '... and says what to do before');
    await isAccessible(page, 'the question');
    await picture(page, 'fleet-forget');
    await page.getByRole('button', {name: 'Cancel'}).click();
    check(await forget.isVisible(), '... nothing is done before');
    await forget.click();
    await page.getByRole('button', {name: 'Forget web2'}).click();
    await page.waitForLoadState();
    check((await notes(page)).includes('front web2: forgotten'), 'it is done when that is confirmed');
    check(await until(async () => !(await fleet.innerText()).includes('web2')), '... and the front disappears');
    page.isSilent('a front that is forgotten');
}

run([part === 'scope' ? staysOnThisFront : forgetsAFront]);
