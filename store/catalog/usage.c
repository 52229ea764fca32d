/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - what volumes hold, as it was last recorded in the catalog */
#include "store/catalog/catalog.h"
#include "store/catalog/query.h"

int catalog_usage_put(struct catalog *txn, uint32_t volume_id,
		      const struct catalog_usage *usage, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = txn->connection.stmt[CATALOG_USAGE_PUT];

	sqlite3_bind_int64(q, 1, volume_id);
	sqlite3_bind_int(q, 2, usage->clean != 0);
	sqlite3_bind_int64(q, 3, usage->charged);
	sqlite3_bind_int64(q, 4, usage->allocated);
	sqlite3_bind_int64(q, 5, usage->inodes);
	return query_run(q, err, "cannot record the usage of a volume");
}

int catalog_usage_get(struct catalog *c, uint32_t volume_id,
		      struct catalog_usage *ret, struct error *err)
{
	cleanup_unlock pthread_mutex_t *lock = catalog_lock(c);
	cleanup_reset sqlite3_stmt *q = c->connection.stmt[CATALOG_USAGE_GET];
	int r;

	sqlite3_bind_int64(q, 1, volume_id);
	r = query_row(q, err, "cannot read the usage of a volume");
	if (r < 0)
		return r;
	ret->clean = sqlite3_column_int(q, 0);
	ret->charged = sqlite3_column_int64(q, 1);
	ret->allocated = sqlite3_column_int64(q, 2);
	ret->inodes = sqlite3_column_int64(q, 3);
	return 0;
}
