/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - volume drivers: one for each volume source of a manifest
 *
 * A driver knows how a volume of its source comes to be, is opened and ends.
 * Every step is idempotent: after a crash it is simply done again.  Drivers
 * keep no state of their own; what must last is in the catalog (spec) and on
 * disk.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct localfs;
struct plan;
struct store;
struct volume_kept;

/*
 * What drivers share: places and policies of this daemon.  Outlives every
 * store that a driver opened.
 */
struct volume_env {
	const char *state_dir;
	int state_fd;		/* descriptor of state_dir */
	int pods_fd;		/* descriptor of state_dir/pods */
	const char *mountpoint; /* a hostPath may not lead there; or NULL */
	struct localfs *localfs;
	/* Prefixes that hostPath may use; n 0 allows everything. */
	char **host_path_allow;
	size_t n_host_path_allow;
};

/* One volume, as the catalog knows it. */
struct volume_spec {
	uint32_t id;
	const char *pod_uid;
	const char *name;
	const json_t *source; /* value of the source key, validated */
	/* What the rest of the pod says for it, see pod_volume_facts(); NULL:
	 * nothing. */
	const json_t *pod;
};

/* Numbers that `get volumes` shows; -1: not known. */
struct volume_usage {
	int64_t used_bytes;
	int64_t used_inodes;
};

/* What may not be exceeded; 0: no limit. */
struct volume_limits {
	int64_t bytes;
	int64_t inodes;
	int64_t pod_bytes; /* together with the pod's other volumes */
};

struct volume_driver {
	const char *source;  /* "emptyDir" */
	const char *plugin;  /* "kubernetes.io/empty-dir" */
	const char *backend; /* shown to the user: "localfs" */
	bool exclusive;	     /* see struct volume */

	/*
	 * Must containers be given host_path itself, because the bytes are of
	 * no use through our mount?  NULL: no.
	 */
	bool (*is_direct)(const struct volume_spec *spec);

	/*
	 * Make the volume exist, or check that it does (hostPath's types).
	 * The message names what is wrong without host details beyond the
	 * path that the manifest gave.
	 */
	int (*provision)(const struct volume_env *env,
			 const struct volume_spec *spec, struct error *err);
	/*
	 * Would provision() succeed, as far as a look can tell, once what is
	 * planned is made?  Makes nothing; what it would make is planned, too.
	 * NULL: there is nothing to look at.
	 */
	int (*check)(const struct volume_env *env,
		     const struct volume_spec *spec, struct plan *plan,
		     struct error *err);
	/*
	 * At start: 0 where a ready volume is still there, 1 where it was lost
	 * and has been made anew, empty.  NULL: nothing to look after.
	 */
	int (*restore)(const struct volume_env *env,
		       const struct volume_spec *spec, struct error *err);
	/* Open a provisioned volume; the caller ends it with store_close(). */
	int (*open)(const struct volume_env *env,
		    const struct volume_spec *spec, struct store **ret,
		    struct error *err);
	/* Where the bytes are on the host (malloc'd), or NULL. */
	char *(*host_path)(const struct volume_env *env,
			   const struct volume_spec *spec);
	int (*usage)(const struct volume_env *env,
		     const struct volume_spec *spec, struct volume_usage *ret);
	/*
	 * Do we count this volume, and keep its limits ourselves?  NULL: no;
	 * then it is for the driver, or for nobody, to know what it holds.
	 */
	bool (*is_counted)(const struct volume_spec *spec,
			   struct volume_limits *ret);
	/*
	 * Others change the volume, too, so that only a walk tells what it
	 * holds: is that wanted?  NULL: nobody else does.
	 */
	bool (*has_census)(const struct volume_spec *spec);
	/*
	 * Shall the kernel keep what it sees of such a volume, and be told of
	 * changes?  NULL: never.
	 */
	bool (*is_watched)(const struct volume_spec *spec);
	/*
	 * Of a volume that we count, at its root: does the kernel keep the
	 * limit of bytes?  -EOPNOTSUPP if not.  NULL: never.
	 */
	int (*kept)(int root, struct volume_kept *ret);
	/*
	 * Make a ready volume, while it is in use, what new says where old was
	 * good: other limits.  Idempotent; on failure nothing has changed.
	 * NULL: it has none that could change.
	 */
	int (*resize)(const struct volume_env *env,
		      const struct volume_spec *old,
		      const struct volume_spec *new, struct error *err);
	/*
	 * End the volume: emptyDir moves its tree to the trash with one
	 * rename; sources that are not ours only let go.  0 if it is gone
	 * already.
	 */
	int (*teardown)(const struct volume_env *env,
			const struct volume_spec *spec, struct error *err);
};

extern const struct volume_driver emptydir_driver;
extern const struct volume_driver hostpath_driver;

/* All drivers, NULL at the end. */
extern const struct volume_driver *const volume_drivers[];

/* The driver of a source key, or NULL. */
const struct volume_driver *volume_driver_find(const char *source);

#endif
