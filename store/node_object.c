/* SPDX-License-Identifier: Apache-2.0 */
/* node_object.c - pods as the objects that the Kubernetes API shows */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node.h"
#include "store/node_census.h"
#include "store/node_private.h"
#include "store/node_usage.h"
#include "store/tree.h"
#include "store/volume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a list may ask drivers for numbers, all its pods together. */
#define LIST_USAGE_NS 100000000

char *node_object_time(int64_t when, char *buf, size_t size)
{
	time_t seconds = when / 1000000000;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

char *node_volume_path(const struct node *node, const struct catalog_pod *pod,
		       const char *volume)
{
	char *path;

	if (asprintf(&path, "%s/%s/%s/%s",
		     node->mountpoint ? node->mountpoint : "", pod->namespace,
		     pod->name, volume) < 0)
		return NULL;
	return path;
}

static const char *phase_text(enum catalog_phase phase, bool is_shown)
{
	switch (phase) {
	case CATALOG_PENDING:
		return "Pending";
	case CATALOG_DELETING:
		return "Terminating";
	default:
		/* One that could not be opened at start; its events say why. */
		return is_shown ? "Ready" : "Pending";
	}
}

static void set_number(json_t *object, const char *key, int64_t value)
{
	json_object_set_new(object, key,
			    value < 0 ? json_null() : json_integer(value));
}

static struct volume *live_volume(const struct tree_pod *shown, uint32_t id)
{
	for (size_t i = 0; shown && i < shown->n_volumes; i++) {
		if (shown->volumes[i]->id == id)
			return shown->volumes[i];
	}
	return NULL;
}

/* Who keeps the limits of a volume. */
static const char *enforcement(const struct node_volume *v,
			       const struct volume *live)
{
	struct volume_limits limits = { 0 };

	if (live && live->usage)
		return node_usage_keeper(live);
	if (!v->driver || !v->driver->is_counted ||
	    v->driver->is_counted(&v->spec, &limits))
		return "none";
	return "kernel";
}

static json_t *volume_status(struct node *node, const struct catalog_pod *pod,
			     const struct catalog_volume *vol,
			     const struct tree_pod *shown, bool with_usage)
{
	struct volume *live = live_volume(shown, vol->id);
	bool is_counted = live && live->usage;
	bool is_shown = shown != NULL;
	const char *cache = live ? node_volume_cache(live) : NULL;
	struct volume_usage usage = { -1, -1 };
	cleanup_node_volume struct node_volume v = { 0 };
	cleanup_free char *path = node_volume_path(node, pod, vol->name);
	cleanup_free char *host_path = NULL;
	json_t *status;

	if (node_volume_load(pod, vol, &v, NULL) == 0) {
		host_path = v.driver->host_path(&node->env, &v.spec);
		if (with_usage && !is_counted && vol->phase == CATALOG_READY &&
		    v.driver->usage)
			v.driver->usage(&node->env, &v.spec, &usage);
	}
	status = json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s}", "name",
			   vol->name, "phase", phase_text(vol->phase, is_shown),
			   "source", vol->source, "backend",
			   v.driver ? v.driver->backend : NULL, "path",
			   is_shown ? path : NULL, "hostPath", host_path,
			   "enforcement", enforcement(&v, live));
	if (!status)
		return NULL;
	json_object_set_new(status, "cache",
			    cache ? json_string(cache) : json_null());
	set_number(status, "usedBytes", usage.used_bytes);
	set_number(status, "usedInodes", usage.used_inodes);
	if (is_counted)
		node_usage_status(live, status);
	else if (live)
		node_census_status(node, live, status);
	return status;
}

static json_t *pod_status(struct node *node, const struct catalog_pod *pod,
			  int64_t deadline)
{
	struct tree_pod *shown = tree_pod_by_uid(node->tree, pod->uid);
	bool is_shown = shown != NULL;
	json_auto_t *volumes = json_array();
	int r = 0;

	for (size_t i = 0; i < pod->n_volumes; i++) {
		json_t *v = volume_status(node, pod, &pod->volumes[i], shown,
					  node_now() < deadline);

		r |= json_array_append_new(volumes, v);
	}
	tree_pod_unref(shown);
	if (r < 0)
		return NULL;
	return json_pack("{s:s, s:O}", "phase",
			 phase_text(pod->phase, is_shown), "volumes", volumes);
}

