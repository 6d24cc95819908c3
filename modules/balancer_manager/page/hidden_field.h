/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* hidden_field.h - what a form sends along without showing it. */
#ifndef MGR_HIDDEN_FIELD_H
#define MGR_HIDDEN_FIELD_H

#include "html.h"

/** Print a hidden field; name and value may be anybody's. */
void mgr_hidden_field_print(mgr_html_t *html, const char *name, const char *value);

/** Likewise; nothing when the value is "". */
void mgr_hidden_field_print_kept(mgr_html_t *html, const char *name, const char *value);

#endif
