/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_update.c - changing a pod that the node holds
 *
 * 1. the drivers give the volumes their new limits, in use as they are;
 * 2. one transaction records them with the manifest: acknowledged.
 * A failure before 2 takes 1 back; after a crash the next start does.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/manifest/causes.h"
#include "store/manifest/pod.h"
#include "store/node.h"
#include "store/node_apply.h"
#include "store/node_census.h"
#include "store/node_private.h"
#include "store/node_usage.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The volumes of a pod as they shall be recorded, beside those that are. */
struct update {
	const struct apply *a;
	struct catalog_pod *row;
	char **specs;  /* one for each volume of row; NULL: as it was */
	size_t n_done; /* of the volumes, those that have been asked */
};

static void update_done(struct update *u)
{
	for (size_t i = 0; u->specs && i < u->row->n_volumes; i++)
		free(u->specs[i]);
	free(u->specs);
}
#define cleanup_update __attribute__((cleanup(update_done)))

/* What the client says it has seen must be what is there. */
static int check_seen(const struct apply *a, const struct catalog_pod *row,
		      struct error *err)
{
	const char *seen = apply_seen(a);
	char message[256];
	char version[24];

	if (a->pod->uid && strcmp(a->pod->uid, row->uid) != 0) {
		snprintf(message, sizeof(message),
			 "'%.64s': the pod has the UID '%s', which cannot be "
			 "changed; delete the pod first, or leave the UID out",
			 a->pod->uid, row->uid);
		return apply_refuse(a, err, "FieldValueInvalid", "metadata.uid",
				    message);
	}
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)row->resource_version);
	if (seen && strcmp(seen, version) != 0)
		return error_set(err, -ESTALE,
				 "pod '%s/%s' has been modified since: its "
				 "resourceVersion is %s, not %.64s; get it "
				 "again and apply the changes to that",
				 row->namespace, row->name, version, seen);
	return 0;
}

/* Volume i of the row as the manifest has it: they may be in another order. */
static size_t find_volume(const struct pod *pod, const char *name)
{
	size_t i = 0;

	while (i < pod->n_volumes && strcmp(pod->volumes[i].name, name) != 0)
		i++;
	return i;
}

/* Have the driver make volume i of the row what to says, where it is from. */
static int change_volume(const struct update *u, size_t i, char *from, char *to,
			 struct error *err)
{
	cleanup_node_volume struct node_volume old = { 0 };
	cleanup_node_volume struct node_volume new = { 0 };
	struct catalog_volume vol = u->row->volumes[i];
	int r;

	vol.spec = from;
	r = node_volume_load(u->row, &vol, &old, err);
	vol.spec = to;
	if (r == 0)
		r = node_volume_load(u->row, &vol, &new, err);
	if (r < 0)
		return r;
	assert(new.driver);
	node_volume_changed(u->a->node, u->row->uid, &new);
	if (new.driver->has_census)
		node_census_changed(u->a->node, u->row->uid, &new);
	if (!new.driver->resize)
		return 0;
	r = new.driver->resize(&u->a->node->env, &old.spec, &new.spec, err);
	if (r < 0)
		return r;
	node_usage_resized(u->a->node, u->row->uid, &new);
	node_step("update.limited");
	return 0;
}

static int update_volume(struct update *u, size_t i, struct error *err)
{
	const struct apply *a = u->a;
	size_t at = find_volume(a->pod, u->row->volumes[i].name);
	char *was = u->row->volumes[i].spec;
	cleanup_free char *text = NULL;
	int r;

	if (at == a->pod->n_volumes)
		return 0;
	r = apply_volume_text(a->pod, at, &text);
	if (r < 0 || strcmp(text, was) == 0)
		return r;
	if (!(a->flags & NODE_APPLY_DRY_RUN))
		r = change_volume(u, i, was, text, err);
	if (r < 0)
		return apply_refuse_volume(a, a->pod->volumes[at].source, at, r,
					   err);
	u->specs[i] = steal_pointer(&text);
	return 0;
}

/* Best effort: what cannot be taken back is settled by the next start. */
static void take_back(struct update *u)
{
	struct error err = { 0 };

	for (size_t i = 0; i < u->n_done; i++) {
		if (!u->specs[i])
			continue;
		if (change_volume(u, i, u->specs[i], u->row->volumes[i].spec,
				  &err) < 0)
			log_warning("pod '%s/%s': cannot take back a change: "
				    "%s",
				    u->row->namespace, u->row->name, err.text);
		node_step("update.taken-back");
	}
}

static int update_volumes(struct update *u, struct error *err)
{
	int r;

	u->specs = calloc(u->row->n_volumes + 1, sizeof(*u->specs));
	if (!u->specs)
		return -ENOMEM;
	for (size_t i = 0; i < u->row->n_volumes; i++) {
		r = update_volume(u, i, err);
		if (r < 0)
			return r;
		u->n_done++;
	}
	return 0;
}

static int record_volume(struct update *u, size_t i, struct catalog *txn,
			 struct error *err)
{
	struct catalog_volume *vol = &u->row->volumes[i];
	struct catalog_event event;
	int r;

