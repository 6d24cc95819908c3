/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* strikes.c - see strikes.h.
 * The word `phase`: lb_phase_t in its two lowest bits; above them
 *   LB_IN_SERVICE  0
 *   LB_BANNED      monotonic us at which the ban ends
 *   LB_ON_TRIAL    process id (22 bits), monotonic ms of the claim (40 bits) */
#include "strikes.h"

#define PHASE_MASK   UINT64_C(3)
#define OWNER_BITS   22
#define OWNER_MASK   ((UINT64_C(1) << OWNER_BITS) - 1)
#define CLAIM_MASK   ((UINT64_C(1) << 40) - 1)
#define CLAIM_SHIFT  (2 + OWNER_BITS)
#define MS           1000
#define MARK_MASK    UINT32_C(0x7fffffff)
/* Clocks of different threads may be read in another order than their strikes are written. */
#define SKEW_MS      1000
/* What breaks so soon after a strike, and was under way then, is of the same event. */
#define EVENT_US     INT64_C(1000000)
/* So long a trial keeps all others away. */
#define ALONE_US     INT64_C(2000000)

/* ---- The phase ------------------------------------------------------------------------------- */

static uint64_t banned_until(int64_t until)
{
    return (uint64_t)until << 2 | LB_BANNED;
}

static uint64_t on_trial(uint32_t owner, int64_t now)
{
    const uint64_t claimed_ms = (uint64_t)(now / MS) & CLAIM_MASK;
    return claimed_ms << CLAIM_SHIFT | (owner & OWNER_MASK) << 2 | LB_ON_TRIAL;
}

lb_strikes_view_t lb_strikes_look(const lb_strikes_t *s, int64_t now)
{
    const uint64_t word = atomic_load(&s->phase);
    lb_strikes_view_t view = { .phase = (lb_phase_t)(word & PHASE_MASK), .word = word };

    if (view.phase == LB_BANNED) {
        view.until = (int64_t)(word >> 2);
    }
    else if (view.phase == LB_ON_TRIAL) {
        view.owner = (uint32_t)(word >> 2 & OWNER_MASK);
        view.age = (int64_t)(((uint64_t)(now / MS) - (word >> CLAIM_SHIFT)) & CLAIM_MASK) * MS;
        view.run = now - atomic_load(&s->since);
    }
    return view;
}

static bool change_phase(lb_strikes_t *s, uint64_t from, uint64_t to, int64_t now)
{
    if (!atomic_compare_exchange_strong(&s->phase, &from, to)) {
        return false;
    }
    atomic_store(&s->since, now);
    return true;
}

/* ---- Strikes --------------------------------------------------------------------------------- */

static uint32_t mark_of(int64_t now, bool is_soft)
{
    return (uint32_t)(now / MS) << 1 | is_soft;
}

static bool counts(uint32_t mark, const lb_strike_rules_t *rules, int64_t forgiven_at, int64_t now)
{
    const int64_t window = rules->window < LB_STRIKES_WINDOW_MAX ? rules->window
                                                                 : LB_STRIKES_WINDOW_MAX;
    const uint32_t ahead = ((mark >> 1) - (uint32_t)(now / MS)) & MARK_MASK;
    const int64_t age_ms = ahead <= SKEW_MS ? -(int64_t)ahead : (int64_t)MARK_MASK + 1 - ahead;
    const bool is_soft = mark & 1;

    return age_ms <= window / MS && !(is_soft && age_ms >= now / MS - forgiven_at / MS);
}

uint32_t lb_strikes_count(const lb_strikes_t *s, const lb_strike_rules_t *rules, int64_t now)
{
    const int64_t forgiven_at = atomic_load(&s->forgiven_at);
    const uint32_t first = atomic_load(&s->first);
    const uint32_t added = atomic_load(&s->added);
    const uint32_t kept = added - first < LB_STRIKES_MAX ? added - first : LB_STRIKES_MAX;
    uint32_t count = 0;

    for (uint32_t i = 1; i <= kept; i++) {
        count += counts(atomic_load(&s->ring[(added - i) % LB_STRIKES_MAX]), rules, forgiven_at,
                        now);
    }
    return count;
}

static void forget_before(lb_strikes_t *s, uint32_t added)
{
    uint32_t first = atomic_load(&s->first);
    while ((int32_t)(added - first) > 0
           && !atomic_compare_exchange_weak(&s->first, &first, added)) {
        /* first was read again by the failed exchange */
    }
}

static bool is_of_one_event(int64_t last_at, int64_t began, int64_t now)
{
    return began <= last_at && now - last_at < EVENT_US;
}

uint32_t lb_strikes_add(lb_strikes_t *s, const lb_strike_rules_t *rules, bool is_soft,
                        int64_t began, int64_t now)
{
    /* The order matters: whoever adds after us comes after `before`, too. */
    const uint32_t before = atomic_load(&s->added);
    int64_t last_at = atomic_load(&s->last_at);
    do {
        if (is_of_one_event(last_at, began, now)) {
            return lb_strikes_count(s, rules, now);
        }
    } while (!atomic_compare_exchange_weak(&s->last_at, &last_at, now));
    if (now - last_at > rules->window) {
        forget_before(s, before);    /* marks that are weeks old would look new again */
    }
    const uint32_t place = atomic_fetch_add(&s->added, 1) % LB_STRIKES_MAX;
    atomic_store(&s->ring[place], mark_of(now, is_soft));
    if (is_soft) {
        atomic_store(&s->soft_pending, 1);
    }
    return lb_strikes_count(s, rules, now);
}

