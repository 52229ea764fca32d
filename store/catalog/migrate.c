/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.c - the schema of the catalog, step by step from nothing to now */
#include "store/catalog/query.h"

#include "store/base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "PVOL": says to file(1) and to us whose database this is. */
#define APPLICATION_ID 0x50564f4c

/*
 * Entry i takes a file of version i to version i + 1.  Released entries never
 * change: a new version is a new entry at the end.
 */
static const char *const migrations[] = {
	"CREATE TABLE counter ("
	" name TEXT PRIMARY KEY,"
	" value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO counter VALUES ('resource_version', 1);"
	/* AUTOINCREMENT: an id is never given again. */
	"CREATE TABLE namespace ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE) STRICT;"
	"CREATE TABLE pod ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" namespace_id INTEGER NOT NULL REFERENCES namespace (id),"
	" name TEXT NOT NULL,"
	" uid TEXT NOT NULL UNIQUE,"
	" phase TEXT NOT NULL"
	"  CHECK (phase IN ('pending', 'ready', 'deleting')),"
	" created INTEGER NOT NULL," /* nanoseconds since the epoch */
	" resource_version INTEGER NOT NULL,"
	" document TEXT NOT NULL," /* JSON; last, for it may be long */
	" UNIQUE (namespace_id, name)) STRICT;"
	"CREATE TABLE volume ("
	/* An inode number has 23 bits for it. */
	" id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 8388607),"
	" pod_id INTEGER NOT NULL REFERENCES pod (id) ON DELETE CASCADE,"
	" name TEXT NOT NULL,"
	" source TEXT NOT NULL,"
	" phase TEXT NOT NULL"
	"  CHECK (phase IN ('pending', 'ready', 'deleting')),"
	" spec TEXT NOT NULL) STRICT;"
	/* With the id behind it: the order of the manifest. */
	"CREATE INDEX volume_pod ON volume (pod_id);"
	"CREATE TABLE mount ("
	" pod_id INTEGER NOT NULL REFERENCES pod (id) ON DELETE CASCADE,"
	" container TEXT NOT NULL,"
	" position INTEGER NOT NULL,"
	" volume TEXT NOT NULL,"
	" sub_path TEXT NOT NULL,"
	" path TEXT NOT NULL,"
	" PRIMARY KEY (pod_id, container, position)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" pod_uid TEXT NOT NULL,"
	" namespace TEXT NOT NULL,"
	" pod TEXT NOT NULL,"
	" type TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" message TEXT NOT NULL,"
	" first INTEGER NOT NULL,"
	" last INTEGER NOT NULL,"
	" count INTEGER NOT NULL,"
	" resource_version INTEGER NOT NULL) STRICT;"
	"CREATE INDEX event_pod ON event (pod_uid);",

	/* What a volume holds; not clean while somebody may be changing it. */
	"CREATE TABLE usage ("
	" volume_id INTEGER PRIMARY KEY"
	"  REFERENCES volume (id) ON DELETE CASCADE,"
	" clean INTEGER NOT NULL CHECK (clean IN (0, 1)),"
	" charged INTEGER NOT NULL,"
	" allocated INTEGER NOT NULL,"
	" inodes INTEGER NOT NULL) STRICT;",
};

#define VERSION_NEWEST ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int pragma_int(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *q = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK ||
	    sqlite3_step(q) != SQLITE_ROW)
		r = catalog_errno(db) ?: -EIO;
	else
		*ret = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return r;
}

static int refuse_damaged(sqlite3 *db, const char *path, struct error *err)
{
	return error_set(err, -EUCLEAN,
			 "the catalog '%s' is damaged or no database (%s); it "
			 "was left as it is: restore it from a copy, or move "
			 "the state directory away to start with an empty one",
			 path, sqlite3_errmsg(db));
}

static int refuse_unreadable(sqlite3 *db, const char *path, struct error *err)
{
	if (catalog_errno(db) == -EUCLEAN)
		return refuse_damaged(db, path, err);
	return catalog_fail(db, err, "cannot read the catalog");
}

/* Nothing is wrong, or only with a value that pods.c finds to be bad, too. */
static bool is_readable(const char *finding)
{
	static const char *const known[] = {
		"ok",
		"CHECK constraint failed in pod",
		"CHECK constraint failed in volume",
		"NULL value in pod.",
		"NULL value in volume.",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(finding, known[i], strlen(known[i])) == 0)
			return true;
	}
	return false;
}

/* quick_check gives the one row "ok", or what is wrong, line by line. */
static int check_integrity(sqlite3 *db, const char *path, struct error *err)
{
	sqlite3_stmt *q = NULL;
	const char *text;
	int rc;
	int r;

	rc = sqlite3_prepare_v2(db, "PRAGMA quick_check", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	while (rc == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(q, 0);
		if (!text || !is_readable(text))
			break;
		rc = sqlite3_step(q);
	}
	if (rc == SQLITE_ROW)
		r = error_set(err, -EUCLEAN,
			      "the catalog '%s' is damaged (%s); it was left "
			      "as it is: restore it from a copy, or move the "
			      "state directory away to start with an empty one",
			      path, text ? text : "no result");
	else
		r = rc == SQLITE_DONE ? 0 : refuse_unreadable(db, path, err);
	sqlite3_finalize(q);
	return r;
}

/* The version of the file: 0 if there is nothing in it yet. */
static int identify(sqlite3 *db, const char *path, int *ret, struct error *err)
{
	int application = 0;
	int version = 0;
	int tables = 0;

	if (pragma_int(db, "PRAGMA application_id", &application) < 0 ||
	    pragma_int(db, "PRAGMA user_version", &version) < 0 ||
	    pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables) < 0)
		return refuse_unreadable(db, path, err);

	if (application == 0 && version == 0 && tables == 0) {
		*ret = 0;
		return 0;
	}
	if (application != APPLICATION_ID)
		return error_set(err, -EINVAL,
				 "'%s' is a database of another program "
				 "(application id 0x%08x); move it away, or "
				 "give another state directory",
				 path, (unsigned)application);
	if (version > VERSION_NEWEST || version < 1)
		return error_set(err, -ENOTSUP,
				 "the catalog '%s' has version %d and this "
				 "program knows versions 1 to %d; it was left "
				 "as it is: install the newer podvols that "
				 "wrote it, or give another state directory",
				 path, version, VERSION_NEWEST);
	*ret = version;
	return 0;
}

static int upgrade(sqlite3 *db, int from, struct error *err)
{
	char pragma[96];

	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return catalog_fail(db, err, "cannot upgrade the catalog");
	for (int v = from; v < VERSION_NEWEST; v++) {
		if (sqlite3_exec(db, migrations[v], NULL, NULL, NULL) !=
		    SQLITE_OK)
			return catalog_fail(db, err,
					    "cannot upgrade the catalog");
	}
	snprintf(pragma, sizeof(pragma),
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 APPLICATION_ID, VERSION_NEWEST);
	if (sqlite3_exec(db, pragma, NULL, NULL, NULL) != SQLITE_OK)
		return catalog_fail(db, err, "cannot upgrade the catalog");
	return 0;
}

int catalog_migrate(sqlite3 *db, const char *path, struct error *err)
{
	int version = 0;
	int r;

	r = identify(db, path, &version, err);
	if (r < 0)
		return r;
	if (version > 0) {
		r = check_integrity(db, path, err);
		if (r < 0)
			return r;
	}
	/* Only now is anything written. */
	if (sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return catalog_fail(db, err, "cannot write the catalog");
	if (version == VERSION_NEWEST)
		return 0;
	r = upgrade(db, version, err);
	if (r < 0 && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}
