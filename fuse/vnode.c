/* SPDX-License-Identifier: Apache-2.0 */
/* vnode.c - virtual nodes: namespaces, pods and .podvols, made of the tree */
#include "fuse/vnode.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>

#include "store/tree.h"
#include "store/volume.h"

/*
 * Node id: bit 63, kind (bits 57 to 61), index (17 bits), id (40 bits).
 * Inode number: the same with bit 62 instead of 63 (see attr.h).
 */
#define VIRTUAL	    (UINT64_C(1) << 63)
#define INO	    (UINT64_C(1) << 62)
#define KIND_SHIFT  57
#define INDEX_SHIFT 40
#define INDEX_MASK  0x1ffffu
#define ID_MASK	    ((UINT64_C(1) << INDEX_SHIFT) - 1)

/* Offsets 1 and 2 are "." and "..". */
#define OFF_FIRST 3

#define LIST_BATCH 64

bool vnode_is_virtual(uint64_t nodeid)
{
	return nodeid == FUSE_ROOT_ID || nodeid & VIRTUAL;
}

static uint64_t vnode_pack(const struct vnode *v)
{
	return (uint64_t)v->kind << KIND_SHIFT |
	       (uint64_t)(v->index & INDEX_MASK) << INDEX_SHIFT |
	       (v->id & ID_MASK);
}

int vnode_decode(uint64_t nodeid, struct vnode *ret)
{
	unsigned kind = nodeid >> KIND_SHIFT & 0x1f;

	if (nodeid == FUSE_ROOT_ID) {
		*ret = (struct vnode){ .kind = VNODE_ROOT };
		return 0;
	}
	if (!(nodeid & VIRTUAL) || kind == VNODE_ROOT || kind >= VNODE_N_KINDS)
		return -ESTALE;
	*ret = (struct vnode){ .kind = kind,
			       .index = nodeid >> INDEX_SHIFT & INDEX_MASK,
			       .id = nodeid & ID_MASK };
	return 0;
}

uint64_t vnode_nodeid(const struct vnode *v)
{
	return v->kind == VNODE_ROOT ? FUSE_ROOT_ID : VIRTUAL | vnode_pack(v);
}

uint64_t vnode_ino(const struct vnode *v)
{
	return v->kind == VNODE_ROOT ? FUSE_ROOT_ID : INO | vnode_pack(v);
}

mode_t vnode_type(const struct vnode *v)
{
	switch (v->kind) {
	case VNODE_VERSION:
	case VNODE_STATS:
	case VNODE_METRICS:
	case VNODE_POD_YAML:
		return S_IFREG;
	case VNODE_LINK:
		return S_IFLNK;
	default:
		return S_IFDIR;
	}
}

static struct vnode_child child_of(enum vnode_kind kind, uint64_t id,
				   uint32_t index)
{
	return (struct vnode_child){
		.vnode = { .kind = kind, .id = id, .index = index }
	};
}

/* Directories with fixed content. */
static const struct fixed {
	enum vnode_kind dir;
	const char *name;
	enum vnode_kind kind;
} fixed_entries[] = {
	{ VNODE_CONTROL, "version", VNODE_VERSION },
	{ VNODE_CONTROL, "stats.json", VNODE_STATS },
	{ VNODE_CONTROL, "metrics", VNODE_METRICS },
	{ VNODE_CONTROL, "pods", VNODE_PODS },
	{ VNODE_POD_CONTROL, "pod.yaml", VNODE_POD_YAML },
	{ VNODE_POD_CONTROL, "volumes", VNODE_VOLUMES },
};

#define N_FIXED (sizeof(fixed_entries) / sizeof(fixed_entries[0]))

static int fixed_lookup(const struct vnode *dir, const char *name,
			struct vnode_child *ret)
{
	for (size_t i = 0; i < N_FIXED; i++) {
		const struct fixed *f = &fixed_entries[i];

		if (f->dir == dir->kind && strcmp(f->name, name) == 0) {
			*ret = child_of(f->kind, dir->id, 0);
			return 0;
		}
	}
	return -ENOENT;
}

/* "kubernetes.io/empty-dir" as a directory name: '~' stands for '/'. */
static void plugin_name(const struct volume *vol, char *buf, size_t size)
{
	char *slash;

	snprintf(buf, size, "%s", vol->plugin);
	slash = strchr(buf, '/');
	if (slash)
		*slash = '~';
}

static bool same_plugin(const struct volume *a, const struct volume *b)
{
	return strcmp(a->plugin, b->plugin) == 0;
}

