/* SPDX-License-Identifier: Apache-2.0 */
/* node_usage.c - what the volumes of a node hold: recorded, counted, limited */
#include "store/node_usage.h"

#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/node.h"
#include "store/node_census.h"
#include "store/recount.h"
#include "store/tree.h"
#include "store/usage.h"
#include "store/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_S 2
#define PODS_AT_ONCE 64
/* Of setpriority(2) and ioprio_set(2): somebody may be waiting for a count. */
#define NICE	   10
#define IOPRIO_LOW (2 << 13 | 7)
#define IOPRIO_ME  1

struct node_usage {
	pthread_t thread;
	pthread_mutex_t lock; /* for woken */
	pthread_cond_t woken;
	atomic_bool stop;
};

/* usage_mark_fn */
static int usage_mark(void *arg, uint32_t volume_id)
{
	static const struct catalog_usage dirty = { .clean = 0 };
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct node *node = arg;
	struct error err = { 0 };
	int r;

	r = catalog_begin(node->catalog, &txn, &err);
	if (r == 0)
		r = catalog_usage_put(txn, volume_id, &dirty, &err);
	/* It is being deleted: there is nothing to keep. */
	if (r == -EEXIST)
		return 0;
	if (r == 0)
		r = catalog_commit(&txn, &err);
	if (r < 0)
		log_warning("%s", err.text);
	else
		node_step("recount.marked");
	return r;
}

static int open_root(const struct volume *vol)
{
	int fd = open(vol->host_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					      O_CLOEXEC | O_NOATIME);

	return fd < 0 ? -errno : fd;
}

static void learn(struct node *node, struct volume *vol)
{
	struct catalog_usage row;
	struct usage_totals totals;
	cleanup_fd int fd = -1;
	int r;

	r = catalog_usage_get(node->catalog, vol->id, &row, NULL);
	if (r == 0 && row.clean) {
		totals.charged = row.charged;
		totals.allocated = row.allocated;
		totals.inodes = row.inodes;
		usage_set(vol->usage, &totals);
		return;
	}
	atomic_store(&vol->usage->marked, r == 0);
	fd = open_root(vol);
	if (fd >= 0 && recount_empty(fd, &totals) == 0)
		usage_set(vol->usage, &totals);
}

static void set_limits(struct usage *u, const struct volume_limits *limits)
{
	bool is_kept = usage_find_keeper(u);

	/* With a limit of the pod we count the bytes anyway. */
	quota_set_bytes(&u->quota,
			is_kept && !limits->pod_bytes ? 0 : limits->bytes);
	quota_set_inodes(&u->quota, limits->inodes);
	if (u->group)
		quota_set_bytes(&u->group->quota, limits->pod_bytes);
}

int node_usage_attach(struct node *node, struct volume *vol,
		      const struct node_volume *v, struct usage_group **group)
{
	struct volume_limits limits = { 0 };
	int r;

	if (!v->driver->is_counted ||
	    !v->driver->is_counted(&v->spec, &limits) || !vol->host_path)
		return 0;
	/* Without a limit too: it may get one while it is in use. */
	if (!*group)
		*group = usage_group_new(limits.pod_bytes);
	if (!*group)
		return -ENOMEM;
	r = usage_new(vol->store, vol->id, *group, usage_mark, node,
		      &vol->usage);
	if (r < 0)
		return r;
	vol->usage->keeper.get = v->driver->kept;
	vol->usage->keeper.root = vol->host_path;
	set_limits(vol->usage, &limits);
	learn(node, vol);
	return 0;
}

void node_usage_resized(struct node *node, const char *pod_uid,
			const struct node_volume *v)
{
	struct tree_pod *pod = tree_pod_by_uid(node->tree, pod_uid);
	struct volume_limits limits = { 0 };

	for (size_t i = 0; pod && i < pod->n_volumes; i++) {
		struct volume *vol = pod->volumes[i];

		if (vol->id == v->spec.id && vol->usage &&
		    v->driver->is_counted(&v->spec, &limits))
			set_limits(vol->usage, &limits);
	}
	tree_pod_unref(pod);
}

