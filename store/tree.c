/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - the published tree: namespaces, pods and their volumes, in memory */
#include "store/tree.h"

#include "store/id_array.h"
#include "store/volume.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct tree_namespace {
	uint64_t id;
	char name[64];
	struct timespec changed;
	struct id_array pods;
	void *by_name; /* search.h trees of struct tree_pod */
};

struct tree {
	/*
	 * One change at a time, its listener included: whoever has published
	 * a pod knows that its namespace, too, has been made known.
	 */
	pthread_mutex_t changes;
	tree_listener_fn *listener; /* changes */
	void *listener_arg;	    /* changes */

	pthread_rwlock_t lock; /* for all below */
	struct id_array namespaces;
	void *by_name; /* search.h tree of struct tree_namespace */
	struct id_array pods;
	void *by_uid; /* of struct tree_pod */
	struct timespec changed;
};

static int compare_names(const void *a, const void *b)
{
	const struct tree_pod *x = a;
	const struct tree_pod *y = b;

	return strcmp(x->name, y->name);
}

static int compare_uids(const void *a, const void *b)
{
	const struct tree_pod *x = a;
	const struct tree_pod *y = b;

	return strcmp(x->uid, y->uid);
}

static int compare_namespaces(const void *a, const void *b)
{
	const struct tree_namespace *x = a;
	const struct tree_namespace *y = b;

	return strcmp(x->name, y->name);
}

static void keep_object(void *object)
{
	(void)object;
}

static struct timespec now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts;
}

struct tree_pod *tree_pod_new(size_t n_volumes)
{
	struct tree_pod *pod = calloc(1, sizeof(*pod));

	if (!pod)
		return NULL;
	pod->volumes =
		calloc(n_volumes ? n_volumes : 1, sizeof(struct volume *));
	if (!pod->volumes) {
		free(pod);
		return NULL;
	}
	pod->n_volumes = n_volumes;
	atomic_init(&pod->refs, 1);
	return pod;
}

struct tree_pod *tree_pod_ref(struct tree_pod *pod)
{
	atomic_fetch_add_explicit(&pod->refs, 1, memory_order_relaxed);
	return pod;
}

void tree_pod_unref(struct tree_pod *pod)
{
	if (!pod || atomic_fetch_sub(&pod->refs, 1) != 1)
		return;
	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (pod->volumes[i])
			volume_unref(pod->volumes[i]);
	}
	free(pod->volumes);
	free(pod);
}

struct volume *tree_pod_shared_volume(const struct tree_pod *pod)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (!pod->volumes[i]->exclusive)
			return pod->volumes[i];
	}
	return NULL;
}

static void namespace_free(struct tree_namespace *ns)
{
	if (!ns)
		return;
	tdestroy(ns->by_name, keep_object);
	free(ns->pods.entries);
	free(ns);
}

static struct tree_namespace *namespace_new(const struct tree_pod *pod)
{
	struct tree_namespace *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	ns->id = pod->namespace_id;
	memcpy(ns->name, pod->namespace, sizeof(ns->name));
	return ns;
}

int tree_new(struct tree **ret)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	pthread_mutex_init(&tree->changes, NULL);
	pthread_rwlock_init(&tree->lock, NULL);
	tree->changed = now();
	*ret = tree;
	return 0;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	tdestroy(tree->by_uid, keep_object);
	tdestroy(tree->by_name, keep_object);
	for (size_t i = 0; i < tree->namespaces.n; i++)
		namespace_free(tree->namespaces.entries[i].object);
	for (size_t i = 0; i < tree->pods.n; i++)
		tree_pod_unref(tree->pods.entries[i].object);
	free(tree->namespaces.entries);
	free(tree->pods.entries);
	pthread_rwlock_destroy(&tree->lock);
	pthread_mutex_destroy(&tree->changes);
	free(tree);
}

void tree_listen(struct tree *tree, tree_listener_fn *fn, void *arg)
{
	pthread_mutex_lock(&tree->changes);
	tree->listener = fn;
	tree->listener_arg = arg;
	pthread_mutex_unlock(&tree->changes);
}

static void tell(struct tree *tree, enum tree_op op, enum tree_kind kind,
		 const struct tree_pod *pod)
{
	struct tree_event event = {
		.op = op,
		.kind = kind,
		.id = kind == TREE_POD ? pod->id : pod->namespace_id,
		.namespace_id = pod->namespace_id,
		.namespace = pod->namespace,
		.name = kind == TREE_POD ? pod->name : pod->namespace,
		.uid = kind == TREE_POD ? pod->uid : NULL,
	};

	if (tree->listener)
		tree->listener(tree->listener_arg, &event);
}

/* All that may fail comes first; then the pod is in every index. */
static int insert(struct tree *tree, struct tree_namespace *ns,
		  struct tree_pod *pod)
{
	struct tree_pod **by_uid;
	struct tree_pod **by_name;

	if (id_array_get(&tree->pods, pod->id))
		return -EEXIST;
	if (id_array_reserve(&tree->pods) < 0 ||
	    id_array_reserve(&ns->pods) < 0)
		return -ENOMEM;