	if (!u->specs[i])
		return 0;
	r = catalog_volume_set_spec(txn, vol, u->specs[i], err);
	/* Of others nothing changes but what is looked up of them. */
	if (r < 0 || !volume_driver_find(vol->source)->resize)
		return r;
	node_event_fill(&event, u->row, "Normal", "Resized",
			"the limits of volume '%s' have changed", vol->name);
	return catalog_event_add(txn, &event, err);
}

static int record(struct update *u, const char *document, struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	r = catalog_begin(u->a->node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_pod_set_document(txn, u->row, document, err);
	for (size_t i = 0; r == 0 && i < u->row->n_volumes; i++)
		r = record_volume(u, i, txn, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

static int update(struct apply *a, struct catalog_pod *row, struct error *err)
{
	cleanup_update struct update u = { .a = a, .row = row };
	cleanup_free char *document = NULL;
	int r;

	node_step("update.begin");
	r = apply_document_text(a->pod, a->name, &document);
	if (r == 0)
		r = update_volumes(&u, err);
	if (r == 0 && a->flags & NODE_APPLY_DRY_RUN) {
		free(row->document);
		row->document = steal_pointer(&document);
		return 0;
	}
	if (r == 0) {
		node_step("update.resized");
		r = record(&u, document, err);
	}
	if (r < 0) {
		take_back(&u);
		return r;
	}
	node_step("update.recorded");
	return 0;
}

int apply_update(struct apply *a, struct catalog_pod *row, struct error *err)
{
	struct pod *old = NULL;
	bool same;
	int r;

	if (a->flags & NODE_APPLY_CREATE)
		return error_set(err, -EEXIST, "pods \"%s\" already exists",
				 a->name);
	r = node_damaged_check(row, err);
	/* Before the fields: who has not seen the pod cannot judge them. */
	if (r == 0)
		r = check_seen(a, row, err);
	if (r == 0)
		r = node_document_decode(row, &old, err);
	if (r < 0)
		return r;
	same = pod_is_unchanged(old, a->pod);
	if (!same)
		r = pod_validate_update(old, a->pod, a->causes);
	pod_free(old);
	if (r < 0)
		return error_set(err, r,
				 "pod updates may not change its volumes and "
				 "mounts");
	if (!same)
		r = update(a, row, err);
	if (r < 0)
		return r;
	return apply_show(a, row, same ? NODE_UNCHANGED : NODE_CONFIGURED);
}

/* Put the size into the manifest: where it is wrong, that is told there. */
static int set_size(json_t *document, const char *volume, const json_t *size,
		    struct error *err)
{
	const json_t *spec = json_object_get(document, "spec");
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(spec, "volumes"), i, item)
	{
		json_t *source = json_object_get(item, "emptyDir");
		const char *name =
			json_string_value(json_object_get(item, "name"));

		if (!name || strcmp(name, volume) != 0)
			continue;
		if (!source)
			return error_set(err, -EINVAL,
					 "volume '%s' is no emptyDir: it has "
					 "no size that could change",
					 volume);
		return json_object_set_new(source, "sizeLimit",
					   json_deep_copy(size)) < 0
			       ? -ENOMEM
			       : 0;
	}
	return error_set(err, -ENOENT, "the pod has no volume '%s'", volume);
}

static int resize(struct apply *a, struct catalog_pod *row, const char *volume,
		  const json_t *size, struct error *err)
{
	json_auto_t *document = node_document(row);
	struct pod *pod = NULL;
	int r;

	r = document ? set_size(document, volume, size, err)
		     : node_damaged_refuse(row, err);
	if (r == 0)
		r = pod_decode(document, row->namespace, NULL, &pod, a->causes);
	if (r < 0)
		return r;
	assert(pod);
	a->pod = pod;
	r = apply_update(a, row, err);
	pod_free(pod);
	return r;
}

int node_volume_resize(struct node *node, const struct node_resize *what,
		       enum node_outcome *ret_outcome, json_t **ret_object,
		       struct causes *causes, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod row = { 0 };
	cleanup_pod_lock struct pod_lock *lock = NULL;
	struct apply a = {
		.node = node,
		.flags = what->dry_run ? NODE_APPLY_DRY_RUN : 0,
		.name = what->pod,
		.causes = causes,
	};
	int r;

	r = pod_lock_take(&node->locks, what->namespace, what->pod, &lock);
	if (r < 0)
		return error_set(err, r, "out of memory");
	r = catalog_pod_by_name(node->catalog, what->namespace, what->pod, &row,
				err);
	if (r == 0 && !what->dry_run)
		r = node_pod_settle(node, &row, err);
	if (r == -ENOENT)
		return error_set(err, r, "pods \"%s\" not found", what->pod);
	if (r == 0)
		r = resize(&a, &row, what->volume, what->size, err);
	if (r == -ENOMEM)
		error_set(err, r, "out of memory");
	if (r < 0)
		return r;
	*ret_outcome = a.outcome;
	*ret_object = a.object;
	return 0;
}
