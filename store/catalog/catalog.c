/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - opening, closing and transactions of the catalog */
#include "store/catalog/catalog.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/catalog/query.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

/* SQLite gives its other files the mode of this one. */
static int make_file(const char *path, struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(err, -errno,
				 "cannot open the catalog '%s': %m", path);
	if (fstat(fd, &st) < 0)
		return error_set(err, -errno, "cannot look at '%s': %m", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL,
				 "the catalog '%s' is not a regular file",
				 path);
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return error_set(err, -errno, "cannot protect '%s': %m", path);
	return 0;
}

static int connection_open(struct connection *conn, const char *path,
			   struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	int rc;

	rc = sqlite3_open_v2(path, &conn->db, flags, NULL);
	if (!conn->db)
		return -ENOMEM;
	if (rc != SQLITE_OK)
		return catalog_fail(conn->db, err, "cannot open the catalog");
	sqlite3_extended_result_codes(conn->db, 1);
	sqlite3_busy_timeout(conn->db, BUSY_TIMEOUT_MS);
	/* The file is ours, but whoever restored it may not know SQL. */
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return 0;
}

/* Only for a file that is known to be ours: this reads it. */
static int connection_start(struct connection *conn, const char *pragmas,
			    struct error *err)
{
	if (sqlite3_exec(conn->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return catalog_fail(conn->db, err, "cannot open the catalog");
	return query_prepare_all(conn, err);
}

static void connection_close(struct connection *conn)
{
	query_finalize_all(conn);
	sqlite3_close(conn->db);
	pthread_mutex_destroy(&conn->lock);
}

/*
 * Nobody else may have the file open as long as we do.  SQLite then keeps the
 * index of its log in our memory, and not in a mapped file, where a store is a
 * SIGBUS if the disk is full.
 */
static int make_exclusive(struct connection *conn, struct error *err)
{
	if (sqlite3_exec(conn->db, "PRAGMA locking_mode = EXCLUSIVE", NULL,
			 NULL, NULL) != SQLITE_OK)
		return catalog_fail(conn->db, err, "cannot open the catalog");
	return 0;
}

static int open_file(struct connection *conn, const char *path,
		     struct error *err)
{
	int r;

	r = connection_open(conn, path, err);
	if (r < 0)
		return r;
	if (sqlite3_db_readonly(conn->db, "main") == 1)
		return error_set(err, -EROFS,
				 "cannot write the catalog '%s': it is "
				 "read-only",
				 path);
	r = make_exclusive(conn, err);
	if (r == 0)
		r = catalog_migrate(conn->db, path, err);
	if (r < 0)
		return r;
	return connection_start(conn,
				"PRAGMA trusted_schema = OFF;"
				"PRAGMA foreign_keys = ON;"
				"PRAGMA synchronous = FULL;",
				err);
}

int catalog_open(const char *path, struct catalog **ret, struct error *err)
{
	struct catalog *c;
	int r;

	r = make_file(path, err);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->connection.lock, NULL);
	r = open_file(&c->connection, path, err);
	if (r < 0) {
		catalog_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	connection_close(&c->connection);
	free(c);
}

/* SQLite writes on when the file has left its place, where no start looks. */
static int check_place(struct catalog *c, struct error *err)
{
	int moved = 0;

	if (sqlite3_file_control(c->connection.db, "main",
				 SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
	    !moved)
		return 0;
	return error_set(err, -EUCLEAN,
			 "cannot write the catalog: '%s' has been moved or "
			 "removed; put it back, or restart the daemon",
			 sqlite3_db_filename(c->connection.db, "main"));
}

int catalog_begin(struct catalog *c, struct catalog **ret_txn,
		  struct error *err)
{
	int r;

	pthread_mutex_lock(&c->connection.lock);
	r = check_place(c, err);
	if (r == 0 && sqlite3_exec(c->connection.db, "BEGIN IMMEDIATE", NULL,
				   NULL, NULL) != SQLITE_OK)
		r = catalog_fail(c->connection.db, err,
				 "cannot write the catalog");
	if (r < 0) {
		pthread_mutex_unlock(&c->connection.lock);
		return r;
	}
	*ret_txn = c;
	return 0;
}

int catalog_commit(struct catalog **txn, struct error *err)
{
	struct catalog *c = *txn;

	if (sqlite3_exec(c->connection.db, "COMMIT", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return catalog_fail(c->connection.db, err,
				    "cannot write the catalog");
	*txn = NULL;
	pthread_mutex_unlock(&c->connection.lock);
	return 0;
}

void catalog_rollbackp(struct catalog **txn)
{
	struct catalog *c = *txn;
	int saved = errno;

	if (!c)
		return;
	*txn = NULL;
	/* A failed commit may have rolled back by itself. */
	if (!sqlite3_get_autocommit(c->connection.db))
		sqlite3_exec(c->connection.db, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&c->connection.lock);
	errno = saved;
}

int catalog_counts(struct catalog *c, struct catalog_counts *ret,
		   struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_reset sqlite3_stmt *volumes =
		c->connection.stmt[CATALOG_VOLUME_COUNT];
	cleanup_reset sqlite3_stmt *version =
		c->connection.stmt[CATALOG_VERSION];
	int r;

	r = query_row(volumes, err, "cannot read the catalog");
	if (r == 0)
		r = query_row(version, err, "cannot read the catalog");
	if (r < 0)
		return r;
	ret->volumes = sqlite3_column_int64(volumes, 0);
	ret->resource_version = sqlite3_column_int64(version, 0);
	return 0;
}
