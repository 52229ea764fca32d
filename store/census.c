/* SPDX-License-Identifier: Apache-2.0 */
/* census.c - what a volume holds that others change, too */
#include "store/census.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/store.h"
#include "store/usage.h"
#include "store/walk.h"

#define SECOND INT64_C(1000000000)
/* How old an answer gets before another walk: if somebody asks, and if not. */
#define ASKED_NS   (2 * SECOND)
#define UNASKED_NS (600 * SECOND)
/* At least so many times as long as the walk took, and at most a day. */
#define REST	    20
#define REST_MAX_NS (86400 * SECOND)
/* A walk is begun anew if directories are moved while it is in them. */
#define TRIES 3

struct census *census_new(void)
{
	struct census *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void census_free(struct census *c)
{
	int saved = errno;

	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
	errno = saved;
}

void census_want(struct census *c, bool is_wanted)
{
	pthread_mutex_lock(&c->lock);
	if (c->is_wanted != is_wanted) {
		c->is_wanted = is_wanted;
		c->is_asked = false;
		c->is_done = false;
		c->answer = (struct census_answer){ 0 };
		/* Also if it is wanted again: that one began before. */
		atomic_store(&c->stop, true);
	}
	pthread_mutex_unlock(&c->lock);
}

bool census_is_wanted(struct census *c)
{
	bool is_wanted;

	pthread_mutex_lock(&c->lock);
	is_wanted = c->is_wanted;
	pthread_mutex_unlock(&c->lock);
	return is_wanted;
}

/* Under lock. */
static bool is_due(const struct census *c, int64_t now)
{
	int64_t least = c->is_asked ? ASKED_NS : UNASKED_NS;
	int64_t took = c->ended - c->began;
	int64_t rest = took < REST_MAX_NS / REST ? took * REST : REST_MAX_NS;

	if (!c->is_wanted || c->is_running)
		return false;
	return !c->is_done || now - c->ended >= (rest > least ? rest : least);
}

bool census_ask(struct census *c, struct census_answer *ret, bool *ret_due)
{
	bool is_wanted;

	pthread_mutex_lock(&c->lock);
	is_wanted = c->is_wanted;
	if (is_wanted) {
		*ret = c->answer;
		c->is_asked = true;
		*ret_due = is_due(c, usage_now());
	}
	pthread_mutex_unlock(&c->lock);
	return is_wanted;
}

bool census_is_due(struct census *c, int64_t now)
{
	bool due;

	pthread_mutex_lock(&c->lock);
	due = is_due(c, now);
	pthread_mutex_unlock(&c->lock);
	return due;
}

bool census_begin(struct census *c, int64_t now)
{
	bool due;

	pthread_mutex_lock(&c->lock);
	due = is_due(c, now);
	if (due) {
		c->is_running = true;
		c->is_asked = false;
		c->began = now;
		atomic_store(&c->stop, false);
	}
	pthread_mutex_unlock(&c->lock);
	return due;
}

static int64_t epoch_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static int walk(struct census *c, struct store *store,
		struct census_answer *ret)
{
	struct usage_totals totals = { 0 };
	cleanup_fd int fd = -1;
	struct walk *w;
	int r;

	/* What changes from here on may be missing. */
	ret->taken = epoch_now();
	fd = store_root_fd(store);
	if (fd < 0)
		return fd;
	w = walk_new(WALK_LINKS_MAX, &c->stop);
	if (!w)
		return -ENOMEM;
	r = walk_count(w, fd, &totals);
	walk_free(w);
	ret->bytes = totals.allocated;
	ret->inodes = totals.inodes;
	return r;
}

/* What is known from before stays where there is nothing new. */
static void end(struct census *c, int r, const struct census_answer *answer)
{
	pthread_mutex_lock(&c->lock);
	c->is_running = false;
	c->ended = usage_now();
	if (!atomic_load(&c->stop)) {
		c->is_done = true;
		if (r == 0)
			c->answer = *answer;
		c->answer.failed = r;
	}
	pthread_mutex_unlock(&c->lock);
}

void census_run(struct census *c, struct store *store)
{
	struct census_answer answer = { 0 };
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r == -EAGAIN; i++)
		r = walk(c, store, &answer);
	end(c, r, &answer);
}

void census_give_up(struct census *c, int why)
{
	static const struct census_answer none;

	end(c, why, &none);
}
