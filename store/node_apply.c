/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_apply.c - making the node hold a pod
 *
 * 1. one transaction declares pod and volumes;
 * 2. the drivers provision and open the volumes;
 * 3. a second transaction makes them ready: from here on it is acknowledged;
 * 4. the tree shows the pod.
 * A failure before 3 undoes what was done; a crash leaves it to the next start.
 */
#include "store/node_apply.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/manifest/causes.h"
#include "store/manifest/pod.h"
#include "store/node.h"
#include "store/node_private.h"
#include "store/plan.h"
#include "store/tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#define GENERATE_TRIES 8

int apply_refuse(const struct apply *a, struct error *err, const char *reason,
		 const char *field, const char *message)
{
	if (a->causes)
		causes_add(a->causes, reason, 0, field, "%s", message);
	return error_set(err, -EINVAL, "%s: %s", field, message);
}

/* Does the failure speak of what the manifest asks for, or of our own woes? */
static bool is_about_field(int r)
{
	switch (-r) {
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EROFS:
	case EUCLEAN:
		return false;
	default:
		return true;
	}
}

int apply_refuse_volume(const struct apply *a, const char *source, size_t i,
			int r, struct error *err)
{
	char message[sizeof(err->text)] = "";
	char field[128];

	if (!is_about_field(r))
		return r;
	snprintf(field, sizeof(field), "spec.volumes[%zu].%s", i, source);
	if (err)
		memcpy(message, err->text, sizeof(message));
	return apply_refuse(a, err, "FieldValueInvalid", field, message);
}

const char *apply_seen(const struct apply *a)
{
	const json_t *metadata = json_object_get(a->pod->document, "metadata");
	const char *version =
		json_string_value(json_object_get(metadata, "resourceVersion"));

	/* Kubernetes reads 0 as none, too. */
	if (!version || !*version || strcmp(version, "0") == 0)
		return NULL;
	return version;
}

/* The manifest with the name that the pod got, and nothing that we add. */
int apply_document_text(const struct pod *pod, const char *name, char **ret)
{
	json_auto_t *document = json_copy(pod->document);
	json_auto_t *metadata =
		json_copy(json_object_get(pod->document, "metadata"));
	int r;

	if (!document)
		return -ENOMEM;
	if (!metadata)
		metadata = json_object();
	json_object_del(document, "status");
	json_object_del(metadata, "uid");
	json_object_del(metadata, "resourceVersion");
	json_object_del(metadata, "creationTimestamp");
	r = json_object_set_new(metadata, "name", json_string(name));
	r |= json_object_set_new(metadata, "namespace",
				 json_string(pod->namespace));
	r |= json_object_set(document, "metadata", metadata);
	if (r < 0)
		return -ENOMEM;
	*ret = json_dumps(document, JSON_COMPACT);
	return *ret ? 0 : -ENOMEM;
}

int apply_volume_text(const struct pod *pod, size_t i, char **ret)
{
	json_auto_t *spec = json_copy(pod->volumes[i].spec);
	json_t *facts = pod_volume_facts(pod, i);
	int r = 0;

	if (json_object_size(facts) > 0)
		r = json_object_set_new(spec, NODE_FACTS, facts);
	else if (facts)
		json_decref(facts);
	if (!spec || !facts || r < 0)
		return -ENOMEM;
	*ret = json_dumps(spec, JSON_COMPACT | JSON_ENCODE_ANY);
	return *ret ? 0 : -ENOMEM;
}

static int fill_volume(struct catalog_volume *vol, const struct pod *pod,
		       size_t i)
{
	const struct pod_volume *pv = &pod->volumes[i];

	snprintf(vol->name, sizeof(vol->name), "%s", pv->name);
	snprintf(vol->source, sizeof(vol->source), "%s", pv->source);
	return apply_volume_text(pod, i, &vol->spec);
}

static int fill_row(const struct apply *a, const char *uid,
		    struct catalog_pod *row)
{
	const struct pod *pod = a->pod;
	int r;

	snprintf(row->namespace, sizeof(row->namespace), "%s", pod->namespace);
	snprintf(row->name, sizeof(row->name), "%s", a->name);
	snprintf(row->uid, sizeof(row->uid), "%s", uid);
	row->created = node_now();
	r = apply_document_text(pod, a->name, &row->document);
	if (r < 0)
		return r;
	row->volumes = calloc(pod->n_volumes + 1, sizeof(*row->volumes));
	if (!row->volumes)
		return -ENOMEM;
	for (size_t i = 0; i < pod->n_volumes; i++) {
		r = fill_volume(&row->volumes[row->n_volumes++], pod, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* It becomes the name of a directory. */
static bool uid_is_good(const char *uid)
{
	size_t n = strlen(uid);

	if (n < 1 || n > 36 || !isalnum((unsigned char)uid[0]))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)uid[i]) && uid[i] != '-')
			return false;
	}
	return true;
}

