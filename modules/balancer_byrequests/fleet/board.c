/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* board.c - see board.h. */
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_shm.h"
#include "apr_strings.h"
#include "clock.h"
#include "kept_key.h"
#include "name_hash.h"
#include "robust_lock.h"

typedef struct {
    uint64_t sequence, incarnation;
    apr_time_t changed_at;
    uint32_t bytes;               /* of the text and its NUL; 0: there is none */
    uint32_t flaws;
    lb_document_flaw_t flaw;
    bool is_stored;
} entry_t;

#define TEXT_OF_KIND(name, word, bytes_max) char name[(bytes_max) + 1];
typedef struct {
    LB_FLEET_KINDS(TEXT_OF_KIND)
} texts_t;

typedef struct {
    char name[LB_FLEET_NAME_MAX + 1];    /* "": the place is free */
    entry_t entries[LB_KIND_COUNT];
    texts_t texts;
} front_t;

/* Two texts: the one that is written is not the one that counts. */
typedef struct {
    uint32_t bytes[2];
    uint32_t newest;
} draft_t;

typedef struct {
    pthread_mutex_t lock;
    uint64_t whose;               /* hash of fleet and front */
    int bell[2];                  /* a pipe, open in all processes */
    lb_board_state_t state;
    lb_board_sent_t sent[LB_KIND_COUNT];
    draft_t drafts[LB_KIND_COUNT];
    texts_t draft_texts[2];
    front_t fronts[LB_FLEET_FRONTS_MAX];
} board_t;

static const char retained_key[] = "balancer_byrequests.fleet_board";
static const char incarnation_key[] = "balancer_byrequests.fleet_incarnation";

static board_t *board;
static uint64_t incarnation;

/* ---- Kinds ----------------------------------------------------------------------------------- */

#define ROW_OF_KIND(name, word, bytes_max) { word, bytes_max, offsetof(texts_t, name) },
static const struct {
    const char *word;
    size_t bytes_max;
    size_t offset;
} kinds[] = { LB_FLEET_KINDS(ROW_OF_KIND)
};

const char *lb_board_kind_word(lb_fleet_kind_t kind)
{
    return kinds[kind].word;
}

size_t lb_board_kind_bytes_max(lb_fleet_kind_t kind)
{
    return kinds[kind].bytes_max;
}

static char *text_of(texts_t *texts, lb_fleet_kind_t kind)
{
    return (char *)texts + kinds[kind].offset;
}

/* ---- The lock -------------------------------------------------------------------------------- */

static void lock(void)
{
    if (pthread_mutex_lock(&board->lock) == EOWNERDEAD) {
        pthread_mutex_consistent(&board->lock);    /* see the invariants */
    }
}

static void unlock(void)
{
    pthread_mutex_unlock(&board->lock);
}

/* ---- State ----------------------------------------------------------------------------------- */

lb_board_state_t lb_board_state(void)
{
    lock();
    const lb_board_state_t state = board->state;
    unlock();
    return state;
}

void lb_board_set_state(const lb_board_state_t *state)
{
    lock();
    board->state = *state;
    unlock();
}

/* ---- Documents ------------------------------------------------------------------------------- */

static front_t *find(const char *name)
{
    for (int i = 0; i < LB_FLEET_FRONTS_MAX; i++) {
        if (strcmp(board->fronts[i].name, name) == 0) {
            return &board->fronts[i];
        }
    }
    return NULL;
}

static void copy_out(apr_pool_t *p, lb_fleet_kind_t kind, front_t *front, lb_document_t *document)
{
    const entry_t *entry = &front->entries[kind];

    *document = (lb_document_t){
        .front = apr_pstrdup(p, front->name),
        .text =
            entry->bytes > 0 ? apr_pmemdup(p, text_of(&front->texts, kind), entry->bytes) : NULL,
        .sequence = entry->sequence,
        .incarnation = entry->incarnation,
        .changed_at = entry->changed_at,
        .is_stored = entry->is_stored,
        .flaw = entry->flaw,
        .flaws = entry->flaws,
    };
}

static int by_front(const void *a, const void *b)
{
    return strcmp(((const lb_document_t *)a)->front, ((const lb_document_t *)b)->front);
}

static bool is_known(const entry_t *entry)
{
    return entry->sequence > 0 || entry->flaws > 0;
}

apr_array_header_t *lb_board_documents(apr_pool_t *p, lb_fleet_kind_t kind)
{
    apr_array_header_t *all = apr_array_make(p, LB_FLEET_FRONTS_MAX, sizeof(lb_document_t));

    lock();
    for (int i = 0; i < LB_FLEET_FRONTS_MAX; i++) {
        front_t *front = &board->fronts[i];
        if (*front->name && is_known(&front->entries[kind])) {
            copy_out(p, kind, front, apr_array_push(all));
        }
    }
    unlock();
    qsort(all->elts, (size_t)all->nelts, sizeof(lb_document_t), by_front);
    return all;
}

const lb_document_t *lb_board_document(apr_pool_t *p, lb_fleet_kind_t kind, const char *name)
{
    lb_document_t *document = NULL;

    lock();
    front_t *front = *name ? find(name) : NULL;
    if (front && is_known(&front->entries[kind])) {
        document = apr_palloc(p, sizeof(*document));
        copy_out(p, kind, front, document);
    }
    unlock();
    return document;
}

static void write_text(entry_t *entry, char *text, const char *from)
{
    const size_t bytes = strlen(from) + 1;

    entry->bytes = 0;    /* who dies now leaves none */
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(text, from, bytes);
    atomic_signal_fence(memory_order_seq_cst);
    entry->bytes = (uint32_t)bytes;
}

