<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// ValidationFailed.php - input that cannot be stored, with a reason for each field.

declare(strict_types=1);

namespace App;

final class ValidationFailed extends \RuntimeException
{
    /** @param array<string, string> $errors field => what is wrong with it */
    public function __construct(public readonly array $errors)
    {
        parent::__construct('Some fields are not valid');
    }
}
