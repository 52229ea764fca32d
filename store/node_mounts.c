/* SPDX-License-Identifier: Apache-2.0 */
/* node_mounts.c - what to bind into the containers of a pod */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/manifest/causes.h"
#include "store/manifest/pod.h"
#include "store/node.h"
#include "store/node_private.h"
#include "store/subpath.h"
#include "store/tree.h"
#include "store/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct mounting {
	struct node *node;
	const struct catalog_pod *row;
	const struct tree_pod *shown;
	const struct pod *pod;
};

static const char *kind_text(enum container_kind kind)
{
	switch (kind) {
	case CONTAINER_INIT:
		return "initContainer";
	case CONTAINER_EPHEMERAL:
		return "ephemeralContainer";
	default:
		return "container";
	}
}

static const struct volume *find_volume(const struct tree_pod *shown,
					const char *name)
{
	for (size_t i = 0; i < shown->n_volumes; i++) {
		if (strcmp(shown->volumes[i]->name, name) == 0)
			return shown->volumes[i];
	}
	return NULL;
}

static bool has_sub_path(const struct pod_mount *mount)
{
	return mount->sub_path_expr || (mount->sub_path && *mount->sub_path);
}

/*
 * Sockets, pipes and devices work only where they are: a look through the
 * mount has no server, and no driver, behind it.
 */
static bool is_special(const char *host_path)
{
	struct stat st;

	if (!host_path || stat(host_path, &st) < 0)
		return false;
	return !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode);
}

static int sub_path_text(const struct pod_container *container,
			 const struct pod_mount *mount, char **ret,
			 struct error *err)
{
	if (mount->sub_path_expr)
		return pod_expand(container, mount->sub_path_expr, ret, err);
	*ret = strdup(mount->sub_path);
	return *ret ? 0 : -ENOMEM;
}

/* Where the bind of a subPath is, below the state directory. */
static char *bind_path(const struct mounting *m,
		       const struct pod_container *container, size_t index)
{
	char *path;

	if (asprintf(&path, NODE_SUBPATHS "/%s/%s.%zu", m->row->uid,
		     container->name, index) < 0)
		return NULL;
	return path;
}

static int bind_sub_path(const struct mounting *m,
			 const struct pod_container *container, size_t index,
			 const char *root, char **ret, struct error *err)
{
	const struct pod_mount *mount = &container->mounts[index];
	cleanup_free char *target = bind_path(m, container, index);
	cleanup_free char *sub_path = NULL;
	int r;

	if (!target)
		return -ENOMEM;
	r = sub_path_text(container, mount, &sub_path, err);
	if (r == 0)
		r = subpath_bind_by(m->node->helper, root, sub_path,
				    m->node->env.state_fd, target, err);
	if (r < 0)
		return error_prefix(err, r, "container '%s', volumeMounts[%zu]",
				    container->name, index);
	if (asprintf(ret, "%s/%s", m->node->state_dir, target) < 0)
		return -ENOMEM;
	return 0;
}

static int source_of(const struct mounting *m,
		     const struct pod_container *container, size_t index,
		     const struct volume *vol, char **ret, struct error *err)
{
	const struct pod_mount *mount = &container->mounts[index];
	cleanup_free char *root = NULL;

	if (!has_sub_path(mount) && is_special(vol->host_path)) {
		*ret = strdup(vol->host_path);
		return *ret ? 0 : -ENOMEM;
	}
	root = vol->direct ? strdup(vol->host_path)
			   : node_volume_path(m->node, m->row, vol->name);
	if (!root)
		return -ENOMEM;
	if (has_sub_path(mount))
		return bind_sub_path(m, container, index, root, ret, err);
	*ret = steal_pointer(&root);
	return 0;
}

static int mount_object(const struct mounting *m,
			const struct pod_container *container, size_t index,
			json_t *list, struct error *err)
{
	const struct pod_mount *mount = &container->mounts[index];
	const struct volume *vol = find_volume(m->shown, mount->volume);
	cleanup_free char *source = NULL;
	json_t *object;
	int r;

	if (!vol)
		return error_set(err, -EINVAL,
				 "container '%s' mounts a volume '%s' that the "
				 "pod does not have",
				 container->name, mount->volume);
	r = source_of(m, container, index, vol, &source, err);
	if (r < 0)
		return r;
	object = json_pack(
		"{s:s, s:s, s:s, s:b, s:s, s:s}", "volume", vol->name, "source",
		source, "destination", mount->path, "readOnly",
		(int)(mount->read_only || vol->read_only), "propagation",
		mount->propagation ? mount->propagation : "None",
		"recursiveReadOnly",
		mount->recursive_read_only ? mount->recursive_read_only
					   : "Disabled");
	return json_array_append_new(list, object) < 0 ? -ENOMEM : 0;
}

