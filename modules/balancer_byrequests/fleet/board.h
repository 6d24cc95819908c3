/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* board.h - what this front knows of its fleet, for all of its processes: whether the engine
 *           answers, the last documents of all fronts, what this front wants to say (its drafts).
 * Knows    shared memory, who writes when.   Ignores  what documents say, the engine.
 * Memory   one anonymous shared segment of the process pool: it outlives graceful restarts. What is
 *          read of it are copies.
 * Threads  any, in any process. State and documents are written by the one thread that talks to the
 *          engine; drafts by whoever changes something.
 *
 * Invariants
 *  - One robust lock guards all but the bell. It is held for the copy of a text, and never across a
 *    system call.
 *  - Whoever dies while it writes a document leaves none; a draft is then as it was before. */
#ifndef LB_BOARD_H
#define LB_BOARD_H

#include "engine.h"
#include "httpd.h"

#define LB_FLEET_FRONTS_MAX 32
#define LB_BOARD_REASON_MAX 200
#define LB_BOARD_SERVER_MAX 300

/* Kinds of documents: name, word in keys, bytes of the text at most. */
#define LB_FLEET_KINDS(X)               \
    X(FRONT,  "front",  1024)           \
    X(VIEW,   "view",   32 * 1024)      \
    X(INTENT, "intent", 256 * 1024)     \
    X(SHARE,  "share",  2048)    /* fronts to forget: a draft alone, see share_exchange.c */

#define LB_FLEET_KIND_NAME(name, word, bytes_max) LB_KIND_##name,
typedef enum {
    LB_FLEET_KINDS(LB_FLEET_KIND_NAME)
              LB_KIND_COUNT
} lb_fleet_kind_t;
#undef LB_FLEET_KIND_NAME

const char *lb_board_kind_word(lb_fleet_kind_t kind);
size_t lb_board_kind_bytes_max(lb_fleet_kind_t kind);

/* ---- The engine as it was seen last ---------------------------------------------------------- */

/* All times are monotonic us; lb_wall_clock_of() makes times of day of them. */
typedef struct {
    bool is_up;                          /* the last round went well */
    apr_time_t since;                    /* it is up, or this front alone, since then */
    apr_time_t contact_at;               /* the last round that went well; 0: there was none */
    lb_fault_t fault;                    /* why it is not up; NONE: not yet tried */
    char reason[LB_BOARD_REASON_MAX];    /* in words */
    char server[LB_BOARD_SERVER_MAX];    /* the one in use, or used last; "": none */
    uint64_t rounds, failed_rounds;
} lb_board_state_t;

lb_board_state_t lb_board_state(void);
void lb_board_set_state(const lb_board_state_t *state);

/* ---- Documents of fronts --------------------------------------------------------------------- */

/* Why the last thing that the engine had for a front was not taken. */
typedef enum { LB_DOCUMENT_GOOD,
               LB_DOCUMENT_BROKEN,
               LB_DOCUMENT_TOO_BIG } lb_document_flaw_t;

typedef struct {
    const char *front;
    const char *text;            /* the last good one; NULL: there was none */
    uint64_t sequence;           /* its number; 0: there was none */
    uint64_t incarnation;        /* of the front that wrote it: another one after a full restart */
    apr_time_t changed_at; /* since then this front sees this sequence: its age is now - that */
    bool is_stored;              /* the engine had it when it was last asked */
    lb_document_flaw_t flaw;     /* of what the engine had last */
    uint32_t flaws;              /* how often since httpd was started */
} lb_document_t;

/** All that are known, also of this front, by the names of the fronts.
 *  returns  of lb_document_t, in p */
apr_array_header_t *lb_board_documents(apr_pool_t *p, lb_fleet_kind_t kind);

/** The document of one front.
 *  returns  NULL: none is known */
const lb_document_t *lb_board_document(apr_pool_t *p, lb_fleet_kind_t kind, const char *front);

/** Keep it in the place of what was known of its front.
 *  returns  false: there are LB_FLEET_FRONTS_MAX others already */
bool lb_board_keep(lb_fleet_kind_t kind, const lb_document_t *document);

/** An operator says that this front is gone for good. */
void lb_board_forget(const char *front);

/* ---- What this front says -------------------------------------------------------------------- */

/** Its draft of this kind; NULL: there is none yet. */
char *lb_board_draft(apr_pool_t *p, lb_fleet_kind_t kind);

/** Change it, one process after the other, and ring.
 *  edit     told the draft as it is, or NULL; returns the next one, or NULL to leave it; it must
 *           not wait for anything
 *  returns  false: the next one is larger than its kind allows; the draft is as it was */
typedef const char *lb_board_edit_t(apr_pool_t *p, const char *draft, void *data);
bool lb_board_edit(apr_pool_t *p, lb_fleet_kind_t kind, lb_board_edit_t *edit, void *data);

/* What was sent last of a kind: so the thread that takes over goes on where the other was. */
typedef struct {
    uint64_t sequence;       /* 0: nothing was */
    uint64_t hash;           /* of the text */
    apr_time_t at;
    apr_time_t twin_at;      /* another httpd has written in the name of this front; 0: never */
    bool is_missing;         /* the engine did not have it afterwards */
} lb_board_sent_t;

lb_board_sent_t lb_board_sent(lb_fleet_kind_t kind);
void lb_board_set_sent(lb_fleet_kind_t kind, lb_board_sent_t sent);

/** The number of this life of httpd, random; it outlives graceful restarts. */
uint64_t lb_board_incarnation(void);

/* ---- The bell -------------------------------------------------------------------------------- */

/** For the thread: readable when somebody has rung; then hush it, and look. */
int lb_board_bell(void);
void lb_board_hush(void);

/* ---- Before the children --------------------------------------------------------------------- */

/** In the parent, with each configuration that has a fleet. What is there stays when it is the same
 *  fleet and front as before. */
apr_status_t lb_board_open(apr_pool_t *process, const lb_fleet_settings_t *settings);

#endif
