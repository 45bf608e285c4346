/* SPDX-License-Identifier: MIT */
/* Of the table of verbs: functions that are in files of their own. */
#ifndef VMM_CONTROL_VERBS_PRIV_H
#define VMM_CONTROL_VERBS_PRIV_H

#include "vmm/control/control_proto.h"

/* The words of the argument "set" of histogram. */
enum { VERB_ON, VERB_OFF };

/* vmm/control/verb_irqs.c */
json_t *verb_irqs(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX]);
/* vmm/control/verb_histogram.c */
json_t *verb_histogram(void *ctx, const struct control_request *request,
		       char error[CONTROL_ERROR_MAX]);
/* vmm/control/verb_remove.c */
json_t *verb_remove(void *ctx, const struct control_request *request,
		    char error[CONTROL_ERROR_MAX]);
int verb_remove_print(const json_t *request, const json_t *reply, FILE *out);
json_t *verb_add(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX]);
int verb_add_print(const json_t *request, const json_t *reply, FILE *out);
/* vmm/control/verb_stop.c */
json_t *verb_stop(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX]);
int verb_stop_print(const json_t *request, const json_t *reply, FILE *out);
/* vmm/control/verb_metrics.c */
json_t *verb_metrics(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX]);
/* vmm/control/verb_its.c */
json_t *verb_its(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX]);
int verb_its_print(const json_t *request, const json_t *reply, FILE *out);

#endif
