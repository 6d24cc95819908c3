<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// AboutPage.php - the page that may be cached: Last-Modified, and 304 when it is still the same.

declare(strict_types=1);

namespace App;

final class AboutPage
{
    public function answer(Request $request): Response
    {
        if ($request->method !== 'GET') {
            return Response::text(405, "Method not allowed\n")->with('Allow', 'GET, HEAD');
        }
        $changed = $this->changedAt();
        $since = strtotime($request->header('If-Modified-Since'));
        $response = $since !== false && $since >= $changed
            ? Response::nothing(304)
            : Response::html(200, View::page('About', 'about_page'));
        return $response->with('Last-Modified', gmdate('D, d M Y H:i:s', $changed) . ' GMT');
    }

    private function changedAt(): int
    {
        return (int) max(
            filemtime(__FILE__),
            filemtime(__DIR__ . '/templates/layout.phtml'),
            filemtime(__DIR__ . '/templates/about_page.phtml')
        );
    }
}
