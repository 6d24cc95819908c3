/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* error_text.c - see error_text.h. */
#include "error_text.h"

#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* PHP's own words say how bad it is; text of anybody else is an error. */
static int level_of(const char *line, size_t bytes)
{
    static const struct {
        const char *words;
        int level;
    } php[] = {
        { "PHP Notice", APLOG_INFO },
        { "PHP Deprecated", APLOG_INFO },
        { "PHP Strict Standards", APLOG_INFO },
        { "PHP Warning", APLOG_WARNING },
    };
    for (size_t i = 0; i < sizeof(php) / sizeof(php[0]); i++) {
        if (memmem(line, bytes, php[i].words, strlen(php[i].words))) {
            return php[i].level;
        }
    }
    return APLOG_ERR;
}

static void log_message(fcgi_error_text_t *text, const char *line, size_t bytes)
{
    static const char no_script[] = "Primary script unknown";

    while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == ' ')) {
        bytes--;
    }
    if (bytes == 0 || text->lines++ >= FCGI_ERROR_LINES_MAX) {
        return;
    }
    const bool names_script = memmem(line, bytes, no_script, sizeof(no_script) - 1) != NULL;
    ap_log_rerror(APLOG_MARK, level_of(line, bytes), 0, text->r, FCLOGNO(0230)
                  "member %s says: %.*s%s%s", text->member, (int)bytes, line,
                  names_script ? ": SCRIPT_FILENAME is " : "", names_script ? text->script : "");
}

/* PHP-FPM puts its messages into one line: "PHP message: a; PHP message: b", and before PHP 8
 * "PHP message: aPHP message: b". */
static void log_line(fcgi_error_text_t *text, const char *line, size_t bytes)
{
    static const char start[] = "PHP message: ";
    const char *next;

    while (bytes > 0 && (next = memmem(line + 1, bytes - 1, start, sizeof(start) - 1))) {
        const size_t before = (size_t)(next - line);
        const bool is_glued = before >= 2 && memcmp(next - 2, "; ", 2) == 0;
        log_message(text, line, is_glued ? before - 2 : before);
        bytes -= before;
        line = next;
    }
    log_message(text, line, bytes);
}

static void end_line(fcgi_error_text_t *text)
{
    log_line(text, text->line, text->line_bytes);
    text->line_bytes = 0;
}

static void keep(fcgi_error_text_t *text, fc_span_t piece)
{
    if (!text->line) {
        text->line = apr_palloc(text->r->pool, FCGI_ERROR_LINE_BYTES);
    }
    while (piece.bytes > 0) {
        const size_t room = FCGI_ERROR_LINE_BYTES - text->line_bytes;
        const size_t fits = piece.bytes < room ? piece.bytes : room;
        memcpy(text->line + text->line_bytes, piece.at, fits);
        text->line_bytes += fits;
        piece = fc_span_after(piece, fits);
        if (text->line_bytes == FCGI_ERROR_LINE_BYTES) {
            end_line(text);
        }
    }
}

bool fcgi_error_text_add(fcgi_error_text_t *text, fc_span_t piece)
{
    const unsigned char *end;

    text->bytes += piece.bytes;
    while (piece.bytes > 0 && (end = memchr(piece.at, '\n', piece.bytes))) {
        const size_t bytes = (size_t)(end - piece.at);
        if (text->line_bytes > 0) {
            keep(text, fc_span(piece.at, bytes));
            end_line(text);
        }
        else {
            log_line(text, (const char *)piece.at, bytes);
        }
        piece = fc_span_after(piece, bytes + 1);
    }
    if (piece.bytes > 0) {
        keep(text, piece);
    }
    return text->bytes <= FCGI_ERROR_BYTES_MAX;
}

void fcgi_error_text_end(fcgi_error_text_t *text)
{
    if (text->line_bytes > 0) {
        end_line(text);
    }
    if (text->lines > FCGI_ERROR_LINES_MAX) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, text->r, FCLOGNO(0231)
                      "member %s says: %d more lines, omitted", text->member,
                      text->lines - FCGI_ERROR_LINES_MAX);
    }
    text->lines = 0;
}
