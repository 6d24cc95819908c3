<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// Api.php - the JSON API: routes, methods, statuses.

declare(strict_types=1);

namespace App;

use Closure;
use JsonException;

final class Api
{
    private const MAX_BODY_BYTES = 65536;
    private const MAX_DEPTH = 16;

    /** @param Closure(): UserRepository $openUsers called only when a route needs users */
    public function __construct(
        private readonly Closure $openUsers,
        private readonly UserValidator $validator,
    ) {
    }

    /** @throws HttpError */
    public function answer(Request $request): Response
    {
        $path = (string) preg_replace('~^/api(?:\.php)?|/$~D', '', $request->path);
        try {
            $response = match (true) {
                $path === '' => $this->welcome($request),
                $path === '/users' => $this->collection($request),
                preg_match('~^/users/([1-9][0-9]{0,17})$~D', $path, $found) === 1
                    => $this->item($request, (int) $found[1]),
                default => throw HttpError::notFound(),
            };
        } catch (ValidationFailed $e) {
            throw HttpError::unprocessable($e->errors);
        } catch (DuplicateEmail $e) {
            throw HttpError::conflict('email', $e->getMessage());
        }
        return $response->with('Cache-Control', 'no-store');
    }

    private function welcome(Request $request): Response
    {
        return match ($request->method) {
            'GET' => Response::jsonText(200, '{"message": "Welcome to the API"}'),
            default => $this->otherMethod($request, ['GET', 'HEAD', 'OPTIONS']),
        };
    }

    private function collection(Request $request): Response
    {
        return match ($request->method) {
            'GET' => $this->listUsers($request),
            'POST' => $this->createUser($request),
            default => $this->otherMethod($request, ['GET', 'HEAD', 'POST', 'OPTIONS']),
        };
    }

    private function item(Request $request, int $id): Response
    {
        $users = fn (): UserRepository => ($this->openUsers)();
        return match ($request->method) {
            'GET' => $this->found($users()->find($id)),
            'PUT' => $this->replaceUser($request, $users(), $id),
            'PATCH' => $this->changeUser($request, $users(), $id),
            'DELETE' => $users()->delete($id)
                ? Response::nothing() : throw HttpError::notFound(),
            default => $this->otherMethod(
                $request,
                ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
            ),
        };
    }

    private function listUsers(Request $request): Response
    {
        $list = ($this->openUsers)()->list(UserQuery::parse($request->query));
        return Response::json(200, [
            'data' => $list->users,
            'page' => $list->query->page,
            'per_page' => $list->query->perPage,
            'pages' => $list->pages(),
            'total' => $list->total,
        ]);
    }

    private function createUser(Request $request): Response
    {
        $fields = $this->validator->validateWhole($this->readObject($request));
        $user = ($this->openUsers)()->create($fields);
        return Response::json(201, $user)->with('Location', "/api/users/$user->id");
    }

    private function replaceUser(Request $request, UserRepository $users, int $id): Response
    {
        $input = $this->readObject($request);
        $this->found($users->find($id));
        return $this->found($users->update($id, $this->validator->validateWhole($input)));
    }

    private function changeUser(Request $request, UserRepository $users, int $id): Response
    {
        $input = $this->readObject($request);
        $this->found($users->find($id));
        return $this->found($users->update($id, $this->validator->validatePart($input)));
    }

    private function found(?User $user): Response
    {
        return $user === null ? throw HttpError::notFound() : Response::json(200, $user);
    }

    /** @param list<string> $allowed */
    private function otherMethod(Request $request, array $allowed): Response
    {
        if ($request->method === 'OPTIONS') {
            return Response::nothing()->with('Allow', implode(', ', $allowed));
        }
        throw HttpError::methodNotAllowed($allowed);
    }

    /** @return array<string, mixed> */
    private function readObject(Request $request): array
    {
        $type = strtolower(trim(explode(';', $request->header('Content-Type'), 2)[0]));
        if (preg_match('~^application/(?:[a-z0-9.-]+\+)?json$~D', $type) !== 1) {
            throw HttpError::notJson();
        }
        $body = $request->body(self::MAX_BODY_BYTES);
        if (strlen($body) > self::MAX_BODY_BYTES) {
            throw HttpError::tooLarge(self::MAX_BODY_BYTES);
        }
        try {
            $value = json_decode($body, false, self::MAX_DEPTH, JSON_THROW_ON_ERROR);
        } catch (JsonException $e) {
            throw HttpError::badRequest('The body is not JSON: ' . $e->getMessage());
        }
        if (!$value instanceof \stdClass) {
            throw HttpError::badRequest('The body is not a JSON object');
        }
        return get_object_vars($value);
    }
}
