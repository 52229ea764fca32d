/* SPDX-License-Identifier: Apache-2.0 */
/* test_vnode.c - virtual nodes: ids, names and listings */
#include "fuse/vnode.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "store/tree.h"
#include "store/volume.h"

/* Criterion's str is a char *. */
#define TEXT(literal) ((char *)(literal))

static struct tree *tree;

static void close_store(struct store *st)
{
	free(st);
}

static struct volume *make_volume(uint32_t id, const char *name,
				  const char *plugin)
{
	static const struct store_ops none = { .close = close_store };
	struct store *st = calloc(1, sizeof(*st));

	st->ops = &none;
	return volume_new(id, name, "emptyDir", plugin, NULL, st, true, false);
}

static void publish(uint64_t id, const char *name)
{
	struct tree_pod *pod = tree_pod_new(3);

	pod->id = id;
	pod->namespace_id = 4;
	snprintf(pod->namespace, sizeof(pod->namespace), "default");
	snprintf(pod->name, sizeof(pod->name), "%s", name);
	snprintf(pod->uid, sizeof(pod->uid), "uid-%d", (int)id);
	pod->volumes[0] = make_volume(1, "data", "kubernetes.io/empty-dir");
	pod->volumes[1] = make_volume(2, "host", "kubernetes.io/host-path");
	pod->volumes[2] = make_volume(3, "more", "kubernetes.io/empty-dir");
	cr_assert(eq(int, tree_publish(tree, pod), 0));
}

static void setup(void)
{
	cr_assert(eq(int, tree_new(&tree), 0));
	publish(9, "web");
}

static void teardown(void)
{
	tree_free(tree);
}

TestSuite(vnode, .init = setup, .fini = teardown, .timeout = 20);

/* Follow a path of virtual nodes from the root. */
static struct vnode walk(const char *path)
{
	struct vnode_child child = { .vnode = { .kind = VNODE_ROOT } };
	char copy[256];
	char *save;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &save); name;
	     name = strtok_r(NULL, "/", &save)) {
		struct vnode dir = child.vnode;

		cr_assert(eq(int, vnode_lookup(tree, &dir, name, &child), 0),
			  "%s", name);
		cr_assert(eq(ptr, child.volume, NULL));
	}
	return child.vnode;
}

static int append_name(void *arg, const struct vnode_dirent *e)
{
	char *names = arg;
	size_t n = strlen(names);

	snprintf(names + n, 256 - n, "%s ", e->name);
	return 0;
}

static char *list(const char *path, uint64_t off)
{
	static char names[256];
	struct vnode dir = walk(path);

	names[0] = '\0';
	cr_assert(
		eq(int, vnode_readdir(tree, &dir, off, append_name, names), 0));
	return names;
}

Test(vnode, a_node_id_says_what_it_is)
{
	for (int kind = 0; kind < VNODE_N_KINDS; kind++) {
		struct vnode v = { .kind = kind };
		struct vnode back;

		if (kind != VNODE_ROOT) {
			v.id = 123456789012;
			v.index = 65537;
		}
		cr_expect(vnode_is_virtual(vnode_nodeid(&v)));
		cr_assert(eq(int, vnode_decode(vnode_nodeid(&v), &back), 0));
		cr_expect(eq(int, back.kind, v.kind));
		cr_expect(eq(u64, back.id, v.id));
		cr_expect(eq(u32, back.index, v.index));
	}
}

Test(vnode, what_is_no_virtual_node_is_refused)
{
	struct vnode v;

	cr_expect(not(vnode_is_virtual(UINT64_C(1) << 32 | 5)));
	cr_expect(eq(int, vnode_decode(UINT64_C(1) << 32 | 5, &v), -ESTALE));
	cr_expect(eq(int, vnode_decode(UINT64_C(1) << 63, &v), -ESTALE));
	cr_expect(eq(int, vnode_decode(UINT64_MAX, &v), -ESTALE));
}

