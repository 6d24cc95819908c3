/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* configtest.c - see configtest.h. */
#include "configtest.h"

#include "ap_provider.h"
#include "apr_hash.h"
#include "apr_strings.h"
#include "balancer.h"
#include "balancer_settings.h"
#include "check_params.h"
#include "discover_params.h"
#include "fastcgi_log.h"
#include "fleet_settings.h"
#include "http_config.h"
#include "http_log.h"
#include "member_params.h"
#include "member_template.h"
#include "membership.h"
#include "mod_proxy.h"
#include "proxy_pass_line.h"
#include "util_mutex.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

int lb_configtest_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    apr_status_t rv = ap_mutex_register(pconf, LB_BALANCER_MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0);
    if (rv != APR_SUCCESS) {
        ap_log_perror(APLOG_MARK, APLOG_CRIT, rv, plog, FCLOGNO(0430)
                      "cannot register the mutex type %s", LB_BALANCER_MUTEX_TYPE);
        return !OK;
    }
    return OK;
}

/* ---- Modules that go together ---------------------------------------------------------------- */

static int refuse_beside(server_rec *s, const char *file, const char *name)
{
    if (!ap_find_linked_module(file)) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0431)
                 "mod_balancer_byrequests replaces mod_%s: they cannot both be loaded. "
                 "Fix: a2dismod --force proxy_balancer (or remove the LoadModule line of mod_%s)",
                 name, name);
    return !OK;
}

static int need_slotmem(server_rec *s)
{
    if (ap_lookup_provider(AP_SLOTMEM_PROVIDER_GROUP, "shm", AP_SLOTMEM_PROVIDER_VERSION)) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0432)
                 "mod_balancer_byrequests keeps its members in shared memory and needs "
                 "mod_slotmem_shm. Fix: a2enmod slotmem_shm (or LoadModule slotmem_shm_module "
                 "modules/mod_slotmem_shm.so)");
    return !OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

/* returns  OK, or !OK when it has refused this member */
typedef int look_t(apr_pool_t *p, server_rec *s, const proxy_balancer *b, proxy_worker *member);

/* All members of this virtual host, also behind one that is refused. */
static int look_at_members(apr_pool_t *p, server_rec *s, look_t *look)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    int rc = OK;

    for (int i = 0; i < conf->balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        for (int k = 0; k < b->workers->nelts; k++) {
            rc |= look(p, s, b, APR_ARRAY_IDX(b->workers, k, proxy_worker *));
        }
    }
    return rc;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int check_name(apr_pool_t *p, server_rec *s, const proxy_balancer *b, proxy_worker *member)
{
    if (strlen(member->s->name_ex) < sizeof(member->s->name_ex) - 1) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0433)
                 "BalancerMember %.64s...: its name exceeds mod_proxy's limit of %d "
                 "characters. Fix: shorten the path after the host",
                 member->s->name_ex, (int)sizeof(member->s->name_ex) - 2);
    return !OK;
}

/* mod_proxy makes a balancer of any name in a ProxyPass. Virtual hosts that inherit one share its
 * b->s: one line is enough. */
static void warn_of_no_members(server_rec *s, apr_hash_t *seen)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);

    for (int i = 0; i < conf->balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        if (b->workers->nelts > 0 || b->growth > 0
            || apr_hash_get(seen, &b->s, sizeof(b->s))) {
            continue;
        }
        apr_hash_set(seen, &b->s, sizeof(b->s), b);
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, FCLOGNO(0586)
                     "%s has no members, so that its requests get a 503. Fix: correct the name "
                     "where requests are sent to it, or add BalancerMember lines to its <Proxy>",
                     b->s->name);
    }
}

