/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vnode.h - virtual nodes: namespaces, pods and .podvols, made of the tree
 *
 * They have no record anywhere: the node id of a virtual node says what it is
 * (kind, id of the pod or namespace, index), so it is the same in every run of
 * the daemon.  They are read-only to everybody.
 */
#ifndef FUSE_VNODE_H
#define FUSE_VNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct tree;
struct tree_pod;
struct volume;

enum vnode_kind {
	VNODE_ROOT,
	VNODE_NAMESPACE, /* id: namespace */
	VNODE_POD,	 /* id: pod, as of the following */
	VNODE_CONTROL,	 /* .podvols */
	VNODE_VERSION,
	VNODE_STATS,
	VNODE_METRICS,
	VNODE_PODS,	   /* .podvols/pods */
	VNODE_POD_CONTROL, /* .podvols/pods/<uid> */
	VNODE_POD_YAML,
	VNODE_VOLUMES, /* .podvols/pods/<uid>/volumes */
	VNODE_PLUGIN,  /* .../kubernetes.io~empty-dir; index: first volume */
	VNODE_LINK,    /* symlink to a volume; index: volume */
	VNODE_N_KINDS,
};

struct vnode {
	enum vnode_kind kind;
	uint32_t index;
	uint64_t id;
};

#define VNODE_CONTROL_NAME ".podvols"

bool vnode_is_virtual(uint64_t nodeid);
/* -ESTALE for what is no node id of a virtual node. */
int vnode_decode(uint64_t nodeid, struct vnode *ret);
uint64_t vnode_nodeid(const struct vnode *v);
uint64_t vnode_ino(const struct vnode *v);
/* The file type: S_IFDIR, S_IFREG or S_IFLNK. */
mode_t vnode_type(const struct vnode *v);

/* What a name in a virtual directory leads to. */
struct vnode_child {
	struct vnode vnode;    /* if volume is NULL */
	struct volume *volume; /* else its root; a reference for the caller */
};

/*
 * 0, -ENOENT, -ENOTDIR, or -ESTALE if dir itself is gone: the kernel then looks
 * at every name of the path anew.
 */
int vnode_lookup(struct tree *tree, const struct vnode *dir, const char *name,
		 struct vnode_child *ret);

/* Fill mode, link count, times and size; -ESTALE if it is gone. */
int vnode_getattr(struct tree *tree, const struct vnode *v, struct statx *ret);

/* The target of a VNODE_LINK, NUL-terminated. */
int vnode_readlink(struct tree *tree, const struct vnode *v, char *buf,
		   size_t size);

/*
 * Does the directory change with the tree only?  That of a pod does not if it
 * has a volume that others change: such a volume is listed while it is there.
 */
bool vnode_is_steady(struct tree *tree, const struct vnode *dir);

/* Node whose entry `..` of dir leads to. */
void vnode_parent(struct tree *tree, const struct vnode *dir,
		  struct vnode *ret);

struct vnode_dirent {
	const char *name;
	uint64_t off;
	struct vnode_child child; /* volume is borrowed */
};
/* As store_dirent_fn. */
typedef int vnode_dirent_fn(void *arg, const struct vnode_dirent *entry);

/* List a virtual directory after off, without "." and "..": offs start at 3. */
int vnode_readdir(struct tree *tree, const struct vnode *dir, uint64_t off,
		  vnode_dirent_fn *fn, void *arg);

#endif
