/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contract.h - implements include/mod_balancer_byrequests.h. */
#ifndef LB_CONTRACT_H
#define LB_CONTRACT_H

/** Register the optional functions of the contract. */
void lb_contract_register(void);

#endif
