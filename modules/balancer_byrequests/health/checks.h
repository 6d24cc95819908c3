/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* checks.h - says which checks of members are due, and what follows from how they ended.
 * Knows    intervals and their jitter, the members' shared rows, hcexpr, stock's bit for members
 *          that failed their checks.
 * Ignores  how a check is made, and which process makes them.
 * Memory   a place for each slot, made before the children start; each process notes in its copy
 *          what it has begun. Times and counts are in the shared rows: another process goes on. */
#ifndef LB_CHECKS_H
#define LB_CHECKS_H

#include <stdbool.h>

#include "member.h"
#include "mod_balancer_byrequests.h"

/** Hook body of post_config, after the members' rows were claimed. */
int lb_checks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** mod_proxy_hcheck checks members of other schemes, and tells nobody: see whether their state has
 *  changed. To be called now and then, in any process. */
void lb_checks_note_others(const lb_member_t *member);

/** Are PHP-FPM's numbers those of now? Not when they could not be read at the last check, or when
 *  that was long ago. */
bool lb_checks_fpm_is_current(const lb_member_t *member);

/** A number for the last check that was judged, for other fronts of a fleet: another one after
 *  each.
 *  since        monotonic us
 *  has_passed   did it pass?
 *  returns      0: there was none since then */
uint16_t lb_checks_stamp(const lb_member_t *member, apr_time_t since, bool *has_passed);

/** Another front has checked the member, for all. While it passes there, and has passed here, this
 *  front waits for the next result for two intervals before it checks for itself. If it failed,
 *  this front looks at once: nobody else's check puts a member out here.
 *  stamp    of that check; the same one again is no news */
void lb_checks_take_told(const lb_member_t *member, uint16_t stamp, bool has_passed);

/** When it was last checked, by whom ever; monotonic us, 0: not yet. */
apr_time_t lb_checks_last(const lb_member_t *member);

/** See lb_checks_count, lb_checks_next and lb_checks_report in the contract. */
int lb_checks_how_many(void);
const lb_check_t *lb_checks_begin_next(apr_interval_time_t *wait);
void lb_checks_end(const lb_check_t *check, const lb_check_result_t *result, apr_pool_t *p);

#endif
