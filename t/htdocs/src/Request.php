<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Request.php - what the client sent; the only file that reads PHP's superglobals for input.

declare(strict_types=1);

namespace App;

final class Request
{
    /**
     * @param string $method upper case; HEAD is told as GET, httpd drops the body
     * @param string $path decoded, without the query
     * @param array<string, mixed> $query
     * @param array<string, mixed> $form
     * @param array<string, mixed> $cookies
     * @param array<string, mixed> $server
     */
    public function __construct(
        public readonly string $method,
        public readonly string $path,
        public readonly array $query,
        public readonly array $form,
        public readonly array $cookies,
        private readonly array $server,
    ) {
    }

    public static function fromGlobals(): self
    {
        $method = strtoupper($_SERVER['REQUEST_METHOD'] ?? 'GET');
        // A request target may be a whole URL; a path that starts with // is none.
        $target = preg_replace('~^https?://[^/?]*~i', '', $_SERVER['REQUEST_URI'] ?? '/');
        $path = rawurldecode(explode('?', (string) $target, 2)[0]);
        return new self(
            $method === 'HEAD' ? 'GET' : $method,
            $path === '' ? '/' : $path,
            $_GET,
            $_POST,
            $_COOKIE,
            $_SERVER
        );
    }

    public function header(string $name): string
    {
        $key = strtoupper(strtr($name, '-', '_'));
        // CGI has no HTTP_ before these two.
        $isPlain = in_array($key, ['CONTENT_TYPE', 'CONTENT_LENGTH'], true);
        return (string) ($this->server[$isPlain ? $key : "HTTP_$key"] ?? '');
    }

    /** @return string at most $maxBytes + 1 bytes: one more than allowed means too many */
    public function body(int $maxBytes): string
    {
        return (string) file_get_contents('php://input', length: $maxBytes + 1);
    }

    public function isSecure(): bool
    {
        return ($this->server['HTTPS'] ?? '') === 'on';
    }

    /** Does Accept name JSON, at least as dear as plain text? */
    public function prefersJson(): bool
    {
        $quality = ['application/json' => 0.0, 'text/plain' => 0.0];
        foreach (explode(',', strtolower($this->header('Accept'))) as $range) {
            $parts = array_map(trim(...), explode(';', $range));
            if (isset($quality[$parts[0]])) {
                $quality[$parts[0]] = 1.0;
                foreach (array_slice($parts, 1) as $parameter) {
                    if (str_starts_with($parameter, 'q=')) {
                        $quality[$parts[0]] = (float) substr($parameter, 2);
                    }
                }
            }
        }
        return $quality['application/json'] > 0
            && $quality['application/json'] >= $quality['text/plain'];
    }

    /** __Host- cookies need TLS, so the plain http host uses a name of its own. */
    public function cookieName(string $name): string
    {
        return ($this->isSecure() ? '__Host-' : '') . $name;
    }

    public function cookie(string $name): string
    {
        $value = $this->cookies[$this->cookieName($name)] ?? '';
        return is_string($value) ? $value : '';
    }
}
