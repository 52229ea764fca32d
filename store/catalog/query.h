/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - the statements of the catalog, and a connection that holds them
 *
 * Only for store/catalog.  Every statement is prepared once for each
 * connection, is used under the lock of its connection, and is held in a
 * cleanup_reset variable so that it lets go of its rows on every path.
 */
#ifndef CATALOG_QUERY_H
#define CATALOG_QUERY_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

struct error;

enum catalog_query {
	CATALOG_NEXT_VERSION,
	CATALOG_VERSION,
	CATALOG_NAMESPACE_ADD,
	CATALOG_NAMESPACE_BY_NAME,
	CATALOG_NAMESPACE_PRUNE,
	CATALOG_POD_ADD,
	CATALOG_POD_BY_NAME,
	CATALOG_POD_BY_UID,
	CATALOG_POD_LIST,
	CATALOG_POD_SET_PHASE,
	CATALOG_POD_SET_DOCUMENT,
	CATALOG_POD_DELETE,
	CATALOG_VOLUME_ADD,
	CATALOG_VOLUME_BY_POD,
	CATALOG_VOLUME_LIST,
	CATALOG_VOLUME_SET_PHASE,
	CATALOG_VOLUME_SET_SPEC,
	CATALOG_VOLUME_COUNT,
	CATALOG_MOUNT_PUT,
	CATALOG_MOUNT_CLEAR,
	CATALOG_EVENT_AGAIN,
	CATALOG_EVENT_ADD,
	CATALOG_EVENT_PRUNE,
	CATALOG_EVENT_LIST,
	CATALOG_USAGE_PUT,
	CATALOG_USAGE_GET,
	CATALOG_N_QUERIES,
};

struct connection {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *stmt[CATALOG_N_QUERIES];
};

struct catalog {
	struct connection connection;
};

/*
 * Take a turn to read.  Declared cleanup_unlock before the statements, it is
 * given back after they have been reset.
 */
static inline pthread_mutex_t *catalog_lock(struct catalog *c)
{
	pthread_mutex_lock(&c->connection.lock);
	return &c->connection.lock;
}

static inline void unlockp(pthread_mutex_t **lock)
{
	if (*lock)
		pthread_mutex_unlock(*lock);
}
#define cleanup_unlock __attribute__((cleanup(unlockp), unused))

void query_resetp(sqlite3_stmt **q);
#define cleanup_reset __attribute__((cleanup(query_resetp)))

int query_prepare_all(struct connection *conn, struct error *err);
void query_finalize_all(struct connection *conn);

/* The last failure of the connection as a negative errno. */
int catalog_errno(sqlite3 *db);
/* The same, with "what: why" in err. */
int catalog_fail(sqlite3 *db, struct error *err, const char *what);

void query_text(sqlite3_stmt *q, int position, const char *text);
/* Run a statement that gives no row. */
int query_run(sqlite3_stmt *q, struct error *err, const char *what);
/* 0 or -ENOENT; the row is current until the statement is reset. */
int query_row(sqlite3_stmt *q, struct error *err, const char *what);
/* The next resource version.  Only in a transaction. */
int query_next_version(struct connection *conn, uint64_t *ret,
		       struct error *err);
/* Copy a text column into a buffer; -EUCLEAN if it does not fit. */
int query_copy(sqlite3_stmt *q, int column, char *buf, size_t size);

/* Bring the file to the newest schema, or refuse it; see migrate.c. */
int catalog_migrate(sqlite3 *db, const char *path, struct error *err);

#endif
