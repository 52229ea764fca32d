/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - being told of changes that others make, by fanotify */
#include "store/localfs/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"
#include "store/localfs/ops.h"
#include "store/localfs/pin.h"
#include "store/localfs/points.h"
#include "store/localfs/state.h"

#define WATCHES_MAX  65536u
#define EVENTS_BYTES 65536u
#define WATCH_NICE   (-15)

/* All that changes what stat(2) says; closing ends what a mapping changed. */
#define FILE_EVENTS                                                            \
	(FAN_MODIFY | FAN_ATTRIB | FAN_ACCESS | FAN_CLOSE_WRITE | FAN_MOVE_SELF)
#define NAME_EVENTS (FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)
#define DIR_EVENTS                                                             \
	(NAME_EVENTS | FAN_CREATE | FAN_ATTRIB | FAN_ACCESS | FAN_MOVE_SELF |  \
	 FAN_ONDIR)

/* A file as the kernel names it in events. */
struct key {
	uint8_t type;
	uint8_t len;
	uint8_t bytes[STORE_HANDLE_MAX];
};

/* Under one id, by one store. */
struct watch {
	uint64_t id;
	dev_t dev;
	bool is_dir;
	struct local_store *ls;
	struct store_handle handle;
	struct watch *next;
};

/* What events of one name are about; files of two filesystems may share it. */
struct watched {
	struct key key;
	struct watch *watches;
	UT_hash_handle hh;
};

struct watches {
	size_t max;
	pthread_mutex_t lock; /* everything below */
	bool running;
	bool refused; /* this kernel, or our rights, do not allow it */
	pthread_t thread;
	int fan_fd;
	int mounts_fd;
	int stop_fd;
	struct store_watcher *watcher;
	struct watched *files;
	size_t n;
	struct points points;
};

static struct watches *watches_of(struct local_store *ls)
{
	return ls->lfs->watches;
}

/* --- marks ---------------------------------------------------------------- */

static int mark_change(struct watches *t, const struct pin *pin, bool is_dir,
		       unsigned how)
{
	char path[PIN_PATH_MAX];

	pin_path(pin, path);
	if (fanotify_mark(t->fan_fd, how, is_dir ? DIR_EVENTS : FILE_EVENTS,
			  AT_FDCWD, path) == 0)
		return 0;
	return errno == ENOSPC || errno == ENOMEM ? -errno : -EOPNOTSUPP;
}

/* A file that is gone took its mark along. */
static void mark_end(struct watches *t, const struct watch *w)
{
	cleanup_pin struct pin pin = PIN_INIT;

	if (pin_open(w->ls, &w->handle, &pin) == 0)
		mark_change(t, &pin, w->is_dir, FAN_MARK_REMOVE);
}

static struct watched *file_find(struct watches *t, const struct key *key)
{
	struct watched *f;

	HASH_FIND(hh, t->files, key, sizeof(*key), f);
	return f;
}

static struct watch **watch_find(struct watched *f, uint64_t id)
{
	struct watch **p = &f->watches;

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

static bool has_mark(const struct watched *f, dev_t dev)
{
	const struct watch *w = f->watches;

	while (w && w->dev != dev)
		w = w->next;
	return w != NULL;
}

static void watch_free(struct watches *t, struct watched *f, struct watch **p)
{
	struct watch *w = *p;

	*p = w->next;
	t->n--;
	if (!has_mark(f, w->dev))
		mark_end(t, w);
	free(w);
}

static void file_free_if_unused(struct watches *t, struct watched *f)
{
	if (f->watches)
		return;
	HASH_DEL(t->files, f);
	free(f);
}

/* --- events --------------------------------------------------------------- */

static void tell(struct watches *t, const struct key *key,
		 enum store_change change, const char *name)
{
	struct watched *f = file_find(t, key);
	struct watch **p;

