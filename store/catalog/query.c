/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - the statements of the catalog, and what goes wrong with them */
#include "store/catalog/query.h"

#include "store/base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POD_COLUMNS                                                            \
	"pod.id, namespace_id, namespace.name, pod.name, uid, phase, created," \
	" resource_version"
/* No pod is overlooked because its namespace is lost. */
#define POD_FROM    " FROM pod LEFT JOIN namespace ON namespace.id = namespace_id"
#define VOL_COLUMNS "pod_id, id, name, source, spec, phase"

static const char *const queries[CATALOG_N_QUERIES] = {
	[CATALOG_NEXT_VERSION] =
		"UPDATE counter SET value = value + 1"
		" WHERE name = 'resource_version' RETURNING value",
	[CATALOG_VERSION] =
		"SELECT value FROM counter WHERE name = 'resource_version'",
	[CATALOG_NAMESPACE_ADD] = "INSERT INTO namespace (name) VALUES (?1)"
				  " ON CONFLICT (name) DO NOTHING",
	[CATALOG_NAMESPACE_BY_NAME] =
		"SELECT id FROM namespace WHERE name = ?1",
	[CATALOG_NAMESPACE_PRUNE] =
		"DELETE FROM namespace WHERE id = ?1"
		" AND NOT EXISTS (SELECT 1 FROM pod WHERE namespace_id = ?1)",
	[CATALOG_POD_ADD] =
		"INSERT INTO pod (namespace_id, name, uid, phase, created,"
		" resource_version, document)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[CATALOG_POD_BY_NAME] = "SELECT " POD_COLUMNS ", document" POD_FROM
				" WHERE namespace.name = ?1 AND pod.name = ?2",
	[CATALOG_POD_BY_UID] =
		"SELECT " POD_COLUMNS ", document" POD_FROM " WHERE uid = ?1",
	[CATALOG_POD_LIST] =
		"SELECT " POD_COLUMNS
		", CASE WHEN ?2 THEN document END" POD_FROM
		" WHERE (?1 IS NULL OR namespace.name = ?1) ORDER BY pod.id",
	[CATALOG_POD_SET_PHASE] =
		"UPDATE pod SET phase = ?2, resource_version = ?3"
		" WHERE id = ?1",
	[CATALOG_POD_SET_DOCUMENT] =
		"UPDATE pod SET document = ?2, resource_version = ?3"
		" WHERE id = ?1",
	[CATALOG_POD_DELETE] = "DELETE FROM pod WHERE id = ?1",
	[CATALOG_VOLUME_ADD] =
		"INSERT INTO volume (pod_id, name, source, spec, phase)"
		" VALUES (?1, ?2, ?3, ?4, ?5)",
	[CATALOG_VOLUME_BY_POD] =
		"SELECT " VOL_COLUMNS " FROM volume WHERE pod_id = ?1"
		" ORDER BY id",
	[CATALOG_VOLUME_LIST] =
		"SELECT " VOL_COLUMNS " FROM volume ORDER BY pod_id, id",
	[CATALOG_VOLUME_SET_PHASE] =
		"UPDATE volume SET phase = ?2 WHERE pod_id = ?1",
	[CATALOG_VOLUME_SET_SPEC] = "UPDATE volume SET spec = ?2 WHERE id = ?1",
	[CATALOG_VOLUME_COUNT] = "SELECT count(*) FROM volume",
	[CATALOG_MOUNT_PUT] =
		"INSERT OR REPLACE INTO mount"
		" (pod_id, container, position, volume, sub_path, path)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[CATALOG_MOUNT_CLEAR] = "DELETE FROM mount",
	[CATALOG_EVENT_AGAIN] =
		"UPDATE event SET count = count + 1, last = ?4,"
		" resource_version = ?5"
		" WHERE pod_uid = ?1 AND reason = ?2 AND message = ?3",
	[CATALOG_EVENT_ADD] =
		"INSERT INTO event (pod_uid, namespace, pod, type, reason,"
		" message, first, last, count, resource_version)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, ?8)",
	[CATALOG_EVENT_PRUNE] = "DELETE FROM event WHERE id <= ?1",
	[CATALOG_EVENT_LIST] =
		"SELECT id, resource_version, pod_uid, namespace, pod, type,"
		" reason, message, first, last, count FROM event"
		" WHERE (?1 IS NULL OR pod_uid = ?1) ORDER BY last, id",
	[CATALOG_USAGE_PUT] = "INSERT OR REPLACE INTO usage"
			      " (volume_id, clean, charged, allocated, inodes)"
			      " VALUES (?1, ?2, ?3, ?4, ?5)",
	[CATALOG_USAGE_GET] =
		"SELECT clean, charged, allocated, inodes FROM usage"
		" WHERE volume_id = ?1",
};

