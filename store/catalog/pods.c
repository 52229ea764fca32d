/* SPDX-License-Identifier: Apache-2.0 */
/* pods.c - pods and their volumes in the catalog */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/catalog/catalog.h"
#include "store/catalog/query.h"
#include "store/manifest/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last id of a volume that the schema allows. */
#define VOLUME_ID_LAST 8388607

/* What begins the names of pods that have lost their own. */
#define STAND_IN "damaged-"

static const char *const phase_names[] = {
	[CATALOG_PENDING] = "pending",
	[CATALOG_READY] = "ready",
	[CATALOG_DELETING] = "deleting",
};

void catalog_pod_done(struct catalog_pod *pod)
{
	for (size_t i = 0; i < pod->n_volumes; i++)
		free(pod->volumes[i].spec);
	free(pod->volumes);
	free(pod->document);
	*pod = (struct catalog_pod){ 0 };
}

void catalog_pods_done(struct catalog_pods *pods)
{
	for (size_t i = 0; i < pods->n; i++)
		catalog_pod_done(&pods->pods[i]);
	free(pods->pods);
	*pods = (struct catalog_pods){ 0 };
}

static int namespace_id(struct connection *w, const char *name, uint64_t *ret,
			struct error *err)
{
	cleanup_reset sqlite3_stmt *add = w->stmt[CATALOG_NAMESPACE_ADD];
	cleanup_reset sqlite3_stmt *get = w->stmt[CATALOG_NAMESPACE_BY_NAME];
	int r;

	query_text(add, 1, name);
	r = query_run(add, err, "cannot record the namespace");
	if (r < 0)
		return r;
	query_text(get, 1, name);
	r = query_row(get, err, "cannot find the namespace");
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(get, 0);
	return 0;
}

static int pod_add(struct connection *w, struct catalog_pod *pod,
		   struct error *err)
{
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_POD_ADD];
	int r;

	sqlite3_bind_int64(q, 1, (sqlite3_int64)pod->namespace_id);
	query_text(q, 2, pod->name);
	query_text(q, 3, pod->uid);
	query_text(q, 4, phase_names[pod->phase]);
	sqlite3_bind_int64(q, 5, pod->created);
	sqlite3_bind_int64(q, 6, (sqlite3_int64)pod->resource_version);
	query_text(q, 7, pod->document);
	r = query_run(q, err, "cannot record the pod");
	if (r == -EEXIST)
		return error_set(err, r,
				 "there is already a pod of the name '%s/%s' "
				 "or of the UID '%s'",
				 pod->namespace, pod->name, pod->uid);
	if (r < 0)
		return r;
	pod->id = sqlite3_last_insert_rowid(w->db);
	return 0;
}

static int volume_add(struct connection *w, uint64_t pod_id,
		      struct catalog_volume *vol, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_VOLUME_ADD];
	int r;

	sqlite3_bind_int64(q, 1, (sqlite3_int64)pod_id);
	query_text(q, 2, vol->name);
	query_text(q, 3, vol->source);
	query_text(q, 4, vol->spec);
	query_text(q, 5, phase_names[vol->phase]);
	r = query_run(q, err, "cannot record the volume");
	if (r == -EOVERFLOW)
		return error_set(err, r,
				 "cannot record volume '%s': this state "
				 "directory has given away all its volume ids; "
				 "continue with a new one",
				 vol->name);
	if (r < 0)
		return r;
	vol->id = (uint32_t)sqlite3_last_insert_rowid(w->db);
	return 0;
}

int catalog_pod_insert(struct catalog *txn, struct catalog_pod *pod,
		       struct error *err)
{
	struct connection *w = &txn->connection;
	int r;

	r = query_next_version(w, &pod->resource_version, err);
	if (r < 0)
		return r;
	r = namespace_id(w, pod->namespace, &pod->namespace_id, err);
	if (r < 0)
		return r;
	r = pod_add(w, pod, err);
	for (size_t i = 0; r == 0 && i < pod->n_volumes; i++)
		r = volume_add(w, pod->id, &pod->volumes[i], err);
	return r;
}