/* The manifest's UID, if nobody else has it, or a new one. */
static int choose_uid(const struct apply *a, char *buf, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod other = { 0 };
	char message[512];
	uuid_t uuid;
	int r;

	if (!a->pod->uid) {
		uuid_generate_random(uuid);
		uuid_unparse_lower(uuid, buf);
		return 0;
	}
	if (!uid_is_good(a->pod->uid)) {
		snprintf(message, sizeof(message),
			 "'%.64s' must be at most 36 letters, digits and '-', "
			 "such as a UUID",
			 a->pod->uid);
		return apply_refuse(a, err, "FieldValueInvalid", "metadata.uid",
				    message);
	}
	r = catalog_pod_by_uid(a->node->catalog, a->pod->uid, &other, err);
	if (r == 0) {
		snprintf(message, sizeof(message),
			 "'%s' is the UID of pod '%s/%s'; leave it out to get "
			 "a new one",
			 other.uid, other.namespace, other.name);
		return apply_refuse(a, err, "FieldValueDuplicate",
				    "metadata.uid", message);
	}
	if (r != -ENOENT)
		return r;
	snprintf(buf, 37, "%s", a->pod->uid);
	return 0;
}

/* What the driver says of volume i, of which nothing is made. */
static int check_volume(const struct apply *a, const struct catalog_pod *row,
			size_t i, struct plan *plan, struct error *err)
{
	cleanup_node_volume struct node_volume v = { 0 };
	int r = node_volume_load(row, &row->volumes[i], &v, err);

	if (r == 0 && plan && v.driver->check)
		r = v.driver->check(&a->node->env, &v.spec, plan, err);
	if (r < 0)
		return apply_refuse_volume(a, row->volumes[i].source, i, r,
					   err);
	return 0;
}

/*
 * Every volume that is refused becomes a cause, so that nobody must try again
 * for each; the first one is returned.  look: also at the host.
 */
static int check_volumes(const struct apply *a, const struct catalog_pod *row,
			 bool look, struct error *err)
{
	cleanup_plan struct plan plan = { 0 };
	int first = 0;

	for (size_t i = 0; i < row->n_volumes; i++) {
		struct error why = { 0 };
		int r = check_volume(a, row, i, look ? &plan : NULL, &why);

		if (r == 0 || first < 0)
			continue;
		first = r;
		if (err)
			*err = why;
	}
	return first;
}

