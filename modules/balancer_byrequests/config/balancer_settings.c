/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_settings.c - see balancer_settings.h. */
#include "balancer_settings.h"

#include "apr_hash.h"
#include "apr_strings.h"
#include "check_panic.h"
#include "check_params.h"
#include "cookie_attributes.h"
#include "cookie_key.h"
#include "directive.h"
#include "fleet_settings.h"
#include "proxy_set.h"
#include "resolver_settings.h"
#include "secret_file.h"
#include "state_dir.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

/* The configuration of a server: name of a balancer, in lower case -> lb_balancer_settings_t */

static const char *key_of(apr_pool_t *p, const char *url)
{
    const char *name = url + sizeof(BALANCER_PREFIX) - 1;
    char *key = apr_pstrmemdup(p, url, sizeof(BALANCER_PREFIX) - 1 + strcspn(name, "/"));
    ap_str_tolower(key);
    return key;
}

static const lb_balancer_settings_t initial = { .queue.order = LB_ORDER_ADAPTIVE,
                                                .hcpanic = LB_HCPANIC_UNSET };

const lb_balancer_settings_t *lb_balancer_settings_of(server_rec *s,
                                                      const proxy_balancer *balancer)
{
    apr_hash_t *all = ap_get_module_config(s->module_config, &balancer_byrequests_module);
    const lb_balancer_settings_t *found =
        apr_hash_get(all, balancer->s->name, APR_HASH_KEY_STRING);    /* mod_proxy lowers it */
    return found ? found : &initial;
}

void *lb_balancer_settings_create(apr_pool_t *p, server_rec *s)
{
    return apr_hash_make(p);
}

void *lb_balancer_settings_merge(apr_pool_t *p, void *base, void *add)
{
    return apr_hash_overlay(p, add, base);
}

/* returns  NULL inside <Proxy "balancer://...">, else where the directive belongs */
static const char *check_place(const cmd_parms *cmd)
{
    return lb_proxy_set_is_balancer(cmd->path)
               ? NULL
               : apr_psprintf(cmd->pool, "%s belongs in a <Proxy \"balancer://...\"> section",
                              cmd->cmd->name);
}

static lb_balancer_settings_t *settings_of_balancer(const cmd_parms *cmd, const char *url)
{
    apr_hash_t *all =
        ap_get_module_config(cmd->server->module_config, &balancer_byrequests_module);
    const char *key = key_of(cmd->pool, url);
    lb_balancer_settings_t *settings = apr_hash_get(all, key, APR_HASH_KEY_STRING);

    if (!settings) {
        settings = apr_pmemdup(cmd->pool, &initial, sizeof(initial));
        apr_hash_set(all, key, APR_HASH_KEY_STRING, settings);
    }
    return settings;
}

/* Inside <Proxy "balancer://...">. */
static lb_balancer_settings_t *settings_to_set(const cmd_parms *cmd)
{
    return settings_of_balancer(cmd, cmd->path);
}

/* ---- BalancerMemberDefaults ------------------------------------------------------------------ */