	if (!f)
		return;
	for (p = &f->watches; *p;) {
		t->watcher->changed(t->watcher, change, (*p)->id, name);
		/* Who wants to hear of it again asks again. */
		if ((*p)->is_dir)
			p = &(*p)->next;
		else
			watch_free(t, f, p);
	}
	file_free_if_unused(t, f);
}

static void tell_all(struct watches *t)
{
	if (t->watcher)
		t->watcher->changed(t->watcher, STORE_CHANGED_ALL, 0, NULL);
}

static void key_fill(const struct store_handle *h, struct key *ret)
{
	*ret = (struct key){ .type = h->type, .len = handle_kernel_len(h) };
	memcpy(ret->bytes, h->bytes, ret->len);
}

static void tell_points(struct watches *t, const struct point *point)
{
	for (; point; point = point->next) {
		struct key key;

		key_fill(&point->dir, &key);
		tell(t, &key, STORE_CHANGED_NAME, point->name);
	}
}

/*
 * Mounts have come or gone.  Where one is now, and where one was, it may have
 * been exchanged for another that looks the same.
 */
static void mounts_changed(struct watches *t)
{
	struct point *before = points_read(&t->points);

	tell_points(t, before);
	tell_points(t, t->points.first);
	points_free(before);
}

static bool key_of_event(const struct file_handle *h, struct key *ret)
{
	if (h->handle_bytes > STORE_HANDLE_MAX)
		return false;
	*ret = (struct key){ .type = (uint8_t)h->handle_type,
			     .len = (uint8_t)h->handle_bytes };
	memcpy(ret->bytes, h->f_handle, h->handle_bytes);
	return true;
}

/*
 * What an event says of one file: of a directory with the name of a child,
 * which is told of by itself, or with its own, ".".
 */
static void record_take(struct watches *t, uint64_t mask,
			const struct fanotify_event_info_fid *info)
{
	const struct file_handle *h = (const void *)info->handle;
	const char *name = (const char *)h->f_handle + h->handle_bytes;
	bool is_name = mask & (NAME_EVENTS | FAN_CREATE);
	struct key key;

	if (!key_of_event(h, &key))
		return;
	switch (info->hdr.info_type) {
	case FAN_EVENT_INFO_TYPE_FID:
	case FAN_EVENT_INFO_TYPE_DFID:
		tell(t, &key, STORE_CHANGED, NULL);
		break;
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
		if (is_name || strcmp(name, ".") == 0)
			tell(t, &key, STORE_CHANGED, NULL);
		/* That there is no such name is nothing that is believed. */
		if (mask & NAME_EVENTS)
			tell(t, &key, STORE_CHANGED_NAME, name);
		break;
	default:
		break;
	}
}

/* Its records, from p to end. */
static void event_take(struct watches *t, uint64_t mask, const char *p,
		       const char *end)
{
	if (mask & FAN_Q_OVERFLOW)
		tell_all(t);
	while (p < end) {
		const struct fanotify_event_info_fid *info = (const void *)p;

		record_take(t, mask, info);
		p += info->hdr.len;
	}
}

/* Events are aligned to four bytes, and their structure to eight. */
static void events_take(struct watches *t, char *buf)
{
	ssize_t n = read(t->fan_fd, buf, EVENTS_BYTES);
	struct fanotify_event_metadata event;

	for (const char *p = buf; n >= (ssize_t)sizeof(event);
	     p += event.event_len, n -= event.event_len) {
		memcpy(&event, p, sizeof(event));
		if (event.event_len < sizeof(event) || event.event_len > n)
			break;
		pthread_mutex_lock(&t->lock);
		event_take(t, event.mask, p + event.metadata_len,
			   p + event.event_len);
		pthread_mutex_unlock(&t->lock);
	}
}

static void *watches_main(void *arg)
{
	struct watches *t = arg;
	_Alignas(struct fanotify_event_metadata) char buf[EVENTS_BYTES];
	struct pollfd fds[] = {
		{ .fd = t->stop_fd, .events = POLLIN },
		{ .fd = t->fan_fd, .events = POLLIN },
		{ .fd = t->mounts_fd, .events = POLLPRI },
	};

	pthread_setname_np(pthread_self(), "watch");
	/* How long others wait for it is how long they are shown what was. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), WATCH_NICE);
	for (;;) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		if (fds[2].revents) {
			pthread_mutex_lock(&t->lock);
			mounts_changed(t);
			pthread_mutex_unlock(&t->lock);
		}
		if (fds[1].revents)
			events_take(t, buf);
	}
}

/* --- life ----------------------------------------------------------------- */

struct watches *watches_new(size_t max)
{
	struct watches *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max ? max : WATCHES_MAX;
	t->fan_fd = t->mounts_fd = t->stop_fd = -1;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void watches_close(struct watches *t)
{
	closep(&t->fan_fd);
	closep(&t->mounts_fd);
	closep(&t->stop_fd);
	t->fan_fd = t->mounts_fd = t->stop_fd = -1;
}

void watches_free(struct watches *t)
{
	uint64_t one = 1;

	if (!t)
		return;
	assert(t->n == 0);
	if (t->running && write(t->stop_fd, &one, sizeof(one)) > 0)
		pthread_join(t->thread, NULL);
	watches_close(t);
	points_free(t->points.first);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

size_t watches_count(struct watches *t)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->n;
	pthread_mutex_unlock(&t->lock);
	return n;
}

/* With the first watch: most daemons have none.  Under the lock. */
static int watches_start(struct watches *t)
{
	if (t->running)
		return 0;
	if (t->refused)
		return -EOPNOTSUPP;
	t->refused = true;
	t->fan_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
					  FAN_REPORT_FID | FAN_REPORT_DIR_FID |
					  FAN_REPORT_NAME,
				  O_RDONLY | O_CLOEXEC);
	t->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	t->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (t->fan_fd < 0 || t->mounts_fd < 0 || t->stop_fd < 0 ||
	    pthread_create(&t->thread, NULL, watches_main, t) != 0) {
		watches_close(t);
		return -EOPNOTSUPP;
	}
	t->running = true;
	return 0;
}

/* --- operations ----------------------------------------------------------- */

static bool key_of(struct local_store *ls, const struct store_handle *h,
		   struct key *ret, uint64_t *ret_mount)
{
	const struct realm *realm =
		realm_get(ls->lfs->realms, &ls->realms, h->realm);

	if (!realm || h->type == HANDLE_TYPE_HELD ||
	    !atomic_load(&realm->is_watchable))
		return false;
	key_fill(h, ret);
	*ret_mount = realm->mount.id;
	return true;
}

static bool is_watched(struct watches *t, const struct key *key, uint64_t id)
{
	struct watched *f;
	bool is;

	pthread_mutex_lock(&t->lock);
	f = file_find(t, key);
	is = f && *watch_find(f, id);
	pthread_mutex_unlock(&t->lock);
	return is;
}

/* Under the lock. */
static int watch_add(struct watches *t, const struct key *key,
		     const struct watch *watch)
{
	struct watched *f = file_find(t, key);
	struct watch *w;

	if (f && *watch_find(f, watch->id))
		return 0;
	w = malloc(sizeof(*w));
	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f || !w) {
			free(f);
			free(w);
			return -ENOMEM;
		}
		f->key = *key;
		HASH_ADD(hh, t->files, key, sizeof(f->key), f);
	}
	if (!w)
		return -ENOMEM;
	*w = *watch;
	w->next = f->watches;
	f->watches = w;
	t->n++;
	return 0;
}

