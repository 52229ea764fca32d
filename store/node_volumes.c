/* SPDX-License-Identifier: Apache-2.0 */
/* node_volumes.c - the volumes of a pod, provisioned, opened, ended by drivers
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/node_census.h"
#include "store/node_private.h"
#include "store/node_usage.h"
#include "store/tree.h"
#include "store/usage.h"
#include "store/volume.h"

#include <errno.h>
#include <string.h>

int node_volume_load(const struct catalog_pod *pod,
		     const struct catalog_volume *vol, struct node_volume *ret,
		     struct error *err)
{
	const struct volume_driver *driver = volume_driver_find(vol->source);
	json_t *source;

	if (!driver) {
		error_set(err, -ENOTSUP,
			  "volume '%s': this podvols does not serve "
			  "volumes of type %s",
			  vol->name, vol->source);
		return -ENOTSUP;
	}
	source = json_loads(vol->spec, JSON_DECODE_ANY, NULL);
	if (!source) {
		error_set(err, -EUCLEAN,
			  "volume '%s': its record in the catalog "
			  "cannot be read",
			  vol->name);
		return -EUCLEAN;
	}
	*ret = (struct node_volume){
		.driver = driver,
		.spec = { .id = vol->id,
			  .pod_uid = pod->uid,
			  .name = vol->name,
			  .source = source,
			  .pod = json_object_get(source, NODE_FACTS) },
		.source = source,
	};
	return 0;
}

void node_volume_done(struct node_volume *volume)
{
	json_decref(volume->source);
}

static int provision(struct node *node, const struct catalog_pod *pod,
		     const struct catalog_volume *vol, struct error *err)
{
	cleanup_node_volume struct node_volume v = { 0 };
	int r;

	r = node_volume_load(pod, vol, &v, err);
	if (r < 0)
		return r;
	return v.driver->provision(&node->env, &v.spec, err);
}

/* Those that are ours alone, or the others. */
static int provision_all(struct node *node, const struct catalog_pod *pod,
			 bool ours, size_t *ret_failed, struct error *err)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		const struct catalog_volume *vol = &pod->volumes[i];
		const struct volume_driver *driver =
			volume_driver_find(vol->source);
		int r;

		if ((driver && driver->exclusive) != ours)
			continue;
		r = provision(node, pod, vol, err);
		if (r < 0) {
			*ret_failed = i;
			return r;
		}
		node_step("apply.provisioned");
	}
	return 0;
}

int node_volumes_provision(struct node *node, const struct catalog_pod *pod,
			   size_t *ret_failed, struct error *err)
{
	int r = provision_all(node, pod, true, ret_failed, err);

	/* What these make nobody undoes: last, when no other may fail. */
	return r < 0 ? r : provision_all(node, pod, false, ret_failed, err);
}

static void set_cache(struct volume *vol, const struct node_volume *v)
{
	unsigned none = VOLUME_CACHE_NONE;

	if (!v->driver->is_watched || !v->driver->is_watched(&v->spec))
		atomic_store(&vol->cache, VOLUME_CACHE_NONE);
	else
		atomic_compare_exchange_strong(&vol->cache, &none,
					       VOLUME_CACHE_WANTED);
}

void node_volume_changed(struct node *node, const char *pod_uid,
			 const struct node_volume *v)
{
	struct tree_pod *pod = tree_pod_by_uid(node->tree, pod_uid);

	for (size_t i = 0; pod && i < pod->n_volumes; i++) {
		if (pod->volumes[i]->id == v->spec.id)
			set_cache(pod->volumes[i], v);
	}
	tree_pod_unref(pod);
}

const char *node_volume_cache(const struct volume *vol)
{
	if (vol->exclusive)
		return "all";
	switch (atomic_load(&vol->cache)) {
	case VOLUME_CACHE_WANTED:
		return NULL;
	case VOLUME_CACHE_WATCHED:
		return "watched";
	default:
		return "none";
	}
}

static int open_one(struct node *node, const struct catalog_pod *pod,
		    const struct catalog_volume *vol,
		    struct usage_group **group, struct volume **ret,
		    struct error *err)
{
	cleanup_node_volume struct node_volume v = { 0 };
	cleanup_free char *host_path = NULL;
	struct store *store;
	bool is_direct;
	bool read_only;
	int r;

	r = node_volume_load(pod, vol, &v, err);
	if (r < 0)
		return r;
	r = v.driver->open(&node->env, &v.spec, &store, err);
	if (r < 0)
		return r;
	host_path = v.driver->host_path(&node->env, &v.spec);
	read_only = json_is_true(json_object_get(v.source, "readOnly"));
	is_direct = v.driver->is_direct && v.driver->is_direct(&v.spec);
	*ret = volume_new(vol->id, vol->name, v.driver->source,
			  v.driver->plugin, host_path, store,
			  v.driver->exclusive && !is_direct, read_only);
	if (!*ret)
		return -ENOMEM;
	(*ret)->direct = is_direct;
	set_cache(*ret, &v);
	r = node_census_attach(*ret, &v);
	return r < 0 ? r : node_usage_attach(node, *ret, &v, group);
}

static struct tree_pod *shown_pod(const struct catalog_pod *pod)
{
	struct tree_pod *shown = tree_pod_new(pod->n_volumes);

	if (!shown)
		return NULL;
	shown->id = pod->id;
	shown->namespace_id = pod->namespace_id;
	memcpy(shown->uid, pod->uid, sizeof(shown->uid));
	memcpy(shown->namespace, pod->namespace, sizeof(shown->namespace));
	memcpy(shown->name, pod->name, sizeof(shown->name));
	shown->created.tv_sec = pod->created / 1000000000;
	shown->created.tv_nsec = pod->created % 1000000000;
	return shown;
}

int node_volumes_open(struct node *node, const struct catalog_pod *pod,
		      struct tree_pod **ret, size_t *ret_failed,
		      struct error *err)
{
	struct tree_pod *shown = shown_pod(pod);
	struct usage_group *group = NULL;
	int r = 0;

	*ret_failed = 0;
	if (!shown)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < pod->n_volumes; i++) {
		r = open_one(node, pod, &pod->volumes[i], &group,
			     &shown->volumes[i], err);
		if (r < 0)
			*ret_failed = i;
	}
	usage_group_unref(group);
	if (r < 0)
		tree_pod_unref(shown);
	else
		*ret = shown;
	return r;
}

static int teardown(struct node *node, const struct catalog_pod *pod,
		    const struct catalog_volume *vol, struct error *err)
{
	cleanup_node_volume struct node_volume v = { 0 };
	int r;

	r = node_volume_load(pod, vol, &v, err);
	/* It goes with the pod's directory; the reaper enters no mount. */
	if (r == -EUCLEAN || r == -ENOTSUP)
		return mount_detach_tree(node->env.pods_fd, pod->uid,
					 NODE_POD_DEPTH);
	if (r < 0)
		return r;
	r = v.driver->teardown(&node->env, &v.spec, err);
	if (r < 0)
		return error_prefix(err, r, "cannot end volume '%s'",
				    vol->name);
	return 0;
}

/* One that fails keeps none of the others; the first failure is told. */
int node_volumes_teardown(struct node *node, const struct catalog_pod *pod,
			  struct error *err)
{
	int first = 0;

	for (size_t i = 0; i < pod->n_volumes; i++) {
		struct error e = { 0 };
		int r = teardown(node, pod, &pod->volumes[i], &e);

		if (r < 0 && first == 0) {
			first = r;
			if (err)
				*err = e;
		}
	}
	return first;
}
