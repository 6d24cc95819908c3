<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Text.php - what counts as text: valid UTF-8 without control characters.

declare(strict_types=1);

namespace App;

final class Text
{
    public static function isPlain(string $text): bool
    {
        return preg_match('/^[^\p{Cc}\x{2028}\x{2029}]*$/Du', $text) === 1;
    }

    /** Cuts white space at both ends, Unicode's too. Needs valid UTF-8. */
    public static function trim(string $text): string
    {
        return (string) preg_replace('/^\s+|\s+$/Du', '', $text);
    }

    /** In characters, not bytes. Needs valid UTF-8. */
    public static function length(string $text): int
    {
        return (int) iconv_strlen($text, 'UTF-8');
    }
}
