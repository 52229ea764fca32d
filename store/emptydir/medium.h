/* SPDX-License-Identifier: Apache-2.0 */
/*
 * medium.h - what an emptyDir is made of: disk, memory or huge pages
 *
 * The directory of a volume is at the same place for all of them.  A medium
 * makes it, tells whether it is still what was made, and counts it.
 */
#ifndef EMPTYDIR_MEDIUM_H
#define EMPTYDIR_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct volume_limits;
struct volume_spec;
struct volume_usage;

struct medium {
	/* Containers are given the directory itself, not a view through our
	 * mount. */
	bool direct;
	/* Mode of the root where the manifest gives none. */
	mode_t mode;

	/*
	 * Make parent/name, the root of a volume; one that is there already is
	 * kept, and brought to the size that the manifest says.
	 */
	int (*make)(const struct volume_spec *spec, int parent,
		    struct error *err);
	/* -ENOENT where what is at parent/name is no volume of the medium (any
	 * more): it has to be made anew. */
	int (*check)(const struct volume_spec *spec, int parent);
	int (*usage)(int root, struct volume_usage *ret);
	/*
	 * Give the volume the size that new says, where old was good; NULL:
	 * this cannot be done.  On failure nothing has changed.
	 */
	int (*resize)(const struct volume_spec *old,
		      const struct volume_spec *new, int root,
		      struct error *err);
};

extern const struct medium medium_disk;
extern const struct medium medium_memory;
extern const struct medium medium_hugepages;

/* "" for the disk. */
const char *medium_name(const struct volume_spec *spec);
/* A medium of the API's list; the manifest was validated. */
const struct medium *medium_of(const struct volume_spec *spec);

/*
 * sizeLimit in bytes, 0 for none.  What cannot be read is none: it was checked
 * before it came here.
 */
int64_t medium_size_limit(const struct volume_spec *spec);
/* A whole number among what the pod says for the volume, or fallback. */
int64_t medium_pod_number(const struct volume_spec *spec, const char *key,
			  int64_t fallback);

/* All limits of a volume on disk. */
void medium_limits(const struct volume_spec *spec, struct volume_limits *ret);

/* Who owns the root of a volume, and its mode: all that a manifest can say. */
struct medium_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};
int medium_owner(const struct volume_spec *spec, mode_t default_mode,
		 struct medium_owner *ret, struct error *err);

/* Open parent/name if it is the root of a mount of a filesystem of this type:
 * -ENOENT if not, or if it is missing. */
int medium_open_mount(const struct volume_spec *spec, int parent, long type);
/*
 * Open the directory parent/name to mount on it, made if missing.  Something
 * else that is mounted there is refused.
 */
int medium_open_place(const struct volume_spec *spec, int parent,
		      struct error *err);

#endif
