/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* backend.c - see backend.h. */
#include "backend.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <sys/un.h>

#include "ap_mpm.h"
#include "apr_network_io.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "connection_counts.h"
#include "exchange.h"
#include "mod_balancer_byrequests.h"
#include "retry_budget.h"
#include "tls.h"
#include "worker_params.h"
#include "worker_url.h"

/* Behind worker->context, in each process. */
typedef struct {
    fcgi_pool_t *pool;
    const fcgi_worker_params_t *params;
    fcgi_address_t address[FCGI_ADDRESSES_MAX];    /* once known; the worker's lock */
    int address_count;
    apr_time_t known_until;        /* monotonic us; 0: not known */
    int64_t guard;                 /* us; 0: GUARD_FIRST */
    fc_retry_budget_t retries;     /* of a worker without a balancer; the worker's lock */
    int64_t first_byte;            /* us: what is usual of late; 0: not known */
} fcgi_backend_t;

/* A kept connection is given this long for its first byte, or twice what is usual; doubled each
 * time that a new connection was not quicker. */
#define GUARD_FIRST (150 * 1000)
#define GUARD_LAST  apr_time_from_sec(10)

/* What is usual follows each new first byte by one part in so many. */
#define USUAL_PARTS 8

bool fcgi_backend_reuses(const proxy_worker *worker)
{
    return worker->s->is_address_reusable && worker->s->disablereuse_set
           && !worker->s->disablereuse;
}

static const proxy_server_conf *proxy_conf(server_rec *s)
{
    return ap_get_module_config(s->module_config, &proxy_module);
}

apr_interval_time_t fcgi_backend_timeout(const proxy_worker *worker, server_rec *s)
{
    const proxy_server_conf *conf = proxy_conf(s);
    return worker->s->timeout_set ? worker->s->timeout
           : conf->timeout_set    ? conf->timeout
                                  : s->timeout;
}

/* ---- One for each worker --------------------------------------------------------------------- */

/* The address, not the worker: other virtual hosts may use the same backend. */
static int number_of(const proxy_worker *worker, apr_pool_t *p)
{
    const proxy_worker_shared *s = worker->s;

    return fcgi_connection_counts_find(
        *s->uds_path ? s->uds_path : apr_psprintf(p, "%s:%d", s->hostname_ex, s->port));
}

static int kept_by_all(const proxy_worker *worker, apr_pool_t *p)
{
    return fcgi_connection_counts_total(number_of(worker, p), FCGI_COUNT_KEPT);
}

/* Of the balancer; NULL: there is none. */
static APR_OPTIONAL_FN_TYPE(lb_member_is_wanted) *member_is_wanted;
static APR_OPTIONAL_FN_TYPE(lb_member_tls_name) *member_tls_name;

void fcgi_backend_find_balancer(void)
{
    APR_OPTIONAL_FN_TYPE(lb_handler_keeps) *handler_keeps =
        APR_RETRIEVE_OPTIONAL_FN(lb_handler_keeps);

    if (handler_keeps) {
        handler_keeps(kept_by_all);
    }
    member_is_wanted = APR_RETRIEVE_OPTIONAL_FN(lb_member_is_wanted);
    member_tls_name = APR_RETRIEVE_OPTIONAL_FN(lb_member_tls_name);
}

const char *fcgi_backend_tls_name(const proxy_worker *worker)
{
    return worker->balancer && member_tls_name ? member_tls_name(worker) : worker->s->hostname_ex;
}

/* A member that was removed, or whose address is not in DNS any more. */
static bool is_abandoned(const void *worker)
{
    return !member_is_wanted(worker);
}