int local_watch(struct store *st, const struct store_handle *h,
		struct store_watcher *watcher, uint64_t id)
{
	struct local_store *ls = local_of(st);
	struct watch watch = { .id = id, .ls = ls, .handle = *h };
	struct watches *t = watches_of(ls);
	cleanup_pin struct pin pin = PIN_INIT;
	struct stat attr;
	uint64_t mount;
	struct key key;
	int r;

	if (!key_of(ls, h, &key, &mount))
		return -EOPNOTSUPP;
	if (is_watched(t, &key, id))
		return 0;
	r = pin_open(ls, h, &pin);
	if (r == 0 && fstat(pin.fd, &attr) < 0)
		r = -errno;
	if (r == 0 && !S_ISDIR(attr.st_mode) && !S_ISREG(attr.st_mode) &&
	    !S_ISLNK(attr.st_mode))
		r = -EINVAL;
	if (r < 0)
		return r;

	watch.dev = attr.st_dev;
	watch.is_dir = S_ISDIR(attr.st_mode);
	pthread_mutex_lock(&t->lock);
	t->watcher = watcher;
	r = watches_start(t);
	if (r == 0 && points_add_mount(&t->points, mount))
		points_free(points_read(&t->points));
	if (r == 0 && t->n >= t->max)
		r = -ENOSPC;
	if (r == 0)
		r = mark_change(t, &pin, watch.is_dir, FAN_MARK_ADD);
	if (r == 0)
		r = watch_add(t, &key, &watch);
	pthread_mutex_unlock(&t->lock);
	return r;
}

void local_unwatch(struct store *st, const struct store_handle *h, uint64_t id)
{
	struct local_store *ls = local_of(st);
	struct watches *t = watches_of(ls);
	struct watched *f;
	struct watch **p;
	uint64_t mount;
	struct key key;

	if (!key_of(ls, h, &key, &mount))
		return;
	pthread_mutex_lock(&t->lock);
	f = file_find(t, &key);
	p = f ? watch_find(f, id) : NULL;
	if (p && *p) {
		watch_free(t, f, p);
		file_free_if_unused(t, f);
	}
	pthread_mutex_unlock(&t->lock);
}
