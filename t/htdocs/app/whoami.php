<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// whoami.php - tells which pool answered, and what the front passed on to it.

declare(strict_types=1);

use App\Backend;
use App\Request;
use App\Response;

require __DIR__ . '/../src/autoload.php';

$request = Request::fromGlobals();
$backend = new Backend($_SERVER);
$response = $request->prefersJson()
    ? Response::json(200, $backend->describe())
    : Response::text(200, $backend->describeAsText());
$response->with('Cache-Control', 'no-store')->with('Vary', 'Accept')->send();
