/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_resources.c - what a Pod says beside its volumes that concerns them
 *
 * The memory of the pod's cgroup and the huge pages it requests, as the kubelet
 * reckons them; fsGroup.
 */
#include "store/manifest/pod.h"
#include "store/manifest/pod_parts.h"
#include "store/manifest/quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HUGE_PREFIX "hugepages-"
#define HUGE_MEDIUM "HugePages"
#define NUMBER_SIZE 24

/* Sums of the containers, which follow each other as the kubelet runs them. */
struct memory_sum {
	bool declared; /* every container has a limit */
	int64_t main;
	int64_t sidecars;
	int64_t init; /* the most that is needed before the main ones run */
};

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* A member that is a quantity, not below 0; 0 if it is absent or wrong. */
static int64_t quantity_decode(const struct field *list, const json_t *object,
			       const char *name)
{
	struct field field = field_child(list, name);
	const json_t *value = json_object_get(object, name);
	int64_t size = 0;

	if (!value || !field_has_type(&field, value, FIELD_QUANTITY))
		return 0;
	if (quantity_from_json(value, &size) < 0)
		field_invalid(&field, value,
			      "must be a valid resource quantity, such as "
			      "64Mi, 1G, 0.5Gi or 1e9");
	else if (size >= 0)
		return size;
	else
		field_invalid(&field, value,
			      "must be greater than or equal to 0");
	return 0;
}

static void page_size_add(const struct field *field, int64_t size,
			  struct pod *pod)
{
	for (size_t i = 0; i < pod->n_page_sizes; i++) {
		if (pod->page_sizes[i] == size)
			return;
	}
	if (pod->n_page_sizes == POD_PAGE_SIZES_MAX)
		field_invalid(
			field, NULL,
			"a pod may request huge pages of at most %d sizes",
			POD_PAGE_SIZES_MAX);
	else
		pod->page_sizes[pod->n_page_sizes++] = size;
}

static void page_sizes_decode(const struct field *list, const json_t *object,
			      struct pod *pod)
{
	struct field field;
	const char *key;
	json_t *value;
	int64_t size;

	json_object_foreach((json_t *)object, key, value)
	{
		if (strncmp(key, HUGE_PREFIX, strlen(HUGE_PREFIX)) != 0)
			continue;
		field = field_child(list, key);
		if (quantity_parse(key + strlen(HUGE_PREFIX), &size) < 0 ||
		    size <= 0)
			field_invalid(&field, NULL,
				      "must name a size of huge pages, such as "
				      "hugepages-2Mi");
		else if (quantity_decode(list, object, key) > 0)
			page_size_add(&field, size, pod);
	}
}

/* Returns the memory limit of one resources, 0 for none. */
static int64_t resources_decode(const struct field *owner, const json_t *value,
				struct pod *pod)
{
	struct field resources;
	struct field field;
	json_t *requests;
	json_t *limits;
	json_t *object;

	object = field_get(owner, value, "resources", FIELD_OBJECT, &resources);
	requests =
		field_get(&resources, object, "requests", FIELD_OBJECT, &field);
	page_sizes_decode(&field, requests, pod);
	limits = field_get(&resources, object, "limits", FIELD_OBJECT, &field);
	page_sizes_decode(&field, limits, pod);
	return quantity_decode(&field, limits, "memory");
}

static bool is_sidecar(const json_t *container)
{
	const char *policy =
		json_string_value(json_object_get(container, "restartPolicy"));

	return policy && strcmp(policy, "Always") == 0;
}

static void init_add(struct memory_sum *sum, const json_t *container,
		     int64_t memory)
{
	int64_t need = add(sum->sidecars, memory);

	if (is_sidecar(container))
		sum->sidecars = need;
	if (need > sum->init)
		sum->init = need;
}

/* What has no limits at all was told by the decoder of the containers. */
static void list_decode(const struct field *spec, const json_t *value,
			const char *name, struct memory_sum *sum,
			struct pod *pod)
{
	const json_t *list = json_object_get(value, name);
	struct field field = field_child(spec, name);
	struct field item;
	json_t *container;
	int64_t memory;
	size_t i;

