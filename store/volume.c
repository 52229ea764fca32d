/* SPDX-License-Identifier: Apache-2.0 */
/* volume.c - the counted life of a volume that is ready */
#include "store/volume.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/census.h"
#include "store/store.h"
#include "store/usage.h"

static void volume_free(struct volume *vol)
{
	int saved = errno;

	usage_free(vol->usage);
	census_free(vol->census);
	store_close(vol->store);
	free(vol->host_path);
	free(vol->queue);
	free(vol);
	errno = saved;
}

/* NOLINTNEXTLINE(readability-function-size): the contract's parameters */
struct volume *volume_new(uint32_t id, const char *name, const char *source,
			  const char *plugin, const char *host_path,
			  struct store *store, bool exclusive, bool read_only)
{
	struct volume *vol;

	assert(id >= 1 && id <= VOLUME_ID_MAX);
	assert(strlen(name) <= VOLUME_NAME_MAX);

	vol = calloc(1, sizeof(*vol));
	if (!vol) {
		store_close(store);
		return NULL;
	}
	vol->id = id;
	memcpy(vol->name, name, strlen(name) + 1);
	vol->source = source;
	vol->plugin = plugin;
	vol->store = store;
	vol->exclusive = exclusive;
	vol->read_only = read_only;
	atomic_init(&vol->refs, 1);
	atomic_init(&vol->opens, 0);
	if (!host_path)
		return vol;

	vol->host_path = strdup(host_path);
	if (!vol->host_path) {
		volume_free(vol);
		return NULL;
	}
	return vol;
}

struct volume *volume_ref(struct volume *vol)
{
	uint_fast64_t before;

	before = atomic_fetch_add_explicit(&vol->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return vol;
}

void volume_unref(struct volume *vol)
{
	uint_fast64_t before;

	if (!vol)
		return;
	before = atomic_fetch_sub_explicit(&vol->refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before == 1)
		volume_free(vol);
}