/* --- all volumes -----------------------------------------------------------
 */

typedef void volume_fn(void *arg, const struct tree_pod *pod,
		       struct volume *vol);

static void each_volume(struct node *node, volume_fn *fn, void *arg)
{
	struct tree_entry entries[PODS_AT_ONCE];
	uint64_t after = 0;
	size_t n;

	while ((n = tree_list_pods(node->tree, 0, after, entries,
				   PODS_AT_ONCE)) > 0) {
		after = entries[n - 1].id;
		for (size_t i = 0; i < n; i++) {
			struct tree_pod *pod =
				tree_pod_by_id(node->tree, entries[i].id);

			for (size_t k = 0; pod && k < pod->n_volumes; k++)
				fn(arg, pod, pod->volumes[k]);
			tree_pod_unref(pod);
		}
	}
}

/* --- the thread ------------------------------------------------------------
 */

static void count_volume(struct node_usage *nu, struct volume *vol)
{
	cleanup_fd int fd = open_root(vol);
	int r = fd < 0 ? fd : recount_run(vol->usage, fd, &nu->stop);

	if (r == 0)
		log_debug("volume '%s' is counted", vol->name);
	else if (r != -ECANCELED && r != -ENOENT) {
		errno = -r;
		log_warning("cannot count what volume '%s' holds: %m",
			    vol->name);
	}
}

/* volume_fn */
static void look_after(void *arg, const struct tree_pod *pod,
		       struct volume *vol)
{
	struct node_usage *nu = arg;

	(void)pod;
	if (!vol->usage || atomic_load(&nu->stop))
		return;
	if (atomic_load(&vol->usage->state) == USAGE_UNKNOWN)
		count_volume(nu, vol);
	else
		usage_sweep(vol->usage);
}

void node_usage_low_priority(void)
{
	/* Of this thread alone, as Linux has it. */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	syscall(SYS_ioprio_set, IOPRIO_ME, 0, IOPRIO_LOW);
}

static void *usage_thread(void *arg)
{
	struct node *node = arg;
	struct node_usage *nu = node->usage;
	struct timespec until;

	node_usage_low_priority();
	while (!atomic_load(&nu->stop)) {
		each_volume(node, look_after, nu);
		until = cond_deadline(LOOK_AGAIN_S);
		pthread_mutex_lock(&nu->lock);
		if (!atomic_load(&nu->stop))
			pthread_cond_timedwait(&nu->woken, &nu->lock, &until);
		pthread_mutex_unlock(&nu->lock);
	}
	return NULL;
}

int node_usage_start(struct node *node)
{
	struct node_usage *nu = calloc(1, sizeof(*nu));
	int r;

	if (!nu)
		return -ENOMEM;
	pthread_mutex_init(&nu->lock, NULL);
	cond_init(&nu->woken);
	node->usage = nu;
	r = pthread_create(&nu->thread, NULL, usage_thread, node);
	if (r == 0)
		return 0;
	pthread_cond_destroy(&nu->woken);
	pthread_mutex_destroy(&nu->lock);
	free(nu);
	node->usage = NULL;
	return -r;
}

struct saving {
	struct catalog *txn;
	int r;
};

/* volume_fn */
static void save_volume(void *arg, const struct tree_pod *pod,
			struct volume *vol)
{
	struct saving *saving = arg;
	struct usage_totals totals;
	struct catalog_usage row;

	(void)pod;
	if (saving->r < 0 || !vol->usage || !atomic_load(&vol->usage->marked) ||
	    !usage_get(vol->usage, &totals))
		return;
	row = (struct catalog_usage){ .clean = 1,
				      .charged = totals.charged,
				      .allocated = totals.allocated,
				      .inodes = totals.inodes };
	saving->r = catalog_usage_put(saving->txn, vol->id, &row, NULL);
	if (saving->r == -EEXIST)
		saving->r = 0;
}

