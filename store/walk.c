/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - what a tree holds, found by walking all of it */
#include "store/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <uthash.h>

#include "store/base/cleanup.h"
#include "store/base/path.h"
#include "store/usage.h"

/* Directories kept open; those further up are opened again by "..". */
#define OPEN_MAX_DIRS 64u
#define DEPTH_MAX     (1u << 20)
#define LINKS_MIN     1024u

#define OPEN_DIR    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME)
#define RESOLVE_DIR (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

struct skipped {
	uint64_t ino;
	UT_hash_handle hh;
};

struct frame {
	DIR *dir;
	long at;
	uint64_t ino;
};

/* A set of files, by a hash that is never 0; at most half full. */
struct links {
	uint64_t *slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

struct walk {
	const atomic_bool *stop;
	struct skipped *skipped; /* counted by somebody else */
	size_t links_max;
	dev_t dev;
	struct frame *frames;
	size_t depth;
	size_t room;
	size_t closed; /* frames below are not open */
	/*
	 * One pass counts, of the files that have several names, those whose
	 * hash begins with these bits; the first one counts all others, too.
	 */
	uint64_t part;
	unsigned part_bits;
	struct links links;
	struct usage_totals totals; /* of this pass */
};

/* --- files of several names ------------------------------------------------
 */

static uint64_t hash_of(const struct statx *st)
{
	uint64_t h = st->stx_ino ^ makedev(st->stx_dev_major, st->stx_dev_minor)
					   << 40;

	/* Each step can be undone: of one filesystem no two become the same. */
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return h ? h : 1;
}

/* The slot of h, or the one that waits for it. */
static uint64_t *links_slot(const struct links *l, uint64_t h)
{
	size_t i = h & (l->n_slots - 1);

	while (l->slots[i] && l->slots[i] != h)
		i = (i + 1) & (l->n_slots - 1);
	return &l->slots[i];
}

static int links_grow(struct links *l)
{
	struct links wider = {
		.n_slots = l->n_slots ? l->n_slots * 2 : LINKS_MIN,
		.n = l->n,
	};

	wider.slots = calloc(wider.n_slots, sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_slots; i++) {
		if (l->slots[i])
			*links_slot(&wider, l->slots[i]) = l->slots[i];
	}
	free(l->slots);
	*l = wider;
	return 0;
}

static void links_clear(struct links *l)
{
	free(l->slots);
	*l = (struct links){ 0 };
}

/* Is this pass the one, and this the first name?  -EOVERFLOW: no room. */
static int link_is_new(struct walk *w, const struct statx *st)
{
	struct links *l = &w->links;
	uint64_t h = hash_of(st);
	uint64_t *slot;
	int r = 0;

	if (w->part_bits && h >> (64 - w->part_bits) != w->part)
		return 0;
	if (l->n * 2 >= l->n_slots)
		r = links_grow(l);
	if (r < 0)
		return r;
	slot = links_slot(l, h);
	if (*slot)
		return 0;
	if (l->n == w->links_max)
		return -EOVERFLOW;
	*slot = h;
	l->n++;
	return 1;
}

/* --- one pass ------------------------------------------------------------ */

/* What goes away while it is looked at is no failure. */
static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESTALE;
}

/* Enter the directory that *fd stands for; takes it over. */
static int push(struct walk *w, int *fd, uint64_t ino)
{
	struct frame *f;

	if (w->depth == DEPTH_MAX)
		return -ELOOP;
	if (w->depth == w->room) {
		size_t room = w->room ? w->room * 2 : OPEN_MAX_DIRS;

		f = reallocarray(w->frames, room, sizeof(*f));
		if (!f)
			return -ENOMEM;
		w->frames = f;
		w->room = room;
	}
	if (w->depth - w->closed >= OPEN_MAX_DIRS) {
		f = &w->frames[w->closed++];
		f->at = telldir(f->dir);
		closedir(f->dir);
		f->dir = NULL;
	}
	f = &w->frames[w->depth];
	*f = (struct frame){ .dir = fdopendir(*fd), .ino = ino };
	if (!f->dir)
		return -errno;
	steal_fd(fd);
	w->depth++;
	return 0;
}

static int reopen(struct walk *w, int child_fd)
{
	struct frame *f = &w->frames[w->depth - 2];
	cleanup_fd int fd = -1;
	struct stat st;

	fd = openat(child_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* It was moved meanwhile: this count is worth nothing. */
	if (fd < 0 && is_gone(-errno))
		return -EAGAIN;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_ino != f->ino)
		return -EAGAIN;
	f->dir = fdopendir(fd);
	if (!f->dir)
		return -errno;
	steal_fd(&fd);
	seekdir(f->dir, f->at);
	w->closed--;
	return 0;
}

