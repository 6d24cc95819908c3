/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* engine_fault.c - the words of faults, see engine.h. */
#include "engine.h"

#define WORD_OF_FAULT(name, word) [LB_FAULT_##name] = word,

const char *lb_engine_fault_word(lb_fault_t fault)
{
    static const char *const words[] = { LB_ENGINE_FAULTS(WORD_OF_FAULT)
    };
    return words[fault];
}
