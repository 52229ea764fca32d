/* SPDX-License-Identifier: Apache-2.0 */
/* attrs.c - operations on attributes, and looking at what others have */
#include "tests/model/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A place with something there whose attributes are ours to change. */
static bool attr_place(struct place *ret, char *path)
{
	*ret = used_place();
	path_of(*ret, path);
	return at(*ret);
}

void op_chmod(void)
{
	static const mode_t modes[] = { 0644, 0600, 0755, 0,
					0777, 0711, 0400, 02775 };
	char path[PATH_BYTES];
	struct place p;
	mode_t mode = modes[rnd(8)];

	if (!attr_place(&p, path) || at(p)->kind == KIND_LINK)
		return;
	if (at(p)->kind == KIND_FILE)
		mode &= 0777;
	doing("chmod '%s' %o", path, mode);
	touch_node(at(p));
	expect(chmod(path, mode), 0);
	at(p)->mode = mode;
	look_stat(path, at(p));
}

void op_chown(void)
{
	static const uid_t ids[] = { 0, 1000, 1001, 65534 };
	uid_t uid = ids[rnd(4)];
	gid_t gid = ids[rnd(4)];
	char path[PATH_BYTES];
	struct place p;

	if (!attr_place(&p, path))
		return;
	doing("chown '%s' %u:%u", path, uid, gid);
	touch_node(at(p));
	expect(lchown(path, uid, gid), 0);
	at(p)->uid = uid;
	at(p)->gid = gid;
	look_stat(path, at(p));
}

void op_times(void)
{
	struct timespec times[2] = {
		{ .tv_sec = rnd(2000000000), .tv_nsec = rnd(1000000000) },
		{ .tv_sec = rnd(2000000000), .tv_nsec = rnd(1000000000) },
	};
	char path[PATH_BYTES];
	struct place p;

	if (!attr_place(&p, path))
		return;
	doing("utimens '%s'", path);
	touch_node(at(p));
	expect(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
	at(p)->timed = true;
	at(p)->mtime = times[1].tv_sec * 1000000000L + times[1].tv_nsec;
	look_stat(path, at(p));
}

static long setxattr_result(const struct xattr *x, int flags)
{
	if (flags == XATTR_CREATE && x->set)
		return -EEXIST;
	return flags == XATTR_REPLACE && !x->set ? -ENODATA : 0;
}

static void set_some(const char *path, const char *name, struct xattr *x)
{
	static const int all[] = { 0, XATTR_CREATE, XATTR_REPLACE };
	char value[XATTR_MAX];
	unsigned len = rnd(XATTR_MAX);
	int flags = all[rnd(3)], r;

	memset(value, 'a' + (int)rnd(26), sizeof(value));
	doing("setxattr '%s' %s flags %d", path, name, flags);
	r = setxattr(path, name, value, len, flags);
	if (r < 0 && errno == EOPNOTSUPP) {
		me.no_xattr = true;
		return;
	}
	expect(r, setxattr_result(x, flags));
	if (r < 0)
		return;
	x->set = true;
	x->len = len;
	memcpy(x->value, value, sizeof(value));
}

void op_setxattr(void)
{
	char path[PATH_BYTES], name[32];
	struct place p;
	unsigned which = rnd(XATTRS);
	struct xattr *x;

	/* In survive mode they are left out: a place says nothing of them. */
	if (me.no_xattr || me.survive || !attr_place(&p, path) ||
	    at(p)->kind == KIND_LINK)
		return;
	x = &at(p)->xattrs[which];
	sprintf(name, "user.m%u", which);
	if (rnd(4)) {
		set_some(path, name, x);
		return;
	}
	doing("removexattr '%s' %s", path, name);
	expect(removexattr(path, name), x->set ? 0 : -ENODATA);
	x->set = false;
}

void op_getxattr(void)
{
	char path[PATH_BYTES], list[4096];
	struct place p;
	ssize_t len;
	unsigned n = 0, wanted = 0;

	if (me.no_xattr || !attr_place(&p, path) || at(p)->kind == KIND_LINK)
		return;
	doing("listxattr '%s'", path);
	len = listxattr(path, list, sizeof(list));
	expect(len, 0);
	for (const char *s = list; s < list + len; s += strlen(s) + 1)
		n += strncmp(s, "user.m", 6) == 0;
	for (int i = 0; i < XATTRS; i++)
		wanted += at(p)->xattrs[i].set;
	if (n != wanted)
		differ("%u attributes are listed, expected %u", n, wanted);
}

void op_look(void)
{
	struct place p = any_place();
	char path[PATH_BYTES];

	path_of(p, path);
	doing("look at '%s'", path);
	look(p);
}

/* Names of others come and go as they like; looking must not hurt. */
void op_peek(void)
{
	char path[PATH_BYTES], buf[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%u-%u", me.dirs[BASES - 1]->base,
		 rnd(me.n_actors), rnd(NAMES));
	doing("peek at '%s'", path);
	if (lstat(path, &st) < 0) {
		expect(-1, -ENOENT);
		return;
	}
	if (!S_ISREG(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT && errno != ELOOP)
			expect(-1, 0);
		return;
	}
	if (pread(fd, buf, sizeof(buf), 0) < 0 && errno != EISDIR)
		expect(-1, 0);
	close(fd);
}

static int lock_counter(int fd, int how, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	switch (how) {
	case 0:
		return flock(fd, type == F_UNLCK ? LOCK_UN : LOCK_EX);
	case 1:
		return fcntl(fd, F_SETLKW, &lock);
	default:
		return fcntl(fd, F_OFD_SETLKW, &lock);
	}
}

/*
 * One more in a file of which each process changes only what it has locked;
 * each way to lock has a file, because they do not know of one another.
 */
void op_count(void)
{
	char path[PATH_BYTES + 16];
	uint64_t value = 0;
	int how = (int)rnd(3);
	int fd;

	if (me.survive)
		return;
	snprintf(path, sizeof(path), "%s/counter%d", me.top, how);
	doing("count in '%s'", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	expect(fd, 0);
	expect(lock_counter(fd, how, F_WRLCK), 0);
	if (pread(fd, &value, sizeof(value), 0) < 0)
		expect(-1, 0);
	value++;
	expect(pwrite(fd, &value, sizeof(value), 0), 0);
	me.counted[how]++;
	expect(lock_counter(fd, how, F_UNLCK), 0);
	close(fd);
}
