/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ledger.h - who holds how many rights on which member: exact, also when processes are killed.
 * Knows    process rows, the table's robust lock, the bell of a process.
 * Ignores  limits and order (admission.c), httpd.
 * Memory   the shared table; a handle for each process and table.
 * Threads  any. The lock is held for some ten instructions, never over a system call.
 *
 * Invariants: what the processes hold and what is granted to waiters is the truth; the sum over
 * them in a member's row follows from it. All are written under the lock. Each change of the truth
 * is one store, so whenever a process dies, the next who takes the lock (the kernel tells it) can
 * make the sums again; what the dead one held goes with its row. */
#ifndef LB_LEDGER_H
#define LB_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "member_table.h"

/* What a process knows of a table. */
typedef struct {
    lb_table_t *table;
    _Atomic uint32_t row;     /* of the process that joined; ask lb_ledger_row() */
    uint32_t forks;           /* how often it had been forked then: its children take no part */
    uint32_t generation;      /* of the configuration; writer: the parent, before it forks */
} lb_ledger_t;

/** The row of this process.
 *  returns  LB_NOBODY: it takes no part, nothing is counted */
uint32_t lb_ledger_row(const lb_ledger_t *ledger);

/** With FC_CHECKS the invariants of ledger and queue are looked at before each unlock. */
void lb_ledger_lock(lb_table_t *t);
void lb_ledger_unlock(lb_table_t *t);

/** The invariants as code; the lock is held. */
void lb_ledger_check(lb_table_t *t);

/** Take part: claim a row. The calling thread stands for its process: when it ends, the process
 *  counts as dead.
 *  returns  false when all rows are taken */
bool lb_ledger_join(lb_ledger_t *ledger, int32_t pid);

/** Take no part any more; what is held is given back. From the thread that joined. */
void lb_ledger_leave(lb_ledger_t *ledger);

/** Give back what dead processes held.
 *  returns  did any? */
bool lb_ledger_bury_the_dead(lb_table_t *t);

/** Does a process with this id take part? Not one that has the id of a dead one by now. */
bool lb_ledger_has_process(lb_table_t *t, int32_t pid);

/** One right more or less for this process; the lock is held.
 *  busy     mod_proxy's own count of the member, kept equal; NULL: none
 *  returns  false when this process takes no part, or has none to give back */
bool lb_ledger_take(lb_ledger_t *ledger, uint32_t member, size_t *busy);
bool lb_ledger_give_back(lb_ledger_t *ledger, uint32_t member, size_t *busy);

/** One request more or less of this process that holds a right and no thread; no lock. */
void lb_ledger_add_parked(const lb_ledger_t *ledger, uint32_t member, int by);

/** How many they are, over all processes. */
uint32_t lb_ledger_parked(lb_table_t *t, uint32_t member);

/** Add to the sum what was granted to a waiter (by: 1), or taken over or given up by it (-1). */
void lb_ledger_add_granted(lb_table_t *t, uint32_t member, int by, size_t *busy);

/** Make mod_proxy's own count of a member equal again, after a burial. */
void lb_ledger_mirror(lb_table_t *t, uint32_t member, size_t *busy);

/** Say what this front may use of a limit over all fronts.
 *  returns  what is in flight: from now on nobody is let in that this does not allow */
uint32_t lb_ledger_set_part(lb_table_t *t, uint32_t member, uint32_t share, uint32_t floor,
                            int64_t until);

/** Ring the bell of a process. Not under the lock: it is a system call. */
void lb_ledger_ring(lb_table_t *t, uint32_t process);

/** The bell of this process; it rings when one of its waiters was served.
 *  returns  NULL: it takes no part */
fc_bell_t *lb_ledger_bell(const lb_ledger_t *ledger);

#endif