/* Is volume i the first one of its plugin? */
static bool plugin_starts(const struct tree_pod *pod, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (same_plugin(pod->volumes[k], pod->volumes[i]))
			return false;
	}
	return true;
}

static int pod_lookup(const struct tree_pod *pod, const struct vnode *dir,
		      const char *name, struct vnode_child *ret)
{
	char plugin[64];

	for (size_t i = 0; i < pod->n_volumes; i++) {
		struct volume *vol = pod->volumes[i];

		switch (dir->kind) {
		case VNODE_POD:
			if (strcmp(vol->name, name) != 0)
				break;
			*ret = (struct vnode_child){ .volume =
							     volume_ref(vol) };
			return 0;
		case VNODE_VOLUMES:
			plugin_name(vol, plugin, sizeof(plugin));
			if (strcmp(plugin, name) != 0)
				break;
			*ret = child_of(VNODE_PLUGIN, dir->id, i);
			return 0;
		default: /* VNODE_PLUGIN */
			if (strcmp(vol->name, name) != 0 ||
			    dir->index >= pod->n_volumes ||
			    !same_plugin(vol, pod->volumes[dir->index]))
				break;
			*ret = child_of(VNODE_LINK, dir->id, i);
			return 0;
		}
	}
	return -ENOENT;
}

static int root_lookup(struct tree *tree, const char *name,
		       struct vnode_child *ret)
{
	uint64_t id;
	int r;

	if (strcmp(name, VNODE_CONTROL_NAME) == 0) {
		*ret = child_of(VNODE_CONTROL, 0, 0);
		return 0;
	}
	r = tree_namespace_by_name(tree, name, &id);
	if (r == 0)
		*ret = child_of(VNODE_NAMESPACE, id, 0);
	return r;
}

/* A pod found by name or UID becomes a node of the kind. */
static int found_pod(struct tree_pod *pod, enum vnode_kind kind,
		     struct vnode_child *ret)
{
	if (!pod)
		return -ENOENT;
	*ret = child_of(kind, pod->id, 0);
	tree_pod_unref(pod);
	return 0;
}

static int children_lookup(struct tree *tree, const struct vnode *dir,
			   const char *name, struct vnode_child *ret)
{
	struct tree_pod *pod;
	int r;

	switch (dir->kind) {
	case VNODE_ROOT:
		return root_lookup(tree, name, ret);
	case VNODE_NAMESPACE:
		return found_pod(tree_pod_by_name(tree, dir->id, name),
				 VNODE_POD, ret);
	case VNODE_CONTROL:
	case VNODE_POD_CONTROL:
		return fixed_lookup(dir, name, ret);
	case VNODE_PODS:
		return found_pod(tree_pod_by_uid(tree, name), VNODE_POD_CONTROL,
				 ret);
	case VNODE_POD:
	case VNODE_VOLUMES:
	case VNODE_PLUGIN:
		pod = tree_pod_by_id(tree, dir->id);
		if (!pod)
			return -ENOENT;
		r = pod_lookup(pod, dir, name, ret);
		tree_pod_unref(pod);
		return r;
	default:
		return -ENOTDIR;
	}
}

int vnode_lookup(struct tree *tree, const struct vnode *dir, const char *name,
		 struct vnode_child *ret)
{
	struct statx st;
	int r = children_lookup(tree, dir, name, ret);

	if (r == -ENOENT && vnode_getattr(tree, dir, &st) < 0)
		return -ESTALE;
	return r;
}

static void stamp(struct statx *st, struct timespec ts)
{
	struct statx_timestamp t = { .tv_sec = ts.tv_sec,
				     .tv_nsec = ts.tv_nsec };

	st->stx_atime = t;
	st->stx_mtime = t;
	st->stx_ctime = t;
	st->stx_btime = t;
}

static unsigned pod_links(const struct tree_pod *pod, const struct vnode *v)
{
	unsigned n = 2;

	if (v->kind == VNODE_POD)
		return n + pod->n_volumes;
	if (v->kind == VNODE_POD_CONTROL)
		return n + 1;
	for (size_t i = 0; v->kind == VNODE_VOLUMES && i < pod->n_volumes; i++)
		n += plugin_starts(pod, i);
	return n;
}

static int pod_getattr(struct tree *tree, const struct vnode *v,
		       struct statx *ret)
{
	struct tree_pod *pod = tree_pod_by_id(tree, v->id);