static void save(struct node *node)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct saving saving = { 0 };

	saving.r = catalog_begin(node->catalog, &txn, NULL);
	saving.txn = txn;
	if (saving.r == 0)
		each_volume(node, save_volume, &saving);
	node_step("recount.saving");
	if (saving.r == 0)
		saving.r = catalog_commit(&txn, NULL);
	/* Then the next start counts them. */
	if (saving.r < 0)
		log_warning("cannot record what the volumes hold");
	else
		node_step("recount.saved");
}

void node_usage_stop(struct node *node)
{
	struct node_usage *nu = node->usage;

	if (!nu)
		return;
	pthread_mutex_lock(&nu->lock);
	atomic_store(&nu->stop, true);
	pthread_cond_signal(&nu->woken);
	pthread_mutex_unlock(&nu->lock);
	pthread_join(nu->thread, NULL);
	pthread_cond_destroy(&nu->woken);
	pthread_mutex_destroy(&nu->lock);
	free(nu);
	node->usage = NULL;
	save(node);
}

/* --- what is shown ---------------------------------------------------------
 */

const char *node_usage_keeper(const struct volume *vol)
{
	const struct quota *q = &vol->usage->quota;
	struct volume_kept kept;

	if (!quota_is_limited(q) && usage_kept(vol->usage, &kept) == 0 &&
	    kept.limit_bytes > 0)
		return "kernel";
	return quota_is_limited(q) ||
			       atomic_load(&q->limit_inodes) != QUOTA_NO_LIMIT
		       ? "podvols"
		       : "none";
}

int node_usage_status(struct volume *vol, json_t *status)
{
	struct usage *u = vol->usage;
	struct usage_totals totals;
	bool is_exact = usage_get(u, &totals);
	int64_t limit = atomic_load(&u->quota.limit_bytes);
	int64_t inodes = atomic_load(&u->quota.limit_inodes);
	struct volume_kept kept;
	int r = 0;

	if (usage_kept(u, &kept) == 0) {
		totals.charged = kept.used_bytes;
		if (kept.limit_bytes > 0)
			limit = kept.limit_bytes;
	}
	if (is_exact) {
		r |= json_object_set_new(status, "usedBytes",
					 json_integer(totals.allocated));
		r |= json_object_set_new(status, "chargedBytes",
					 json_integer(totals.charged));
		r |= json_object_set_new(status, "usedInodes",
					 json_integer(totals.inodes));
	} else {
		r |= json_object_set_new(status, "recounting", json_true());
	}
	if (limit != QUOTA_NO_LIMIT)
		r |= json_object_set_new(status, "limitBytes",
					 json_integer(limit));
	if (inodes != QUOTA_NO_LIMIT)
		r |= json_object_set_new(status, "limitInodes",
					 json_integer(inodes));
	return r < 0 ? -ENOMEM : 0;
}

struct listing {
	struct node *node;
	json_t *list;
};

/* volume_fn */
static void list_volume(void *arg, const struct tree_pod *pod,
			struct volume *vol)
{
	struct listing *listing = arg;
	json_t *entry;

	if (!vol->usage && !node_census_is_wanted(vol))
		return;
	entry = json_pack("{s:s, s:s, s:s}", "namespace", pod->namespace, "pod",
			  pod->name, "volume", vol->name);
	if (entry && vol->usage)
		node_usage_status(vol, entry);
	else if (entry)
		node_census_status(listing->node, vol, entry);
	json_array_append_new(listing->list, entry);
}

json_t *node_volume_usage(struct node *node)
{
	struct listing listing = { .node = node, .list = json_array() };

	if (listing.list)
		each_volume(node, list_volume, &listing);
	return listing.list;
}
