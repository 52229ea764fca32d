/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.c - the subPaths that are bound for containers, in the catalog */
#include "store/catalog/catalog.h"
#include "store/catalog/query.h"

int catalog_mount_put(struct catalog *txn, uint64_t pod_id,
		      const struct catalog_mount *mount, struct error *err)
{
	cleanup_reset sqlite3_stmt *q = txn->connection.stmt[CATALOG_MOUNT_PUT];

	sqlite3_bind_int64(q, 1, (sqlite3_int64)pod_id);
	query_text(q, 2, mount->container);
	sqlite3_bind_int64(q, 3, mount->position);
	query_text(q, 4, mount->volume);
	query_text(q, 5, mount->sub_path);
	query_text(q, 6, mount->path);
	return query_run(q, err, "cannot record the mount");
}

int catalog_mount_clear(struct catalog *txn, struct error *err)
{
	cleanup_reset sqlite3_stmt *q =
		txn->connection.stmt[CATALOG_MOUNT_CLEAR];

	return query_run(q, err, "cannot clear the mounts");
}
