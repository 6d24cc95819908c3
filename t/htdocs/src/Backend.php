<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Backend.php - describes the process that answers, and what the front told it.

declare(strict_types=1);

namespace App;

final class Backend
{
    /** Name in the answer => CGI variable. */
    private const VARIABLES = [
        'server_name' => 'SERVER_NAME',
        'server_port' => 'SERVER_PORT',
        'server_software' => 'SERVER_SOFTWARE',
        'server_protocol' => 'SERVER_PROTOCOL',
        'https' => 'HTTPS',
        'remote_addr' => 'REMOTE_ADDR',
        'request_method' => 'REQUEST_METHOD',
        'request_uri' => 'REQUEST_URI',
        'query_string' => 'QUERY_STRING',
        'document_root' => 'DOCUMENT_ROOT',
        'script_filename' => 'SCRIPT_FILENAME',
        'script_name' => 'SCRIPT_NAME',
        'path_info' => 'PATH_INFO',
        'http_host' => 'HTTP_HOST',
    ];

    /** @param array<string, mixed> $server */
    public function __construct(private readonly array $server)
    {
    }

    public static function poolName(): string
    {
        return getenv('FPM_POOL') ?: 'unnamed';
    }

    /** @return array<string, string|int> */
    public function describe(): array
    {
        $facts = [
            'pool' => self::poolName(),
            'host' => (string) gethostname(),
            'pid' => (int) getmypid(),
            'time' => (new \DateTimeImmutable('now', new \DateTimeZone('UTC')))
                ->format('Y-m-d\TH:i:s.u\Z'),
        ];
        foreach (self::VARIABLES as $name => $variable) {
            $facts[$name] = (string) ($this->server[$variable] ?? '');
        }
        return $facts;
    }

    public function describeAsText(): string
    {
        $lines = '';
        foreach ($this->describe() as $name => $value) {
            $lines .= rtrim(sprintf('%-16s %s', "$name:", $value)) . "\n";
        }
        return $lines;
    }
}
