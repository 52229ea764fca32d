/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survive.c - go on after the daemon was killed
 *
 * Everything acknowledged must be there.  Of the one call that had no answer
 * nobody can tell: what it touched is taken as it is found.
 */
#include "tests/model/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_SECONDS = 120,
	CANDIDATES = 4
};

static void drop_all(void)
{
	for (int i = 0; i < HANDLES; i++)
		if (me.handles[i].node)
			handle_drop(&me.handles[i]);
	for (int i = 0; i < MAPS; i++)
		if (me.maps[i].node)
			map_drop(&me.maps[i]);
	for (unsigned i = 0; i < me.n_dirs; i++)
		scan_forget(me.dirs[i]);
}

static void await(void)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	char path[PATH_BYTES + 16];
	struct statfs st;

	snprintf(path, sizeof(path), "%s/counter0", me.top);
	for (int i = 0; i < WAIT_SECONDS * 50; i++) {
		/* Names may be cached of the dead one; this is not. */
		if (statfs(me.top, &st) == 0 && access(path, F_OK) == 0)
			return;
		nanosleep(&pause, NULL);
	}
	differ("the daemon did not come back: %m");
}

static bool place_of(const struct node *n, struct place *ret)
{
	for (unsigned i = 0; i < me.n_dirs; i++)
		for (unsigned k = 0; k < me.dirs[i]->n_names; k++)
			if (me.dirs[i]->entries[k].node == n) {
				*ret = (struct place){ me.dirs[i], k };
				return true;
			}
	return false;
}

static void adopt_bytes(const char *path, struct node *n)
{
	ssize_t len;
	int fd;

	if (n->kind == KIND_LINK) {
		len = readlink(path, (char *)n->data, 255);
		expect(len, 0);
		n->data[len] = 0;
		n->size = (size_t)len;
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	expect(fd, 0);
	resize(n, 0);
	len = pread(fd, n->data, FILE_MAX, 0);
	close(fd);
	expect(len, 0);
	n->size = (size_t)len;
}

static void adopt_node(struct node *n)
{
	char path[PATH_BYTES];
	struct place p;
	struct stat st;

	if (!place_of(n, &p))
		return;
	path_of(p, path);
	expect(lstat(path, &st), 0);
	n->mode = st.st_mode & 07777;
	n->uid = st.st_uid;
	n->gid = st.st_gid;
	n->timed = false;
	if (n->kind != KIND_DIR)
		adopt_bytes(path, n);
}

/* Which of the known nodes is there now, or a new one. */
static struct node *found(struct place p, const struct stat *st,
			  struct node **known, unsigned n)
{
	struct node *new;

	for (unsigned i = 0; i < n; i++)
		if (known[i]->ino == st->st_ino)
			return known[i];
	new = node_new(S_ISDIR(st->st_mode)   ? KIND_DIR
		       : S_ISLNK(st->st_mode) ? KIND_LINK
					      : KIND_FILE,
		       st->st_mode & 07777, p.dir);
	new->ino = st->st_ino;
	return new;
}

/* The daemon may die again at each look: the model changes after them. */
static void adopt_places(const struct touched *t, struct node **known,
			 unsigned n_known)
{
	struct node *there[2] = { NULL };
	char path[PATH_BYTES];
	struct stat st[2];

	for (unsigned i = 0; i < t->n_places; i++) {
		path_of(t->places[i], path);
		st[i].st_ino = 0;
		if (lstat(path, &st[i]) < 0) {
			expect(-1, -ENOENT);
			st[i].st_ino = 0;
		}
	}
	for (unsigned i = 0; i < t->n_places; i++) {
		if (st[i].st_ino)
			there[i] = found(t->places[i], &st[i], known, n_known);
		t->places[i].dir->timed = false;
	}
	for (unsigned i = 0; i < t->n_places; i++)
		if (at(t->places[i]) && at(t->places[i]) != there[i])
			clear_at(t->places[i]);
	for (unsigned i = 0; i < t->n_places; i++)
		if (there[i] && !at(t->places[i]))
			put_at(t->places[i], there[i]);
	for (unsigned i = 0; i < t->n_places; i++)
		if (there[i])
			adopt_node(there[i]);
}

static void adopt(void)
{
	struct touched t = me.touched;
	struct node *known[CANDIDATES];
	unsigned n = 0;

	for (unsigned i = 0; i < t.n_nodes; i++)
		known[n++] = t.nodes[i];
	for (unsigned i = 0; i < t.n_places; i++)
		if (at(t.places[i]))
			known[n++] = at(t.places[i]);
	for (unsigned i = 0; i < n; i++)
		known[i]->users++;
	drop_all();
	await();
	adopt_places(&t, known, n);
	for (unsigned i = 0; i < t.n_nodes; i++)
		adopt_node(t.nodes[i]);
	for (unsigned i = 0; i < n; i++)
		known[i]->users--;
	for (unsigned i = 0; i < n; i++) {
		bool again = false;

		for (unsigned k = 0; k < i; k++)
			again = again || known[k] == known[i];
		if (!again)
			node_settle(known[i]);
	}
}

void survive(void)
{
	adopt();
	look_everywhere();
	me.retries = 0;
}