/* SetHandler makes none. Which virtual hosts its section belongs to is not known here. */
static void warn_of_handler(apr_pool_t *p, server_rec *main, const ap_directive_t *node)
{
    const char *args = node->args;

    if (strcasecmp(node->directive, "SetHandler") != 0) {
        return;
    }
    const char *name = ap_getword_conf(p, &args);
    if (ap_cstr_casecmpn(name, "proxy:" BALANCER_PREFIX, sizeof("proxy:" BALANCER_PREFIX) - 1)
        || strchr(name, '%')) {
        return;
    }
    name += sizeof("proxy:") - 1;
    for (const server_rec *s = main; s; s = s->next) {
        proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
        if (ap_proxy_get_balancer(p, conf, name, 0)) {
            return;
        }
    }
    const char *balancer = apr_pstrmemdup(
        p, name, sizeof(BALANCER_PREFIX) - 1 + strcspn(name + sizeof(BALANCER_PREFIX) - 1, "/"));
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main, FCLOGNO(0587)
                 "SetHandler on line %d of %s: there is no %s, so that its requests get a 500. "
                 "Fix: correct the name, or define it with <Proxy \"%s\"> and BalancerMember",
                 node->line_num, node->filename, balancer, balancer);
}

/* One BalancerMember line: who it names, in which balancer of which virtual host. */
typedef struct {
    const char *balancer;
    const char *member;
} member_line_t;

static const char *unquoted_first_word(apr_pool_t *p, const char *args)
{
    const char *word = ap_getword_conf(p, &args);
    const apr_size_t n = strlen(word);
    return n && word[n - 1] == '>' ? apr_pstrmemdup(p, word, n - 1) : word;
}

static member_line_t read_member_line(apr_pool_t *p, const ap_directive_t *line)
{
    member_line_t result = { NULL, NULL };
    const char *args = line->args;

    if (line->parent && strncasecmp(line->parent->directive, "<Proxy", 6) == 0) {
        result.balancer = unquoted_first_word(p, line->parent->args);
    }
    while (*args && !result.member) {
        const char *word = ap_getword_conf(p, &args);
        if (strchr(word, '=') && !strstr(word, "://")) {
            continue;
        }
        if (!result.balancer) {
            result.balancer = word;
        }
        else {
            /* by that mod_proxy tells members apart */
            result.member = fc_worker_url_behind_socket(word);
        }
    }
    return result;
}

static void warn_of_glue(apr_pool_t *p, server_rec *s, const ap_directive_t *node)
{
    fc_proxy_pass_line_t line;

    if (fc_proxy_pass_line_read(p, node, &line) && fc_proxy_pass_line_glues(&line)
        && ap_cstr_casecmpn(line.url, BALANCER_PREFIX, sizeof(BALANCER_PREFIX) - 1) == 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, FCLOGNO(0502)
                     "ProxyPass on line %d of %s: %s ends with a slash and %s does not, so that "
                     "%sx goes to the balancer %sx. Fix: %s/",
                     node->line_num, node->filename,
                     line.path, line.url, line.path, line.url, line.url);
    }
}

/* Modules of others may serve schemes of their own. */
static bool is_known_scheme(apr_pool_t *p, const char *url)
{
    const char *scheme = apr_pstrmemdup(p, url, strcspn(url, ":"));

    return fc_worker_url_is_fastcgi(url) || ap_proxy_port_of_scheme(scheme) != 0
           || ap_cstr_casecmp(scheme, "uwsgi") == 0;
}

static int check_url(apr_pool_t *p, server_rec *s, const ap_directive_t *node, const char *url)
{
    const char *mistake = lb_member_template_url_mistake(url);

    if (mistake) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0500)
                     "BalancerMember on line %d of %s: %s", node->line_num, node->filename,
                     mistake);
        return !OK;
    }
    if (!is_known_scheme(p, url)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, FCLOGNO(0588)
                     "BalancerMember on line %d of %s: no module of httpd serves the scheme of %s, "
                     "so that its requests fail. Fix: fcgi://, if it is misspelt",
                     node->line_num, node->filename, url);
    }
    return OK;
}

