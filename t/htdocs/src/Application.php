<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Application.php - builds what a request needs from the settings of the FPM pool.

declare(strict_types=1);

namespace App;

use RuntimeException;

final class Application
{
    public function __construct(private readonly string $databasePath)
    {
    }

    public static function fromEnvironment(): self
    {
        $path = getenv('APP_DB');
        if ($path === false || $path === '') {
            throw new RuntimeException(
                'APP_DB is not set. Add env[APP_DB] = /path/to/users.sqlite to both FPM pools.'
            );
        }
        return new self($path);
    }

    public function answerPage(Request $request): Response
    {
        $database = Database::open($this->databasePath);
        $pages = new UserPages(
            new UserRepository($database->connection),
            new UserValidator(),
            new CsrfGuard($database->secret(), $request),
            new Flash($database->secret(), $request)
        );
        return $pages->answer($request);
    }

    /** Any failure is answered in JSON, so the database is opened inside the try. */
    public function answerApi(Request $request): Response
    {
        try {
            return (new Api($this->openRepository(...), new UserValidator()))->answer($request);
        } catch (HttpError $e) {
            return $e->toJson();
        } catch (\Throwable $e) {
            error_log((string) $e);
            return Response::json(500, ['error' => 'Internal server error']);
        }
    }

    private function openRepository(): UserRepository
    {
        return new UserRepository(Database::open($this->databasePath)->connection);
    }
}