/* A pod that is not in the catalog (a dry run) has version 0: none. */
static int set_metadata(json_t *object, const struct catalog_pod *pod)
{
	json_t *metadata = json_object_get(object, "metadata");
	char created[NODE_TIME_SIZE];
	char version[24];
	int r = 0;

	if (!json_is_object(metadata)) {
		metadata = json_object();
		r |= json_object_set_new(object, "metadata", metadata);
	}
	node_object_time(pod->created, created, sizeof(created));
	r |= json_object_set_new(metadata, "name", json_string(pod->name));
	r |= json_object_set_new(metadata, "namespace",
				 json_string(pod->namespace));
	r |= json_object_set_new(metadata, "uid", json_string(pod->uid));
	r |= json_object_set_new(metadata, "creationTimestamp",
				 json_string(created));
	if (pod->resource_version > 0) {
		snprintf(version, sizeof(version), "%llu",
			 (unsigned long long)pod->resource_version);
		r |= json_object_set_new(metadata, "resourceVersion",
					 json_string(version));
	}
	return r < 0 ? -ENOMEM : 0;
}

int node_object_pod(struct node *node, const struct catalog_pod *pod,
		    int64_t deadline, json_t **ret)
{
	json_auto_t *status = pod_status(node, pod, deadline);
	json_auto_t *object = node_document(pod);
	int r = 0;

	if (!object || node_damaged_check(pod, NULL) < 0)
		r = node_damaged_tell(node, pod, status);
	if (!object)
		object = node_damaged_document(pod);
	if (!object)
		return -ENOMEM;
	r |= json_object_set_new(object, "apiVersion", json_string("v1"));
	r |= json_object_set_new(object, "kind", json_string("Pod"));
	r |= set_metadata(object, pod);
	r |= json_object_set(object, "status", status);
	if (r < 0)
		return -ENOMEM;
	*ret = steal_pointer(&object);
	return 0;
}

int node_pod_get(struct node *node, const char *namespace, const char *name,
		 json_t **ret_object, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod pod = { 0 };
	int r;

	r = catalog_pod_by_name(node->catalog, namespace, name, &pod, err);
	if (r < 0)
		return r;
	return node_object_pod(node, &pod, INT64_MAX, ret_object);
}

int node_pod_get_by_uid(struct node *node, const char *uid, json_t **ret_object,
			struct error *err)
{
	cleanup_catalog_pod struct catalog_pod pod = { 0 };
	int r;

	r = catalog_pod_by_uid(node->catalog, uid, &pod, err);
	if (r < 0)
		return r;
	return node_object_pod(node, &pod, INT64_MAX, ret_object);
}

/* By namespace, then name, as Kubernetes lists them. */
static int compare_pods(const void *a, const void *b)
{
	const struct catalog_pod *left = a;
	const struct catalog_pod *right = b;
	int order = strcmp(left->namespace, right->namespace);

	return order ? order : strcmp(left->name, right->name);
}

int node_pod_list(struct node *node, const char *namespace, json_t **ret_object,
		  struct error *err)
{
	int64_t deadline = node_now() + LIST_USAGE_NS;
	cleanup_catalog_pods struct catalog_pods pods = { 0 };
	json_auto_t *items = json_array();
	char version[24];
	json_t *list;
	int r;

	r = catalog_pod_list(node->catalog, namespace, CATALOG_LIST_DOCUMENTS,
			     &pods, err);
	if (r < 0)
		return r;
	if (pods.n > 1)
		qsort(pods.pods, pods.n, sizeof(*pods.pods), compare_pods);
	for (size_t i = 0; i < pods.n; i++) {
		json_t *object;

		r = node_object_pod(node, &pods.pods[i], deadline, &object);
		if (r < 0)
			return r;
		if (json_array_append_new(items, object) < 0)
			return -ENOMEM;
	}
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)pods.resource_version);
	list = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion", "v1", "kind",
			 "PodList", "metadata", "resourceVersion", version,
			 "items", items);
	if (!list)
		return -ENOMEM;
	*ret_object = list;
	return 0;
}