void lb_strikes_forgive(lb_strikes_t *s, int64_t now)
{
    if (atomic_load_explicit(&s->soft_pending, memory_order_relaxed)
        && atomic_exchange(&s->soft_pending, 0)) {
        atomic_store(&s->forgiven_at, now);
    }
}

/* ---- Bans and trials ------------------------------------------------------------------------- */

/* Of the next ban. */
static int64_t length_of_ban(const lb_strikes_t *s, const lb_strike_rules_t *rules, bool grows)
{
    const int64_t twice = atomic_load(&s->ban_us) * 2;
    const int64_t length = grows && twice > rules->first_ban ? twice : rules->first_ban;

    return length < rules->longest_ban ? length : rules->longest_ban;
}

static void note_ban(lb_strikes_t *s, int64_t length)
{
    atomic_store(&s->ban_us, length);
    atomic_store(&s->climbs_since, 0);
}

int64_t lb_strikes_ban(lb_strikes_t *s, const lb_strike_rules_t *rules, int64_t now)
{
    const bool served_well = now - atomic_load(&s->since) >= atomic_load(&s->ban_us);
    const int64_t length = length_of_ban(s, rules, !served_well);

    if (!change_phase(s, LB_IN_SERVICE, banned_until(now + length), now)) {
        return 0;
    }
    note_ban(s, length);
    return length;
}

void lb_strikes_ban_of(const lb_strikes_t *s, int64_t *since, int64_t *length)
{
    const bool is_banned = lb_strikes_look(s, 0).phase != LB_IN_SERVICE;

    *since = is_banned ? atomic_load(&s->since) : 0;
    *length = is_banned ? atomic_load(&s->ban_us) : 0;
}

void lb_strikes_ban_again(lb_strikes_t *s, int64_t since, int64_t length, int64_t now)
{
    const int64_t began = since < now ? since : now;

    if (since + length > now
        && change_phase(s, LB_IN_SERVICE, banned_until(began + length), began)) {
        atomic_store(&s->ban_us, length);
    }
}

bool lb_strikes_ban_is_over(const lb_strikes_view_t *seen, const lb_strike_rules_t *rules,
                            int64_t now)
{
    return now >= seen->until || seen->until - now > rules->longest_ban;
}

bool lb_strikes_trial_is_open(const lb_strikes_view_t *trial)
{
    return trial->age >= ALONE_US && 2 * trial->age >= trial->run;
}

uint64_t lb_strikes_claim(lb_strikes_t *s, const lb_strikes_view_t *seen, uint32_t owner,
                          int64_t now)
{
    const uint64_t claim = on_trial(owner, now);
    uint64_t from = seen->word;
    const bool is_ours = seen->phase == LB_ON_TRIAL    /* its run goes on */
                             ? atomic_compare_exchange_strong(&s->phase, &from, claim)
                             : change_phase(s, from, claim, now);
    return is_ours ? claim : 0;
}

/* Was this claim made in the run of trials that goes on in `word`? */
static bool is_of_this_run(const lb_strikes_t *s, uint64_t word, uint64_t claim)
{
    const uint64_t first_ms = (uint64_t)(atomic_load(&s->since) / MS) & CLAIM_MASK;

    return (word & PHASE_MASK) == LB_ON_TRIAL
           && (((claim >> CLAIM_SHIFT) - first_ms) & CLAIM_MASK) <= CLAIM_MASK / 2;
}

static bool settle(lb_strikes_t *s, uint64_t claim, uint64_t to, int64_t now)
{
    uint64_t seen = atomic_load(&s->phase);

    while (is_of_this_run(s, seen, claim)) {
        if (change_phase(s, seen, to, now)) {
            return true;
        }
        seen = atomic_load(&s->phase);
    }
    return false;
}

bool lb_strikes_pass(lb_strikes_t *s, uint64_t claim, int64_t now)
{
    if (!is_of_this_run(s, atomic_load(&s->phase), claim)) {
        return false;
    }
    /* Before it is in service again: strikes of new requests count. */
    forget_before(s, atomic_load(&s->added));
    return settle(s, claim, LB_IN_SERVICE, now);
}

int64_t lb_strikes_fail(lb_strikes_t *s, uint64_t claim, const lb_strike_rules_t *rules,
                        int64_t now)
{
    const int64_t length = length_of_ban(s, rules, true);

    if (!settle(s, claim, banned_until(now + length), now)) {
        return 0;
    }
    note_ban(s, length);
    return length;
}

bool lb_strikes_let_go(lb_strikes_t *s, uint64_t claim, int64_t now)
{
    return change_phase(s, claim, banned_until(now), now);
}

bool lb_strikes_recover(lb_strikes_t *s, int64_t now)
{
    uint64_t seen = atomic_load(&s->phase);

    forget_before(s, atomic_load(&s->added));
    while (seen != LB_IN_SERVICE) {
        if (change_phase(s, seen, LB_IN_SERVICE, now)) {
            return true;
        }
        seen = atomic_load(&s->phase);
    }
    return false;
}