bool lb_board_keep(lb_fleet_kind_t kind, const lb_document_t *document)
{
    lock();
    front_t *front = find(document->front);
    if (!front) {
        front = find("");
        if (front) {
            apr_cpystrn(front->name, document->front, sizeof(front->name));
        }
    }
    if (front) {
        entry_t *entry = &front->entries[kind];
        if (document->text && (entry->sequence != document->sequence || entry->bytes == 0)) {
            write_text(entry, text_of(&front->texts, kind), document->text);
        }
        entry->sequence = document->sequence;
        entry->incarnation = document->incarnation;
        entry->changed_at = document->changed_at;
        entry->is_stored = document->is_stored;
        entry->flaw = document->flaw;
        entry->flaws = document->flaws;
    }
    unlock();
    return front != NULL;
}

static void free_front(front_t *front)
{
    front->name[0] = '\0';
    memset(front->entries, 0, sizeof(front->entries));
}

void lb_board_forget(const char *name)
{
    lock();
    front_t *front = *name ? find(name) : NULL;
    if (front) {
        free_front(front);
    }
    unlock();
}

/* ---- Drafts ---------------------------------------------------------------------------------- */

static char *copy_of_draft(apr_pool_t *p, lb_fleet_kind_t kind)
{
    const draft_t *draft = &board->drafts[kind];
    const uint32_t bytes = draft->bytes[draft->newest];

    return bytes > 0 ? apr_pmemdup(p, text_of(&board->draft_texts[draft->newest], kind), bytes)
                     : NULL;
}

char *lb_board_draft(apr_pool_t *p, lb_fleet_kind_t kind)
{
    lock();
    char *draft = copy_of_draft(p, kind);
    unlock();
    return draft;
}

static void replace_draft(lb_fleet_kind_t kind, const char *text, size_t bytes)
{
    draft_t *draft = &board->drafts[kind];
    const uint32_t next = 1 - draft->newest;

    memcpy(text_of(&board->draft_texts[next], kind), text, bytes);
    draft->bytes[next] = (uint32_t)bytes;
    atomic_signal_fence(memory_order_seq_cst);
    draft->newest = next;
}

/* Something is to be told at once: the thread begins a round. Of any process; does not wait. */
static void ring(void)
{
    /* a full pipe has rung already */
    while (board && write(board->bell[1], "", 1) < 0 && errno == EINTR) {
    }
}

bool lb_board_edit(apr_pool_t *p, lb_fleet_kind_t kind, lb_board_edit_t *edit, void *data)
{
    bool fits = true;

    lock();
    const char *next = edit(p, copy_of_draft(p, kind), data);
    if (next) {
        const size_t bytes = strlen(next) + 1;
        fits = bytes <= kinds[kind].bytes_max + 1;
        if (fits) {
            replace_draft(kind, next, bytes);
        }
    }
    unlock();
    if (next && fits) {
        ring();
    }
    return fits;
}

lb_board_sent_t lb_board_sent(lb_fleet_kind_t kind)
{
    lock();
    const lb_board_sent_t sent = board->sent[kind];
    unlock();
    return sent;
}

void lb_board_set_sent(lb_fleet_kind_t kind, lb_board_sent_t sent)
{
    lock();
    board->sent[kind] = sent;
    unlock();
}

uint64_t lb_board_incarnation(void)
{
    return incarnation;
}

/* ---- The bell -------------------------------------------------------------------------------- */

int lb_board_bell(void)
{
    return board->bell[0];
}

void lb_board_hush(void)
{
    char rung[64];

    while (read(board->bell[0], rung, sizeof(rung)) > 0) {
    }
}

/* ---- Before the children --------------------------------------------------------------------- */

static apr_status_t make_board(apr_pool_t *process, board_t **made)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, sizeof(board_t), NULL, process);    /* all 0 */

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *made = apr_shm_baseaddr_get(shm);
    if (pipe2((*made)->bell, O_CLOEXEC | O_NONBLOCK) != 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return APR_FROM_OS_ERROR(fc_robust_lock_init(&(*made)->lock));
}

/* Another version of this module may be loaded by the next restart: the size is in the name. */
static apr_status_t find_board(apr_pool_t *process)
{
    char key[sizeof(retained_key) + 24];
    void *found = NULL;

    apr_snprintf(key, sizeof(key), "%s.%" APR_SIZE_T_FMT, retained_key, sizeof(board_t));
    apr_pool_userdata_get(&found, key, process);
    board = found;
    if (!found) {
        const apr_status_t rv = make_board(process, &board);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        apr_pool_userdata_set(board, key, NULL, process);
    }
    return APR_SUCCESS;
}

/* Of another fleet, or as another front: nothing of it is worth anything. */
static void clear(uint64_t whose)
{
    for (int i = 0; i < LB_FLEET_FRONTS_MAX; i++) {
        free_front(&board->fronts[i]);
    }
    memset(board->drafts, 0, sizeof(board->drafts));
    memset(board->sent, 0, sizeof(board->sent));
    board->state = (lb_board_state_t){ .since = fc_now() };
    board->whose = whose;
}

apr_status_t lb_board_open(apr_pool_t *process, const lb_fleet_settings_t *settings)
{
    const uint64_t whose = fc_name_hash3(settings->name, settings->front, "");
    const unsigned char *random;

    apr_status_t rv = fc_kept_key(process, incarnation_key, sizeof(incarnation), &random);
    if (rv == APR_SUCCESS) {
        memcpy(&incarnation, random, sizeof(incarnation));
        rv = find_board(process);
    }
    if (rv == APR_SUCCESS) {
        lock();
        if (board->whose != whose) {
            clear(whose);
        }
        unlock();
    }
    return rv;
}