static const char *add_member_default(cmd_parms *cmd, void *unused, const char *word)
{
    const char *equals = strchr(word, '=');
    const char *misplaced = check_place(cmd);

    if (misplaced) {
        return misplaced;
    }
    if (!equals || equals == word) {
        return apr_psprintf(cmd->pool, "BalancerMemberDefaults %s: use key=value", word);
    }
    lb_balancer_settings_t *settings = settings_to_set(cmd);
    if (!settings->member_defaults) {
        settings->member_defaults = apr_array_make(cmd->pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(settings->member_defaults, const char *) = word;
    return NULL;
}

/* ---- BalancerStickyCookie -------------------------------------------------------------------- */

static const char *read_key(const cmd_parms *cmd, const char *file, fc_span_t *key)
{
    if (!file) {
        return lb_cookie_key_random(cmd->server->process->pool, key);
    }
    const char *path = ap_server_root_relative(cmd->pool, file);
    if (!path) {
        return apr_psprintf(cmd->pool, "keyfile=%s is not a valid path", file);
    }
    lb_secret_file_warn_of_readers(cmd, path);
    return lb_secret_file_read(cmd->pool, path, key);
}

static const char *read_cookie(const cmd_parms *cmd, int count, char *const words[],
                               lb_sticky_cookie_settings_t *cookie)
{
    lb_cookie_attributes_t attributes = { .name = words[0] };
    const char *file = NULL, *wrong = NULL;

    for (int i = 1; i < count && !wrong; i++) {
        if (strncasecmp(words[i], "keyfile=", 8) == 0) {
            file = words[i] + 8;
            continue;
        }
        wrong = lb_cookie_attributes_take(&attributes, words[i]);
        if (wrong) {
            return apr_psprintf(cmd->pool, "%s: %s", words[i], wrong);
        }
    }
    wrong = lb_cookie_attributes_check(&attributes);
    if (wrong) {
        return wrong;
    }
    const size_t room = (size_t)lb_cookie_attributes_write(&attributes, NULL, 0) + 1;
    char *text = apr_palloc(cmd->pool, room);
    lb_cookie_attributes_write(&attributes, text, room);
    cookie->name = attributes.name;
    cookie->attributes = text;
    return read_key(cmd, file, &cookie->key);
}

static const char *set_sticky_cookie(cmd_parms *cmd, void *unused, int count, char *const words[])
{
    const char *wrong = check_place(cmd);

    if (wrong) {
        return wrong;
    }
    if (count == 0) {
        return "BalancerStickyCookie needs the name of the cookie";
    }
    lb_sticky_cookie_settings_t *cookie = apr_pcalloc(cmd->pool, sizeof(*cookie));
    wrong = read_cookie(cmd, count, words, cookie);
    if (wrong) {
        return apr_psprintf(cmd->pool, "BalancerStickyCookie %s: %s", words[0], wrong);
    }
    settings_to_set(cmd)->sticky_cookie = cookie;
    return NULL;
}

/* ---- BalancerOverflow ------------------------------------------------------------------------ */

static const char *set_overflow(cmd_parms *cmd, void *unused, int is_on)
{
    const char *wrong = check_place(cmd);

    if (!wrong) {
        settings_to_set(cmd)->keeps_to_its_turn = !is_on;
    }
    return wrong;
}

/* ---- ProxySet -------------------------------------------------------------------------------- */

static bool take_panic(const cmd_parms *cmd, lb_balancer_settings_t *settings, const char *word,
                       const char *balancer, const char **err)
{
    static const char name[] = "hcpanic=";

    if (strncasecmp(word, name, sizeof(name) - 1) != 0) {
        return false;
    }
    *err = fc_directive_count(word + sizeof(name) - 1, 0, 100, &settings->hcpanic)
               ? NULL
               : apr_psprintf(cmd->pool, "%s: %s is no whole number from 0 to 100 (percent)",
                              balancer, word);
    return true;
}

static bool take_fleet(const cmd_parms *cmd, lb_balancer_settings_t *settings, const char *word,
                       const char *balancer, const char **err)
{
    static const char name[] = "fleet=";

    if (strncasecmp(word, name, sizeof(name) - 1) != 0) {
        return false;
    }
    const char *wrong =
        lb_fleet_settings_parts(cmd->pool, word + sizeof(name) - 1, &settings->fleet);
    *err = wrong ? apr_psprintf(cmd->pool, "%s: %s", balancer, wrong) : NULL;
    return true;
}

static bool take_word(const cmd_parms *cmd, const char *balancer, const char *word,
                      const char **err)
{
    lb_balancer_settings_t *settings = settings_of_balancer(cmd, balancer);

    return lb_queue_settings_take(cmd->pool, &settings->queue, word, balancer, err)
           || take_panic(cmd, settings, word, balancer, err)
           || take_fleet(cmd, settings, word, balancer, err);
}

static const char *set_proxy_words(cmd_parms *cmd, void *unused, const char *args)
{
    return lb_proxy_set_read(cmd, args, take_word);
}

/* ---- BalancerPatienceHeader ------------------------------------------------------------------ */

static const char *set_patience_header(cmd_parms *cmd, void *unused, const char *name)
{
    const char *wrong = check_place(cmd);

    if (!wrong) {
        settings_to_set(cmd)->queue.patience_header = name;
    }
    return wrong;
}

/* ---- For all balancers ----------------------------------------------------------------------- */

static const char *set_resolver(cmd_parms *cmd, void *unused, int count, char *const words[])
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    return misplaced ? misplaced : lb_resolver_settings_read(cmd->pool, count, words);
}

static const char *set_fleet(cmd_parms *cmd, void *unused, int count, char *const words[])
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    return misplaced ? misplaced : lb_fleet_settings_read(cmd, count, words);
}

static const char *set_state_dir(cmd_parms *cmd, void *unused, const char *path)
{
    const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    return misplaced ? misplaced : lb_state_dir_read(cmd, path);
}

const command_rec lb_balancer_settings_directives[] = {
    AP_INIT_ITERATE("BalancerMemberDefaults", add_member_default, NULL, ACCESS_CONF,
                    "key=value ...: default parameters for all members of the balancer"),
    AP_INIT_TAKE_ARGV("BalancerStickyCookie", set_sticky_cookie, NULL, ACCESS_CONF,
                      "NAME [secure] [httponly] [samesite=Lax|Strict|None] [path=/] [domain=] "
                      "[maxage=DURATION] [keyfile=FILE]: a session cookie set by this module"),
    AP_INIT_FLAG("BalancerOverflow", set_overflow, NULL, ACCESS_CONF,
                 "On or Off: whether spares, standbys and the next set are used when all preferred "
                 "members are full"),
    AP_INIT_TAKE1("BalancerPatienceHeader", set_patience_header, NULL, ACCESS_CONF,
                  "the request header that states how long the client waits for a response"),
    AP_INIT_TAKE_ARGV("BalancerResolver", set_resolver, NULL, RSRC_CONF,
                      "[ADDRESS[:PORT] ...] [timeout=DURATION] [retries=N] [ipv4=off] [ipv6=off]: "
                      "the name servers that discover= asks"),
    AP_INIT_TAKE_ARGV("BalancerFleet", set_fleet, NULL, RSRC_CONF,
                      "URL name=FLEET [front=NAME] [user=NAME] [passwordfile=FILE] "
                      "[secretfile=FILE] [interval=DURATION] [lease=DURATION]: the Redis or Valkey "
                      "where several httpds in front of the same members meet"),
    AP_INIT_TAKE1("BalancerStateDir", set_state_dir, NULL, RSRC_CONF,
                  "the directory for what is to outlive a restart, in a folder balancer-state"),
    AP_INIT_RAW_ARGS("ProxySet", set_proxy_words, NULL, RSRC_CONF | ACCESS_CONF,
                     "queueorder=, queuetarget=, queuereserve=, hcpanic= and fleet= of a balancer; "
                     "mod_proxy handles all other parameters"),
    AP_INIT_RAW_ARGS("ProxyHCExpr", lb_check_params_define_expr, NULL, RSRC_CONF | ACCESS_CONF,
                     "name and {expression}: a condition for the response to a health check"),
    AP_INIT_RAW_ARGS("ProxyHCTemplate", lb_check_params_define_template, NULL,
                     RSRC_CONF | ACCESS_CONF, "name and hc...=value ...: check parameters"),
    { NULL }
};
