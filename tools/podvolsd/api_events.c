/* SPDX-License-Identifier: Apache-2.0 */
/* api_events.c - events, selected by the object that they are about */
#include "tools/podvolsd/api.h"

#include "store/base/error.h"
#include "store/node.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/selector.h"

#include <errno.h>
#include <stdio.h>

static const char *const selectable[] = {
	"involvedObject.uid",
	"involvedObject.name",
	"involvedObject.namespace",
	"involvedObject.kind",
	"involvedObject.apiVersion",
	"involvedObject.fieldPath",
	"metadata.name",
	"metadata.namespace",
	"reason",
	"type",
	NULL,
};

/* Limit the selector to one namespace. */
static int select_namespace(struct selector *selector, const char *namespace)
{
	struct selector_term *term = &selector->terms[selector->n];

	if (selector->n == SELECTOR_TERMS_MAX)
		return -EINVAL;
	term->field = "metadata.namespace";
	term->negated = false;
	snprintf(term->value, sizeof(term->value), "%s", namespace);
	selector->n++;
	return 0;
}

static void list_events(struct api_call *call, const char *namespace)
{
	json_auto_t *list = NULL;
	cleanup_selector struct selector selector = { 0 };
	struct error err = { 0 };
	int r;

	r = selector_parse(api_query(call->req, "fieldSelector"),
			   api_query(call->req, "labelSelector"), selectable,
			   &selector, &err);
	if (r == 0 && namespace)
		r = select_namespace(&selector, namespace);
	if (r < 0) {
		api_fail(call, 400, "BadRequest", "%s",
			 err.text[0] ? err.text : "too many field selectors");
		return;
	}
	r = node_event_list(call->daemon->node,
			    selector_value(&selector, "involvedObject.uid"),
			    &list, &err);
	if (r == 0)
		r = selector_filter(&selector, list);
	if (r < 0) {
		errno = -r;
		if (!err.text[0])
			error_set(&err, r, "cannot list events: %m");
		api_fail(call, 500, "InternalError",
			 "Internal error occurred: %s", err.text);
		return;
	}
	response_object(call->res, 200, json_incref(list));
}

void api_events_list_all(struct api_call *call)
{
	list_events(call, NULL);
}

void api_events_list(struct api_call *call)
{
	list_events(call, call->captures[0]);
}