int catalog_pod_set_phase(struct catalog *txn, struct catalog_pod *pod,
			  enum catalog_phase phase, struct error *err)
{
	struct connection *w = &txn->connection;
	cleanup_reset sqlite3_stmt *p = w->stmt[CATALOG_POD_SET_PHASE];
	cleanup_reset sqlite3_stmt *v = w->stmt[CATALOG_VOLUME_SET_PHASE];
	uint64_t version;
	int r;

	r = query_next_version(w, &version, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(p, 1, (sqlite3_int64)pod->id);
	query_text(p, 2, phase_names[phase]);
	sqlite3_bind_int64(p, 3, (sqlite3_int64)version);
	r = query_run(p, err, "cannot record the pod's phase");
	if (r < 0)
		return r;
	sqlite3_bind_int64(v, 1, (sqlite3_int64)pod->id);
	query_text(v, 2, phase_names[phase]);
	r = query_run(v, err, "cannot record the volumes' phase");
	if (r < 0)
		return r;
	pod->resource_version = version;
	pod->phase = phase;
	for (size_t i = 0; i < pod->n_volumes; i++)
		pod->volumes[i].phase = phase;
	return 0;
}

int catalog_pod_set_document(struct catalog *txn, struct catalog_pod *pod,
			     const char *document, struct error *err)
{
	struct connection *w = &txn->connection;
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_POD_SET_DOCUMENT];
	cleanup_free char *copy = strdup(document);
	uint64_t version;
	int r;

	if (!copy)
		return -ENOMEM;
	r = query_next_version(w, &version, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)pod->id);
	query_text(q, 2, document);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)version);
	r = query_run(q, err, "cannot record the pod");
	if (r < 0)
		return r;
	free(pod->document);
	pod->document = steal_pointer(&copy);
	pod->resource_version = version;
	return 0;
}

int catalog_volume_set_spec(struct catalog *txn, struct catalog_volume *vol,
			    const char *spec, struct error *err)
{
	struct connection *w = &txn->connection;
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_VOLUME_SET_SPEC];
	cleanup_free char *copy = strdup(spec);
	int r;

	if (!copy)
		return -ENOMEM;
	sqlite3_bind_int64(q, 1, vol->id);
	query_text(q, 2, spec);
	r = query_run(q, err, "cannot record the volume");
	if (r < 0)
		return r;
	free(vol->spec);
	vol->spec = steal_pointer(&copy);
	return 0;
}

int catalog_pod_delete(struct catalog *txn, const struct catalog_pod *pod,
		       struct error *err)
{
	struct connection *w = &txn->connection;
	cleanup_reset sqlite3_stmt *q = w->stmt[CATALOG_POD_DELETE];
	cleanup_reset sqlite3_stmt *prune = w->stmt[CATALOG_NAMESPACE_PRUNE];
	uint64_t version;
	int r;

	r = query_next_version(w, &version, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)pod->id);
	r = query_run(q, err, "cannot remove the pod");
	if (r < 0)
		return r;
	sqlite3_bind_int64(prune, 1, (sqlite3_int64)pod->namespace_id);
	return query_run(prune, err, "cannot remove the namespace");
}

