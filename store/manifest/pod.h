/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod.h - a v1 Pod manifest as podvols sees it
 *
 * Decoded from JSON (see manifest.h for YAML), validated as the Kubernetes API
 * server validates what concerns metadata, volumes and volume mounts.  The
 * whole document is kept beside the parts that are used, for `get -o yaml`.
 */
#ifndef MANIFEST_POD_H
#define MANIFEST_POD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct causes;
struct manifest_lines;

enum container_kind {
	CONTAINER_INIT,
	CONTAINER_MAIN,
	CONTAINER_EPHEMERAL,
};

#define N_CONTAINER_KINDS (CONTAINER_EPHEMERAL + 1)

struct pod_env {
	char *name;
	char *value; /* NULL: from a source that podvols does not resolve */
};

struct pod_mount {
	char *volume;
	char *path; /* absolute: a relative mountPath is prefixed with '/' */
	char *sub_path;	     /* NULL: none */
	char *sub_path_expr; /* NULL: none */
	char *propagation;   /* "None", "HostToContainer", "Bidirectional" */
	char *recursive_read_only; /* "Disabled", "IfPossible", "Enabled" */
	bool read_only;
};

struct pod_container {
	enum container_kind kind;
	char *name;
	bool privileged;
	struct pod_env *env;
	size_t n_env;
	struct pod_mount *mounts;
	size_t n_mounts;
};

struct pod_volume {
	char *name;
	const char *source; /* source key, static: "emptyDir" */
	json_t *spec; /* value of the source key; borrowed from document */
};

/* Sizes of huge pages; no machine has nearly as many. */
#define POD_PAGE_SIZES_MAX 8

struct pod {
	char *namespace;
	char *name;	     /* NULL when generate_name is to be used */
	char *generate_name; /* NULL: none */
	char *uid;	     /* NULL: not given */
	json_t *document;    /* owned; the manifest, with defaults filled in */
	struct pod_volume *volumes;
	size_t n_volumes;
	struct pod_container *containers;
	size_t n_containers;
	int64_t memory_limit; /* of the pod's cgroup; 0: none */
	int64_t page_sizes[POD_PAGE_SIZES_MAX]; /* of huge pages requested */
	size_t n_page_sizes;
	int64_t ephemeral_limit; /* of its volumes on disk together; 0: none */
	int64_t fs_group;	 /* spec.securityContext.fsGroup; -1: none */
	int64_t owner_uid;	 /* annotation podvols.io/uid; -1: none */
	int64_t owner_gid;	 /* annotation podvols.io/gid; -1: none */
};

/*
 * Decode and validate one document.  default_namespace is used where metadata
 * names none.  Returns 0 and *ret, which the caller ends with pod_free(), or
 * -EINVAL with every finding in causes.  document is not kept; lines (may be
 * NULL) gives line numbers to the findings.
 */
int pod_decode(const json_t *document, const char *default_namespace,
	       const struct manifest_lines *lines, struct pod **ret,
	       struct causes *causes);
void pod_free(struct pod *pod);

/*
 * What the pod says outside of volume i that its driver needs to know, a new
 * object; NULL when out of memory.  For an emptyDir, as far as it is said:
 * "uid", "gid", "fsGroup", "ephemeralLimit", "inodeLimit"; for medium Memory
 * "memoryLimit" in bytes; for HugePages "hugePageSize" in bytes.  For any other
 * volume "usage": true if what it holds is wanted, "watch": true if the kernel
 * shall keep what it sees of it.
 */
json_t *pod_volume_facts(const struct pod *pod, size_t i);

/*
 * May the live pod old become new?  As Kubernetes, but that sizeLimit may
 * change: volumes, their owners and mounts may not.  -EINVAL with causes
 * (FieldValueForbidden) if not.
 */
int pod_validate_update(const struct pod *old, const struct pod *new,
			struct causes *causes);

/* Do both declare the same (metadata labels and annotations, spec)? */
bool pod_is_unchanged(const struct pod *old, const struct pod *new);

/* Replace $(NAME) by the container's environment: $$ escapes, as in Kubernetes.
 * -EINVAL (with err) where a variable has no value.  *ret is malloc'd. */
struct error;
int pod_expand(const struct pod_container *container, const char *expr,
	       char **ret, struct error *err);

#endif
