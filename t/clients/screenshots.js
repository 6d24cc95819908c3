// Licensed under the Apache License, Version 2.0; see LICENSE.
// screenshots.js - see scripts/screenshots.
'use strict';

const {check, until, open, picture, run} = require('./browser');

async function takesPictures() {
    const page = await open('http://www.example.com/balancer-manager', {
        viewport: {width: 1560, height: 900},
        extraHTTPHeaders: {Authorization: `Bearer ${process.env.SECRET}`},
    });
    check(await until(async () => await page.locator('.chart .line').count() > 0, 30), 'charts');
    await page.getByRole('button', {name: 'Pause'}).click();
    for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({colorScheme: scheme});
        await picture(page, `manager-${scheme}`, {fullPage: true});
    }
}

run([takesPictures], ['--host-resolver-rules=MAP www.example.com 127.0.0.1']);