static int check_tree(apr_pool_t *p, server_rec *s, const ap_directive_t *node, const char *vhost,
                      apr_hash_t *seen)
{
    int rc = OK;

    for (; node; node = node->next) {
        if (node->first_child) {
            const bool is_vhost = strcasecmp(node->directive, "<VirtualHost") == 0;
            const char *where = is_vhost ? apr_psprintf(p, "%pp", (const void *)node) : vhost;
            rc |= check_tree(p, s, node->first_child, where, seen);
        }
        warn_of_glue(p, s, node);
        warn_of_handler(p, s, node);
        if (strcasecmp(node->directive, "BalancerMember") != 0) {
            continue;
        }
        const member_line_t line = read_member_line(p, node);
        if (!line.member) {
            continue;    /* mod_proxy has refused it already */
        }
        rc |= check_url(p, s, node, line.member);
        char *key = apr_pstrcat(p, vhost, " ", line.balancer, " ", line.member, NULL);
        ap_str_tolower(key);
        const ap_directive_t *first = apr_hash_get(seen, key, APR_HASH_KEY_STRING);
        if (!first) {
            apr_hash_set(seen, key, APR_HASH_KEY_STRING, node);
            continue;
        }
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0434)
                     "BalancerMember %s on line %d of %s: %s already has a member of this name "
                     "(line %d of %s), and mod_proxy would treat both as one. Fix: remove one, or "
                     "for unix sockets give each its own host after the '|', as in "
                     "unix:/run/b.sock|fcgi://b",
                     line.member, node->line_num, node->filename,
                     line.balancer, first->line_num, first->filename);
        rc = !OK;
    }
    return rc;
}

/* ---- Defaults of a balancer's members ------------------------------------------------------- */

static int set_member_defaults(apr_pool_t *pconf, server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);

    for (int i = 0; i < conf->balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        const apr_array_header_t *defaults = lb_balancer_settings_of(s, b)->member_defaults;
        const char *err = NULL;

        for (int k = 0; defaults && !err && k < b->workers->nelts; k++) {
            proxy_worker *member = APR_ARRAY_IDX(b->workers, k, proxy_worker *);
            err = lb_member_params_set_defaults(pconf, s, member, defaults);
        }
        if (err) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0435)
                         "%s: BalancerMemberDefaults: %s", b->s->name, err);
            return !OK;
        }
    }
    return OK;
}

/* ---- Checks of members ----------------------------------------------------------------------- */

/* maxinflight=auto is what PHP-FPM's status page says. */
static int check_auto_limit(server_rec *s, const proxy_balancer *b, const proxy_worker *member)
{
    const lb_check_params_t *checks =
        lb_check_params_is_fastcgi(member) ? lb_check_params_of(member) : NULL;

    if (lb_member_params_written(member)->maxinflight != LB_LIMIT_AUTO) {
        return OK;
    }
    if (!checks || !checks->status_uri) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0540)
                     "%s: member %s: maxinflight=auto needs PHP-FPM's status page. Remedy: set "
                     "pm.status_path and pm.status_listen in the pool, and hcstatus= on the member",
                     b->s->name, member->s->name_ex);
        return !OK;
    }
    if (!checks->status_address) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0541)
                     "%s: member %s: maxinflight=auto reads the status page hcstatus=%s from the "
                     "pool itself, which does not answer while all of its children are busy. "
                     "Remedy: pm.status_listen, and its address in hcstatus=",
                     b->s->name, member->s->name_ex, checks->status_uri);
    }
    return OK;
}

static int resolve_checks(apr_pool_t *pconf, server_rec *s, const proxy_balancer *b,
                          proxy_worker *member)
{
    const char *err = lb_check_params_resolve(pconf, s, member);

    if (err) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0550)
                     "%s: member %s: %s", b->s->name, member->s->name_ex, err);
        return !OK;
    }
    return check_auto_limit(s, b, member);
}

/* ---- Members from DNS ------------------------------------------------------------------------ */

static int refuse_source(server_rec *s, const proxy_balancer *b, const char *line, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0530)
                 "%s: %s: %s", b->s->name, line, why);
    return !OK;
}

/* Before defaults are set: in them, options of discover= may stand for lines without it. */
static int check_discover_options(apr_pool_t *p, server_rec *s, const proxy_balancer *b,
                                  proxy_worker *member)
{
    if (!lb_discover_params_are_written(member)
        || lb_discover_params_of(member)->kind != LB_DISCOVER_NONE) {
        return OK;
    }
    return refuse_source(s, b, member->s->name_ex,
                         "discovermax=, discoverinterval=, discoverwait= and onempty= "
                         "need discover=a or discover=srv");
}

static int check_source(apr_pool_t *p, server_rec *s, const proxy_balancer *b, proxy_worker *member)
{
    const char *why = lb_discover_params_of(member)->kind != LB_DISCOVER_NONE
                          ? lb_discover_params_mistake(p, member)
                          : NULL;
    return why ? refuse_source(s, b, member->s->name_ex, why) : OK;
}

