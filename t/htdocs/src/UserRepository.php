<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// UserRepository.php - users in SQL: the only file that knows the table.

declare(strict_types=1);

namespace App;

use PDO;
use PDOException;

final class UserRepository
{
    private const SQLITE_CONSTRAINT = 19;
    private const COLUMNS = ['name', 'email', 'role', 'active'];

    public function __construct(private readonly PDO $connection)
    {
    }

    public function list(UserQuery $query): UserList
    {
        $where = '';
        $values = [];
        if ($query->search !== '') {
            $where = "WHERE name LIKE :search ESCAPE '\\' OR email LIKE :search ESCAPE '\\'";
            $values['search'] = '%' . addcslashes($query->search, '\\%_') . '%';
        }
        $order = $query->newestFirst ? 'DESC' : 'ASC';
        $total = $this->run("SELECT count(*) FROM users $where", $values)->fetchColumn();
        $rows = $this->run(
            "SELECT * FROM users $where ORDER BY id $order LIMIT :limit OFFSET :offset",
            $values + ['limit' => $query->perPage, 'offset' => $query->offset()]
        )->fetchAll();
        return new UserList(array_map(User::fromRow(...), $rows), (int) $total, $query);
    }

    public function find(int $id): ?User
    {
        return $this->first($this->run('SELECT * FROM users WHERE id = :id', ['id' => $id]));
    }

    /** @param array{name: string, email: string, role: string, active: bool} $fields */
    public function create(array $fields): User
    {
        $user = $this->first($this->write(
            'INSERT INTO users (name, email, role, active, created_at, updated_at)
             VALUES (:name, :email, :role, :active, :now, :now) RETURNING *',
            $fields + ['now' => $this->now()]
        ));
        assert($user !== null);
        return $user;
    }

    /**
     * Changes only the fields given, in one statement, so two clients cannot undo each other's.
     * @param array<string, string|bool> $fields
     * @return User|null null: there is no such user
     */
    public function update(int $id, array $fields): ?User
    {
        if ($fields === []) {
            return $this->find($id);
        }
        $sets = [];
        foreach (array_keys($fields) as $column) {
            assert(in_array($column, self::COLUMNS, true));
            $sets[] = "$column = :$column";
        }
        return $this->first($this->write(
            'UPDATE users SET ' . implode(', ', $sets)
            . ', updated_at = :now WHERE id = :id RETURNING *',
            $fields + ['id' => $id, 'now' => $this->now()]
        ));
    }

    public function delete(int $id): bool
    {
        return $this->run('DELETE FROM users WHERE id = :id', ['id' => $id])->rowCount() === 1;
    }

    /** @param array<string, mixed> $values */
    private function write(string $sql, array $values): \PDOStatement
    {
        try {
            return $this->run($sql, $values);
        } catch (PDOException $e) {
            $reason = $e->errorInfo[2] ?? '';
            if (
                ($e->errorInfo[1] ?? 0) === self::SQLITE_CONSTRAINT
                && str_contains($reason, 'users.email')
            ) {
                throw new DuplicateEmail('Another user has this email', 0, $e);
            }
            throw $e;
        }
    }

    /** @param array<string, mixed> $values */
    private function run(string $sql, array $values): \PDOStatement
    {
        $statement = $this->connection->prepare($sql);
        foreach ($values as $name => $value) {
            $type = is_string($value) ? PDO::PARAM_STR : PDO::PARAM_INT;
            $statement->bindValue($name, is_bool($value) ? (int) $value : $value, $type);
        }
        $statement->execute();
        return $statement;
    }

    /** Reads to the end: a statement with RETURNING holds the write lock until then. */
    private function first(\PDOStatement $statement): ?User
    {
        $rows = $statement->fetchAll();
        return $rows === [] ? null : User::fromRow($rows[0]);
    }

    private function now(): string
    {
        return gmdate('Y-m-d\TH:i:s\Z');
    }
}
