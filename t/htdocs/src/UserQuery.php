<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// UserQuery.php - which users of the list are wanted: search text, page, order.

declare(strict_types=1);

namespace App;

final class UserQuery
{
    public const MAX_PER_PAGE = 100;
    private const MAX_PAGE = 1_000_000;

    public function __construct(
        public readonly string $search = '',
        public readonly int $page = 1,
        public readonly int $perPage = 20,
        public readonly bool $newestFirst = false,
    ) {
    }

    /**
     * Strict, for the API.
     * @param array<string, mixed> $query
     */
    public static function parse(array $query): self
    {
        $errors = [];
        $search = $query['q'] ?? '';
        if (!is_string($search) || !Text::isPlain($search)) {
            $errors['q'] = 'must be plain UTF-8 text';
        }
        $page = self::number($query, 'page', 1, self::MAX_PAGE, $errors);
        $perPage = self::number($query, 'per_page', 20, self::MAX_PER_PAGE, $errors);
        if ($errors !== []) {
            throw new ValidationFailed($errors);
        }
        return new self(trim($search), $page, $perPage);
    }

    /**
     * Lenient, for the page: what cannot be understood is left out.
     * @param array<string, mixed> $query
     */
    public static function guess(array $query, int $perPage): self
    {
        $ignored = [];
        $search = $query['q'] ?? '';
        if (!is_string($search) || !Text::isPlain($search)) {
            $search = '';
        }
        $page = self::number($query, 'page', 1, self::MAX_PAGE, $ignored) ?: 1;
        return new self(trim($search), $page, $perPage, newestFirst: true);
    }

    public function onPage(int $page): self
    {
        return new self($this->search, $page, $this->perPage, $this->newestFirst);
    }

    public function offset(): int
    {
        return ($this->page - 1) * $this->perPage;
    }

    /**
     * @param array<string, mixed> $query
     * @param array<string, string> $errors
     */
    private static function number(
        array $query,
        string $name,
        int $default,
        int $max,
        array &$errors
    ): int {
        if (!isset($query[$name])) {
            return $default;
        }
        $number = filter_var($query[$name], FILTER_VALIDATE_INT, [
            'options' => ['min_range' => 1, 'max_range' => $max],
        ]);
        if ($number === false) {
            $errors[$name] = "must be a whole number from 1 to $max";
            return 0;
        }
        return $number;
    }
}
