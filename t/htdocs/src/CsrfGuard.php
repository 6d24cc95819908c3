<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// CsrfGuard.php - tokens that prove that a form came from our own page.

declare(strict_types=1);

namespace App;

/**
 * No session is stored: the token is a keyed hash of a random cookie, so either pool can check
 * what the other gave out. Each page masks it anew; a compressed page then tells nothing by its
 * length (BREACH).
 */
final class CsrfGuard
{
    private const COOKIE = 'visitor';
    private const HASH_BYTES = 32;

    private readonly string $visitor;
    private readonly bool $isNewVisitor;

    public function __construct(private readonly string $secret, private readonly Request $request)
    {
        $known = $request->cookie(self::COOKIE);
        $this->isNewVisitor = preg_match('/^[0-9a-f]{32}$/D', $known) !== 1;
        $this->visitor = $this->isNewVisitor ? bin2hex(random_bytes(16)) : $known;
    }

    public function token(): string
    {
        $mask = random_bytes(self::HASH_BYTES);
        return bin2hex($mask . ($mask ^ $this->hash()));
    }

    public function accepts(mixed $token): bool
    {
        if ($this->isNewVisitor || !is_string($token)) {
            return false;
        }
        if (preg_match('/^[0-9a-f]{' . 4 * self::HASH_BYTES . '}$/D', $token) !== 1) {
            return false;
        }
        [$mask, $masked] = str_split((string) hex2bin($token), self::HASH_BYTES);
        return hash_equals($this->hash(), $mask ^ $masked);
    }

    public function keep(Response $response): Response
    {
        return $this->isNewVisitor
            ? $response->withCookie($this->request, self::COOKIE, $this->visitor)
            : $response;
    }

    private function hash(): string
    {
        return hash_hmac('sha256', 'csrf ' . $this->visitor, $this->secret, true);
    }
}
