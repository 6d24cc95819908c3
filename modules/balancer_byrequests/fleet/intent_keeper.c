/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_keeper.c - see intent_keeper.h. */
#include "intent_keeper.h"

#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "fleet_settings.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "intent_json.h"
#include "kept_file.h"
#include "name_hash.h"
#include "state_keeper.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define FILE_NAME "fleet-intent.json"

/* ---- The draft ------------------------------------------------------------------------------- */

/* What is not ours to read is nothing: another version of this module has written it. */
static lb_intents_t *read_draft(apr_pool_t *p, const char *draft, size_t room)
{
    const char *why;
    lb_intents_t *intents =
        draft ? lb_intent_json_read_own(p, draft, strlen(draft), room, &why) : NULL;

    return intents ? intents : lb_intent_json_make(p, room);
}

lb_intents_t *lb_intent_keeper_read(apr_pool_t *p, uint64_t *hash)
{
    const char *draft = lb_board_draft(p, LB_KIND_INTENT);

    *hash = draft ? fc_name_hash(FC_NAME_HASH_START, draft) : 0;
    return read_draft(p, draft, 0);
}

typedef struct {
    size_t room;
    lb_intent_keeper_edit_t *edit;
    void *data;
    bool is_different;
} edit_t;

static const char *edit_draft(apr_pool_t *p, const char *draft, void *data)
{
    edit_t *edit = data;
    lb_intents_t *intents = read_draft(p, draft, edit->room);

    edit->is_different = edit->edit(intents, edit->data);
    char *text = edit->is_different ? lb_intent_json_write(intents, lb_wall_clock_of(fc_now()))
                                    : NULL;
    const char *copy = text ? apr_pstrdup(p, text) : NULL;
    free(text);
    return copy;
}

/* ---- The file -------------------------------------------------------------------------------- */

static char *text_of_file(apr_pool_t *p, const void *unused)
{
    const char *draft = lb_board_draft(p, LB_KIND_INTENT);
    return strdup(draft ? draft : "");
}

static void save(apr_pool_t *p)
{
    static bool has_warned;
    const char *folder = lb_state_keeper_folder();

    if (!folder) {
        return;
    }
    const apr_status_t rv = lb_kept_file_save(p, folder, FILE_NAME, text_of_file, NULL);
    if (rv == APR_SUCCESS) {
        has_warned = false;
    }
    else if (!has_warned) {
        has_warned = true;
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0578)
                     "fleet: cannot save what operators want to %s/" FILE_NAME ": after a full "
                     "restart this front knows it only from the other fronts",
                     folder);
    }
}

/* returns  NULL: there is none that can be read (logged) */
static char *load(apr_pool_t *p, server_rec *s)
{
    const char *folder = lb_state_keeper_folder(), *why, *aside;
    size_t bytes = 0;
    char *text = folder ? lb_kept_file_read(p, folder, FILE_NAME, &bytes, &why) : NULL;

    if (!folder || (!text && !why)) {
        return NULL;
    }
    if (text && lb_intent_json_read_own(p, text, bytes, 0, &why)) {
        return apr_pstrmemdup(p, text, bytes);
    }
    const apr_status_t rv = lb_kept_file_set_aside(p, folder, FILE_NAME, &aside);
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s, FCLOGNO(0579)
                 "%s/" FILE_NAME ": %s. What operators want of the fleet is known from the other "
                 "fronts only; the file %s %s",
                 folder, why, rv == 0 ? "is kept as" : "cannot be renamed to", aside);
    return NULL;
}

/* ---- Editing --------------------------------------------------------------------------------- */

static void warn_of_size(void)
{
    static bool has_warned;

    if (!has_warned) {
        has_warned = true;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0577)
                     "fleet: operators want more than fits into %" APR_SIZE_T_FMT
                     " bytes: the last "
                     "changes hold on this front alone",
                     lb_board_kind_bytes_max(LB_KIND_INTENT));
    }
}

bool lb_intent_keeper_edit(apr_pool_t *p, int room, lb_intent_keeper_edit_t *edit, void *data)
{
    edit_t e = { (size_t)room, edit, data, false };

    if (!lb_board_edit(p, LB_KIND_INTENT, edit_draft, &e)) {
        warn_of_size();
        return false;
    }
    if (e.is_different) {
        save(p);
    }
    return e.is_different;
}

/* ---- With each configuration ----------------------------------------------------------------- */

static const char *take_up(apr_pool_t *p, const char *draft, void *file)
{
    lb_intents_t *intents = read_draft(p, draft ? draft : file, 0);

    for (size_t i = 0; i < intents->count; i++) {
        if (intents->entries[i].standing != LB_INTENT_OVERRIDDEN) {
            intents->entries[i].standing = LB_INTENT_PENDING;
        }
    }
    char *text = lb_intent_json_write(intents, lb_wall_clock_of(fc_now()));
    const char *copy = apr_pstrdup(p, text);
    free(text);
    return copy;
}

int lb_intent_keeper_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s)
{
    if (lb_fleet_settings() && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        char *file = lb_board_draft(ptemp, LB_KIND_INTENT) ? NULL : load(ptemp, s);
        lb_board_edit(ptemp, LB_KIND_INTENT, take_up, file);
    }
    return OK;
}
