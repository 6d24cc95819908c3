/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contract_stamp.h - do two modules belong together? They share structs, so they must be of the
 *                    same build, or of builds whose contracts are the same.
 * Knows    the stamp, made of the headers of the contract when a module is built (Makefile).
 * Threads  the main thread, while the configuration is checked. */
#ifndef FC_CONTRACT_STAMP_H
#define FC_CONTRACT_STAMP_H

#include "apr_pools.h"

extern const char fc_contract_stamp[];

/** May this module call mod_balancer_byrequests, if that is loaded?
 *  module   the caller's name
 *  returns  NULL, or why not and the cure, in p */
const char *fc_contract_refusal(apr_pool_t *p, const char *module);

#endif
