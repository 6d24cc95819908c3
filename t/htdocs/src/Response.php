<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Response.php - an answer: status, headers, body. Each change makes a new one.

declare(strict_types=1);

namespace App;

final class Response
{
    /** @param list<array{string, string}> $headers name and value; a name may come twice */
    private function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly string $body,
    ) {
    }

    public static function json(int $status, mixed $body): self
    {
        $flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE
            | JSON_INVALID_UTF8_SUBSTITUTE;
        return self::jsonText($status, json_encode($body, $flags));
    }

    public static function jsonText(int $status, string $json): self
    {
        return new self($status, [['Content-Type', 'application/json']], $json);
    }

    public static function text(int $status, string $body): self
    {
        return new self($status, [['Content-Type', 'text/plain; charset=utf-8']], $body);
    }

    public static function html(int $status, string $body): self
    {
        return new self($status, [
            ['Content-Type', 'text/html; charset=utf-8'],
            ['Content-Security-Policy', "default-src 'self'; base-uri 'none'; "
                . "form-action 'self'; frame-ancestors 'none'"],
            ['Referrer-Policy', 'same-origin'],
        ], $body);
    }

    public static function nothing(int $status = 204): self
    {
        return new self($status, [], '');
    }

    /** After a POST: the browser gets the next page with GET, so a reload sends nothing twice. */
    public static function seeOther(string $path): self
    {
        return (new self(303, [], ''))->with('Location', $path)->with('Cache-Control', 'no-store');
    }

    public function with(string $name, string $value): self
    {
        return new self($this->status, [...$this->headers, [$name, $value]], $this->body);
    }

    public function withCookie(
        Request $request,
        string $name,
        string $value,
        string $more = ''
    ): self {
        return $this->with(
            'Set-Cookie',
            $request->cookieName($name) . "=$value; Path=/; HttpOnly; SameSite=Lax"
            . ($request->isSecure() ? '; Secure' : '') . $more
        );
    }

    public function send(): void
    {
        http_response_code($this->status);
        header_remove('X-Powered-By');
        if ($this->body === '') {
            // PHP adds a type even to an answer without a body.
            ini_set('default_mimetype', '');
        }
        foreach ($this->headers as [$name, $value]) {
            header("$name: $value", false);
        }
        echo $this->body;
    }
}
