/* SPDX-License-Identifier: Apache-2.0 */
/* killpriv.c - setuid, setgid and capabilities fall when a file changes */

#include "tests/posix/posix.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static int fd;

static void by_write(void)
{
	DO(write(fd, "x", 1));
}

static void by_empty_write(void)
{
	DO(write(fd, "x", 0));
}

static void by_pwrite(void)
{
	DO(pwrite(fd, "x", 1, 100));
}

static void by_writev(void)
{
	struct iovec v = { (void *)(uintptr_t) "x", 1 };

	DO(writev(fd, &v, 1));
	DO(pwritev2(fd, &v, 1, 3, 0));
}

static void by_append(void)
{
	DO(write(open("f", O_WRONLY | O_APPEND), "x", 1));
}

static void by_truncate(void)
{
	DO(truncate("f", 1));
}

static void by_truncate_same(void)
{
	DO(truncate("f", 5));
}

static void by_ftruncate(void)
{
	DO(ftruncate(fd, 1));
}

static void by_open_trunc(void)
{
	FD(open("f", O_WRONLY | O_TRUNC));
}

static void by_fallocate(void)
{
	DO(fallocate(fd, 0, 0, 10000));
}

static void by_fallocate_keep(void)
{
	DO(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
}

static void by_punch(void)
{
	DO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static void by_copy_range(void)
{
	int in;

	put("source", "source");
	in = open("source", O_RDONLY);
	DO(copy_file_range(in, NULL, fd, NULL, 3, 0));
}

static void by_sendfile(void)
{
	put("source", "source");
	DO(sendfile(fd, open("source", O_RDONLY), NULL, 3));
}

static void by_splice(void)
{
	int p[2];

	PREP(pipe(p));
	PREP(write(p[1], "abc", 3));
	DO(splice(p[0], NULL, fd, NULL, 3, 0));
}

static void by_mmap(void)
{
	char *p = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	PREP(p == MAP_FAILED ? -1 : 0);
	p[0] = 'M';
	DO(msync(p, 4, MS_SYNC));
}

static void by_chown_same(void)
{
	DO(chown("f", (uid_t)-1, (gid_t)-1));
}

static void by_link(void)
{
	DO(link("f", "g"));
	DO(rename("g", "h"));
}

static void by_setxattr(void)
{
	DO(setxattr("f", "user.a", "b", 1, 0));
}

static void by_utimens(void)
{
	DO(utimensat(AT_FDCWD, "f", NULL, 0));
}

static void by_reading(void)
{
	char c;

	DO(read(fd, &c, 1));
	DO(fsync(fd));
	FD(open("f", O_RDWR));
}

#define ENTRY(name)                                                            \
	{                                                                      \
#name, by_##name                                               \
	}

static const struct {
	const char *name;
	void (*run)(void);
} changes[] = {
	ENTRY(write),	      ENTRY(empty_write),    ENTRY(pwrite),
	ENTRY(writev),	      ENTRY(append),	     ENTRY(truncate),
	ENTRY(truncate_same), ENTRY(ftruncate),	     ENTRY(open_trunc),
	ENTRY(fallocate),     ENTRY(fallocate_keep), ENTRY(punch),
	ENTRY(copy_range),    ENTRY(sendfile),	     ENTRY(splice),
	ENTRY(chown_same),    ENTRY(link),	     ENTRY(setxattr),
	ENTRY(utimens),	      ENTRY(reading),	     ENTRY(mmap),
};
static const mode_t perms[] = { 06777, 04777, 02777, 02767, 06766, 07777 };

/* uid 0 keeps the bits, others lose them. */
static void change_as(uid_t uid, size_t how, bool set_late)
{
	for (size_t i = 0; i < N_OF(perms); i++) {
		put_as("f", set_late ? 0666 : perms[i], ALICE, STAFF);
		if (uid)
			become(uid, uid == ALICE ? STAFF : GUESTS);
		fd = open("f", O_RDWR | O_CLOEXEC);
		PREP(fd);
		if (set_late) {
			back();
			PREP(chmod("f", perms[i]));
			if (uid)
				become(uid, uid == ALICE ? STAFF : GUESTS);
		}
		rec("mode %04o", perms[i]);
		changes[how].run();
		look("f");
		look_fd("open", fd);
		close(fd);
		back();
		PREP(unlink("f"));
		unlink("h");
	}
}

CASES(killpriv, bits_by_a_stranger, N_OF(changes))
{
	about("%s by a stranger", changes[nth].name);
	change_as(BOB, nth, false);
}

CASES(killpriv, bits_by_the_owner, N_OF(changes))
{
	about("%s by the owner", changes[nth].name);
	change_as(ALICE, nth, false);
}

CASES(killpriv, bits_by_root, N_OF(changes))
{
	about("%s by root", changes[nth].name);
	change_as(0, nth, false);
}

CASES(killpriv, bits_set_after_the_open, N_OF(changes))
{
	about("%s when the bits came after the open", changes[nth].name);
	change_as(BOB, nth, true);
}

/* A version 2 capability set: cap_net_raw permitted and effective. */
static const unsigned char caps[20] = { 1, 0, 0, 2, 0, 0x20 };

static void capabilities_after(size_t how, bool by_root)
{
	unsigned char got[64];

	about("capabilities after %s by %s", changes[how].name,
	      by_root ? "root" : "a stranger");
	put_as("f", 0777, ALICE, STAFF);
	OK(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	if (!by_root)
		become(BOB, GUESTS);
	fd = open("f", O_RDWR | O_CLOEXEC);
	PREP(fd);
	changes[how].run();
	back();
	DO(getxattr("f", "security.capability", got, sizeof(got)));
	rec("by descriptor");
	DO(fgetxattr(fd, "security.capability", got, sizeof(got)));
}

/* Stores in a mapping come last in the table: see below. */
CASES(killpriv, capabilities, (N_OF(changes) - 1) * 2)
{
	capabilities_after(nth / 2, nth % 2);
}

/* Alone, because without passthrough such stores arrive as writes. */
CASES(killpriv, capabilities_after_mmap, 2)
{
	capabilities_after(N_OF(changes) - 1, nth);
}

CASE(killpriv, capabilities_fall_on_chown)
{
	unsigned char got[64];

	put_as("f", 0777, ALICE, STAFF);
	OK(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	OK(getxattr("f", "security.capability", got, sizeof(got)));
	OK(chmod("f", 0755));
	OK(getxattr("f", "security.capability", got, sizeof(got)));
	OK(chown("f", BOB, (gid_t)-1));
	FAILS(ENODATA, getxattr("f", "security.capability", got, sizeof(got)));
	OK(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	OK(chown("f", (uid_t)-1, GUESTS));
	FAILS(ENODATA, getxattr("f", "security.capability", got, sizeof(got)));
}
