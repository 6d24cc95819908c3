<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// View.php - fills a template and puts it into the layout.

declare(strict_types=1);

namespace App;

final class View
{
    /** @param array<string, mixed> $values become the template's variables */
    public static function page(string $title, string $template, array $values = []): string
    {
        return self::fill('layout', [
            'title' => $title,
            'section' => $template,
            'content' => self::fill($template, $values),
            'pool' => Backend::poolName(),
            'time' => gmdate('Y-m-d H:i:s') . ' UTC',
        ]);
    }

    public static function escape(string|int $text): string
    {
        return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE | ENT_HTML5, 'UTF-8');
    }

    /** @param array<string, mixed> $values */
    private static function fill(string $template, array $values): string
    {
        $e = self::escape(...);
        extract($values, EXTR_SKIP);
        ob_start();
        try {
            require __DIR__ . "/templates/$template.phtml";
        } finally {
            $text = (string) ob_get_clean();
        }
        return $text;
    }
}