void query_resetp(sqlite3_stmt **q)
{
	if (!*q)
		return;
	sqlite3_reset(*q);
	sqlite3_clear_bindings(*q);
}

int query_prepare_all(struct connection *conn, struct error *err)
{
	for (int i = 0; i < CATALOG_N_QUERIES; i++) {
		int rc = sqlite3_prepare_v3(conn->db, queries[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &conn->stmt[i], NULL);

		/* Our words are right: the file lacks what they are about. */
		if (rc == SQLITE_ERROR)
			return error_set(
				err, -EUCLEAN,
				"the catalog '%s' is damaged (%s); it was left "
				"as it is: restore it from a copy, or move the "
				"state directory away to start with an empty "
				"one",
				sqlite3_db_filename(conn->db, "main"),
				sqlite3_errmsg(conn->db));
		if (rc != SQLITE_OK)
			return catalog_fail(conn->db, err,
					    "cannot prepare a statement");
	}
	return 0;
}

void query_finalize_all(struct connection *conn)
{
	for (int i = 0; i < CATALOG_N_QUERIES; i++) {
		sqlite3_finalize(conn->stmt[i]);
		conn->stmt[i] = NULL;
	}
}

/* A failed read or write knows better than SQLite what happened to it. */
static int io_errno(sqlite3 *db)
{
	int e = sqlite3_system_errno(db);

	switch (e) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case EACCES:
	case EPERM:
	case EMFILE:
	case ENFILE:
		return -e;
	default:
		return -EIO;
	}
}

int catalog_errno(sqlite3 *db)
{
	int code = sqlite3_extended_errcode(db);

	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
		return -EUCLEAN;
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_CHECK ? -EOVERFLOW : -EEXIST;
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default:
		return io_errno(db);
	}
}

int catalog_fail(sqlite3 *db, struct error *err, const char *what)
{
	int r = catalog_errno(db);
	const char *why = sqlite3_errmsg(db);

	if (r == 0)
		return error_set(err, -EIO, "%s", what);
	if (r == -EUCLEAN)
		return error_set(err, r,
				 "%s: the catalog is damaged (%s); stop the "
				 "daemon and restore catalog.db from a copy",
				 what, why);
	if (r == -EAGAIN)
		return error_set(err, r,
				 "%s: another program keeps the catalog locked",
				 what);
	errno = -r;
	return error_set(err, r, "%s: %m (%s)", what, why);
}

void query_text(sqlite3_stmt *q, int position, const char *text)
{
	sqlite3_bind_text(q, position, text, -1, SQLITE_STATIC);
}

int query_run(sqlite3_stmt *q, struct error *err, const char *what)
{
	if (sqlite3_step(q) == SQLITE_DONE)
		return 0;
	return catalog_fail(sqlite3_db_handle(q), err, what);
}

int query_row(sqlite3_stmt *q, struct error *err, const char *what)
{
	switch (sqlite3_step(q)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return -ENOENT;
	default:
		return catalog_fail(sqlite3_db_handle(q), err, what);
	}
}

int query_next_version(struct connection *conn, uint64_t *ret,
		       struct error *err)
{
	cleanup_reset sqlite3_stmt *q = conn->stmt[CATALOG_NEXT_VERSION];
	int r;

	r = query_row(q, err, "cannot count the change");
	if (r == -ENOENT)
		return error_set(err, -EUCLEAN,
				 "the catalog has lost its version counter");
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(q, 0);
	/* With RETURNING the change is complete only behind the last row. */
	return query_run(q, err, "cannot count the change");
}

int query_copy(sqlite3_stmt *q, int column, char *buf, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q, column);
	size_t len = sqlite3_column_bytes(q, column);

	if (!text || len >= size || memchr(text, '\0', len))
		return -EUCLEAN;
	memcpy(buf, text, len + 1);
	return 0;
}
