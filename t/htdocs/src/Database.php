<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Database.php - the SQLite file that both pools share: opening it, and its schema.

declare(strict_types=1);

namespace App;

use PDO;
use RuntimeException;

final class Database
{
    private const SCHEMA_VERSION = 1;
    private const BUSY_TIMEOUT_MS = 5000;

    private const SCHEMA = <<<'SQL'
        CREATE TABLE users (
            id         INTEGER PRIMARY KEY AUTOINCREMENT,
            name       TEXT NOT NULL,
            email      TEXT NOT NULL COLLATE NOCASE UNIQUE,
            role       TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
            active     INTEGER NOT NULL CHECK (active IN (0, 1)),
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        );
        CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
        SQL;

    private function __construct(public readonly PDO $connection)
    {
    }

    public static function open(string $path): self
    {
        $connection = new PDO('sqlite:' . $path, options: [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
            PDO::ATTR_EMULATE_PREPARES => false,
            PDO::ATTR_STRINGIFY_FETCHES => false,
        ]);
        $connection->exec('PRAGMA busy_timeout = ' . self::BUSY_TIMEOUT_MS);
        $connection->exec('PRAGMA synchronous = NORMAL');
        $database = new self($connection);
        if (!$database->hasSchema()) {
            $database->createSchemaOnce($path);
        }
        return $database;
    }

    /** Made with the schema; both pools sign with the same one. */
    public function secret(): string
    {
        $value = $this->connection
            ->query("SELECT value FROM settings WHERE name = 'secret'")
            ->fetchColumn();
        return (string) hex2bin((string) $value);
    }

    private function hasSchema(): bool
    {
        $version = (int) $this->connection->query('PRAGMA user_version')->fetchColumn();
        if ($version > self::SCHEMA_VERSION) {
            throw new RuntimeException("The database has schema $version, this code knows 1.");
        }
        return $version === self::SCHEMA_VERSION;
    }

    /**
     * Processes of both pools may come here at once. A lock file puts them in line: changing to
     * WAL cannot wait for a busy database as ordinary statements can.
     */
    private function createSchemaOnce(string $path): void
    {
        $lock = fopen($path . '.lock', 'c');
        flock($lock, LOCK_EX);
        try {
            if ($this->hasSchema()) {
                return;
            }
            $this->connection->exec('PRAGMA journal_mode = WAL');
            $this->connection->beginTransaction();
            $this->connection->exec(self::SCHEMA);
            $this->connection
                ->prepare("INSERT INTO settings (name, value) VALUES ('secret', ?)")
                ->execute([bin2hex(random_bytes(32))]);
            $this->connection->exec('PRAGMA user_version = ' . self::SCHEMA_VERSION);
            $this->connection->commit();
        } finally {
            fclose($lock);
        }
    }
}