	by_name = tsearch(pod, &ns->by_name, compare_names);
	if (!by_name)
		return -ENOMEM;
	if (*by_name != pod)
		return -EEXIST;
	by_uid = tsearch(pod, &tree->by_uid, compare_uids);
	if (!by_uid || *by_uid != pod) {
		tdelete(pod, &ns->by_name, compare_names);
		return by_uid ? -EEXIST : -ENOMEM;
	}
	id_array_add(&tree->pods, pod->id, pod);
	id_array_add(&ns->pods, pod->id, pod);
	return 0;
}

/* A namespace in every index; it has no pod yet. */
static int namespace_add(struct tree *tree, const struct tree_pod *pod,
			 struct tree_namespace **ret)
{
	struct tree_namespace *ns;
	struct tree_namespace **found;

	if (id_array_reserve(&tree->namespaces) < 0)
		return -ENOMEM;
	ns = namespace_new(pod);
	if (!ns)
		return -ENOMEM;
	found = tsearch(ns, &tree->by_name, compare_namespaces);
	if (!found || *found != ns) {
		namespace_free(ns);
		return found ? -EEXIST : -ENOMEM;
	}
	id_array_add(&tree->namespaces, ns->id, ns);
	*ret = ns;
	return 0;
}

static void namespace_remove(struct tree *tree, struct tree_namespace *ns)
{
	tdelete(ns, &tree->by_name, compare_namespaces);
	id_array_remove(&tree->namespaces, ns->id);
	namespace_free(ns);
}

static int publish(struct tree *tree, struct tree_pod *pod, bool *ret_first)
{
	struct tree_namespace *ns;
	bool first;
	int r;

	ns = id_array_get(&tree->namespaces, pod->namespace_id);
	first = !ns;
	if (first) {
		r = namespace_add(tree, pod, &ns);
		if (r < 0)
			return r;
	}
	r = insert(tree, ns, pod);
	if (r < 0) {
		if (first)
			namespace_remove(tree, ns);
		return r;
	}
	ns->changed = now();
	if (first)
		tree->changed = ns->changed;
	*ret_first = first;
	return 0;
}

int tree_publish(struct tree *tree, struct tree_pod *pod)
{
	bool first = false;
	int r;

	for (size_t i = 0; i < pod->n_volumes; i++) {
		if (pod->volumes[i])
			pod->volumes[i]->pod_id = pod->id;
	}
	pthread_mutex_lock(&tree->changes);
	pthread_rwlock_wrlock(&tree->lock);
	r = publish(tree, pod, &first);
	pthread_rwlock_unlock(&tree->lock);
	if (r == 0) {
		if (first)
			tell(tree, TREE_ADDED, TREE_NAMESPACE, pod);
		tell(tree, TREE_ADDED, TREE_POD, pod);
	}
	pthread_mutex_unlock(&tree->changes);
	if (r < 0)
		tree_pod_unref(pod);
	return r;
}

/* The pod with the tree's reference, or NULL. */
static struct tree_pod *withdraw(struct tree *tree, uint64_t pod_id,
				 bool *ret_last)
{
	struct tree_pod *pod = id_array_get(&tree->pods, pod_id);
	struct tree_namespace *ns;

	if (!pod)
		return NULL;
	ns = id_array_get(&tree->namespaces, pod->namespace_id);
	assert(ns);
	tdelete(pod, &tree->by_uid, compare_uids);
	tdelete(pod, &ns->by_name, compare_names);
	id_array_remove(&tree->pods, pod_id);
	id_array_remove(&ns->pods, pod_id);
	ns->changed = now();
	*ret_last = ns->pods.n == 0;
	if (*ret_last) {
		tree->changed = ns->changed;
		namespace_remove(tree, ns);
	}
	return pod;
}

int tree_withdraw(struct tree *tree, uint64_t pod_id)
{
	struct tree_pod *pod;
	bool last = false;

	pthread_mutex_lock(&tree->changes);
	pthread_rwlock_wrlock(&tree->lock);
	pod = withdraw(tree, pod_id, &last);
	pthread_rwlock_unlock(&tree->lock);
	if (pod) {
		tell(tree, TREE_REMOVED, TREE_POD, pod);
		if (last)
			tell(tree, TREE_REMOVED, TREE_NAMESPACE, pod);
	}
	pthread_mutex_unlock(&tree->changes);
	if (!pod)
		return -ENOENT;
	tree_pod_unref(pod);
	return 0;
}

struct tree_pod *tree_pod_by_id(struct tree *tree, uint64_t pod_id)
{
	struct tree_pod *pod;

	pthread_rwlock_rdlock(&tree->lock);
	pod = id_array_get(&tree->pods, pod_id);
	if (pod)
		tree_pod_ref(pod);
	pthread_rwlock_unlock(&tree->lock);
	return pod;
}

/* A key to look for; false if no pod can be called so. */
static bool set_key(char *field, size_t size, const char *text)
{
	size_t len = strnlen(text, size);

	if (len >= size)
		return false;
	memcpy(field, text, len + 1);
	return true;
}

