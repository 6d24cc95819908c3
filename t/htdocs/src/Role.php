<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Role.php - what a user may be.

declare(strict_types=1);

namespace App;

enum Role: string
{
    case Admin = 'admin';
    case Editor = 'editor';
    case Viewer = 'viewer';

    /** @return list<string> */
    public static function names(): array
    {
        return array_column(self::cases(), 'value');
    }
}