	if (!pod)
		return -ESTALE;
	stamp(ret, pod->created);
	if (S_ISDIR(ret->stx_mode))
		ret->stx_nlink = pod_links(pod, v);
	if (v->kind == VNODE_LINK) {
		char target[1024];

		if (vnode_readlink(tree, v, target, sizeof(target)) == 0)
			ret->stx_size = strlen(target);
	}
	tree_pod_unref(pod);
	return 0;
}

static int tree_getattr(struct tree *tree, const struct vnode *v,
			struct statx *ret)
{
	struct tree_entry entry;

	stamp(ret, tree_changed(tree, v->kind == VNODE_NAMESPACE ? v->id : 0));
	switch (v->kind) {
	case VNODE_ROOT:
		ret->stx_nlink = 3 + tree_count_namespaces(tree);
		return 0;
	case VNODE_NAMESPACE:
		ret->stx_nlink = 2 + tree_count_pods(tree, v->id);
		if (tree_namespace_by_id(tree, v->id, &entry) < 0)
			return -ESTALE;
		return 0;
	case VNODE_CONTROL:
		ret->stx_nlink = 3;
		return 0;
	case VNODE_PODS:
		ret->stx_nlink = 2 + tree_count_pods(tree, 0);
		return 0;
	default:
		return 0;
	}
}

int vnode_getattr(struct tree *tree, const struct vnode *v, struct statx *ret)
{
	mode_t type = vnode_type(v);

	*ret = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_ino = vnode_ino(v),
		.stx_nlink = 1,
		.stx_mode = type,
		.stx_blksize = 4096,
	};
	ret->stx_mode |= S_ISDIR(type) ? 0555 : S_ISREG(type) ? 0444 : 0777;
	switch (v->kind) {
	case VNODE_POD:
	case VNODE_POD_CONTROL:
	case VNODE_POD_YAML:
	case VNODE_VOLUMES:
	case VNODE_PLUGIN:
	case VNODE_LINK:
		return pod_getattr(tree, v, ret);
	default:
		return tree_getattr(tree, v, ret);
	}
}

int vnode_readlink(struct tree *tree, const struct vnode *v, char *buf,
		   size_t size)
{
	struct tree_pod *pod;
	int r = -ESTALE;

	if (v->kind != VNODE_LINK)
		return -EINVAL;
	pod = tree_pod_by_id(tree, v->id);
	if (!pod)
		return r;
	if (v->index < pod->n_volumes) {
		/* From .podvols/pods/<uid>/volumes/<plugin>/ to the root. */
		snprintf(buf, size, "../../../../../%s/%s/%s", pod->namespace,
			 pod->name, pod->volumes[v->index]->name);
		r = 0;
	}
	tree_pod_unref(pod);
	return r;
}

bool vnode_is_steady(struct tree *tree, const struct vnode *dir)
{
	struct tree_pod *pod;
	bool steady;

	if (dir->kind != VNODE_POD)
		return true;
	pod = tree_pod_by_id(tree, dir->id);
	steady = !pod || !tree_pod_shared_volume(pod);
	tree_pod_unref(pod);
	return steady;
}

void vnode_parent(struct tree *tree, const struct vnode *dir, struct vnode *ret)
{
	struct tree_pod *pod;

	*ret = (struct vnode){ .kind = VNODE_ROOT };
	switch (dir->kind) {
	case VNODE_POD:
		pod = tree_pod_by_id(tree, dir->id);
		if (pod)
			*ret = (struct vnode){ .kind = VNODE_NAMESPACE,
					       .id = pod->namespace_id };
		tree_pod_unref(pod);
		return;
	case VNODE_PODS:
		ret->kind = VNODE_CONTROL;
		return;
	case VNODE_POD_CONTROL:
		ret->kind = VNODE_PODS;
		return;
	case VNODE_VOLUMES:
		*ret = (struct vnode){ .kind = VNODE_POD_CONTROL,
				       .id = dir->id };
		return;
	case VNODE_PLUGIN:
		*ret = (struct vnode){ .kind = VNODE_VOLUMES, .id = dir->id };
		return;
	default:
		return;
	}
}

static int fixed_readdir(const struct vnode *dir, uint64_t off,
			 vnode_dirent_fn *fn, void *arg)
{
	for (size_t i = 0; i < N_FIXED; i++) {
		const struct fixed *f = &fixed_entries[i];
		struct vnode_dirent e = { .name = f->name,
					  .off = OFF_FIRST + i };

		if (f->dir != dir->kind || e.off <= off)
			continue;
		e.child = child_of(f->kind, dir->id, 0);
		if (fn(arg, &e))
			break;
	}
	return 0;
}

