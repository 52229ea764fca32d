/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - list a directory a little at a time, while its names change */
#include "tests/model/model.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Few names at once, so that much happens in between. */
enum {
	SCAN_BYTES = 512
};

static void scan_drop(struct scan *s)
{
	close(s->fd);
	s->node = NULL;
}

/* The directory goes, and whoever lists it. */
void scan_forget(const struct node *dir)
{
	for (int i = 0; i < SCANS; i++)
		if (me.scans[i].node == dir)
			scan_drop(&me.scans[i]);
}

void op_scan_start(void)
{
	unsigned which = rnd(SCANS);
	struct scan *s = &me.scans[which];
	struct node *dir = me.dirs[rnd(4) ? 0 : rnd(me.n_dirs)];
	char path[PATH_BYTES];
	uint8_t bit = (uint8_t)(1 << which);

	if (s->node)
		return;
	dir_path(dir, path);
	doing("begin to list '%s'", path);
	s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(s->fd, 0);
	s->node = dir;
	for (unsigned i = 0; i < dir->n_names; i++) {
		struct entry *e = &dir->entries[i];

		e->seen &= (uint8_t)~bit;
		e->stable &= (uint8_t)~bit;
		if (e->node)
			e->stable |= bit;
	}
}

static void scan_name(struct scan *s, const char *name, uint8_t bit)
{
	struct entry *e;
	unsigned who, which;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	if (sscanf(name, "%u-%u", &who, &which) != 2)
		differ("a strange name is listed: '%s'", name);
	if (who != me.number || which >= s->node->n_names)
		return;
	e = &s->node->entries[which];
	if (e->stable & e->seen & bit)
		differ("'%s' was there all the time and is listed twice", name);
	e->seen |= bit;
}

static void scan_end(struct scan *s, uint8_t bit)
{
	char name[NAME_BYTES];

	for (unsigned i = 0; i < s->node->n_names; i++) {
		const struct entry *e = &s->node->entries[i];

		name_text(i, name);
		if (e->stable & bit && !(e->seen & bit))
			differ("'%s' was there all the time and is not listed",
			       name);
	}
	scan_drop(s);
}

void op_scan(void)
{
	unsigned which = rnd(SCANS);
	struct scan *s = &me.scans[which];
	uint8_t bit = (uint8_t)(1 << which);
	char buf[SCAN_BYTES] __attribute__((aligned(8)));
	ssize_t n;

	if (!s->node)
		return;
	doing("go on listing");
	n = getdents64(s->fd, buf, sizeof(buf));
	expect(n, 0);
	if (n == 0) {
		scan_end(s, bit);
		return;
	}
	for (ssize_t at_byte = 0; at_byte < n;) {
		const struct dirent64 *e = (void *)(buf + at_byte);

		scan_name(s, e->d_name, bit);
		at_byte += e->d_reclen;
	}
}