static int pop(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	int r = 0;

	if (w->depth > 1 && !w->frames[w->depth - 2].dir)
		r = reopen(w, dirfd(f->dir));
	closedir(f->dir);
	w->depth--;
	return r;
}

static int count(struct walk *w, const struct statx *st)
{
	struct skipped *s;
	int r = w->part == 0;

	HASH_FIND(hh, w->skipped, &st->stx_ino, sizeof(st->stx_ino), s);
	if (s)
		return 0;
	if (!S_ISDIR(st->stx_mode) && st->stx_nlink > 1)
		r = link_is_new(w, st);
	if (r <= 0)
		return r;
	w->totals.charged += usage_charge_of(st);
	w->totals.allocated += usage_allocated_of(st);
	w->totals.inodes++;
	return 0;
}

/* -ENOTDIR if it is no directory. */
static int enter(struct walk *w, int dir_fd, const char *name)
{
	cleanup_fd int fd = path_open(dir_fd, name, OPEN_DIR, RESOLVE_DIR);
	struct statx st;
	int r;

	if (fd < 0)
		return fd == -ELOOP ? -ENOTDIR : fd;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	if (makedev(st.stx_dev_major, st.stx_dev_minor) != w->dev)
		return 0;
	r = count(w, &st);
	return r < 0 ? r : push(w, &fd, st.stx_ino);
}

static int look(struct walk *w, int dir_fd, const struct dirent *entry)
{
	struct statx st;
	int r = -ENOTDIR;

	if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
		r = enter(w, dir_fd, entry->d_name);
	if (r != -ENOTDIR)
		return r == -EXDEV ? 0 : r;
	if (statx(dir_fd, entry->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS, &st) < 0)
		return -errno;
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return 0;
	/* A directory came to be there after the name was read. */
	return S_ISDIR(st.stx_mode) ? 0 : count(w, &st);
}

/* The next name, or the end of the directory. */
static int step(struct walk *w)
{
	DIR *dir = w->frames[w->depth - 1].dir;
	const struct dirent *entry;
	int r = 0;

	errno = 0;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	entry = readdir(dir);
	if (!entry)
		return errno == 0 || is_gone(-errno) ? pop(w) : -errno;
	if (path_is_name(entry->d_name))
		r = look(w, dirfd(dir), entry);
	return is_gone(r) ? 0 : r;
}

static int pass(struct walk *w)
{
	int r = 0;

	while (r == 0 && w->depth > 0) {
		if (w->stop && atomic_load(w->stop))
			return -ECANCELED;
		r = step(w);
	}
	return r;
}

/* --- all passes ------------------------------------------------------------
 */

static void pass_done(struct walk *w)
{
	while (w->depth > 0) {
		w->depth--;
		if (w->frames[w->depth].dir)
			closedir(w->frames[w->depth].dir);
	}
	w->closed = 0;
	links_clear(&w->links);
}

static int pass_begin(struct walk *w, int root_fd)
{
	cleanup_fd int fd = -1;
	struct statx st;
	int r;

	w->totals = (struct usage_totals){ 0 };
	if (statx(root_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	w->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	r = count(w, &st);
	if (r < 0 || !S_ISDIR(st.stx_mode))
		return r;
	fd = openat(root_fd, ".",
		    O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	return fd < 0 ? -errno : push(w, &fd, st.stx_ino);
}

static void add(struct usage_totals *sum, const struct usage_totals *n)
{
	sum->charged += n->charged;
	sum->allocated += n->allocated;
	sum->inodes += n->inodes;
}

int walk_count(struct walk *w, int root_fd, struct usage_totals *ret)
{
	struct usage_totals sum = { 0 };
	int r = 0;

	w->part = 0;
	w->part_bits = 0;
	while (r == 0 && w->part < UINT64_C(1) << w->part_bits) {
		r = pass_begin(w, root_fd);
		if (r == 0)
			r = pass(w);
		pass_done(w);
		if (r == 0) {
			add(&sum, &w->totals);
			w->part++;
		} else if (r == -EOVERFLOW) {
			/* This part once more, by halves. */
			w->part *= 2;
			w->part_bits++;
			r = 0;
		}
	}
	if (r == 0)
		*ret = sum;
	return r;
}

struct walk *walk_new(size_t links_max, const atomic_bool *stop)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->links_max = links_max;
	w->stop = stop;
	return w;
}

void walk_free(struct walk *w)
{
	struct skipped *s;
	struct skipped *next;

	if (!w)
		return;
	HASH_ITER(hh, w->skipped, s, next)
	{
		HASH_DEL(w->skipped, s);
		free(s);
	}
	free(w->frames);
	free(w);
}

int walk_skip(struct walk *w, uint64_t ino)
{
	struct skipped *s;

	HASH_FIND(hh, w->skipped, &ino, sizeof(ino), s);
	if (s)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ino = ino;
	HASH_ADD(hh, w->skipped, ino, sizeof(ino), s);
	return 0;
}
