/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - what the kernel may believe of files that others change, too */
#include "fuse/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "fuse/internal.h"
#include "fuse/notify.h"
#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/base/log.h"
#include "store/volume.h"

/* The kernel counts from when the answer has arrived. */
#define GRACE_S 5
/* Names are looked at within this time, or once more. */
#define PATIENCE_S 2
#define RETRY_S	   1
/* Buckets that are searched for a promise that has ended, at most. */
#define SWEEP 64

/* A name in a directory, as a key. */
struct name {
	uint64_t dir;
	char text[FS_NAME_MAX + 1];
};

/* A file of which something is promised. */
struct believed {
	uint64_t nodeid;
	struct volume *volume; /* lives while the kernel knows the node id */
	struct store_handle handle;
	int64_t until;	   /* the last promise that rests on it */
	uint64_t changes;  /* of names in it, told so far */
	bool attrs;	   /* promised since they were taken back last */
	struct name *name; /* promised, or in doubt; NULL: none */
	bool doubted;
	uint64_t doubt; /* which one it was */
	bool confirmed; /* found by that name again since it was doubted */
	bool ending;	/* its watch is being ended to make room */
	struct believed *prev, *next; /* among those in doubt */
	UT_hash_handle by_node;
	UT_hash_handle by_name;
};

struct watch {
	struct store_watcher watcher;
	struct fs *fs;
	pthread_t thread;
	atomic_size_t n;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work;
	struct believed *nodes;
	struct believed *names;
	struct believed *doubts;
	uint64_t n_doubts;	 /* ever */
	struct believed *oldest; /* where the next sweep begins */
	bool stopping;
};

static int64_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* --- the table; all under the lock ---------------------------------------- */

static size_t name_len(const struct name *name)
{
	return offsetof(struct name, text) + strlen(name->text);
}

static bool name_make(struct name *ret, uint64_t dir, const char *text)
{
	if (strlen(text) > FS_NAME_MAX)
		return false;
	ret->dir = dir;
	strcpy(ret->text, text); /* NOLINT: it fits */
	return true;
}

static struct believed *find_node(struct watch *w, uint64_t nodeid)
{
	struct believed *b;

	HASH_FIND(by_node, w->nodes, &nodeid, sizeof(nodeid), b);
	return b;
}

static struct believed *find_name(struct watch *w, uint64_t dir,
				  const char *text)
{
	struct believed *b = NULL;
	struct name name;

	if (name_make(&name, dir, text))
		HASH_FIND(by_name, w->names, &name, name_len(&name), b);
	return b;
}

static void name_drop(struct watch *w, struct believed *b)
{
	if (!b->name)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is there */
	HASH_DELETE(by_name, w->names, b);
	if (b->doubted)
		DL_DELETE(w->doubts, b);
	b->doubted = false;
	free(b->name);
	b->name = NULL;
}

static bool name_set(struct watch *w, struct believed *b, uint64_t dir,
		     const char *text)
{
	struct name name;

	if (!name_make(&name, dir, text))
		return false;
	b->name = malloc(name_len(&name) + 1);
	if (!b->name)
		return false;
	memcpy(b->name, &name, name_len(&name) + 1);
	HASH_ADD_KEYPTR(by_name, w->names, b->name, name_len(&name), b);
	return true;
}

static void name_doubt(struct watch *w, struct believed *b)
{
	b->doubt = ++w->n_doubts;
	b->confirmed = false;
	/* Behind the others, which have waited for longer. */
	if (b->doubted)
		DL_DELETE(w->doubts, b);
	b->doubted = true;
	DL_APPEND(w->doubts, b);
	pthread_cond_signal(&w->work);
}

static void believed_remove(struct watch *w, struct believed *b)
{
	name_drop(w, b);
	if (w->oldest == b)
		w->oldest = b->by_node.next;
	HASH_DELETE(by_node, w->nodes, b);
	atomic_fetch_sub(&w->n, 1);
}

/*
 * One whose promises have all ended; NULL if none is found soon.  It stays in
 * the table until it is not watched any more, or somebody could take that watch
 * for his own.
 */