static int phase_read(sqlite3_stmt *q, int column, enum catalog_phase *ret)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	for (size_t i = 0; text && i < 3; i++) {
		if (strcmp(phase_names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EUCLEAN;
}

/* A copy of a text column, NULL for NULL. */
static int text_read(sqlite3_stmt *q, int column, char **ret)
{
	const char *text;

	*ret = NULL;
	if (sqlite3_column_type(q, column) == SQLITE_NULL)
		return 0;
	text = (const char *)sqlite3_column_text(q, column);
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : -ENOMEM;
}

/* Nothing but letters, digits and '-': a UID, which names a directory. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	}
	return isalnum((unsigned char)*text);
}

/* Read a name of this form; if it is none, give it one that is: false. */
static bool name_read(sqlite3_stmt *q, int column,
		      bool (*is_good)(const char *), uint64_t id, char *buf,
		      size_t size)
{
	if (query_copy(q, column, buf, size) == 0 && is_good(buf))
		return true;
	snprintf(buf, size, STAND_IN "%llu", (unsigned long long)id);
	return false;
}

static int pod_read(sqlite3_stmt *q, struct catalog_pod *pod)
{
	bool good = true;

	pod->id = sqlite3_column_int64(q, 0);
	pod->namespace_id = sqlite3_column_int64(q, 1);
	pod->created = sqlite3_column_int64(q, 6);
	pod->resource_version = sqlite3_column_int64(q, 7);
	good &= name_read(q, 2, name_is_label, pod->namespace_id,
			  pod->namespace, sizeof(pod->namespace));
	good &= name_read(q, 3, name_is_subdomain, pod->id, pod->name,
			  sizeof(pod->name));
	good &= name_read(q, 4, is_plain, pod->id, pod->uid, sizeof(pod->uid));
	if (phase_read(q, 5, &pod->phase) < 0) {
		pod->phase = CATALOG_READY;
		good = false;
	}
	pod->damaged = !good;
	return text_read(q, 8, &pod->document);
}

/* Room for one more entry behind n: the size doubles at powers of two. */
static int grow(void *array, size_t n, size_t size)
{
	void **p = array;
	void *bigger;

	if (n & (n - 1))
		return 0;
	bigger = reallocarray(*p, n ? 2 * n : 1, size);
	if (!bigger)
		return -ENOMEM;
	*p = bigger;
	return 0;
}

static int volume_read(sqlite3_stmt *q, struct catalog_pod *pod)
{
	sqlite3_int64 id = sqlite3_column_int64(q, 1);
	struct catalog_volume *vol;

	if (grow(&pod->volumes, pod->n_volumes, sizeof(*vol)) < 0)
		return -ENOMEM;
	vol = &pod->volumes[pod->n_volumes];
	*vol = (struct catalog_volume){ .id = (uint32_t)id };
	if (id < 1 || id > VOLUME_ID_LAST ||
	    query_copy(q, 2, vol->name, sizeof(vol->name)) < 0 ||
	    query_copy(q, 3, vol->source, sizeof(vol->source)) < 0 ||
	    !name_is_label(vol->name) || !is_plain(vol->source) ||
	    phase_read(q, 5, &vol->phase) < 0) {
		pod->damaged = true;
		return 0;
	}
	if (text_read(q, 4, &vol->spec) < 0)
		return -ENOMEM;
	pod->n_volumes++;
	return 0;
}

/* The one pod that q gives, with its volumes. */
static int pod_fetch(struct connection *conn, sqlite3_stmt *q,
		     struct catalog_pod *ret, struct error *err)
{
	cleanup_reset sqlite3_stmt *v = conn->stmt[CATALOG_VOLUME_BY_POD];
	cleanup_catalog_pod struct catalog_pod pod = { 0 };
	int r;

	r = query_row(q, err, "cannot look up the pod");
	if (r < 0)
		return r;
	r = pod_read(q, &pod);
	if (r < 0)
		return r;
	sqlite3_bind_int64(v, 1, (sqlite3_int64)pod.id);
	while ((r = query_row(v, err, "cannot look up the volumes")) == 0) {
		r = volume_read(v, &pod);
		if (r < 0)
			return r;
	}
	if (r != -ENOENT)
		return r;
	*ret = pod;
	pod = (struct catalog_pod){ 0 };
	return 0;
}

/* A read transaction: pod and volumes of one moment. */
static int snapshot(struct connection *conn, const char *sql, struct error *err)
{
	if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return catalog_fail(conn->db, err, "cannot read the catalog");
	return 0;
}

static int pod_fetch_at_once(struct connection *conn, sqlite3_stmt *q,
			     struct catalog_pod *ret, struct error *err)
{
	int r;

	r = snapshot(conn, "BEGIN", err);
	if (r < 0)
		return r;
	r = pod_fetch(conn, q, ret, err);
	sqlite3_reset(q);
	snapshot(conn, "COMMIT", NULL);
	return r;
}

static int pod_by_name(struct catalog *c, const char *namespace,
		       const char *name, struct catalog_pod *ret,
		       struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_reset sqlite3_stmt *q = c->connection.stmt[CATALOG_POD_BY_NAME];

	query_text(q, 1, namespace);
	query_text(q, 2, name);
	return pod_fetch_at_once(&c->connection, q, ret, err);
}

int catalog_pod_by_uid(struct catalog *c, const char *uid,
		       struct catalog_pod *ret, struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_reset sqlite3_stmt *q = c->connection.stmt[CATALOG_POD_BY_UID];

	query_text(q, 1, uid);
	return pod_fetch_at_once(&c->connection, q, ret, err);
}

/* May it be the name of something that has lost its own? */
static bool is_stand_in(const char *name)
{
	return strncmp(name, STAND_IN, strlen(STAND_IN)) == 0;
}

static int list_pods(struct connection *conn, const char *namespace,
		     unsigned flags, struct catalog_pods *list,
		     struct error *err)
{
	cleanup_reset sqlite3_stmt *q = conn->stmt[CATALOG_POD_LIST];
	int r;

	if (namespace && !is_stand_in(namespace))
		query_text(q, 1, namespace);
	sqlite3_bind_int(q, 2, !!(flags & CATALOG_LIST_DOCUMENTS));
	while ((r = query_row(q, err, "cannot list the pods")) == 0) {
		struct catalog_pod *pod;

		if (grow(&list->pods, list->n, sizeof(*pod)) < 0)
			return -ENOMEM;
		pod = &list->pods[list->n];
		*pod = (struct catalog_pod){ 0 };
		r = pod_read(q, pod);
		if (r < 0)
			return r;
		if (namespace && strcmp(pod->namespace, namespace) != 0)
			catalog_pod_done(pod);
		else
			list->n++;
	}
	return r == -ENOENT ? 0 : r;
}

/*
 * Both lists are ordered by the pod's id, so one pass joins them.  In a list of
 * all pods, whole, each volume must find its own.
 */
static int list_volumes(struct connection *conn, bool whole,
			struct catalog_pods *list, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = conn->stmt[CATALOG_VOLUME_LIST];
	size_t i = 0;
	int r;

	while ((r = query_row(q, err, "cannot list the volumes")) == 0) {
		uint64_t pod_id = sqlite3_column_int64(q, 0);

		while (i < list->n && list->pods[i].id < pod_id)
			i++;
		if (i == list->n && !whole)
			return 0;
		if (i == list->n || list->pods[i].id != pod_id) {
			list->damaged |= whole;
			continue;
		}
		r = volume_read(q, &list->pods[i]);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}

static int list_version(struct connection *conn, uint64_t *ret,
			struct error *err)
{
	cleanup_reset sqlite3_stmt *q = conn->stmt[CATALOG_VERSION];
	int r;

	r = query_row(q, err, "cannot read the catalog");
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(q, 0);
	return 0;
}

int catalog_pod_list(struct catalog *c, const char *namespace, unsigned flags,
		     struct catalog_pods *ret, struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_catalog_pods struct catalog_pods list = { 0 };
	struct connection *conn = &c->connection;
	int r;

	r = snapshot(conn, "BEGIN", err);
	if (r < 0)
		return r;
	r = list_version(conn, &list.resource_version, err);
	if (r == 0)
		r = list_pods(conn, namespace, flags, &list, err);
	if (r == 0)
		r = list_volumes(conn, !namespace, &list, err);
	snapshot(conn, "COMMIT", NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		list.damaged |= list.pods[i].damaged;
	*ret = list;
	list = (struct catalog_pods){ 0 };
	return 0;
}

/* SQL does not know the names that pod_read() gives. */
static int pod_by_stand_in(struct catalog *c, const char *namespace,
			   const char *name, struct catalog_pod *ret,
			   struct error *err)
{
	cleanup_catalog_pods struct catalog_pods list = { 0 };
	int r;

	if (!is_stand_in(namespace) && !is_stand_in(name))
		return -ENOENT;
	r = catalog_pod_list(c, namespace, CATALOG_LIST_DOCUMENTS, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		if (strcmp(list.pods[i].name, name) != 0)
			continue;
		*ret = list.pods[i];
		list.pods[i] = (struct catalog_pod){ 0 };
		return 0;
	}
	return -ENOENT;
}

int catalog_pod_by_name(struct catalog *c, const char *namespace,
			const char *name, struct catalog_pod *ret,
			struct error *err)
{
	int r = pod_by_name(c, namespace, name, ret, err);

	if (r != -ENOENT)
		return r;
	return pod_by_stand_in(c, namespace, name, ret, err);
}
