<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// about.php - a page that seldom changes, and says so: the cache may keep it.

declare(strict_types=1);

use App\AboutPage;
use App\Request;

require __DIR__ . '/../src/autoload.php';

(new AboutPage())->answer(Request::fromGlobals())->send();