static int volumes_readdir(const struct tree_pod *pod, const struct vnode *dir,
			   uint64_t off, vnode_dirent_fn *fn, void *arg)
{
	char plugin[64];

	for (size_t i = 0; i < pod->n_volumes; i++) {
		struct volume *vol = pod->volumes[i];
		struct vnode_dirent e = { .name = vol->name,
					  .off = OFF_FIRST + i };

		if (e.off <= off)
			continue;
		if (dir->kind == VNODE_POD) {
			e.child.volume = vol;
		} else if (dir->kind == VNODE_VOLUMES) {
			if (!plugin_starts(pod, i))
				continue;
			plugin_name(vol, plugin, sizeof(plugin));
			e.name = plugin;
			e.child = child_of(VNODE_PLUGIN, dir->id, i);
		} else {
			if (dir->index >= pod->n_volumes ||
			    !same_plugin(vol, pod->volumes[dir->index]))
				continue;
			e.child = child_of(VNODE_LINK, dir->id, i);
		}
		if (fn(arg, &e))
			break;
	}
	return 0;
}

/* Namespaces or pods: their offset is OFF_FIRST + id, and ids start at 1. */
static int tree_readdir(struct tree *tree, const struct vnode *dir,
			uint64_t off, vnode_dirent_fn *fn, void *arg)
{
	uint64_t after = off > OFF_FIRST ? off - OFF_FIRST : 0;
	struct tree_entry batch[LIST_BATCH];
	size_t n;

	do {
		n = dir->kind == VNODE_ROOT
			    ? tree_list_namespaces(tree, after, batch,
						   LIST_BATCH)
			    : tree_list_pods(tree, dir->id, after, batch,
					     LIST_BATCH);
		for (size_t i = 0; i < n; i++) {
			struct vnode_dirent e = {
				.name = batch[i].name,
				.off = OFF_FIRST + batch[i].id,
				.child = child_of(dir->kind == VNODE_ROOT
							  ? VNODE_NAMESPACE
							  : VNODE_POD,
						  batch[i].id, 0),
			};

			if (fn(arg, &e))
				return 0;
			after = batch[i].id;
		}
	} while (n == LIST_BATCH);
	return 0;
}

/* As above, but by UID, which the listing of ids does not carry. */
static int pods_readdir(struct tree *tree, uint64_t off, vnode_dirent_fn *fn,
			void *arg)
{
	uint64_t after = off > OFF_FIRST ? off - OFF_FIRST : 0;
	struct tree_entry one;

	while (tree_list_pods(tree, 0, after, &one, 1) == 1) {
		struct tree_pod *pod = tree_pod_by_id(tree, one.id);
		struct vnode_dirent e = { .off = OFF_FIRST + one.id };
		int r;

		after = one.id;
		if (!pod)
			continue;
		e.name = pod->uid;
		e.child = child_of(VNODE_POD_CONTROL, pod->id, 0);
		r = fn(arg, &e);
		tree_pod_unref(pod);
		if (r)
			break;
	}
	return 0;
}

int vnode_readdir(struct tree *tree, const struct vnode *dir, uint64_t off,
		  vnode_dirent_fn *fn, void *arg)
{
	struct vnode_dirent control = { .name = VNODE_CONTROL_NAME,
					.off = OFF_FIRST };
	struct tree_pod *pod;
	int r;

	switch (dir->kind) {
	case VNODE_ROOT:
		control.child = child_of(VNODE_CONTROL, 0, 0);
		if (off < OFF_FIRST && fn(arg, &control))
			return 0;
		return tree_readdir(tree, dir, off, fn, arg);
	case VNODE_NAMESPACE:
		return tree_readdir(tree, dir, off, fn, arg);
	case VNODE_PODS:
		return pods_readdir(tree, off, fn, arg);
	case VNODE_CONTROL:
	case VNODE_POD_CONTROL:
		return fixed_readdir(dir, off, fn, arg);
	case VNODE_POD:
	case VNODE_VOLUMES:
	case VNODE_PLUGIN:
		pod = tree_pod_by_id(tree, dir->id);
		if (!pod)
			return -ENOENT;
		r = volumes_readdir(pod, dir, off, fn, arg);
		tree_pod_unref(pod);
		return r;
	default:
		return -ENOTDIR;
	}
}