static fcgi_backend_t *make_backend(proxy_worker *worker)
{
    apr_pool_t *p = worker->cp->pool;
    fcgi_backend_t *backend = apr_pcalloc(p, sizeof(*backend));
    const fcgi_worker_params_t *params = fcgi_worker_params_of(worker);
    int threads = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    const fcgi_pool_limits_t limits = {
        /* at and over the number of threads it limits nothing */
        .max = worker->s->hmax < threads ? worker->s->hmax : 0,
        .smax = worker->s->smax,
        .ttl = worker->s->ttl,
        .acquire = worker->s->acquire_set ? worker->s->acquire : 0,
        .idletimeout = params->idletimeout,
        .keepidle = params->keepidle,
        .maxuses = (unsigned int)params->maxuses,
        .address = number_of(worker, p),
        .is_abandoned = worker->balancer && member_is_wanted ? is_abandoned : NULL,
        .owner = worker,
    };
    backend->params = params;
    return fcgi_pool_make(&backend->pool, &limits, p) == APR_SUCCESS ? backend : NULL;
}

static fcgi_backend_t *backend_of(proxy_worker *worker)
{
    fcgi_backend_t *backend = __atomic_load_n(&worker->context, __ATOMIC_ACQUIRE);

    if (backend) {
        return backend;
    }
    PROXY_THREAD_LOCK(worker);
    backend = worker->context;
    if (!backend) {
        backend = make_backend(worker);
        __atomic_store_n(&worker->context, backend, __ATOMIC_RELEASE);
    }
    PROXY_THREAD_UNLOCK(worker);
    return backend;
}

fcgi_pool_t *fcgi_backend_pool(proxy_worker *worker)
{
    const fcgi_backend_t *backend = backend_of(worker);
    return backend ? backend->pool : NULL;
}

/* Of a worker whose pool was asked for: it was there, and stays. */
static fcgi_backend_t *used_backend_of(proxy_worker *worker)
{
    fcgi_backend_t *backend = backend_of(worker);

    ap_assert(backend != NULL);
    return backend;
}

const fcgi_worker_params_t *fcgi_backend_params(proxy_worker *worker)
{
    const fcgi_backend_t *backend = backend_of(worker);
    return backend ? backend->params : fcgi_worker_params_of(worker);
}

void fcgi_backend_begin_lease(fcgi_lease_t *lease, proxy_worker *worker)
{
    const fcgi_backend_t *backend = used_backend_of(worker);

    lease->pool = backend->pool;
    lease->params = backend->params;
}

void fcgi_backend_count_try(proxy_worker *worker)
{
    fcgi_backend_t *backend = backend_of(worker);

    if (backend) {
        PROXY_THREAD_LOCK(worker);
        fc_retry_budget_count(&backend->retries, fc_now());
        PROXY_THREAD_UNLOCK(worker);
    }
}

bool fcgi_backend_may_resend(proxy_worker *worker)
{
    fcgi_backend_t *backend = used_backend_of(worker);

    PROXY_THREAD_LOCK(worker);
    const bool may = fc_retry_budget_take(&backend->retries, fc_now());
    PROXY_THREAD_UNLOCK(worker);
    return may;
}

apr_interval_time_t fcgi_backend_guard(proxy_worker *worker)
{
    const int64_t guard = __atomic_load_n(&used_backend_of(worker)->guard, __ATOMIC_RELAXED);
    const int64_t late = 2 * fcgi_backend_usual_first_byte(worker);
    const int64_t least = late < GUARD_FIRST  ? GUARD_FIRST
                          : late < GUARD_LAST ? late
                                              : GUARD_LAST;
    return guard > least ? guard : least;
}

void fcgi_backend_judge_guard(proxy_worker *worker, bool was_quicker)
{
    const int64_t doubled = fcgi_backend_guard(worker) * 2;
    const int64_t longer = doubled < GUARD_LAST ? doubled : GUARD_LAST;
    __atomic_store_n(&used_backend_of(worker)->guard, was_quicker ? GUARD_FIRST : longer,
                     __ATOMIC_RELAXED);
}

void fcgi_backend_note_first_byte(proxy_worker *worker, apr_interval_time_t took)
{
    int64_t *usual = &used_backend_of(worker)->first_byte;
    const int64_t before = __atomic_load_n(usual, __ATOMIC_RELAXED);

    /* a race loses one of them */
    __atomic_store_n(usual, before ? before + (took - before) / USUAL_PARTS : took + 1,
                     __ATOMIC_RELAXED);
}

