<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// DuplicateEmail.php - the email belongs to another user.

declare(strict_types=1);

namespace App;

final class DuplicateEmail extends \RuntimeException
{
}
