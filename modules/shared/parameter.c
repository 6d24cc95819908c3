/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* parameter.c - see parameter.h. */
#include "parameter.h"

#include "apr_cstr.h"
#include "apr_strings.h"
#include "directive.h"

const fc_parameter_t *fc_parameter_find(const fc_parameter_t *table, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (apr_cstr_casecmp(key, table[i].key) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const char *fc_parameter_duration(apr_interval_time_t us, apr_pool_t *p)
{
    static const struct {
        const char *unit;
        apr_interval_time_t us;
    } units[] = { { "h", INT64_C(3600000000) }, { "m", 60000000 }, { "s", 1000000 } };

    for (size_t i = 0; us > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (us % units[i].us == 0) {
            return apr_psprintf(p, "%" APR_INT64_T_FMT "%s", us / units[i].us, units[i].unit);
        }
    }
    return us ? apr_psprintf(p, "%" APR_INT64_T_FMT "ms", us / 1000) : "0";
}

static bool read_duration(const fc_parameter_t *parameter, const char *val, void *field)
{
    int64_t us;

    if (!fc_directive_duration(val, &us) || us < parameter->min || us > parameter->max) {
        return false;
    }
    *(apr_interval_time_t *)field = us;
    return true;
}

const char *fc_parameter_set(const fc_parameter_t *parameter, void *params, const char *val,
                             const char *whose, apr_pool_t *p)
{
    const int64_t min = parameter->min, max = parameter->max;
    void *field = (char *)params + parameter->offset;

    if (parameter->type == FC_DURATION) {
        return read_duration(parameter, val, field)
                   ? NULL
                   : apr_psprintf(p, "%s: %s=%s is not a duration from %s to %s; use a number of "
                                     "seconds, or of ms, s, m or h as in 500ms",
                                  whose,
                                  parameter->key, val, fc_parameter_duration(min, p),
                                  fc_parameter_duration(max, p));
    }
    return fc_directive_count(val, (int)min, (int)max, field)
               ? NULL
               : apr_psprintf(p, "%s: %s=%s is not a whole number from %d to %d", whose,
                              parameter->key, val, (int)min, (int)max);
}