apr_interval_time_t fcgi_backend_usual_first_byte(proxy_worker *worker)
{
    return __atomic_load_n(&used_backend_of(worker)->first_byte, __ATOMIC_RELAXED);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

apr_interval_time_t fcgi_backend_connect_timeout(const proxy_worker *worker, server_rec *s)
{
    return worker->s->conn_timeout_set ? worker->s->conn_timeout
                                       : fcgi_backend_timeout(worker, s);
}

static void fill_options(fcgi_endpoint_t *to, const proxy_worker *worker, server_rec *s)
{
    const proxy_server_conf *conf = proxy_conf(s);

    to->receive_buffer_bytes = (int)worker->s->recv_buffer_size;
    to->tcp_keepalive = worker->s->keepalive;
    to->connect_timeout = fcgi_backend_connect_timeout(worker, s);
    if (conf->source_address_set) {
        to->source = (const struct sockaddr *)&conf->source_address->sa;
        to->source_bytes = conf->source_address->salen;
    }
}

static apr_status_t fill_unix(fcgi_endpoint_t *to, const char *path, apr_pool_t *p)
{
    fcgi_address_t *address = apr_pcalloc(p, sizeof(*address));
    struct sockaddr_un *at = (struct sockaddr_un *)&address->at;

    if (strlen(path) >= sizeof(at->sun_path)) {
        return APR_ENAMETOOLONG;
    }
    at->sun_family = AF_UNIX;
    memcpy(at->sun_path, path, strlen(path) + 1);
    address->bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    to->address = address;
    to->address_count = 1;
    return APR_SUCCESS;
}

/* Of an address in figures: with a family the resolver does not ask the kernel for all addresses of
 * this host, to find out which families it has. */
static apr_int32_t family_of(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1    ? APR_INET
           : inet_pton(AF_INET6, host, address) == 1 ? APR_INET6
                                                     : APR_UNSPEC;
}

/* address   room for FCGI_ADDRESSES_MAX */
static apr_status_t resolve(fcgi_address_t *address, int *count, const char *host, apr_port_t port,
                            apr_pool_t *p)
{
    apr_sockaddr_t *found = NULL;
    const apr_status_t rv = apr_sockaddr_info_get(&found, host, family_of(host), port, 0, p);

    for (*count = 0; found && *count < FCGI_ADDRESSES_MAX; found = found->next) {
        memcpy(&address[*count].at, &found->sa, found->salen);
        address[(*count)++].bytes = found->salen;
    }
    return rv;
}

static void fill_addresses(fcgi_endpoint_t *to, const fcgi_address_t *address, int count,
                           apr_pool_t *p)
{
    to->address = apr_pmemdup(p, address, (apr_size_t)count * sizeof(*address));
    to->address_count = count;
}

static apr_status_t look_up(fcgi_endpoint_t *to, const char *host, apr_port_t port, apr_pool_t *p)
{
    fcgi_address_t address[FCGI_ADDRESSES_MAX];
    int count;
    const apr_status_t rv = resolve(address, &count, host, port, p);

    fill_addresses(to, address, count, p);
    return rv;
}

/* The worker's own host: looked up once, again after addressttl, or when nobody answers there. */
static apr_status_t look_up_worker(fcgi_endpoint_t *to, proxy_worker *worker, apr_pool_t *p)
{
    fcgi_backend_t *backend = used_backend_of(worker);
    const apr_interval_time_t ttl = apr_time_from_sec(fc_worker_address_ttl(worker->s));
    const apr_time_t now = fc_now();
    apr_status_t rv = APR_SUCCESS;

    PROXY_THREAD_LOCK(worker);
    if (backend->known_until <= now) {
        rv = resolve(backend->address, &backend->address_count, worker->s->hostname_ex,
                     worker->s->port, p);
        backend->known_until = rv != APR_SUCCESS ? 0
                               : ttl > 0         ? now + ttl
                                                 : APR_INT64_MAX;
    }
    fill_addresses(to, backend->address, backend->address_count, p);
    PROXY_THREAD_UNLOCK(worker);
    return rv;
}

void fcgi_backend_forget_addresses(proxy_worker *worker)
{
    fcgi_backend_t *backend = used_backend_of(worker);

    PROXY_THREAD_LOCK(worker);
    backend->known_until = 0;
    PROXY_THREAD_UNLOCK(worker);
}

const char *fcgi_backend_socket(request_rec *r, const proxy_worker *worker)
{
    return *worker->s->uds_path ? worker->s->uds_path : apr_table_get(r->notes, "uds_path");
}

const char *fcgi_backend_name(request_rec *r, proxy_worker *worker, const char *url)
{
    const char *socket = apr_table_get(r->notes, "uds_path");
    const bool has_own = *worker->s->uds_path || (worker->s->is_address_reusable && !socket);
    const char *host = has_own ? NULL : strstr(url, "://");

    if (!host) {
        return ap_proxy_worker_name(r->pool, worker);
    }
    const char *where = apr_pstrmemdup(r->pool, url,
                                       (apr_size_t)(host + 3 - url) + strcspn(host + 3, "/?#"));
    return socket ? apr_pstrcat(r->pool, "unix:", socket, "|", where, NULL) : where;
}

const char *fcgi_backend_host(request_rec *r, const proxy_worker *worker, const char *url,
                              apr_port_t *port)
{
    apr_uri_t uri;

    if (worker->s->is_address_reusable) {
        *port = worker->s->port;
        return worker->s->hostname_ex;
    }
    if (apr_uri_parse(r->pool, url, &uri) != APR_SUCCESS) {
        return NULL;
    }
    *port = uri.port ? uri.port : ap_proxy_port_of_scheme("fcgi");
    return uri.hostname;
}

apr_status_t fcgi_backend_find(fcgi_endpoint_t *to, request_rec *r, proxy_worker *worker,
                               const char *url, const char **shown)
{
    const char *unix_path = fcgi_backend_socket(r, worker);
    apr_port_t port;

    fill_options(to, worker, r->server);
    if (unix_path) {
        *shown = apr_pstrcat(r->pool, "unix:", unix_path, NULL);
        return fill_unix(to, unix_path, r->pool);
    }
    const char *host = fcgi_backend_host(r, worker, url, &port);
    if (!host) {
        *shown = url;
        return APR_EINVAL;
    }
    *shown = apr_psprintf(r->pool, "%s:%d", host, port);
    return worker->s->is_address_reusable ? look_up_worker(to, worker, r->pool)
                                          : look_up(to, host, port, r->pool);
}

lb_outcome_t fcgi_backend_outcome_of(const fcgi_lease_t *lease, apr_status_t rv)
{
    if (lease->handshake_failed) {
        return LB_TLS_FAILED;
    }
    if (APR_STATUS_IS_ECONNREFUSED(rv) || APR_STATUS_IS_ENOENT(rv)) {
        return LB_CONNECT_REFUSED;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return LB_CONNECT_BUSY;
    }
    if (APR_STATUS_IS_EINTR(rv)) {
        return LB_CLIENT_ABORT;
    }
    return APR_STATUS_IS_TIMEUP(rv) ? LB_CONNECT_TIMEOUT : LB_CONNECT_FAILED;
}

static bool is_socket(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

const char *fcgi_backend_cure_of(apr_pool_t *p, const char *address, apr_status_t rv)
{
    char text[120];

    if (APR_STATUS_IS_ECONNREFUSED(rv)) {
        return "nobody listens there: is the backend running?";
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        return "no such socket: is the backend running, and is the path right?";
    }
    if (APR_STATUS_IS_EACCES(rv)) {
        return is_socket(address)
                   ? "httpd has no access to the socket: see listen.owner and listen.mode of "
                     "PHP-FPM, the permissions of the directory, and SELinux"
                   : "the system does not let httpd connect: with SELinux, setsebool -P "
                     "httpd_can_network_connect on";
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return "its backlog is full: raise pm.max_children or listen.backlog";
    }
    return APR_STATUS_IS_TIMEUP(rv)
               ? "no response in time (connectiontimeout)"
               : apr_pstrcat(p, "cannot connect: ", apr_strerror(rv, text, sizeof(text)), NULL);
}

const char *fcgi_backend_loss_of(const char *address, apr_status_t rv, bool is_silent)
{
    if (address && is_silent) {
        return is_socket(address) ? "the connection was closed without a response: has a child of "
                                    "PHP-FPM died?"
                                  : "the connection was closed without a response: has a child of "
                                    "PHP-FPM died, or does listen.allowed_clients not permit this "
                                    "machine?";
    }
    return APR_STATUS_IS_EOF(rv) ? fcgi_exchange_reason_text(FCGI_REASON_EOF)
                                 : "the connection was reset";
}

/* ---- Checks: connections without a request --------------------------------------------------- */

/* host:port or unix:/path */
static apr_status_t find_address(fcgi_endpoint_t *to, const char *address, apr_pool_t *p)
{
    char *host, *scope;
    apr_port_t port;

    if (is_socket(address)) {
        return fill_unix(to, address + 5, p);
    }
    const apr_status_t rv = apr_parse_addr_port(&host, &scope, &port, address, p);
    return rv == APR_SUCCESS ? look_up(to, host, port, p) : rv;
}

static apr_status_t find_target(fcgi_endpoint_t *to, const fcgi_check_target_t *target,
                                apr_pool_t *p, const char **shown)
{
    proxy_worker *worker = target->worker;

    fill_options(to, worker, target->server);
    to->connect_timeout = target->timeout;
    to->watched_fd = target->stop->hangs_up;
    if (target->address) {
        *shown = target->address;
        return find_address(to, target->address, p);
    }
    if (*worker->s->uds_path) {
        *shown = apr_pstrcat(p, "unix:", worker->s->uds_path, NULL);
        return fill_unix(to, worker->s->uds_path, p);
    }
    *shown = apr_psprintf(p, "%s:%d", worker->s->hostname_ex, worker->s->port);
    return look_up_worker(to, worker, p);
}

apr_status_t fcgi_backend_connect_for_check(fcgi_lease_t *lease, const fcgi_check_target_t *target,
                                            apr_pool_t *p, const char **shown, const char **why)
{
    proxy_worker *worker = target->worker;
    fcgi_endpoint_t to = { 0 };

    *lease = (fcgi_lease_t){ 0 };
    apr_status_t rv = backend_of(worker) ? find_target(&to, target, p, shown) : APR_ENOMEM;
    if (rv != APR_SUCCESS) {
        *why = "cannot resolve its host name";
        return rv;
    }
    rv = fcgi_connecting_run(&lease->connection, &to);
    if (rv != APR_SUCCESS) {
        *why = apr_psprintf(p, "%s: %s", *shown, fcgi_backend_cure_of(p, *shown, rv));
        fcgi_backend_forget_addresses(worker);
        return rv;
    }
    lease->connection->uses = 1;
    target->stop->connection = lease->connection->fd;
    if (!target->address && fc_worker_url_is_fcgis(worker->s->name_ex)) {
        rv = fcgi_tls_start(&lease->connection->tls, lease->connection->fd, worker, NULL,
                            target->server, fcgi_backend_tls_name(worker), target->timeout,
                            target->timeout);
        lease->handshake_failed = rv != APR_SUCCESS;
        *why = rv == APR_SUCCESS ? "" : "TLS failed: see the message of mod_ssl";
    }
    return rv;
}

void fcgi_backend_give_back(fcgi_lease_t *lease, bool is_clean)
{
    if (lease->connection && is_clean && lease->may_be_kept) {
        fcgi_pool_keep(lease->pool, &lease->connection);
    }
    fcgi_connection_close(&lease->connection);
    if (lease->pool) {
        fcgi_pool_leave(lease->pool);
        lease->pool = NULL;
    }
}