static int declare(const struct apply *a, struct catalog_pod *row,
		   struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	int r;

	r = catalog_begin(a->node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_pod_insert(txn, row, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

static int make_ready(struct node *node, struct catalog_pod *pod,
		      struct error *err)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct catalog_event event;
	int r;

	node_event_fill(&event, pod, "Normal", "Created",
			"pod created with %zu volume%s", pod->n_volumes,
			pod->n_volumes == 1 ? "" : "s");
	r = catalog_begin(node->catalog, &txn, err);
	if (r < 0)
		return r;
	r = catalog_pod_set_phase(txn, pod, CATALOG_READY, err);
	if (r < 0)
		return r;
	r = catalog_event_add(txn, &event, err);
	if (r < 0)
		return r;
	return catalog_commit(&txn, err);
}

int node_pod_finish(struct node *node, struct catalog_pod *pod,
		    struct tree_pod *shown, struct error *err)
{
	int r;

	r = make_ready(node, pod, err);
	if (r < 0) {
		tree_pod_unref(shown);
		return r;
	}
	node_step("apply.ready");
	r = tree_publish(node->tree, shown);
	if (r < 0)
		return error_set(err, r, "cannot show pod '%s/%s'",
				 pod->namespace, pod->name);
	node_step("apply.published");
	return 0;
}

/*
 * What a volume makes outside of our state directory stays, even if the pod is
 * refused: so all of them are looked at before.
 */
static int bring_up(const struct apply *a, struct catalog_pod *row,
		    struct error *err)
{
	struct tree_pod *shown;
	size_t failed = 0;
	int r;

	r = check_volumes(a, row, true, err);
	if (r < 0)
		return r;
	r = node_volumes_provision(a->node, row, &failed, err);
	if (r == 0)
		r = node_volumes_open(a->node, row, &shown, &failed, err);
	if (r < 0)
		return apply_refuse_volume(a, row->volumes[failed].source,
					   failed, r, err);
	return node_pod_finish(a->node, row, shown, err);
}

static void undo(const struct apply *a, const struct catalog_pod *row,
		 const struct error *why)
{
	struct catalog_event event;
	struct error err = { 0 };

	node_event_fill(&event, row, "Warning", "FailedMount", "%s",
			why ? why->text : "");
	node_event_say(a->node, &event);
	/* What is left is settled by the next apply or start. */
	if (node_pod_erase(a->node, row, NULL, NULL, &err) < 0)
		log_warning("cannot undo pod '%s/%s' yet: %s", row->namespace,
			    row->name, err.text);
}

int apply_show(struct apply *a, const struct catalog_pod *row,
	       enum node_outcome outcome)
{
	a->outcome = outcome;
	return node_object_pod(a->node, row, INT64_MAX, &a->object);
}

static int apply_create(struct apply *a, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod row = { 0 };
	bool dry = a->flags & NODE_APPLY_DRY_RUN;
	struct error why = { 0 };
	char uid[37] = "";
	int r;

	if (a->flags & NODE_APPLY_REPLACE)
		return error_set(err, -ENOENT, "pods \"%s\" not found",
				 a->name);
	if (apply_seen(a))
		return error_set(err, -ESTALE,
				 "pod '%s/%s' with the resourceVersion %.64s "
				 "is gone; leave metadata.resourceVersion out "
				 "to create it again",
				 a->pod->namespace, a->name, apply_seen(a));
	r = choose_uid(a, uid, err);
	if (r == 0)
		r = fill_row(a, uid, &row);
	if (r == 0)
		/* Otherwise a look follows, when the pod is declared. */
		r = check_volumes(a, &row, dry, err);
	if (r < 0)
		return r;
	if (dry)
		return apply_show(a, &row, NODE_CREATED);

	r = declare(a, &row, err);
	if (r < 0)
		return r;
	node_step("apply.declared");
	r = bring_up(a, &row, &why);
	if (r < 0) {
		undo(a, &row, &why);
		if (err)
			*err = why;
		return r;
	}
	return apply_show(a, &row, NODE_CREATED);
}

static int apply_named(struct apply *a, struct error *err)
{
	cleanup_catalog_pod struct catalog_pod row = { 0 };
	cleanup_pod_lock struct pod_lock *lock = NULL;
	int r;

	r = pod_lock_take(&a->node->locks, a->pod->namespace, a->name, &lock);
	if (r < 0)
		return r;
	r = catalog_pod_by_name(a->node->catalog, a->pod->namespace, a->name,
				&row, err);
	if (r == 0 && !(a->flags & NODE_APPLY_DRY_RUN))
		r = node_pod_settle(a->node, &row, err);
	if (r == -ENOENT)
		return apply_create(a, err);
	if (r < 0)
		return r;
	return apply_update(a, &row, err);
}

static int apply_generated(struct apply *a, struct error *err)
{
	int r = -EEXIST;

	if (!a->pod->generate_name || (a->flags & NODE_APPLY_REPLACE))
		return apply_refuse(
			a, err, "FieldValueRequired", "metadata.name",
			"name or generateName is required, and a name "
			"to replace a pod");
	a->flags |= NODE_APPLY_CREATE;
	for (int i = 0; i < GENERATE_TRIES && r == -EEXIST; i++) {
		r = node_generate_name(a->pod->generate_name, a->generated,
				       sizeof(a->generated));
		if (r < 0)
			return r;
		a->name = a->generated;
		r = apply_named(a, err);
	}
	return r;
}

int node_pod_apply(struct node *node, const struct pod *pod, unsigned flags,
		   enum node_outcome *ret_outcome, json_t **ret_object,
		   struct causes *causes, struct error *err)
{
	struct apply a = {
		.node = node,
		.pod = pod,
		.flags = flags,
		.name = pod->name,
		.causes = causes,
	};
	int r;

	node_step("apply.begin");
	if (flags & NODE_APPLY_CREATE && apply_seen(&a))
		return error_set(err, -EINVAL,
				 "resourceVersion should not be set on objects "
				 "to be created");
	node_reserve_fill(node);
	r = pod->name ? apply_named(&a, err) : apply_generated(&a, err);
	if (r == -ENOMEM)
		error_set(err, r, "out of memory");
	if (r < 0)
		return r;
	*ret_outcome = a.outcome;
	*ret_object = a.object;
	return 0;
}