	json_array_foreach(list, i, container)
	{
		if (!json_is_object(container))
			continue;
		item = field_item(&field, i);
		memory = resources_decode(&item, container, pod);
		if (memory <= 0)
			sum->declared = false;
		if (strcmp(name, "initContainers") == 0)
			init_add(sum, container, memory);
		else
			sum->main = add(sum->main, memory);
	}
}

/*
 * The limit of the pod's cgroup: the pod's own, or what its containers need at
 * most at one time if each of them has a limit.
 */
static void memory_decode(const struct field *spec, const json_t *value,
			  struct pod *pod)
{
	struct memory_sum sum = { .declared = true };
	struct field field;
	json_t *overhead;
	int64_t own;

	own = resources_decode(spec, value, pod);
	list_decode(spec, value, "initContainers", &sum, pod);
	list_decode(spec, value, "containers", &sum, pod);
	sum.main = add(sum.main, sum.sidecars);
	if (own <= 0 && sum.declared)
		own = sum.init > sum.main ? sum.init : sum.main;
	overhead = field_get(spec, value, "overhead", FIELD_OBJECT, &field);
	if (own > 0)
		own = add(own, quantity_decode(&field, overhead, "memory"));
	pod->memory_limit = own;
}

/*
 * As the kubelet reckons it: the limits that there are, added up; what an init
 * container may write before the others run is no more than it needs.
 */
static void ephemeral_decode(const struct field *spec, const json_t *value,
			     struct pod *pod)
{
	static const char *const lists[] = { "initContainers", "containers" };
	struct memory_sum sum = { 0 };
	struct field field;
	struct field item;
	json_t *container;
	int64_t limit;
	size_t i;

	for (int init = 1; init >= 0; init--) {
		field = field_child(spec, lists[!init]);
		json_array_foreach(json_object_get(value, lists[!init]), i,
				   container)
		{
			const json_t *limits = json_object_get(
				json_object_get(container, "resources"),
				"limits");

			item = field_item(&field, i);
			limit = quantity_decode(&item, limits,
						"ephemeral-storage");
			if (init)
				init_add(&sum, container, limit);
			else
				sum.main = add(sum.main, limit);
		}
	}
	sum.main = add(sum.main, sum.sidecars);
	pod->ephemeral_limit = sum.init > sum.main ? sum.init : sum.main;
}

static void fs_group_decode(const struct field *spec, const json_t *value,
			    struct pod *pod)
{
	struct field context;
	struct field field;
	const char *policy;
	json_t *object;
	json_t *group;

	object = field_get(spec, value, "securityContext", FIELD_OBJECT,
			   &context);
	group = field_get(&context, object, "fsGroup", FIELD_INTEGER, &field);
	if (group && (json_integer_value(group) < 0 ||
		      json_integer_value(group) > ID_MAX))
		field_invalid(&field, group,
			      "must be between 0 and 2147483647");
	else if (group)
		pod->fs_group = json_integer_value(group);
	policy = field_get_string(&context, object, "fsGroupChangePolicy",
				  &field);
	if (policy && strcmp(policy, "Always") != 0 &&
	    strcmp(policy, "OnRootMismatch") != 0)
		field_not_supported(
			&field, json_object_get(object, "fsGroupChangePolicy"),
			"supported values: \"Always\", \"OnRootMismatch\"");
}

/* "2Mi, 1Gi": the sizes that the pod requests. */
static const char *page_sizes_text(const struct pod *pod, char *buf,
				   size_t size)
{
	char text[NUMBER_SIZE];
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < pod->n_page_sizes && n < size; i++) {
		quantity_format(pod->page_sizes[i], text, sizeof(text));
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "",
				      text);
	}
	return buf;
}

static bool has_page_size(const struct pod *pod, int64_t size)
{
	for (size_t i = 0; i < pod->n_page_sizes; i++) {
		if (pod->page_sizes[i] == size)
			return true;
	}
	return false;
}

