<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// api.php - front controller of the JSON API: /api, /api/users, /api/users/{id}

declare(strict_types=1);

use App\Application;
use App\Request;

require __DIR__ . '/../src/autoload.php';

Application::fromEnvironment()->answerApi(Request::fromGlobals())->send();
