/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix.h - what the cases of the POSIX suite are written with
 *
 * A case performs operations in its current directory, an empty scratch
 * directory of mode 0777, and records what it sees.  It runs once on the
 * reference and once on the directory under test; it passes when the two
 * transcripts are equal and nothing it states outright (OK, FAILS, EXPECT)
 * is wrong.  So a transcript holds nothing that may rightly differ: no inode
 * or device numbers, no absolute paths or times, no sizes of directories.
 *
 * Nor do cases ask what the kernel decides above any filesystem in userspace,
 * which such a one can therefore not answer as ext4 does:
 *   - the largest offset that lseek() takes (it knows no file size limit);
 *   - epoll on regular files (they can be polled, so it is not refused);
 *   - times of a fifo that is written and read (it keeps them unchanged);
 *   - COLLAPSE_RANGE and INSERT_RANGE (it never passes them on);
 *   - access(W_OK) and F_SETFL on immutable and append-only files (it does
 *     not know these flags), while what they forbid is asked;
 *   - the pid -1 of a description's lock seen by F_GETLK;
 *   - what pathconf() derives in libc from the type of the filesystem.
 *
 * A case runs as root in a process group of its own, may fork, and is killed
 * after CASE_SECONDS, or what -t says.
 */
#ifndef POSIX_POSIX_H
#define POSIX_POSIX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CASE_SECONDS = 20,
	TICK_MS = 12, /* longer than the kernel's clock tick */
};

/* Identities without rights or files elsewhere. */
enum {
	ALICE = 65534,
	BOB = 65533,
	STAFF = 65532,
	GUESTS = 65531,
	NOBODYS = 65530,
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED                                                              \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

struct posix_case {
	struct posix_case *next;
	const char *family;
	const char *name;
	void (*run)(unsigned int nth);
	unsigned int count;
};

void case_register(struct posix_case *c);

/* One function that is many cases: it is run with nth from 0 to n - 1. */
#define CASES(group, title, n)                                                 \
	static void group##_##title(unsigned int nth);                         \
	static struct posix_case group##_##title##_case = {                    \
		.family = #group,                                              \
		.name = #title,                                                \
		.run = group##_##title,                                        \
		.count = (n),                                                  \
	};                                                                     \
	__attribute__((constructor)) static void group##_##title##_register(   \
		void)                                                          \
	{                                                                      \
		case_register(&group##_##title##_case);                        \
	}                                                                      \
	static void group##_##title(unsigned int nth __attribute__((unused)))

#define CASE(group, title) CASES(group, title, 1)

/* record.c: lines of the transcript */

/* Say which of several cases this is. */
void about(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Record a line. */
void rec(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Record a line and fail the case. */
void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Both sides must skip, or the case fails. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Record bytes; long runs by length and checksum. */
void rec_bytes(const char *label, const void *buf, size_t len);

const char *errname(int e);

long did(const char *what, long r);
int did_fd(const char *what, long r);
long did_well(const char *what, long r);
long did_fail(const char *what, long r, int want);
void expected(const char *what, bool held);
bool prepared(const char *what, long r);

/* Record what a call returned, and its errno when that was -1. */
#define DO(expr) did(#expr, (long)(expr))
/* The same for calls that return a descriptor, whose number is no matter. */
#define FD(expr) did_fd(#expr, (long)(expr))
/* A call that must succeed, or must fail with that errno, on any POSIX. */
#define OK(expr)       did_well(#expr, (long)(expr))
#define FAILS(e, expr) did_fail(#expr, (long)(expr), (e))
#define EXPECT(cond)   expected(#cond, (cond))
/*
 * A call with a bad address.  Sanitizers look at what is passed to libc, and
 * would die of it.
 */
#if SANITIZED
#define FAULTS(expr) ((void)0)
#else
#define FAULTS(expr) FAILS(EFAULT, expr)
#endif
/* Preparation: recorded only when it fails. */
#define PREP(expr) prepared(#expr, (long)(expr))

/* look.c: what files look like */

/* Type, mode, links, owner and size of what the name itself is. */
void look(const char *path);
void look_fd(const char *label, int fd);
/* The bytes of a file. */
void see(const char *path);
void see_link(const char *path);
/* Sorted names and types of a directory without "." and "..". */
void list(const char *path);

struct stamps {
	struct timespec a, m, c;
	bool there;
};

struct stamps stamps_of(const char *path);
/* Record which of the three times changed since. */
void stamps_changed(const char *path, const struct stamps *since);
void tick(void);

/* help.c: preparation, identities, processes */

/* A new file of mode 0644 with that text. */
void put(const char *path, const char *text);
/* A file with a mode and an owner, free of umask. */
void put_as(const char *path, mode_t mode, uid_t uid, gid_t gid);
void put_size(const char *path, size_t size);
void dir_as(const char *path, mode_t mode, uid_t uid, gid_t gid);
/* One of the kinds below at path, for matrices over types. */
enum kind {
	KIND_NONE,
	KIND_FILE,
	KIND_DIR,
	KIND_FULL_DIR,
	KIND_LINK_TO_FILE,
	KIND_LINK_TO_DIR,
	KIND_DANGLING,
	KIND_FIFO,
	KIND_SOCKET,
	KIND_CHAR,
	KIND_BLOCK,
	N_KINDS,
};
const char *kind_name(unsigned int kind);
void put_kind(const char *path, unsigned int kind);

/* Take an identity, with no or one supplementary group; back() to root. */
void become(uid_t uid, gid_t gid);
void become_in(uid_t uid, gid_t gid, gid_t group);
void back(void);

pid_t start(void); /* fork() that does not fail */
/* Wait for a child and record how it ended. */
void ended(const char *label, pid_t pid);

/* A two-way signal between a case and its child. */
struct gate {
	int to[2];
	int from[2];
};

void gate_open(struct gate *g);
void gate_go(struct gate *g);	  /* parent: let the child go on */
void gate_await(struct gate *g);  /* parent: until the child says so */
void gate_enter(struct gate *g);  /* child: until let go on */
void gate_signal(struct gate *g); /* child: say so */
/* Until that child sleeps in the call it was about to make. */
void await_blocked(pid_t pid);
void nap(unsigned int ms);

/* An address that is never mapped, hidden from the compiler. */
void *nowhere(void);

#endif
