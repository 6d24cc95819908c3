/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_exchange.h - what the fronts of a fleet tell each other: a row for each subject.
 *
 * The thread (fleet_thread.c) drives all rows, once in each round (interval=, and at once when
 * an operator has changed something, see lb_board_edit()):
 *
 *     connect      the engine answers; else lost(), once, and nothing until it does
 *     before()     each row says what it wants: lb_round_publish(), _fetch(), _run()
 *     send         all in one pipeline; else lost()
 *     after()      each row looks at what came: lb_round_documents(), lb_ask_t.texts
 *
 * To add a subject: a file of its own, x_exchange.[ch], with `extern const lb_exchange_t
 * lb_x_exchange;`, and its line in exchange_table.c. A document of a new kind is a line in
 * LB_FLEET_KINDS (board.h).
 *
 * What a row may rely on
 *  - One thread of one process of this httpd calls it; no two calls at once. That process may
 *    change between any two rounds (killed, restarted): what must be remembered lies in shared
 *    memory (the board, the member table) or can be asked for again, and is not static.
 *  - A round that fails may still have been done, or be done later: the engine got it and its
 *    answer was lost. After a failed round after() is not called.
 *  - No request waits for this thread. A row takes locks that requests need only for moments.
 * Memory   the pool of the round. */
#ifndef LB_FLEET_EXCHANGE_H
#define LB_FLEET_EXCHANGE_H

#include "fleet_round.h"

typedef struct {
    const char *name;
    void (*before)(lb_fleet_round_t *round);
    void (*after)(lb_fleet_round_t *round);     /* NULL: it wants nothing back */
    bool (*goes_on)(
        void);    /* after after(): is there one more to do at once? Then before() and after()
                               * of this row alone, in a round of their own; NULL: never */
    void (*lost)(apr_pool_t *p); /* the engine is away: this front is alone; NULL: no matter */
} lb_exchange_t;
#endif