Test(vnode, names_are_listed_at_every_level)
{
	cr_expect(eq(str, list("", 0), TEXT(".podvols default ")));
	cr_expect(eq(str, list("default", 0), TEXT("web ")));
	cr_expect(eq(str, list("default/web", 0), TEXT("data host more ")));
	cr_expect(eq(str, list(".podvols/pods", 0), TEXT("uid-9 ")));
	cr_expect(eq(str, list(".podvols/pods/uid-9", 0),
		     TEXT("pod.yaml volumes ")));
	cr_expect(eq(str, list(".podvols/pods/uid-9/volumes", 0),
		     TEXT("kubernetes.io~empty-dir kubernetes.io~host-path ")));
	cr_expect(eq(
		str,
		list(".podvols/pods/uid-9/volumes/kubernetes.io~empty-dir", 0),
		TEXT("data more ")));
}

static int keep_off(void *arg, const struct vnode_dirent *e)
{
	*(uint64_t *)arg = e->off;
	return 1;
}

/* As a reader with a tiny buffer, while pods come and go. */
Test(vnode, a_listing_goes_on_where_it_was_left)
{
	struct vnode dir = walk("default");
	uint64_t off = 0;

	publish(10, "x");
	publish(11, "y");
	cr_assert(eq(int, vnode_readdir(tree, &dir, 0, keep_off, &off), 0));
	cr_expect(eq(str, list("default", off), TEXT("x y ")));
	tree_withdraw(tree, 9);
	tree_withdraw(tree, 10);
	cr_expect(eq(str, list("default", off), TEXT("y ")));
	cr_expect(eq(str, list("default/y", 4), TEXT("more ")));
}

Test(vnode, a_volume_is_found_with_a_reference)
{
	struct vnode dir = walk("default/web");
	struct vnode_child child;

	cr_assert(eq(int, vnode_lookup(tree, &dir, "host", &child), 0));
	cr_assert(ne(ptr, child.volume, NULL));
	tree_withdraw(tree, 9);
	cr_expect(eq(str, child.volume->name, TEXT("host")));
	volume_unref(child.volume);
}

Test(vnode, a_pod_that_is_gone_is_stale)
{
	struct vnode dir = walk("default/web");
	struct vnode_child child;
	struct statx st;
	char buf[64];

	tree_withdraw(tree, 9);
	cr_expect(eq(int, vnode_getattr(tree, &dir, &st), -ESTALE));
	cr_expect(eq(int, vnode_lookup(tree, &dir, "data", &child), -ESTALE));
	cr_expect(eq(int, vnode_readdir(tree, &dir, 0, append_name, buf),
		     -ENOENT));
	dir = (struct vnode){ .kind = VNODE_LINK, .id = 9 };
	cr_expect(
		eq(int, vnode_readlink(tree, &dir, buf, sizeof(buf)), -ESTALE));
}

Test(vnode, a_link_leads_from_the_uid_to_the_volume)
{
	struct vnode v = walk(
		".podvols/pods/uid-9/volumes/kubernetes.io~empty-dir/more");
	struct statx st;
	char target[128];

	cr_assert(eq(int, vnode_readlink(tree, &v, target, sizeof(target)), 0));
	cr_expect(eq(str, target, TEXT("../../../../../default/web/more")));
	cr_assert(eq(int, vnode_getattr(tree, &v, &st), 0));
	cr_expect(eq(u64, st.stx_size, strlen(target)));
	v = walk("default/web");
	cr_expect(eq(int, vnode_readlink(tree, &v, target, sizeof(target)),
		     -EINVAL));
}

Test(vnode, the_parent_of_each_directory_is_the_one_above)
{
	static const char *const paths[] = {
		"default",
		"default/web",
		".podvols/pods",
		".podvols/pods/uid-9",
		".podvols/pods/uid-9/volumes",
		".podvols/pods/uid-9/volumes/kubernetes.io~empty-dir",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct vnode dir = walk(paths[i]);
		struct vnode parent;
		struct vnode above;
		char up[128];
		char *slash;

		snprintf(up, sizeof(up), "%s", paths[i]);
		slash = strrchr(up, '/');
		*(slash ? slash : up) = '\0';
		above = walk(up);
		vnode_parent(tree, &dir, &parent);
		cr_expect(eq(u64, vnode_nodeid(&parent), vnode_nodeid(&above)),
			  "%s", paths[i]);
	}
}
