// Licensed under the Apache License, Version 2.0; see LICENSE.
// manager.js - keeps the page up to date in place. Everything works without it, by forms: the
// server filters, sorts and draws; this fetches the same page again and puts in what is different.
'use strict';

(() => {
    const SECONDS = 2;
    const LOST_AFTER = 3;           // failed fetches in a row
    const MOST_SKIPPED = 5;         // rows that move are held back so often
    const live = document.getElementById('live');
    const liveState = document.getElementById('live-state');
    const pause = document.getElementById('pause');
    const filter = document.getElementById('filter');
    let timer = 0;
    let running = null;             // AbortController of the fetch under way
    let failed = 0;
    let isPaused = false;
    let skipped = 0;                // updates of the rows in a row

    // ---- Putting in what is different ----

    // What belongs to the user while the page is open.
    const isUsers = (element, name) =>
        (element.localName === 'details' && name === 'open')
        || (element.localName === 'input' && (name === 'value' || name === 'checked'))
        || (element.localName === 'button' && name === 'disabled');

    function takeAttributes(old, fresh) {
        for (const {name, value} of fresh.attributes) {
            if (old.getAttribute(name) !== value && !isUsers(old, name)) {
                old.setAttribute(name, value);
            }
        }
        for (const {name} of [...old.attributes]) {
            if (!fresh.hasAttribute(name) && !isUsers(old, name)) {
                old.removeAttribute(name);
            }
        }
    }

    const isSameKind = (a, b) =>
        a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || '') === (b.id || '');

    // The old node that stands for `fresh`: by its id, else the next one if it is of the same kind.
    function counterpart(parent, next, fresh) {
        if (fresh.id) {
            const found = document.getElementById(fresh.id);
            return found && found.parentNode === parent ? found : null;
        }
        return next && isSameKind(next, fresh) ? next : null;
    }

    function takeChildren(old, fresh) {
        let next = old.firstChild;
        for (const child of [...fresh.childNodes]) {
            const match = counterpart(old, next, child);
            if (!match) {
                old.insertBefore(document.importNode(child, true), next);
                continue;
            }
            if (match !== next) {
                old.insertBefore(match, next);
            }
            else {
                next = next.nextSibling;
            }
            take(match, child);
        }
        while (next) {
            const gone = next;
            next = next.nextSibling;
            gone.remove();
        }
    }

    function take(old, fresh) {
        if (old.isEqualNode(fresh)) {
            return;
        }
        if (old.nodeType !== Node.ELEMENT_NODE) {
            old.nodeValue = fresh.nodeValue;
            return;
        }
        takeAttributes(old, fresh);
        takeChildren(old, fresh);
    }

    // Header cells hold plain text for programs; here they become buttons that sort.
    function makeSortable(root) {
        for (const cell of root.querySelectorAll('th[data-sort]')) {
            if (!cell.firstElementChild) {
                const button = cell.ownerDocument.createElement('button');
                button.type = 'button';
                button.append(...cell.childNodes);
                cell.append(button);
            }
        }
    }

    // ---- Selecting members ----

    // What is for the selected ones can be pressed when there are some.
    function showSelection(bar) {
        const {elements} = bar.closest('form');
        const isAny = [...elements].some((box) => box.checked);
        for (const button of bar.querySelectorAll('button')) {
            button.disabled = !isAny;
        }
    }

    function showSelections() {
        document.querySelectorAll('.bar-of-actions').forEach(showSelection);
    }

    function selectMembers({target}) {
        const bar = target.form && target.form.querySelector('.bar-of-actions');
        if (!bar) {
            return;
        }
        const all = target.form.elements.b_all;
        if (target === all) {
            for (const box of target.form.querySelectorAll('input[name=w]')) {
                box.checked = all.checked;
            }
        }
        else if (!target.checked) {
            all.checked = false;
        }
        showSelection(bar);
    }

    // ---- Fetching ----

    function query() {
        if (!filter) {
            return location.search;     // the page of a member
        }
        const values = new URLSearchParams(new FormData(filter));
        for (const [name, value] of [...values]) {
            if (!value || (name === 'order' && value === 'asc') || name === 'refresh') {
                values.delete(name);
            }
        }
        const text = values.toString();
        return text ? `?${text}` : location.pathname;
    }

    function tell(word, text) {
        live.className = `live ${word}`;
        if (liveState.textContent !== text) {
            liveState.textContent = text;
        }
    }

    // What is under the pointer, or has the focus, does not move away before it is pressed.
    function wouldMoveWhatIsAimedAt(fresh) {
        const order = (root) => [...root.querySelectorAll('section.balancer, .members tr[id]')]
            .map((element) => element.id).join();
        const aimed = document.querySelector('#balancers :is(button, a, input, summary):is(:hover, :focus)');
        return aimed && skipped < MOST_SKIPPED
            && order(fresh) !== order(document.getElementById('balancers'));
    }

    function accept(text) {
        const page = new DOMParser().parseFromString(text, 'text/html');
        if (filter) {
            makeSortable(page);
        }
        document.title = page.title;
        const lists = '#problems, #jumps, #overview, #lines, #balancers, #changes, main > section';
        for (const fresh of page.querySelectorAll(lists)) {
            const {id} = fresh;
            const old = document.getElementById(id);
            if (id === 'balancers' && old && wouldMoveWhatIsAimedAt(fresh)) {
                skipped++;
            }
            else if (old) {
                skipped = id === 'balancers' ? 0 : skipped;
                take(old, fresh);
            }
        }
        showSelections();
        document.dispatchEvent(new Event('manager:updated'));
    }

    async function update() {
        clearTimeout(timer);
        if (running) {
            running.abort();
        }
        const mine = running = new AbortController();
        const begin = performance.now();
        try {
            const response = await fetch(query(), {
                signal: AbortSignal.any([mine.signal, AbortSignal.timeout(10000)]),
                cache: 'no-store', credentials: 'same-origin', redirect: 'error',
                headers: {Accept: 'text/html'},
            });
            if (!response.ok) {
                throw new Error(`status ${response.status}`);
            }
            accept(await response.text());
            failed = 0;
            tell(isPaused ? 'paused' : '', isPaused ? 'Paused' : 'Live');
        }
        catch (error) {
            if (mine.signal.aborted) {
                return;
            }
            failed++;
            const why = /^status/.test(error.message) ? `responds with ${error.message}`
                                                      : 'does not respond';
            tell('lost', failed < LOST_AFTER ? `The server ${why}`
                                             : `The server ${why}: this page is out of date`);
        }
        running = null;
        // a page that takes long to fetch and to show is fetched less often
        schedule(Math.max(SECONDS * 1000, 10 * (performance.now() - begin)));
    }

    function schedule(milliseconds) {
        clearTimeout(timer);
        if (!isPaused && !document.hidden) {
            timer = setTimeout(update, milliseconds);
        }
    }

    // ---- Changing a member ----

    let changed = null;             // the button that opened the dialog

    function openDialog(button) {
        const dialog = document.getElementById('change');
        const form = dialog.querySelector('form');
        const row = button.closest('tr');
        changed = button;
        dialog.querySelector('h2 span').textContent = button.value;
        for (const old of form.querySelectorAll('input[type=hidden]')) {
            old.remove();
        }
        const hidden = [...button.form.elements].filter((field) => field.type === 'hidden')
            .map(({name, value}) => [name, value]);
        for (const [name, value] of [...hidden, ['w', button.value], ['etag', row.dataset.etag]]) {
            const field = Object.assign(document.createElement('input'), {type: 'hidden', name, value});
            form.append(field);
        }
        for (const field of form.querySelectorAll('.field input')) {
            field.value = row.getAttribute(`data-${field.name}`) || '';
        }
        const scope = form.querySelector('input[name=scope]');
        if (scope) {
            scope.checked = false;
            scope.closest('label').hidden =
                !button.closest('section').querySelector('.bar-of-actions input[name=scope]');
        }
        dialog.showModal();
    }

    function beginDialog() {
        const dialog = document.getElementById('change');
        if (!dialog) {
            return;
        }
        document.getElementById('change-cancel').addEventListener('click', () => dialog.close());
        document.getElementById('change-more').addEventListener('click', () => {
            const field = Object.assign(document.createElement('input'),
                {type: 'hidden', name: 'w', value: changed.value});
            changed.form.append(field);
            changed.form.submit();
        });
    }

    // ---- Values under the pointer ----

    const written = {
        count: (value) => String(Math.round(value)),
        rate: (value) => value.toFixed(value < 100 ? 1 : 0),
        us: (value) => value < 1000 ? `${Math.round(value)} us`
            : value < 1e6 ? `${(value / 1000).toFixed(value < 1e4 ? 1 : 0)} ms`
                : `${(value / 1e6).toFixed(1)} s`,
    };

    // The points of a line, as the server has drawn it: [x, y].
    const points = (path) => (path.getAttribute('d').match(/[ML][\d.]+ [\d.]+/g) || [])
        .map((text) => text.slice(1).split(' ').map(Number));

    function showValue({target, clientX}) {
        const svg = target.closest && target.closest('.chart svg');
        const shown = document.querySelector('.under-pointer');
        if (!svg) {
            if (shown) {
                shown.remove();
            }
            return;
        }
        const {left, width} = svg.getBoundingClientRect();
        const {width: units, height} = svg.viewBox.baseVal;
        const x = (clientX - left) / width * units;
        const values = [...svg.querySelectorAll('.line')].map((path) => {
            const nearest = points(path).reduce((best, point) =>
                !best || Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best, null);
            return nearest && written[svg.dataset.unit]((height - nearest[1]) * svg.dataset.scale);
        }).filter(Boolean);
        const ago = Math.round((1 - x / units) * svg.dataset.seconds);
        const label = shown && shown.parentNode === svg.parentNode ? shown : document.createElement('span');
        if (shown && shown !== label) {
            shown.remove();
        }
        label.className = 'under-pointer';
        label.textContent = `${values.join(', ')} (${ago} s ago)`;
        svg.parentNode.append(label);
    }

    // ---- What the user does ----

    function select() {
        skipped = MOST_SKIPPED;     // what is asked for moves rows
        running?.abort();           // what is on its way answers another question
        history.replaceState(null, '', query());
        clearTimeout(timer);
        timer = setTimeout(update, 100);
    }

    function sortBy(key) {
        const {sort, order} = filter.elements;
        order.value = sort.value === key && order.value === 'asc' ? 'desc' : 'asc';
        sort.value = key;
        select();
    }

    // A tile chooses members by their state; pressed again, it shows all.
    function chooseState(value) {
        filter.elements.state.value = value;
        select();
    }

    // When members are many, the server sends those of the balancers that the filter's form names.
    async function openBalancer(form) {
        const {id} = form.closest('section');
        const input = document.createElement('input');
        input.type = 'hidden';
        input.name = 'open';
        input.value = form.querySelector('button').value;
        filter.append(input);
        skipped = MOST_SKIPPED;
        history.replaceState(null, '', query());
        await update();
        const summary = document.querySelector(`#${id} :is(.closer button, details[data-key] > summary)`);
        if (summary) {
            summary.focus();
        }
    }

    function closeBalancer(key) {
        for (const input of filter.querySelectorAll('input[name=open]')) {
            if (input.value === key) {
                input.remove();
            }
        }
        select();
    }

    function setPaused(paused) {
        isPaused = paused;
        pause.setAttribute('aria-pressed', String(paused));
        if (paused) {
            clearTimeout(timer);
            tell('paused', 'Paused');
        }
        else {
            update();
        }
    }

    function beginSelecting() {
        makeSortable(document);
        beginDialog();
        document.addEventListener('pointermove', showValue);
        if (new URLSearchParams(location.search).has('done')) {
            history.replaceState(null, '', query());    // told once
        }
        filter.addEventListener('input', (event) => event.target.name && select());
        filter.addEventListener('submit', (event) => event.preventDefault());
        document.addEventListener('submit', (event) => {
            if (event.target.matches('.opener')) {
                event.preventDefault();
                openBalancer(event.target);
            }
            else if (event.target.matches('.closer')) {
                event.preventDefault();
                closeBalancer(event.target.querySelector('button').dataset.key);
            }
            else if (event.target.id === 'tiles') {
                event.preventDefault();
                chooseState(event.submitter.value);
            }
            else if (event.submitter && event.submitter.form.id.startsWith('change')
                     && event.submitter.closest('.members')) {
                event.preventDefault();
                openDialog(event.submitter);
            }
        });
        document.addEventListener('toggle', ({target}) => {
            if (target.dataset.key && !target.open) {
                closeBalancer(target.dataset.key);
            }
        }, true);
        document.addEventListener('click', (event) => {
            const cell = event.target.closest('th[data-sort]');
            if (cell) {
                sortBy(cell.dataset.sort);
            }
        });
    }

    function begin() {
        live.hidden = false;
        tell('', 'Live');
        pause.addEventListener('click', () => setPaused(!isPaused));
        document.addEventListener('visibilitychange', () => document.hidden || schedule(0));
        schedule(SECONDS * 1000);
    }

    document.addEventListener('change', selectMembers);
    window.addEventListener('pageshow', showSelections);    // a browser restores boxes
    if (filter) {
        beginSelecting();
    }
    if (filter || document.getElementById('member')) {
        begin();
    }
})();
