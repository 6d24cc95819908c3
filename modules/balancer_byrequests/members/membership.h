/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* membership.h - members come, move and go at run time.
 * Knows    how a slot gets another owner without a request noticing; that sources (source.h) have
 *          slots of their own.
 * Ignores  who asks: operators, or DNS.
 * Threads  any; with the balancer's global mutex held, but where it is said. */
#ifndef LB_MEMBERSHIP_H
#define LB_MEMBERSHIP_H

#include "member.h"

/** Has its host an address? Asks the resolver, which takes its time: to be called without a lock.
 *  url      of a member to come
 *  returns  NULL: yes, or the URL has no host or a mistake; else a sentence */
const char *lb_membership_check_host(apr_pool_t *p, const char *url);

/** The member that was, or would be, added with this URL.
 *  returns  none when there is none, or when this process does not see it */
lb_member_t lb_membership_find(apr_pool_t *p, const lb_balancer_t *balancer, const char *url);

/** Is a member of this URL being removed? It may be added again when it has left. */
bool lb_membership_is_leaving(apr_pool_t *p, const lb_balancer_t *balancer, const char *url);

/** Slots that are free for members of a source; NULL: for those that operators add. */
int lb_membership_free_slots(const lb_balancer_t *balancer, const lb_source_t *source);

/** Could it be added, or moved? Nothing is changed.
 *  address  "host:port": see lb_member_template_moved_url()
 *  returns  NULL, else what is wrong and the cure, in p */
const char *lb_membership_check_new(apr_pool_t *p, const lb_balancer_t *balancer, const char *url);
const char *lb_membership_check_move(apr_pool_t *p, const lb_member_t *member, const char *address);

/** Add a member; it comes up disabled, so that it can be looked at first.
 *  returns  NULL, else what is wrong, in p */
const char *lb_membership_add(apr_pool_t *p, const lb_balancer_t *balancer, const char *url);

/** Give a member another address: new requests go there at once, those in flight end where they
 *  are. It is a new member with the old one's settings, in a slot of its own.
 *  address  "host:port"
 *  moved    its URL from now on, in p
 *  returns  NULL, else what is wrong, in p */
const char *lb_membership_move(apr_pool_t *p, const lb_member_t *member, const char *address,
                               const char **moved);

/** Add a member of a source: one that has checks serves when the first of them went well.
 *  place    what its record says of it
 *  returns  NULL, else what is wrong, in p */
const char *lb_membership_discover(apr_pool_t *p, const lb_balancer_t *balancer,
                                   const lb_source_t *source, const char *url,
                                   const lb_srv_place_t *place);

/** Take it out of the elections; when nothing is in flight any more its slot is freed. */
void lb_membership_remove(const lb_member_t *member);

/** The record of one of a source says something else now: its set and weight follow, unless an
 *  operator has changed them.
 *  returns  does it? */
bool lb_membership_place(const lb_member_t *member, const lb_srv_place_t *place);

/** One of a source that was removed and has not left goes on as it was. */
void lb_membership_return(const lb_member_t *member);

/** Free the slots of those who have left. Takes the mutex itself, if anybody is leaving.
 *  returns  how many are still waiting for their last requests */
int lb_membership_free_left(const lb_balancer_t *balancer);

#endif
