<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// autoload.php - finds App\Name in src/Name.php; no warning goes unnoticed.

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'App\\')) {
        $file = __DIR__ . '/' . substr($class, 4) . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});

ini_set('display_errors', '0');
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    throw new ErrorException($message, 0, $level, $file, $line);
});
// Pages only: the API turns exceptions into JSON before they come here.
set_exception_handler(static function (Throwable $e): void {
    error_log((string) $e);
    App\Response::text(500, "Internal server error\n")->send();
});
