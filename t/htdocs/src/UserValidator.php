<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// UserValidator.php - decides which input may become a user. The same rules for page and API.

declare(strict_types=1);

namespace App;

final class UserValidator
{
    private const MAX_NAME_CHARACTERS = 100;
    private const MAX_EMAIL_CHARACTERS = 254;
    /** A client may send back what it was given; these are then left alone. */
    private const READ_ONLY = ['id', 'created_at', 'updated_at'];
    private const DEFAULTS = ['role' => 'viewer', 'active' => true];

    /**
     * @param array<string, mixed> $input
     * @return array{name: string, email: string, role: string, active: bool}
     */
    public function validateWhole(array $input): array
    {
        return $this->validate($input + self::DEFAULTS, ['name', 'email']);
    }

    /**
     * @param array<string, mixed> $input
     * @return array<string, string|bool> only the fields that were given
     */
    public function validatePart(array $input): array
    {
        return $this->validate($input, []);
    }

    /**
     * @param array<string, mixed> $input
     * @param list<string> $required
     * @return array<string, string|bool>
     */
    private function validate(array $input, array $required): array
    {
        $clean = [];
        $errors = [];
        foreach ($required as $field) {
            if (!array_key_exists($field, $input)) {
                $errors[$field] = 'is required';
            }
        }
        foreach (array_diff_key($input, array_flip(self::READ_ONLY)) as $field => $value) {
            $error = match ($field) {
                'name' => $this->wrongName($value),
                'email' => $this->wrongEmail($value),
                'role' => in_array($value, Role::names(), true)
                    ? null : 'must be one of: ' . implode(', ', Role::names()),
                'active' => is_bool($value) ? null : 'must be true or false',
                default => 'is not a field of a user',
            };
            if ($error === null) {
                $clean[$field] = is_string($value) ? Text::trim($value) : $value;
            } else {
                $errors[$field] = $error;
            }
        }
        if ($errors !== []) {
            throw new ValidationFailed($errors);
        }
        return $clean;
    }

    private function wrongName(mixed $value): ?string
    {
        return $this->wrongText($value, self::MAX_NAME_CHARACTERS);
    }

    private function wrongEmail(mixed $value): ?string
    {
        $error = $this->wrongText($value, self::MAX_EMAIL_CHARACTERS);
        if ($error === null && !filter_var(Text::trim($value), FILTER_VALIDATE_EMAIL)) {
            $error = 'must be an email address, like ada@example.com';
        }
        return $error;
    }

    private function wrongText(mixed $value, int $maxCharacters): ?string
    {
        return match (true) {
            !is_string($value) => 'must be text',
            !Text::isPlain($value) => 'must not have line breaks or control characters',
            Text::trim($value) === '' => 'must not be empty',
            Text::length(Text::trim($value)) > $maxCharacters
                => "must have at most $maxCharacters characters",
            default => null,
        };
    }
}
