/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - inotify sees what happens through the same mount */

#include "tests/posix/posix.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/xattr.h>

static int watch;
static int wd_dir, wd_sub, wd_file;

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{ IN_ACCESS, "ACCESS" },
	{ IN_MODIFY, "MODIFY" },
	{ IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" },
	{ IN_MOVED_FROM, "MOVED_FROM" },
	{ IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" },
	{ IN_DELETE, "DELETE" },
	{ IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_UNMOUNT, "UNMOUNT" },
	{ IN_Q_OVERFLOW, "OVERFLOW" },
	{ IN_IGNORED, "IGNORED" },
	{ IN_ISDIR, "ISDIR" },
};

static void rec_event(const struct inotify_event *e)
{
	char text[256] = "";
	size_t n = 0;
	const char *who = e->wd == wd_dir    ? "d"
			  : e->wd == wd_sub  ? "e"
			  : e->wd == wd_file ? "d/f"
					     : "?";

	for (size_t i = 0; i < N_OF(bits); i++) {
		if (e->mask & bits[i].bit)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s",
					      bits[i].name);
	}
	rec("  %s%s%s%s%s", who, text, e->len ? " '" : "",
	    e->len ? e->name : "", e->len ? "'" : "");
}

static void rec_events(void)
{
	_Alignas(struct inotify_event) char buf[8192];
	struct pollfd p = { .fd = watch, .events = POLLIN };
	ssize_t n;

	/* Closing may be reported a little later than close() returns. */
	while (poll(&p, 1, 30) == 1 && (n = read(watch, buf, sizeof(buf))) > 0)
		for (char *at = buf; at < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)at;

			rec_event(e);
			at += sizeof(*e) + e->len;
		}
}

static void op_create(void)
{
	DO(close(open("d/new", O_CREAT | O_RDWR, 0600)));
}

static void op_write(void)
{
	int fd = open("d/f", O_RDWR);

	DO(write(fd, "x", 1));
	DO(close(fd));
}

static void op_read(void)
{
	int fd = open("d/f", O_RDONLY);

	DO(read(fd, (char[1]){ 0 }, 1));
	DO(close(fd));
}

static void op_truncate(void)
{
	DO(truncate("d/f", 1));
}

static void op_chmod(void)
{
	DO(chmod("d/f", 0600));
}

static void op_chown(void)
{
	DO(chown("d/f", ALICE, STAFF));
}

static void op_utimens(void)
{
	DO(utimensat(AT_FDCWD, "d/f", NULL, 0));
}

static void op_setxattr(void)
{
	DO(setxattr("d/f", "user.a", "v", 1, 0));
}

static void op_mkdir(void)
{
	DO(mkdir("d/new", 0700));
}

static void op_rmdir(void)
{
	DO(rmdir("d/sub"));
}

static void op_symlink(void)
{
	DO(symlink("x", "d/new"));
}

static void op_mkfifo(void)
{
	DO(mkfifo("d/new", 0600));
}

static void op_link(void)
{
	DO(link("d/f", "e/new"));
}

static void op_unlink(void)
{
	DO(unlink("d/f"));
}

static void op_rename(void)
{
	DO(rename("d/f", "e/g"));
}

static void op_rename_here(void)
{
	DO(rename("d/f", "d/g"));
}

static void op_rename_over(void)
{
	DO(rename("e/old", "d/f"));
}

static void op_exchange(void)
{
	DO(renameat2(AT_FDCWD, "d/f", AT_FDCWD, "e/old", RENAME_EXCHANGE));
}

static void op_fallocate(void)
{
	int fd = open("d/f", O_RDWR);

	DO(fallocate(fd, 0, 0, 5000));
	DO(close(fd));
}

static void op_copy(void)
{
	int in = open("d/f", O_RDONLY), out = open("e/old", O_WRONLY);

	DO(copy_file_range(in, NULL, out, NULL, 4, 0));
}

static void op_failures(void)
{
	DO(mkdir("d/sub", 0700));
	DO(unlink("d/no"));
	DO(rmdir("d"));
	DO(open("d/no", O_RDONLY));
	DO(rename("d/no", "e/x"));
}

#define ENTRY(name)                                                            \
	{                                                                      \
#name, op_##name                                               \
	}

static const struct {
	const char *name;
	void (*run)(void);
} ops[] = {
	ENTRY(create),	    ENTRY(write),	ENTRY(read),
	ENTRY(truncate),    ENTRY(chmod),	ENTRY(chown),
	ENTRY(utimens),	    ENTRY(setxattr),	ENTRY(mkdir),
	ENTRY(rmdir),	    ENTRY(symlink),	ENTRY(mkfifo),
	ENTRY(link),	    ENTRY(unlink),	ENTRY(rename),
	ENTRY(rename_here), ENTRY(rename_over), ENTRY(exchange),
	ENTRY(fallocate),   ENTRY(copy),	ENTRY(failures),
};

CASES(events, of, N_OF(ops))
{
	about("inotify events of %s", ops[nth].name);
	PREP(mkdir("d", 0755));
	PREP(mkdir("d/sub", 0755));
	PREP(mkdir("e", 0755));
	put("d/f", "text");
	put("e/old", "old");
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	PREP(watch);
	wd_dir = inotify_add_watch(watch, "d", IN_ALL_EVENTS);
	wd_sub = inotify_add_watch(watch, "e", IN_ALL_EVENTS);
	wd_file = inotify_add_watch(watch, "d/f", IN_ALL_EVENTS);
	PREP(wd_dir);
	PREP(wd_sub);
	PREP(wd_file);
	ops[nth].run();
	rec_events();
}
