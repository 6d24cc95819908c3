<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// fail.php - fails on purpose, to show the 500 page. Only where env[APP_DEMO] = 1.

declare(strict_types=1);

use App\Response;

require __DIR__ . '/../src/autoload.php';

if (getenv('APP_DEMO') !== '1') {
    Response::text(404, "Not found\n")->send();
    return;
}
throw new RuntimeException('fail.php was asked to fail');
