<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// index.php - front controller of the pages: /, /users/...

declare(strict_types=1);

use App\Application;
use App\Request;

require __DIR__ . '/../src/autoload.php';

Application::fromEnvironment()->answerPage(Request::fromGlobals())->send();
