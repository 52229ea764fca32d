/* SPDX-License-Identifier: Apache-2.0 */
/* node_events.c - events of pods, as objects of kind Event */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/node.h"
#include "store/node_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message that was cut inside a character would be no UTF-8. */
static void trim_utf8(char *text)
{
	size_t n = strlen(text);
	size_t tail = 0;

	while (tail < n && tail < 3 &&
	       ((unsigned char)text[n - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail < n && ((unsigned char)text[n - 1 - tail] & 0xc0) == 0xc0)
		text[n - 1 - tail] = '\0';
}

void node_event_fill(struct catalog_event *event, const struct catalog_pod *pod,
		     const char *type, const char *reason, const char *fmt, ...)
{
	va_list ap;
	int n;

	*event = (struct catalog_event){ .last = node_now() };
	memcpy(event->pod_uid, pod->uid, sizeof(event->pod_uid));
	memcpy(event->namespace, pod->namespace, sizeof(event->namespace));
	memcpy(event->pod, pod->name, sizeof(event->pod));
	snprintf(event->type, sizeof(event->type), "%s", type);
	snprintf(event->reason, sizeof(event->reason), "%s", reason);
	va_start(ap, fmt);
	n = vsnprintf(event->message, sizeof(event->message), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(event->message))
		trim_utf8(event->message);
}

static int event_commit(struct node *node, const struct catalog_event *event,
			struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	r = catalog_begin(node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_event_add(txn, event, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

void node_event_say(struct node *node, const struct catalog_event *event)
{
	struct error err = { 0 };

	if (event_commit(node, event, &err) < 0)
		log_debug("event %s of pod '%s/%s' is lost: %s", event->reason,
			  event->namespace, event->pod, err.text);
}

static json_t *event_object(const struct catalog_event *e)
{
	char first[NODE_TIME_SIZE];
	char last[NODE_TIME_SIZE];
	char version[24];
	char name[300];

	node_object_time(e->first, first, sizeof(first));
	node_object_time(e->last, last, sizeof(last));
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)e->resource_version);
	snprintf(name, sizeof(name), "%s.%016llx", e->pod,
		 (unsigned long long)e->id);
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s, "
			 "s:s, s:s}, s:s, s:s, s:s, s:{s:s}, s:s, s:s, s:i}",
			 "apiVersion", "v1", "kind", "Event", "metadata",
			 "name", name, "namespace", e->namespace,
			 "creationTimestamp", first, "resourceVersion", version,
			 "involvedObject", "apiVersion", "v1", "kind", "Pod",
			 "namespace", e->namespace, "name", e->pod, "uid",
			 e->pod_uid, "type", e->type, "reason", e->reason,
			 "message", e->message, "source", "component",
			 "podvolsd", "firstTimestamp", first, "lastTimestamp",
			 last, "count", (int)e->count);
}

int node_event_list(struct node *node, const char *pod_uid, json_t **ret_object,
		    struct error *err)
{
	cleanup_free struct catalog_event *events = NULL;
	json_auto_t *items = json_array();
	char version_text[24];
	json_t *list;
	uint64_t version;
	size_t n;
	int r;

	r = catalog_event_list(node->catalog, pod_uid, &events, &n, &version,
			       err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		/* What is no UTF-8 makes no object, either. */
		json_t *object =
			events[i].damaged ? NULL : event_object(&events[i]);

		if (!object)
			node_damaged_tell_event(node, events[i].id);
		else if (json_array_append_new(items, object) < 0)
			return -ENOMEM;
	}
	snprintf(version_text, sizeof(version_text), "%llu",
		 (unsigned long long)version);
	list = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", "v1", "kind",
			 "EventList", "metadata", "resourceVersion",
			 version_text, "items", items);
	if (!list)
		return -ENOMEM;
	*ret_object = list;
	return 0;
}
