/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch.c - being told of what is done to files */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/contract/contract.h"

#define SOON_S	 5
#define QUIET_NS 50000000

/* Who is told; counts by id below 8. */
static struct told {
	struct store_watcher watcher; /* first */
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned changed[8];
	char name[8][32]; /* of the name told last */
} told = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .more = PTHREAD_COND_INITIALIZER };

static void changed(struct store_watcher *w, enum store_change change,
		    uint64_t id, const char *name)
{
	struct told *t = (struct told *)w;

	pthread_mutex_lock(&t->lock);
	if (change == STORE_CHANGED_NAME)
		snprintf(t->name[id], sizeof(t->name[id]), "%s", name);
	else if (change == STORE_CHANGED)
		t->changed[id]++;
	pthread_cond_broadcast(&t->more);
	pthread_mutex_unlock(&t->lock);
}

static unsigned n_changed(uint64_t id)
{
	unsigned n;

	pthread_mutex_lock(&told.lock);
	n = told.changed[id];
	pthread_mutex_unlock(&told.lock);
	return n;
}

static void expect_changed(uint64_t id, unsigned n)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SOON_S;
	pthread_mutex_lock(&told.lock);
	while (told.changed[id] < n && r == 0)
		r = pthread_cond_timedwait(&told.more, &told.lock, &until);
	cr_expect(ge(uint, told.changed[id], n), "id %d", (int)id);
	pthread_mutex_unlock(&told.lock);
}

static void expect_name(uint64_t id, const char *name)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SOON_S;
	pthread_mutex_lock(&told.lock);
	while (strcmp(told.name[id], name) != 0 && r == 0)
		r = pthread_cond_timedwait(&told.more, &told.lock, &until);
	cr_expect(eq(str, told.name[id], (char *)name));
	pthread_mutex_unlock(&told.lock);
}

/* What would be told is told by now. */
static void be_quiet(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = QUIET_NS }, NULL);
}

static int watch(struct volume_under_test *v, const struct store_handle *h,
		 uint64_t id)
{
	told.watcher.changed = changed;
	return store_watch(v->st, h, &told.watcher, id);
}

static void append(struct volume_under_test *v, const char *name)
{
	int fd = open(host_path(v, name), O_WRONLY | O_APPEND | O_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(i64, write(fd, "more", 4), 4));
	close(fd);
}

CONTRACT(a_file_without_handles_cannot_be_watched)
{
	struct volume_under_test *v = volume_open(place);

	if (!v->no_handles)
		return;
	cr_expect(eq(int, watch(v, &v->root, 1), -EOPNOTSUPP));
	store_unwatch(v->st, &v->root, 1);
}

CONTRACT(a_change_is_told_by_every_id_until_it_is_not_watched)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle f = must_create(v, &v->root, "f", "");

	if (v->no_handles)
		return;
	cr_assert(eq(int, watch(v, &f, 1), 0));
	cr_assert(eq(int, watch(v, &f, 2), 0));
	cr_assert(eq(int, watch(v, &f, 3), 0));
	store_unwatch(v->st, &f, 3);
	append(v, "f");
	expect_changed(1, 1);
	expect_changed(2, 1);
	be_quiet();
	cr_expect(eq(uint, n_changed(3), 0));
	store_unwatch(v->st, &f, 1);
	store_unwatch(v->st, &f, 2);
}

CONTRACT(a_file_is_told_of_once_for_each_time_it_is_watched)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle f = must_create(v, &v->root, "f", "");
	unsigned n;

	if (v->no_handles)
		return;
	cr_assert(eq(int, watch(v, &f, 1), 0));
	append(v, "f");
	expect_changed(1, 1);
	be_quiet();
	n = n_changed(1);
	append(v, "f");
	be_quiet();
	cr_expect(eq(uint, n_changed(1), n));
	cr_assert(eq(int, watch(v, &f, 1), 0));
	append(v, "f");
	expect_changed(1, n + 1);
	store_unwatch(v->st, &f, 1);
}

CONTRACT(another_link_is_the_same_file)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct store_handle f = must_create(v, &d, "f", "");
	char from[128];

	if (v->no_handles)
		return;
	snprintf(from, sizeof(from), "%s", host_path(v, "d/f"));
	cr_assert(eq(int, watch(v, &f, 1), 0));
	cr_assert(eq(int, link(from, host_path(v, "g")), 0));
	expect_changed(1, 1);
	be_quiet();
	cr_assert(eq(int, watch(v, &f, 2), 0));
	append(v, "g");
	expect_changed(2, 1);
	store_unwatch(v->st, &f, 1);
	store_unwatch(v->st, &f, 2);
}

CONTRACT(a_directory_is_told_of_for_each_name_that_goes)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	char from[128];

	if (v->no_handles)
		return;
	must_create(v, &d, "one", "");
	must_create(v, &d, "two", "");
	cr_assert(eq(int, watch(v, &d, 1), 0));
	cr_assert(eq(int, unlink(host_path(v, "d/one")), 0));
	expect_name(1, "one");
	snprintf(from, sizeof(from), "%s", host_path(v, "d/two"));
	cr_assert(eq(int, rename(from, host_path(v, "d/three")), 0));
	expect_name(1, "three");
	expect_changed(1, 3);
	store_unwatch(v->st, &d, 1);
	cr_assert(eq(int, unlink(host_path(v, "d/three")), 0));
	be_quiet();
	cr_expect(eq(str, told.name[1], (char *)"three"));
}

CONTRACT(no_more_is_watched_than_there_is_room_for)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle f[CONTRACT_WATCHES + 1];
	struct localfs_stats stats;

	if (v->no_handles)
		return;
	for (int i = 0; i <= CONTRACT_WATCHES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", i);
		f[i] = must_create(v, &v->root, name, "");
	}
	for (int i = 0; i < CONTRACT_WATCHES; i++)
		cr_assert(eq(int, watch(v, &f[i], 1), 0));
	cr_expect(eq(int, watch(v, &f[CONTRACT_WATCHES], 1), -ENOSPC));
	store_unwatch(v->st, &f[0], 1);
	cr_expect(eq(int, watch(v, &f[CONTRACT_WATCHES], 1), 0));
	for (int i = 1; i <= CONTRACT_WATCHES; i++)
		store_unwatch(v->st, &f[i], 1);
	localfs_stats(v->lfs, &stats);
	cr_expect(eq(sz, stats.watches, 0));
}

CONTRACT(a_fifo_is_not_watched)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle f;

	if (v->no_handles)
		return;
	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	f = must_lookup(v, &v->root, "fifo");
	cr_expect(eq(int, watch(v, &f, 1), -EINVAL));
}