static bool any_is_discover(const apr_array_header_t *defaults)
{
    for (int i = 0; defaults && i < defaults->nelts; i++) {
        if (strncasecmp(APR_ARRAY_IDX(defaults, i, const char *), "discover=", 9) == 0) {
            return true;
        }
    }
    return false;
}

static int check_discover_defaults(server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    int rc = OK;

    for (int i = 0; i < conf->balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        if (any_is_discover(lb_balancer_settings_of(s, b)->member_defaults)) {
            rc = refuse_source(s, b, "BalancerMemberDefaults",
                               "discover= is about one name. Fix: write it on the BalancerMember "
                               "lines");
        }
    }
    return rc;
}

/* ---- Queues ---------------------------------------------------------------------------------- */

/* What the members of a balancer allow together. */
typedef struct {
    int64_t places, longest_wait;
} queue_sum_t;

static queue_sum_t sum_queues(const proxy_balancer *b)
{
    queue_sum_t sum = { 0, 0 };

    for (int k = 0; k < b->workers->nelts; k++) {
        const lb_member_params_t *params =
            lb_member_params_written(APR_ARRAY_IDX(b->workers, k, proxy_worker *));
        sum.places += params->queue;
        sum.longest_wait =
            params->queuetimeout > sum.longest_wait ? params->queuetimeout : sum.longest_wait;
    }
    return sum;
}

static void warn_of_queue(server_rec *s, const proxy_balancer *b)
{
    const lb_queue_settings_t *queue = &lb_balancer_settings_of(s, b)->queue;
    const queue_sum_t sum = sum_queues(b);

    if (queue->reserve > 0 && queue->reserve >= sum.places) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, FCLOGNO(0521)
                     "%s: queuereserve=%d reserves the whole queue (%" APR_INT64_T_FMT
                     " places) for requests of priority 0 to 2. Fix: lower queuereserve, or raise "
                     "queue= of the members",
                     b->s->name, queue->reserve, sum.places);
    }
    if (queue->order == LB_ORDER_ADAPTIVE && queue->target >= sum.longest_wait
        && queue->target > 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, FCLOGNO(0522)
                     "%s: queuetarget=%" APR_INT64_T_FMT "ms can never be exceeded, because no "
                     "request waits longer than queuetimeout=%" APR_INT64_T_FMT "ms. Fix: shorten "
                     "queuetarget",
                     b->s->name, queue->target / 1000, sum.longest_wait / 1000);
    }
}

static void warn_of_queues(server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);

    for (int i = 0; i < conf->balancers->nelts; i++) {
        warn_of_queue(s, &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer));
    }
}

/* ---- Fleets ---------------------------------------------------------------------------------- */

static int check_fleet(server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    int rc = OK;

    for (int i = 0; i < conf->balancers->nelts && !lb_fleet_settings(); i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        if (lb_balancer_settings_of(s, b)->fleet > LB_FLEET_NONE) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0568)
                         "%s: fleet= needs BalancerFleet, which says where the fronts meet",
                         b->s->name);
            rc = !OK;
        }
    }
    return rc;
}

int lb_configtest_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *main)
{
    apr_hash_t *seen = apr_hash_make(ptemp);
    int rc = OK;

    rc |= refuse_beside(main, "mod_proxy_balancer.c", "proxy_balancer");
    rc |= refuse_beside(main, "mod_lbmethod_byrequests.c", "lbmethod_byrequests");
    rc |= need_slotmem(main);
    for (server_rec *s = main; s; s = s->next) {
        rc |= look_at_members(ptemp, s, check_name);
        rc |= look_at_members(ptemp, s, check_discover_options);
        rc |= set_member_defaults(pconf, s);
        rc |= look_at_members(pconf, s, resolve_checks);
        rc |= check_discover_defaults(s);
        rc |= look_at_members(ptemp, s, check_source);
        rc |= check_fleet(s);
        warn_of_queues(s);
        warn_of_no_members(s, seen);
    }
    rc |= check_tree(ptemp, main, ap_conftree, "", apr_hash_make(ptemp));
    return rc == OK ? OK : HTTP_INTERNAL_SERVER_ERROR;
}
