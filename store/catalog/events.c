/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - the newest things that happened to pods, in the catalog */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/catalog/catalog.h"
#include "store/catalog/query.h"

#include <errno.h>
#include <stdlib.h>

/* The same thing as before?  1 if there was one to count up. */
static int event_again(struct connection *w, const struct catalog_event *event,
		       uint64_t version, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_EVENT_AGAIN];
	int r;

	query_text(q, 1, event->pod_uid);
	query_text(q, 2, event->reason);
	query_text(q, 3, event->message);
	sqlite3_bind_int64(q, 4, event->last);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)version);
	r = query_run(q, err, "cannot record the event");
	if (r < 0)
		return r;
	return sqlite3_changes(w->db) > 0;
}

static int event_insert(struct connection *w, const struct catalog_event *event,
			uint64_t version, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_EVENT_ADD];

	query_text(q, 1, event->pod_uid);
	query_text(q, 2, event->namespace);
	query_text(q, 3, event->pod);
	query_text(q, 4, event->type);
	query_text(q, 5, event->reason);
	query_text(q, 6, event->message);
	sqlite3_bind_int64(q, 7, event->last);
	sqlite3_bind_int64(q, 8, (sqlite3_int64)version);
	return query_run(q, err, "cannot record the event");
}

int catalog_event_add(struct catalog *txn, const struct catalog_event *event,
		      struct error *err)
{
	struct connection *w = &txn->connection;
	cleanup_reset sqlite3_stmt *prune = w->stmt[CATALOG_EVENT_PRUNE];
	uint64_t version;
	int r;

	r = query_next_version(w, &version, err);
	if (r < 0)
		return r;
	r = event_again(w, event, version, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = event_insert(w, event, version, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(prune, 1,
			   sqlite3_last_insert_rowid(w->db) -
				   CATALOG_EVENTS_MAX);
	return query_run(prune, err, "cannot forget old events");
}

static void event_read(sqlite3_stmt *q, struct catalog_event *event)
{
	event->id = sqlite3_column_int64(q, 0);
	event->resource_version = sqlite3_column_int64(q, 1);
	event->first = sqlite3_column_int64(q, 8);
	event->last = sqlite3_column_int64(q, 9);
	event->count = sqlite3_column_int64(q, 10);
	event->damaged =
		query_copy(q, 2, event->pod_uid, sizeof(event->pod_uid)) < 0 ||
		query_copy(q, 3, event->namespace, sizeof(event->namespace)) <
			0 ||
		query_copy(q, 4, event->pod, sizeof(event->pod)) < 0 ||
		query_copy(q, 5, event->type, sizeof(event->type)) < 0 ||
		query_copy(q, 6, event->reason, sizeof(event->reason)) < 0 ||
		query_copy(q, 7, event->message, sizeof(event->message)) < 0;
}

int catalog_event_list(struct catalog *c, const char *pod_uid,
		       struct catalog_event **ret, size_t *ret_n,
		       uint64_t *ret_resource_version, struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_reset sqlite3_stmt *version =
		c->connection.stmt[CATALOG_VERSION];
	cleanup_reset sqlite3_stmt *q = c->connection.stmt[CATALOG_EVENT_LIST];
	cleanup_free struct catalog_event *events = NULL;
	size_t n = 0;
	int r;

	r = query_row(version, err, "cannot read the catalog");
	if (r < 0)
		return r;
	events = calloc(CATALOG_EVENTS_MAX, sizeof(*events));
	if (!events)
		return -ENOMEM;
	if (pod_uid)
		query_text(q, 1, pod_uid);
	while (n < CATALOG_EVENTS_MAX &&
	       (r = query_row(q, err, "cannot list the events")) == 0)
		event_read(q, &events[n++]);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = steal_pointer(&events);
	*ret_n = n;
	*ret_resource_version = sqlite3_column_int64(version, 0);
	return 0;
}
