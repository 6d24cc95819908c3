/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tracing.c - see tracing.h. */
#include "tracing.h"

#include <strings.h>

#include "trace.h"
#include "worker_url.h"

static bool is_on(const fcgi_proxy_config_t *config)
{
    return config->trace && config->trace->is_on;
}

/* May requests to this URL come to our handler? What schemes the members of a balancer have is not
 * looked up here: it costs more than all the rest. */
static bool may_be_ours(const char *url)
{
    return strncasecmp(url, BALANCER_PREFIX, sizeof(BALANCER_PREFIX) - 1) == 0
           || fc_worker_url_is_fastcgi(url);
}

int fcgi_tracing_pre_request(proxy_worker **worker, proxy_balancer **balancer, request_rec *r,
                             proxy_server_conf *conf, char **url)
{
    const fcgi_proxy_config_t *config = fcgi_proxy_config_of(r);

    if (is_on(config) && !*balancer && may_be_ours(*url)) {
        (void)fcgi_trace_begin(r, config->trace);
    }
    return DECLINED;
}

fcgi_trace_t *fcgi_tracing_of(request_rec *r, const fcgi_proxy_config_t *config)
{
    return is_on(config) ? fcgi_trace_take(r) : NULL;
}

void fcgi_tracing_begin_try(fcgi_job_t *job)
{
    apr_port_t port = 0;

    job->traced = fcgi_trace_begin_try(job->trace);
    if (!job->traced) {
        return;
    }
    const char *host = fcgi_backend_socket(job->r, job->worker);
    if (!host) {
        host = fcgi_backend_host(job->r, job->worker, job->url, &port);
    }
    fcgi_trace_set_target(job->trace, job->traced, job->url, host ? host : "", port);
    job->traced->began = job->started;
}

void fcgi_tracing_end_try(const fcgi_job_t *job)
{
    fcgi_trace_try_t *attempt = job->traced;

    if (!attempt) {
        return;
    }
    attempt->connected = job->pump.exchange ? job->connected : 0;
    attempt->first_byte_at = job->pump.first_byte_at;
    attempt->status = job->exchange.head_is_complete ? job->reply.status : 0;
    attempt->failure = job->outcome == LB_SERVED ? NULL : lb_outcome_word(job->outcome);
    attempt->ended = fc_now();
}
