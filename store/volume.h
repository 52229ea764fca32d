/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - a volume that is ready: what the mount serves
 *
 * Counted: the published tree holds one reference, and so does whoever still
 * knows a file of it (the inode table), so that a deleted volume's open files
 * keep working.  Immutable but for the counters.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct census;
struct gate_queue;
struct store;
struct usage;

#define VOLUME_NAME_MAX 63
#define VOLUME_ID_MAX	((1u << 30) - 1)

/* A limit that the filesystem keeps, as it tells. */
struct volume_kept {
	int64_t limit_bytes; /* 0: none now */
	int64_t used_bytes;
};

/* May the mount's kernel believe what others can change, being told of it? */
enum volume_cache {
	VOLUME_CACHE_NONE,    /* it asks each time */
	VOLUME_CACHE_WANTED,  /* nobody has looked yet whether it can */
	VOLUME_CACHE_WATCHED, /* changes are seen */
	VOLUME_CACHE_REFUSED, /* they would not be: as none */
};

struct volume {
	uint32_t id;	 /* catalog row: persistent, >= 1, never given again */
	uint64_t pod_id; /* set when it is published */
	char name[VOLUME_NAME_MAX + 1];
	const char *source;  /* key in the manifest: "emptyDir", static */
	const char *plugin;  /* "kubernetes.io/empty-dir", static */
	char *host_path;     /* where the bytes are on this host; may be NULL */
	struct store *store; /* owned */
	bool exclusive;	     /* only the mount changes it: cache for ever */
	bool read_only;	     /* as the source says */
	bool direct;	     /* containers are given host_path itself */
	struct usage *usage; /* owned; NULL: not counted */
	struct census *census; /* owned; NULL: nobody else changes it */
	atomic_uint cache;     /* enum volume_cache, if not exclusive */
	atomic_uint_fast64_t refs;
	atomic_int_fast64_t opens; /* files open through the mount now */
	atomic_int_fast64_t locks; /* ranges locked through the mount now */
	/* The mount's requests that wait for others (fuse/gate.c); owned. */
	struct gate_queue *_Atomic queue;
	/*
	 * Device and realm of the root, kept by whoever looks it up: inode
	 * numbers of other filesystems below it are told apart by them.
	 * root_dev is 0 before the first look-up.
	 */
	atomic_uint_fast64_t root_dev;
	atomic_uint_fast32_t root_realm;
};

/*
 * A volume with one reference, owning store from now on (also on failure).
 * NULL when out of memory.
 */
struct volume *volume_new(uint32_t id, const char *name, const char *source,
			  const char *plugin, const char *host_path,
			  struct store *store, bool exclusive, bool read_only);
struct volume *volume_ref(struct volume *vol);
void volume_unref(struct volume *vol);

#endif
