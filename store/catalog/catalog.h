/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - what the node knows, kept in SQLite: pods, volumes, mounts,
 * events
 *
 * Durable: what a commit acknowledged survives a power cut.  Writers and
 * readers take turns at the one connection, and writers hold theirs only for
 * the length of a transaction, in which no other I/O happens and nothing else
 * is read.  Ids are never given again, because inode numbers are made of them.
 *
 * Functions return 0 or -errno and say in err what failed: -ENOSPC for a full
 * disk, -EROFS, -EIO, -EUCLEAN for a damaged file, -EAGAIN when another
 * program keeps the file locked.
 *
 * A row that cannot be read does not hide the others.  Its pod is "damaged",
 * without the volumes concerned, and has names like "damaged-7" in place of
 * those that are no names; it is found by them.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct error;

/*
 * Provisioning is what happens to a pending volume, and gone is the absence
 * of the row: nothing is written for either, because a restart does the same
 * with or without it.
 */
enum catalog_phase {
	CATALOG_PENDING,
	CATALOG_READY,
	CATALOG_DELETING,
};

struct catalog_volume {
	uint32_t id;
	char name[64];
	char source[64]; /* source key of the manifest */
	char *spec;	 /* its value, JSON */
	enum catalog_phase phase;
};

struct catalog_pod {
	uint64_t id;
	uint64_t namespace_id;
	uint64_t resource_version;
	char uid[37];
	char namespace[64];
	char name[254];
	enum catalog_phase phase;
	int64_t created; /* nanoseconds since the epoch */
	char *document;	 /* JSON; NULL where it was not asked for */
	struct catalog_volume *volumes;
	size_t n_volumes;
	bool damaged; /* some of it could not be read */
};

/* Free what pod owns; leaves it all zeroes. */
void catalog_pod_done(struct catalog_pod *pod);
#define cleanup_catalog_pod __attribute__((cleanup(catalog_pod_done)))

/*
 * Open the catalog file, made (0600) if missing, and bring it to the schema of
 * this program.  A file that is damaged, newer or not ours is refused and left
 * as it is; err says what to do.
 */
int catalog_open(const char *path, struct catalog **ret, struct error *err);
/* Move everything into the one file, then close.  NULL is fine. */
void catalog_close(struct catalog *c);

/*
 * A transaction, of which there is one at a time.  *ret_txn, declared
 * cleanup_catalog_txn, rolls back unless catalog_commit() took it.
 */
int catalog_begin(struct catalog *c, struct catalog **ret_txn,
		  struct error *err);
int catalog_commit(struct catalog **txn, struct error *err);
void catalog_rollbackp(struct catalog **txn);
#define cleanup_catalog_txn __attribute__((cleanup(catalog_rollbackp)))

/*
 * In a transaction.  Insert a pod with its volumes in the phase that each has;
 * ids and resource_version are filled in.  -EEXIST if the name or the UID is
 * taken, -EOVERFLOW when all volume ids have been given.
 */
int catalog_pod_insert(struct catalog *txn, struct catalog_pod *pod,
		       struct error *err);
/* In a transaction.  The pod and its volumes; resource_version is updated. */
int catalog_pod_set_phase(struct catalog *txn, struct catalog_pod *pod,
			  enum catalog_phase phase, struct error *err);
/* In a transaction. */
int catalog_pod_set_document(struct catalog *txn, struct catalog_pod *pod,
			     const char *document, struct error *err);
/* In a transaction.  The pod's version is the caller's to raise. */
int catalog_volume_set_spec(struct catalog *txn, struct catalog_volume *vol,
			    const char *spec, struct error *err);
/* In a transaction.  Its volumes and mounts, and its namespace if it was the
 * last pod there, go with it. */
int catalog_pod_delete(struct catalog *txn, const struct catalog_pod *pod,
		       struct error *err);

/* 0 or -ENOENT (without err); *ret is untouched on failure. */
int catalog_pod_by_name(struct catalog *c, const char *namespace,
			const char *name, struct catalog_pod *ret,
			struct error *err);
int catalog_pod_by_uid(struct catalog *c, const char *uid,
		       struct catalog_pod *ret, struct error *err);

struct catalog_pods {
	struct catalog_pod *pods; /* by id */
	size_t n;
	uint64_t resource_version; /* of the moment that this shows */
	bool damaged; /* one of them is, or rows belong to no pod at all */
};

enum catalog_list_flags {
	CATALOG_LIST_DOCUMENTS = 1 << 0,
};

/* One consistent moment of a namespace, or of all for NULL. */
int catalog_pod_list(struct catalog *c, const char *namespace, unsigned flags,
		     struct catalog_pods *ret, struct error *err);
void catalog_pods_done(struct catalog_pods *pods);
#define cleanup_catalog_pods __attribute__((cleanup(catalog_pods_done)))

/* A subPath of a container, bound at path (below the state directory). */
struct catalog_mount {
	const char *container;
	unsigned position;
	const char *volume;
	const char *sub_path;
	const char *path;
};

/* In a transaction. */
int catalog_mount_put(struct catalog *txn, uint64_t pod_id,
		      const struct catalog_mount *mount, struct error *err);
int catalog_mount_clear(struct catalog *txn, struct error *err);

/* What a volume holds, bytes and inodes, as it was last recorded. */
struct catalog_usage {
	int clean; /* nothing has changed since */
	int64_t charged;
	int64_t allocated;
	int64_t inodes;
};

/* In a transaction.  -EEXIST if the volume is gone. */
int catalog_usage_put(struct catalog *txn, uint32_t volume_id,
		      const struct catalog_usage *usage, struct error *err);
/* 0 or -ENOENT (without err). */
int catalog_usage_get(struct catalog *c, uint32_t volume_id,
		      struct catalog_usage *ret, struct error *err);

#define CATALOG_EVENTS_MAX 1000 /* the newest ones are kept */

struct catalog_event {
	uint64_t id; /* filled in by reading, like the next one */
	uint64_t resource_version;
	char pod_uid[37];
	char namespace[64];
	char pod[254];
	char type[16];	 /* "Normal", "Warning" */
	char reason[64]; /* "Created" */
	char message[512];
	int64_t first; /* nanoseconds since the epoch */
	int64_t last;
	uint32_t count;
	bool damaged; /* read so: what it is about, or says, is not known */
};

/*
 * In a transaction.  Takes event->last as the time.  The same thing said again
 * of the same pod raises the count of the event that is there.
 */
int catalog_event_add(struct catalog *txn, const struct catalog_event *event,
		      struct error *err);
/* Oldest first, of one pod or of all for NULL; *ret is the caller's to free. */
int catalog_event_list(struct catalog *c, const char *pod_uid,
		       struct catalog_event **ret, size_t *ret_n,
		       uint64_t *ret_resource_version, struct error *err);

struct catalog_counts {
	uint64_t volumes;
	uint64_t resource_version;
};
int catalog_counts(struct catalog *c, struct catalog_counts *ret,
		   struct error *err);

#endif
