/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_damaged.c - records of the catalog that cannot be read
 *
 * The data of a pod may be all right, so nothing of it is touched until
 * somebody deletes the pod, and it keeps no other pod from being shown.  An
 * event is left out.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/manifest/causes.h"
#include "store/manifest/pod.h"
#include "store/node_private.h"

#include <errno.h>

int node_damaged_refuse(const struct catalog_pod *pod, struct error *err)
{
	return error_set(err, -EUCLEAN,
			 "the catalog's record of pod '%s/%s' cannot be read; "
			 "delete the pod and apply it again",
			 pod->namespace, pod->name);
}

int node_damaged_check(const struct catalog_pod *pod, struct error *err)
{
	if (pod->damaged)
		return node_damaged_refuse(pod, err);
	for (size_t i = 0; i < pod->n_volumes; i++) {
		json_auto_t *source =
			json_loads(pod->volumes[i].spec, JSON_DECODE_ANY, NULL);

		if (!source)
			return node_damaged_refuse(pod, err);
	}
	return 0;
}

json_t *node_document(const struct catalog_pod *pod)
{
	json_t *document = json_loads(pod->document, 0, NULL);

	if (json_is_object(json_object_get(document, "spec")))
		return document;
	json_decref(document);
	return NULL;
}

int node_document_decode(const struct catalog_pod *pod, struct pod **ret,
			 struct error *err)
{
	json_auto_t *document = node_document(pod);
	struct causes ignored;
	int r = -EUCLEAN;

	causes_init(&ignored);
	if (document)
		r = pod_decode(document, pod->namespace, NULL, ret, &ignored);
	causes_done(&ignored);
	return r < 0 ? node_damaged_refuse(pod, err) : 0;
}

/* What is known of the manifest without it: its volumes. */
json_t *node_damaged_document(const struct catalog_pod *pod)
{
	json_auto_t *volumes = json_array();
	int r = 0;

	for (size_t i = 0; i < pod->n_volumes; i++) {
		const struct catalog_volume *vol = &pod->volumes[i];
		json_t *source = json_loads(vol->spec, JSON_DECODE_ANY, NULL);

		json_object_del(source, NODE_FACTS);
		r |= json_array_append_new(
			volumes, json_pack("{s:s, s:o*}", "name", vol->name,
					   vol->source, source));
	}
	return r < 0 ? NULL
		     : json_pack("{s:{s:O}}", "spec", "volumes", volumes);
}

/* Is this the first time that somebody asks? */
static bool is_news(struct node *node, struct id_array *told, uint64_t id)
{
	bool news;

	pthread_mutex_lock(&node->told_lock);
	news = !id_array_get(told, id) && id_array_reserve(told) == 0;
	if (news)
		id_array_add(told, id, node);
	pthread_mutex_unlock(&node->told_lock);
	return news;
}

int node_damaged_tell(struct node *node, const struct catalog_pod *pod,
		      json_t *status)
{
	struct error err = { 0 };
	int r;

	node_damaged_refuse(pod, &err);
	if (is_news(node, &node->told_pods, pod->id))
		log_warning("%s", err.text);
	r = json_object_set_new(status, "phase", json_string("Unknown"));
	r |= json_object_set_new(status, "reason",
				 json_string("DamagedRecord"));
	r |= json_object_set_new(status, "message", json_string(err.text));
	return r < 0 ? -ENOMEM : 0;
}

void node_damaged_tell_event(struct node *node, uint64_t id)
{
	if (is_news(node, &node->told_events, id))
		log_warning("the catalog's record of event %llu cannot be "
			    "read; it is left out",
			    (unsigned long long)id);
}
