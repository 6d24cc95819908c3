/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* legend.c - see legend.h. No table: scripts count those of the page.
 * Knows    nothing but words.
 * Memory   none.   Threads: any, no state. */
#include "legend.h"

#include "state_sentence.h"

static const char *meaning_of(lb_state_t state)
{
    static const char *const meanings[LB_STATE_COUNT] = {
        [LB_STATE_OK] = "in service",
        [LB_STATE_ERROR] =
            "out of service, as requests failed (maxfails); tried again after a while",
        [LB_STATE_TRIAL] = "one request tries whether it serves again",
        [LB_STATE_HEALTH_FAIL] = "out of service, as its health checks fail",
        [LB_STATE_DRAINING] = "no new sessions; existing ones go on",
        [LB_STATE_DISABLED] = "gets no requests; those in flight will finish",
        [LB_STATE_STOPPED] = "gets neither requests nor health checks",
        [LB_STATE_STANDBY] = "serves only when no other member can",
        [LB_STATE_SPARE] = "serves when a member of its set is missing",
        [LB_STATE_SHUTDOWN] = "is being taken out of service",
        [LB_STATE_REMOVING] = "removed, its last requests are ending",
        [LB_STATE_GONE] = "not in DNS any more, its last requests are ending",
    };
    return meanings[state];
}

static void print_entry(mgr_html_t *html, const char *term, const char *meaning)
{
    mgr_html_format(html, "<div><dt>%s</dt><dd>%s</dd></div>\n", term, meaning);
}

static void print_states(mgr_html_t *html)
{
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        mgr_html_format(html, "<div><dt><b class=\"pill %s\">%s</b></dt><dd>%s</dd></div>\n",
                        lb_state_word(state), mgr_state_sentence_word(state), meaning_of(state));
    }
}

void mgr_legend_print(mgr_page_t *page)
{
    static const char *const words[][2] = {
        { "Failed", "members in error, on trial, or with failed checks" },
        { "Off on purpose", "members that an operator, the configuration or DNS keeps out" },
        { "Errors", "requests of the last minute that failed, were answered with 5xx, or got no "
                    "member" },
        { "Share", "part of the requests of the last minute / part that the weight gives; the line "
                   "in the bar" },
        { "First byte", "time from the connection to the first byte of the response: half of them, "
                        "95 % and 99 % were faster" },
        { "Waiting", "requests in the queue, until a member has room" },
        { "Parked", "requests in flight that hold no thread of httpd" },
        { "Outages", "how often a member was out because it failed, and for how long in all" },
        { "Marks in the charts", "changes of state: red when a member failed, green when it came "
                                 "back, grey on purpose" },
    };
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<details class=\"legend\" id=\"legend\"><summary>Legend</summary>\n<dl>\n");
    print_states(html);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        print_entry(html, words[i][0], words[i][1]);
    }
    mgr_html_raw(html, "</dl></details>\n");
}