static void huge_medium_check(const struct field *field, const json_t *value,
			      const struct pod *pod)
{
	const char *medium = json_string_value(value);
	char list[POD_PAGE_SIZES_MAX * NUMBER_SIZE];
	int64_t size = 0;

	if (!medium || strncmp(medium, HUGE_MEDIUM, strlen(HUGE_MEDIUM)) != 0)
		return;
	medium += strlen(HUGE_MEDIUM);
	if (*medium && quantity_parse(medium + 1, &size) < 0)
		return; /* told already */
	if (!pod->n_page_sizes)
		field_invalid(field, value,
			      "no container requests huge pages; add them, "
			      "such as resources.limits.hugepages-2Mi: 64Mi");
	else if (!*medium && pod->n_page_sizes > 1)
		field_invalid(field, value,
			      "containers request huge pages of several sizes "
			      "(%s); name one, such as HugePages-2Mi",
			      page_sizes_text(pod, list, sizeof(list)));
	else if (*medium && !has_page_size(pod, size))
		field_invalid(field, value,
			      "no container requests huge pages of this size; "
			      "requested are %s",
			      page_sizes_text(pod, list, sizeof(list)));
}

static void media_check(const struct field *spec, const json_t *value,
			const struct pod *pod)
{
	const struct field volumes = field_child(spec, "volumes");
	struct field medium;
	struct field source;
	struct field item;
	json_t *volume;
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(value, "volumes"), i, volume)
	{
		item = field_item(&volumes, i);
		source = field_child(&item, "emptyDir");
		medium = field_child(&source, "medium");
		object = json_object_get(volume, "emptyDir");
		huge_medium_check(&medium, json_object_get(object, "medium"),
				  pod);
	}
}

void pod_resources_decode(const struct field *root, const json_t *document,
			  struct pod *pod)
{
	const json_t *value = json_object_get(document, "spec");
	const struct field spec = field_child(root, "spec");

	pod->fs_group = -1;
	memory_decode(&spec, value, pod);
	ephemeral_decode(&spec, value, pod);
	fs_group_decode(&spec, value, pod);
	media_check(&spec, value, pod);
}

static int set_number(json_t *facts, const char *key, int64_t value,
		      bool is_known)
{
	if (!is_known)
		return 0;
	return json_object_set_new(facts, key, json_integer(value));
}

static int emptydir_facts(const struct pod *pod,
			  const struct pod_volume *volume, json_t *facts)
{
	const char *medium =
		json_string_value(json_object_get(volume->spec, "medium"));
	int64_t inodes = pod_annotation_inodes(pod, volume->name);
	int r = 0;

	if (!medium)
		medium = "";
	r |= set_number(facts, "ephemeralLimit", pod->ephemeral_limit,
			pod->ephemeral_limit > 0);
	r |= set_number(facts, "inodeLimit", inodes, inodes > 0);
	r |= set_number(facts, "uid", pod->owner_uid, pod->owner_uid >= 0);
	r |= set_number(facts, "gid", pod->owner_gid, pod->owner_gid >= 0);
	r |= set_number(facts, "fsGroup", pod->fs_group, pod->fs_group >= 0);
	if (strcmp(medium, "Memory") == 0)
		r |= set_number(facts, "memoryLimit", pod->memory_limit,
				pod->memory_limit > 0);
	if (strcmp(medium, HUGE_MEDIUM) == 0)
		r |= set_number(facts, "hugePageSize", pod->page_sizes[0],
				pod->n_page_sizes == 1);
	return r;
}

/* Of a volume that others change, too. */
static int shared_facts(const struct pod *pod, const struct pod_volume *volume,
			json_t *facts)
{
	int r = 0;

	if (pod_annotation_usage(pod, volume->name))
		r |= json_object_set_new(facts, "usage", json_true());
	if (pod_annotation_watch(pod, volume->name))
		r |= json_object_set_new(facts, "watch", json_true());
	return r;
}

json_t *pod_volume_facts(const struct pod *pod, size_t i)
{
	const struct pod_volume *volume = &pod->volumes[i];
	json_t *facts = json_object();
	int r = 0;

	if (strcmp(volume->source, "emptyDir") == 0)
		r = emptydir_facts(pod, volume, facts);
	else
		r = shared_facts(pod, volume, facts);
	if (!r)
		return facts;
	json_decref(facts);
	return NULL;
}
