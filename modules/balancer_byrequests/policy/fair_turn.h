/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fair_turn.h - start-time fair queueing of requests that all count the same: whose turn is when.
 * Ignores  who waits; plain C11, a header alone.
 *
 * A flow's request has the start tag max(virtual time, tag behind the flow's last), and the
 * smallest tag is served first (Goyal, Vin and Cheng, 1996). When each request costs 1 the tags
 * of those in front are the virtual time or one more: they are rounds, in each of which a flow is
 * served once, and two lists replace the sorted one. A flow that comes joins the round that is
 * served now, unless it was served in it: so a flow that asks now and then does not wait for those
 * that ask all the time. Rounds wrap. */
#ifndef LB_FAIR_TURN_H
#define LB_FAIR_TURN_H

#include <stdbool.h>
#include <stdint.h>

/** The round in which a flow that now has somebody waiting is served.
 *  round   that is served now
 *  turn    the first in which the flow may be served again */
static inline uint32_t lb_fair_turn(uint32_t round, uint32_t turn)
{
    return (int32_t)(turn - round) > 0 ? round + 1 : round;
}

#endif