struct tree_pod *tree_pod_by_name(struct tree *tree, uint64_t namespace_id,
				  const char *name)
{
	const struct tree_namespace *ns;
	struct tree_pod **found = NULL;
	struct tree_pod *pod;
	struct tree_pod key;

	if (!set_key(key.name, sizeof(key.name), name))
		return NULL;
	pthread_rwlock_rdlock(&tree->lock);
	ns = id_array_get(&tree->namespaces, namespace_id);
	if (ns)
		found = tfind(&key, &ns->by_name, compare_names);
	pod = found ? tree_pod_ref(*found) : NULL;
	pthread_rwlock_unlock(&tree->lock);
	return pod;
}

struct tree_pod *tree_pod_by_uid(struct tree *tree, const char *uid)
{
	struct tree_pod **found;
	struct tree_pod *pod;
	struct tree_pod key;

	if (!set_key(key.uid, sizeof(key.uid), uid))
		return NULL;
	pthread_rwlock_rdlock(&tree->lock);
	found = tfind(&key, &tree->by_uid, compare_uids);
	pod = found ? tree_pod_ref(*found) : NULL;
	pthread_rwlock_unlock(&tree->lock);
	return pod;
}

int tree_namespace_by_name(struct tree *tree, const char *name,
			   uint64_t *ret_id)
{
	struct tree_namespace **found;
	struct tree_namespace key;
	int r = -ENOENT;

	if (!set_key(key.name, sizeof(key.name), name))
		return -ENOENT;
	pthread_rwlock_rdlock(&tree->lock);
	found = tfind(&key, &tree->by_name, compare_namespaces);
	if (found) {
		*ret_id = (*found)->id;
		r = 0;
	}
	pthread_rwlock_unlock(&tree->lock);
	return r;
}

static void fill_entry(struct tree_entry *entry, uint64_t id, const char *name,
		       size_t size)
{
	entry->id = id;
	memcpy(entry->name, name, size);
}

int tree_namespace_by_id(struct tree *tree, uint64_t id, struct tree_entry *ret)
{
	const struct tree_namespace *ns;

	pthread_rwlock_rdlock(&tree->lock);
	ns = id_array_get(&tree->namespaces, id);
	if (ns)
		fill_entry(ret, ns->id, ns->name, sizeof(ns->name));
	pthread_rwlock_unlock(&tree->lock);
	return ns ? 0 : -ENOENT;
}

size_t tree_list_namespaces(struct tree *tree, uint64_t after,
			    struct tree_entry *entries, size_t n)
{
	size_t taken = 0;

	if (after == UINT64_MAX)
		return 0;
	pthread_rwlock_rdlock(&tree->lock);
	for (size_t i = id_array_find(&tree->namespaces, after + 1);
	     i < tree->namespaces.n && taken < n; i++) {
		const struct tree_namespace *ns =
			tree->namespaces.entries[i].object;

		fill_entry(&entries[taken++], ns->id, ns->name,
			   sizeof(ns->name));
	}
	pthread_rwlock_unlock(&tree->lock);
	return taken;
}

/* The pods of a namespace, or all for 0; NULL if there is no such one. */
static const struct id_array *pods_of(struct tree *tree, uint64_t namespace_id)
{
	const struct tree_namespace *ns;

	if (namespace_id == 0)
		return &tree->pods;
	ns = id_array_get(&tree->namespaces, namespace_id);
	return ns ? &ns->pods : NULL;
}

size_t tree_list_pods(struct tree *tree, uint64_t namespace_id, uint64_t after,
		      struct tree_entry *entries, size_t n)
{
	const struct id_array *pods;
	size_t taken = 0;

	if (after == UINT64_MAX)
		return 0;
	pthread_rwlock_rdlock(&tree->lock);
	pods = pods_of(tree, namespace_id);
	for (size_t i = pods ? id_array_find(pods, after + 1) : 0;
	     pods && i < pods->n && taken < n; i++) {
		const struct tree_pod *pod = pods->entries[i].object;

		fill_entry(&entries[taken++], pod->id, pod->name,
			   sizeof(pod->name));
	}
	pthread_rwlock_unlock(&tree->lock);
	return taken;
}

size_t tree_count_namespaces(struct tree *tree)
{
	size_t n;

	pthread_rwlock_rdlock(&tree->lock);
	n = tree->namespaces.n;
	pthread_rwlock_unlock(&tree->lock);
	return n;
}

size_t tree_count_pods(struct tree *tree, uint64_t namespace_id)
{
	const struct id_array *pods;
	size_t n;

	pthread_rwlock_rdlock(&tree->lock);
	pods = pods_of(tree, namespace_id);
	n = pods ? pods->n : 0;
	pthread_rwlock_unlock(&tree->lock);
	return n;
}

struct timespec tree_changed(struct tree *tree, uint64_t namespace_id)
{
	const struct tree_namespace *ns;
	struct timespec changed;

	pthread_rwlock_rdlock(&tree->lock);
	ns = namespace_id ? id_array_get(&tree->namespaces, namespace_id)
			  : NULL;
	changed = ns ? ns->changed : tree->changed;
	pthread_rwlock_unlock(&tree->lock);
	return changed;
}
