<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// UserList.php - one page of users, and how many there are.

declare(strict_types=1);

namespace App;

final class UserList
{
    /** @param list<User> $users */
    public function __construct(
        public readonly array $users,
        public readonly int $total,
        public readonly UserQuery $query,
    ) {
    }

    public function pages(): int
    {
        return max(1, intdiv($this->total + $this->query->perPage - 1, $this->query->perPage));
    }
}
