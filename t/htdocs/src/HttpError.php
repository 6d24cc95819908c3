<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// HttpError.php - a request that ends with an error status.

declare(strict_types=1);

namespace App;

final class HttpError extends \RuntimeException
{
    /**
     * @param array<string, string> $headers
     * @param array<string, string> $fields field => what is wrong with it
     */
    private function __construct(
        public readonly int $status,
        string $message,
        public readonly array $headers = [],
        public readonly array $fields = [],
    ) {
        parent::__construct($message);
    }

    public static function badRequest(string $message): self
    {
        return new self(400, $message);
    }

    public static function notFound(): self
    {
        return new self(404, 'Not found');
    }

    /** @param list<string> $allowed */
    public static function methodNotAllowed(array $allowed): self
    {
        return new self(405, 'Method not allowed', ['Allow' => implode(', ', $allowed)]);
    }

    public static function conflict(string $field, string $message): self
    {
        return new self(409, $message, fields: [$field => 'is taken']);
    }

    public static function tooLarge(int $maxBytes): self
    {
        return new self(413, "The body has more than $maxBytes bytes");
    }

    public static function notJson(): self
    {
        $headers = ['Accept' => 'application/json'];
        return new self(415, 'Send Content-Type: application/json', $headers);
    }

    /** @param array<string, string> $fields */
    public static function unprocessable(array $fields): self
    {
        return new self(422, 'Some fields are not valid', fields: $fields);
    }

    public function toJson(): Response
    {
        $body = ['error' => $this->getMessage()];
        if ($this->fields !== []) {
            $body['fields'] = $this->fields;
        }
        $response = Response::json($this->status, $body)->with('Cache-Control', 'no-store');
        foreach ($this->headers as $name => $value) {
            $response = $response->with($name, $value);
        }
        return $response;
    }
}