static struct believed *find_ended(struct watch *w)
{
	int64_t now = now_s();

	for (int i = 0; i < SWEEP; i++) {
		struct believed *b = w->oldest ? w->oldest : w->nodes;

		if (!b)
			break;
		w->oldest = b->by_node.next;
		if (b->until >= now || b->doubted || b->ending)
			continue;
		name_drop(w, b);
		b->ending = true;
		volume_ref(b->volume);
		return b;
	}
	return NULL;
}

static struct believed *believed_add(struct watch *w, const struct inode *inode)
{
	struct believed *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->nodeid = inode->nodeid;
	b->volume = inode->volume;
	b->handle = inode->handle;
	HASH_ADD(by_node, w->nodes, nodeid, sizeof(b->nodeid), b);
	atomic_fetch_add(&w->n, 1);
	return b;
}

/*
 * The record of an inode, made if there is room.  *ret_ended, if not NULL, is
 * one that makes room: for believed_end(), when the lock is released.
 */
static struct believed *believed_get(struct watch *w, const struct inode *inode,
				     struct believed **ret_ended)
{
	struct believed *b = find_node(w, inode->nodeid);

	*ret_ended = NULL;
	if (w->stopping || (b && b->ending))
		return NULL;
	if (b)
		return b;
	if (atomic_load(&w->n) >= WATCH_FILES_MAX) {
		*ret_ended = find_ended(w);
		if (!*ret_ended)
			return NULL;
	}
	return believed_add(w, inode);
}

/* Without the lock, which the store takes while it tells us something. */
static void believed_end(struct watch *w, struct believed *b)
{
	struct volume *vol;

	if (!b)
		return;
	vol = b->volume;
	store_unwatch(vol->store, &b->handle, b->nodeid);
	pthread_mutex_lock(&w->lock);
	believed_remove(w, b);
	pthread_mutex_unlock(&w->lock);
	free(b);
	volume_unref(vol);
}

/* --- what the store tells ------------------------------------------------- */

/* The functions below are under the lock. */

static void attrs_changed(struct watch *w, struct believed *b)
{
	if (!b || !b->attrs)
		return;
	b->attrs = false;
	notify_attr(w->fs, b->nodeid);
}

static void name_changed(struct watch *w, uint64_t dir, const char *text)
{
	struct believed *d = find_node(w, dir);
	struct believed *b = find_name(w, dir, text);

	if (d)
		d->changes++;
	if (b)
		name_doubt(w, b);
}

static void all_changed(struct watch *w)
{
	struct believed *b = NULL;
	struct believed *tmp;

	HASH_ITER(by_node, w->nodes, b, tmp)
	{
		b->changes++;
		if (b->name)
			name_doubt(w, b);
		attrs_changed(w, b);
	}
}

/* store_watcher.changed */
static void watch_changed(struct store_watcher *watcher,
			  enum store_change change, uint64_t id,
			  const char *name)
{
	struct watch *w = (struct watch *)watcher;

	pthread_mutex_lock(&w->lock);
	if (w->stopping)
		; /* the mount is on its way out */
	else if (change == STORE_CHANGED)
		attrs_changed(w, find_node(w, id));
	else if (change == STORE_CHANGED_NAME)
		name_changed(w, id, name);
	else
		all_changed(w);
	pthread_mutex_unlock(&w->lock);
}

/* --- names in doubt ------------------------------------------------------- */

/*
 * Have the kernel look up names, each behind the node id of its directory, and
 * believe nothing.  arg begins with the mount point.
 */
