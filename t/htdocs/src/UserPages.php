<?php
// Licensed under the Apache License, Version 2.0; see LICENSE.
// UserPages.php - the pages for the browser: list, add, edit, delete.

declare(strict_types=1);

namespace App;

final class UserPages
{
    private const PER_PAGE = 10;
    private const EMPTY_FORM = ['name' => '', 'email' => '', 'role' => 'viewer', 'active' => true];
    private const EXPIRED = 'This form was too old or came from elsewhere. Please send it again.';

    public function __construct(
        private readonly UserRepository $users,
        private readonly UserValidator $validator,
        private readonly CsrfGuard $csrf,
        private readonly Flash $flash,
    ) {
    }

    public function answer(Request $request): Response
    {
        try {
            $response = $this->route($request);
        } catch (HttpError $e) {
            $response = Response::text($e->status, $e->getMessage() . "\n");
            foreach ($e->headers as $name => $value) {
                $response = $response->with($name, $value);
            }
        }
        return $response->with('Cache-Control', 'no-store');
    }

    private function route(Request $request): Response
    {
        $path = $request->path;
        if ($path === '/' || $path === '/index.php') {
            return $this->only($request, ['GET'], $this->list(...));
        }
        if ($path === '/users/new') {
            return $this->only($request, ['GET', 'POST'], $this->add(...));
        }
        if (preg_match('~^/users/([1-9][0-9]{0,17})/(edit|delete)$~D', $path, $found) === 1) {
            $user = $this->users->find((int) $found[1]) ?? throw HttpError::notFound();
            $action = $found[2] === 'edit' ? $this->edit(...) : $this->delete(...);
            return $this->only(
                $request,
                ['GET', 'POST'],
                fn (Request $request): Response => $action($request, $user)
            );
        }
        throw HttpError::notFound();
    }

    /**
     * @param list<string> $methods
     * @param callable(Request): Response $answer
     */
    private function only(Request $request, array $methods, callable $answer): Response
    {
        if (!in_array($request->method, $methods, true)) {
            throw HttpError::methodNotAllowed(['HEAD', ...$methods]);
        }
        return $answer($request);
    }

    private function list(Request $request): Response
    {
        $list = $this->users->list(UserQuery::guess($request->query, self::PER_PAGE));
        if ($list->query->page > $list->pages()) {
            $list = $this->users->list($list->query->onPage($list->pages()));
        }
        $html = View::page('Users', 'user_list', [
            'list' => $list,
            'message' => $this->flash->message(),
        ]);
        return $this->flash->clear($this->csrf->keep(Response::html(200, $html)));
    }

    private function add(Request $request): Response
    {
        if ($request->method === 'GET') {
            return $this->form(200, null, self::EMPTY_FORM);
        }
        return $this->save($request, null);
    }

    private function edit(Request $request, User $user): Response
    {
        if ($request->method === 'GET') {
            return $this->form(200, $user, $user->jsonSerialize());
        }
        return $this->save($request, $user);
    }

    private function delete(Request $request, User $user): Response
    {
        if ($request->method === 'GET') {
            return $this->confirmDelete(200, $user);
        }
        if (!$this->csrf->accepts($request->form['token'] ?? null)) {
            return $this->confirmDelete(403, $user, self::EXPIRED);
        }
        $this->users->delete($user->id);
        return $this->flash->put(Response::seeOther('/'), "$user->name was deleted.");
    }

    /** @param User|null $user null: add one */
    private function save(Request $request, ?User $user): Response
    {
        $input = $this->readForm($request);
        if (!$this->csrf->accepts($request->form['token'] ?? null)) {
            return $this->form(403, $user, $input, ['form' => self::EXPIRED]);
        }
        try {
            $fields = $this->validator->validateWhole($input);
            $saved = $user === null
                ? $this->users->create($fields)
                : $this->users->update($user->id, $fields) ?? throw HttpError::notFound();
        } catch (ValidationFailed $e) {
            return $this->form(422, $user, $input, $e->errors);
        } catch (DuplicateEmail) {
            return $this->form(409, $user, $input, ['email' => 'belongs to another user']);
        }
        $message = $saved->name . ($user === null ? ' was added.' : ' was saved.');
        return $this->flash->put(Response::seeOther('/'), $message);
    }

    /** @return array{name: string, email: string, role: string, active: bool} */
    private function readForm(Request $request): array
    {
        $text = static function (string $field) use ($request): string {
            $value = $request->form[$field] ?? '';
            return is_string($value) ? $value : '';
        };
        return [
            'name' => $text('name'),
            'email' => $text('email'),
            'role' => $text('role'),
            'active' => $text('active') !== '',
        ];
    }

    /**
     * @param array<string, mixed> $input
     * @param array<string, string> $errors
     */
    private function form(int $status, ?User $user, array $input, array $errors = []): Response
    {
        $html = View::page($user === null ? 'Add a user' : "Edit $user->name", 'user_form', [
            'user' => $user,
            'input' => $input,
            'errors' => $errors,
            'token' => $this->csrf->token(),
        ]);
        return $this->csrf->keep(Response::html($status, $html));
    }

    private function confirmDelete(int $status, User $user, ?string $error = null): Response
    {
        $html = View::page("Delete $user->name", 'user_delete', [
            'user' => $user,
            'error' => $error,
            'token' => $this->csrf->token(),
        ]);
        return $this->csrf->keep(Response::html($status, $html));
    }
}