static int container_object(const struct mounting *m,
			    const struct pod_container *container, json_t *list,
			    struct error *err)
{
	json_auto_t *mounts = json_array();
	json_t *object;

	for (size_t i = 0; i < container->n_mounts; i++) {
		int r = mount_object(m, container, i, mounts, err);

		if (r < 0)
			return r;
	}
	object =
		json_pack("{s:s, s:s, s:O}", "container", container->name,
			  "kind", kind_text(container->kind), "mounts", mounts);
	return json_array_append_new(list, object) < 0 ? -ENOMEM : 0;
}

static int record_container(const struct mounting *m,
			    const struct pod_container *container,
			    struct catalog *txn, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < container->n_mounts; i++) {
		const struct pod_mount *mount = &container->mounts[i];
		cleanup_free char *path = NULL;

		if (!has_sub_path(mount))
			continue;
		path = bind_path(m, container, i);
		if (!path)
			return -ENOMEM;
		r = catalog_mount_put(
			txn, m->row->id,
			&(struct catalog_mount){
				.container = container->name,
				.position = (unsigned)i,
				.volume = mount->volume,
				.sub_path = mount->sub_path_expr
						    ? mount->sub_path_expr
						    : mount->sub_path,
				.path = path,
			},
			err);
	}
	return r;
}

static bool needs_record(const struct pod_container *container)
{
	for (size_t i = 0; i < container->n_mounts; i++) {
		if (has_sub_path(&container->mounts[i]))
			return true;
	}
	return false;
}

/* Known before it is bound. */
static int record(const struct mounting *m,
		  const struct pod_container *container, struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	if (!needs_record(container))
		return 0;
	r = catalog_begin(m->node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = record_container(m, container, txn, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

static int all_containers(const struct mounting *m, const char *container,
			  json_t *list, struct error *err)
{
	bool found = container == NULL;

	for (size_t i = 0; i < m->pod->n_containers; i++) {
		const struct pod_container *c = &m->pod->containers[i];
		int r;

		if (container && strcmp(c->name, container) != 0)
			continue;
		found = true;
		r = record(m, c, err);
		if (r == 0)
			r = container_object(m, c, list, err);
		if (r < 0)
			return r;
	}
	if (!found)
		return error_set(err, -ENOENT,
				 "pod '%s/%s' has no container '%s'",
				 m->row->namespace, m->row->name, container);
	return 0;
}

static int mounts_of(struct mounting *m, const char *container,
		     json_t **ret_object, struct error *err)
{
	json_auto_t *list = json_array();
	struct pod *pod = NULL;
	json_t *object;
	int r;

	r = node_document_decode(m->row, &pod, err);
	if (r < 0)
		return r;
	m->pod = pod;
	r = all_containers(m, container, list, err);
	pod_free(pod);
	if (r < 0)
		return r;
	object = json_pack("{s:O}", "items", list);
	if (!object)
		return -ENOMEM;
	*ret_object = object;
	return 0;
}

/* Best effort: what stays is taken away by the next start. */
void node_unbind_all(struct node *node)
{
	struct error err = { 0 };

	if (subpath_unbind_all(node->env.state_fd, NODE_SUBPATHS, &err) < 0)
		log_warning("%s", err.text);
}

int node_pod_mounts(struct node *node, const char *namespace, const char *name,
		    const char *container, json_t **ret_object,
		    struct error *err)
{
	cleanup_catalog_pod struct catalog_pod row = { 0 };
	cleanup_pod_lock struct pod_lock *lock = NULL;
	struct mounting m = { .node = node, .row = &row };
	struct tree_pod *shown;
	int r;

	/* Nothing is bound any more once a deletion has begun. */
	r = pod_lock_take(&node->locks, namespace, name, &lock);
	if (r < 0)
		return error_set(err, r, "out of memory");
	r = catalog_pod_by_name(node->catalog, namespace, name, &row, err);
	if (r == -ENOENT)
		return error_set(err, r, "pods \"%s\" not found", name);
	if (r == 0)
		r = node_damaged_check(&row, err);
	if (r < 0)
		return r;
	shown = tree_pod_by_uid(node->tree, row.uid);
	if (!shown)
		return error_set(err, -EAGAIN,
				 "pod '%s/%s' is not ready; its events say why",
				 namespace, name);
	m.shown = shown;
	r = mounts_of(&m, container, ret_object, err);
	tree_pod_unref(shown);
	if (r == -ENOMEM)
		error_set(err, r, "out of memory");
	return r;
}