static int look_errand(int fd, const char *arg, size_t len, struct error *err)
{
	struct {
		struct file_handle head;
		uint32_t words[3];
	} handle = { .head = { .handle_bytes = 12, .handle_type = 0x81 } };
	const char *end = arg + len;
	cleanup_fd int mount_fd = -1;

	(void)fd;
	mount_fd = open(arg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0)
		return error_set(err, -errno, "cannot open '%s': %m", arg);
	for (arg += strlen(arg) + 1; arg < end; arg += strlen(arg) + 1) {
		cleanup_fd int dir = -1;
		uint64_t nodeid;

		memcpy(&nodeid, arg, sizeof(nodeid));
		arg += sizeof(nodeid);
		handle.words[0] = nodeid >> 32;
		handle.words[1] = (uint32_t)nodeid;
		handle.words[2] = nodeid >> 32; /* the generation */
		dir = open_by_handle_at(mount_fd, &handle.head,
					O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* A directory that the kernel forgot has no names there. */
		if (dir >= 0)
			(void)!linkat(AT_FDCWD, "/", dir, arg, 0);
	}
	return 0;
}

/* Under the lock: the names in doubt of one volume, as many as fit. */
static size_t errand_pack(struct watch *w, char arg[HELPER_ARG_MAX],
			  const struct volume **ret_vol)
{
	size_t len = strlen(w->fs->mountpoint) + 1;
	struct believed *b = NULL;

	memcpy(arg, w->fs->mountpoint, len);
	*ret_vol = w->doubts->volume;
	DL_FOREACH(w->doubts, b)
	{
		size_t text = strlen(b->name->text) + 1;

		if (b->volume != *ret_vol)
			continue;
		if (len + sizeof(b->name->dir) + text > HELPER_ARG_MAX)
			break;
		memcpy(arg + len, &b->name->dir, sizeof(b->name->dir));
		len += sizeof(b->name->dir);
		memcpy(arg + len, b->name->text, text);
		len += text;
	}
	return len;
}

/*
 * Under the lock: those that were looked at are in doubt no longer, unless it
 * was by a change that came after the first n_doubts.  A name that still leads
 * to the same file is kept: an answer from before the doubt may arrive at the
 * kernel only now, with the promise that it had.
 */
static void errand_done(struct watch *w, const char *arg, size_t len,
			uint64_t n_doubts)
{
	const char *end = arg + len;

	for (arg += strlen(arg) + 1; arg < end; arg += strlen(arg) + 1) {
		struct believed *b;
		uint64_t dir;

		memcpy(&dir, arg, sizeof(dir));
		arg += sizeof(dir);
		b = find_name(w, dir, arg);
		if (!b || !b->doubted || b->doubt > n_doubts)
			continue;
		if (b->confirmed) {
			DL_DELETE(w->doubts, b);
			b->doubted = false;
		} else {
			name_drop(w, b);
		}
	}
}

/*
 * Under the lock: a volume that does not answer lets the others go first; and
 * what nobody believes any more need not be looked at.
 */
static void errand_failed(struct watch *w, const struct volume *vol)
{
	struct believed *last = w->doubts ? w->doubts->prev : NULL;
	int64_t now = now_s();
	struct believed *b = NULL;
	struct believed *tmp;

	DL_FOREACH_SAFE(w->doubts, b, tmp)
	{
		bool is_last = b == last;

		if (b->until < now) {
			name_drop(w, b);
		} else if (b->volume == vol) {
			DL_DELETE(w->doubts, b);
			DL_APPEND(w->doubts, b);
		}
		if (is_last)
			break;
	}
}

static void pause_s(struct watch *w, int seconds)
{
	struct timespec until = cond_deadline(seconds);

	while (!w->stopping &&
	       pthread_cond_timedwait(&w->work, &w->lock, &until) != ETIMEDOUT)
		;
}

static void *watch_main(void *arg)
{
	struct watch *w = arg;
	char errand[HELPER_ARG_MAX];
	const struct volume *vol;
	uint64_t n_doubts;
	struct error err;
	size_t len;
	int r;

	pthread_setname_np(pthread_self(), "doubts");
	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		if (!w->doubts) {
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		len = errand_pack(w, errand, &vol);
		n_doubts = w->n_doubts;
		pthread_mutex_unlock(&w->lock);
		r = helper_run(w->fs->options.helper, PATIENCE_S, look_errand,
			       -1, errand, len, &err);
		pthread_mutex_lock(&w->lock);
		if (r == 0) {
			errand_done(w, errand, len, n_doubts);
			continue;
		}
		if (!w->stopping)
			log_warning("cannot look at names again that the host "
				    "changed: %s",
				    err.text);
		errand_failed(w, vol);
		pause_s(w, RETRY_S);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- promises ------------------------------------------------------------- */

static bool is_wanted(const struct volume *vol)
{
	unsigned cache = atomic_load_explicit(&((struct volume *)vol)->cache,
					      memory_order_relaxed);

	return cache == VOLUME_CACHE_WANTED || cache == VOLUME_CACHE_WATCHED;
}

/* The first answer says it of the volume. */
static void note_answer(struct volume *vol, int r)
{
	unsigned wanted = VOLUME_CACHE_WANTED;
	unsigned is = r == 0 ? VOLUME_CACHE_WATCHED : VOLUME_CACHE_REFUSED;

	if ((r == 0 || r == -EOPNOTSUPP) &&
	    atomic_compare_exchange_strong(&vol->cache, &wanted, is) && r < 0)
		log_notice("volume '%s' (%s) is not cached: changes in its "
			   "filesystem cannot be watched",
			   vol->name, vol->host_path ? vol->host_path : "");
}

/* One that cannot be watched: nothing rests on it, unless its name is known. */
static void believed_unwanted(struct watch *w, uint64_t nodeid)
{
	struct believed *b;

	pthread_mutex_lock(&w->lock);
	b = find_node(w, nodeid);
	if (b && !b->name && !b->ending) {
		believed_remove(w, b);
		free(b);
	}
	pthread_mutex_unlock(&w->lock);
}

/* Is the file watched from here on, for as long as a promise lasts? */
static bool watch_file(struct fs *fs, const struct inode *inode, bool attrs,
		       uint64_t *ret_changes)
{
	struct watch *w = fs->watch;
	struct believed *ended;
	struct believed *b;
	struct inode again;
	int r;

	pthread_mutex_lock(&w->lock);
	b = believed_get(w, inode, &ended);
	if (b) {
		b->until = now_s() + WATCH_VALID_S + GRACE_S;
		b->attrs |= attrs;
		*ret_changes = b->changes;
	}
	pthread_mutex_unlock(&w->lock);
	believed_end(w, ended);
	if (!b)
		return false;
	r = store_watch(inode->volume->store, &inode->handle, &w->watcher,
			inode->nodeid);
	note_answer(inode->volume, r);
	/* Was it forgotten before it was watched? */
	if (inode_get(fs->inodes, inode->nodeid, &again) < 0) {
		watch_forget(fs, inode);
		return false;
	}
	if (r < 0)
		believed_unwanted(w, inode->nodeid);
	return r == 0;
}

void watch_look_begin(struct fs *fs, const struct inode *dir,
		      struct watch_look *ret)
{
	*ret = (struct watch_look){ 0 };
	if (is_wanted(dir->volume))
		ret->watched = watch_file(fs, dir, false, &ret->changes);
}

/*
 * Under the lock: may b have this name?  Whoever had it before lost it, and
 * that is told of soon; or has another name, which may be believed as yet.
 */
static bool name_take(struct watch *w, struct believed *b, uint64_t dir,
		      const char *name)
{
	struct believed *holder = find_name(w, dir, name);

	if (holder == b && b->doubted)
		b->confirmed = true;
	if (b->doubted)
		return false;
	if (holder == b)
		return true;
	if (holder) {
		name_doubt(w, holder);
		return false;
	}
	if (b->name)
		return false;
	return name_set(w, b, dir, name);
}

uint64_t watch_look_end(struct fs *fs, const struct inode *dir,
			const struct watch_look *look, const char *name,
			const struct inode *inode)
{
	struct watch *w = fs->watch;
	struct believed *ended = NULL;
	struct believed *b = NULL;
	struct believed *d;
	bool promised = false;

	if (!look->watched)
		return 0;
	pthread_mutex_lock(&w->lock);
	d = find_node(w, dir->nodeid);
	if (d && d->changes == look->changes && !w->stopping)
		b = believed_get(w, inode, &ended);
	if (b && name_take(w, b, dir->nodeid, name)) {
		promised = true;
		d->until = now_s() + WATCH_VALID_S + GRACE_S;
		b->until = d->until;
	}
	pthread_mutex_unlock(&w->lock);
	believed_end(w, ended);
	return promised ? WATCH_VALID_S : 0;
}

/* Not if a change was told of before the file was watched anew. */
static bool has_attrs(struct watch *w, uint64_t nodeid)
{
	struct believed *b;
	bool has;

	pthread_mutex_lock(&w->lock);
	b = find_node(w, nodeid);
	has = b && b->attrs;
	pthread_mutex_unlock(&w->lock);
	return has;
}

uint64_t watch_attr(struct fs *fs, const struct inode *inode)
{
	uint64_t validity = attr_validity(inode);
	uint64_t changes;

	if (validity || !is_wanted(inode->volume) ||
	    inode->flags & INODE_MAYBE_MAPPED ||
	    !watch_file(fs, inode, true, &changes) ||
	    !has_attrs(fs->watch, inode->nodeid))
		return validity;
	return WATCH_VALID_S;
}

/* Under the lock: looks that are under way have nothing to promise any more. */
static void names_changed(struct watch *w, uint64_t dir)
{
	struct believed *d = find_node(w, dir);

	if (d)
		d->changes++;
}

void watch_removed(struct fs *fs, const struct inode *dir, const char *name)
{
	struct watch *w = fs->watch;
	struct believed *b;

	if (atomic_load(&w->n) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	names_changed(w, dir->nodeid);
	b = find_name(w, dir->nodeid, name);
	if (b)
		name_drop(w, b);
	pthread_mutex_unlock(&w->lock);
}

/* Under the lock: the kernel takes what it believes along to the new name. */
static void name_move(struct watch *w, struct believed *b, uint64_t dir,
		      const char *name)
{
	if (b && name_set(w, b, dir, name))
		name_doubt(w, b);
}

void watch_renamed(struct fs *fs, const struct inode *dir, const char *name,
		   const struct inode *newdir, const char *newname,
		   bool exchange)
{
	struct watch *w = fs->watch;
	struct believed *moved;
	struct believed *other;

	if (atomic_load(&w->n) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	names_changed(w, dir->nodeid);
	names_changed(w, newdir->nodeid);
	moved = find_name(w, dir->nodeid, name);
	other = find_name(w, newdir->nodeid, newname);
	if (moved != other) {
		if (moved)
			name_drop(w, moved);
		if (other)
			name_drop(w, other);
		name_move(w, moved, newdir->nodeid, newname);
		if (exchange)
			name_move(w, other, dir->nodeid, name);
	}
	pthread_mutex_unlock(&w->lock);
}

void watch_forget(struct fs *fs, const struct inode *inode)
{
	struct watch *w = fs->watch;
	struct believed *b;

	if (atomic_load(&w->n) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	b = find_node(w, inode->nodeid);
	if (b && b->ending)
		b = NULL; /* whoever ends it does the rest */
	else if (b)
		believed_remove(w, b);
	pthread_mutex_unlock(&w->lock);
	store_unwatch(inode->volume->store, &inode->handle, inode->nodeid);
	free(b);
}

/* --- life ----------------------------------------------------------------- */

int watch_new(struct fs *fs, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->watcher.changed = watch_changed;
	w->fs = fs;
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->work);
	r = -pthread_create(&w->thread, NULL, watch_main, w);
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watch_stop(struct watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void watch_free(struct watch *w)
{
	struct believed *b;

	if (!w)
		return;
	for (;;) {
		pthread_mutex_lock(&w->lock);
		b = w->nodes;
		if (b)
			believed_remove(w, b);
		pthread_mutex_unlock(&w->lock);
		if (!b)
			break;
		store_unwatch(b->volume->store, &b->handle, b->nodeid);
		free(b);
	}
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
