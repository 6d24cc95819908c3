<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Flash.php - a message that is shown once, on the page after a redirect.

declare(strict_types=1);

namespace App;

/** Travels in a signed cookie: the next page may come from the other pool. */
final class Flash
{
    private const COOKIE = 'flash';

    public function __construct(private readonly string $secret, private readonly Request $request)
    {
    }

    public function put(Response $response, string $message): Response
    {
        $text = bin2hex($message);
        return $response->withCookie(
            $this->request,
            self::COOKIE,
            $text . '.' . $this->sign($text),
            '; Max-Age=60'
        );
    }

    /** @return string|null what the page before left */
    public function message(): ?string
    {
        [$text, $signature] = explode('.', $this->request->cookie(self::COOKIE) . '.', 3);
        if ($text === '' || !hash_equals($this->sign($text), $signature)) {
            return null;
        }
        return (string) hex2bin($text);
    }

    public function clear(Response $response): Response
    {
        return $this->request->cookie(self::COOKIE) === ''
            ? $response
            : $response->withCookie($this->request, self::COOKIE, '', '; Max-Age=0');
    }

    private function sign(string $text): string
    {
        return hash_hmac('sha256', "flash $text", $this->secret);
    }
}
