/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* membership.h - members come, move and go at run time.
 * Knows    how a slot gets another owner without a request noticing.
 * Ignores  who asks.
 * Threads  any; all with the balancer's global mutex held. */
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

/** Take it out of the elections; when nothing is in flight any more its slot is freed. */
void lb_membership_remove(const lb_member_t *member);

/** Free the slots of those who have left.
 *  returns  how many are still waiting for their last requests */
int lb_membership_free_left(const lb_balancer_t *balancer);

#endif
