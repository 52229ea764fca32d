/* SPDX-License-Identifier: Apache-2.0 */
/* xattr.c - extended attributes of every namespace and type */

#include "tests/posix/posix.h"

#include <sys/xattr.h>

static const char *const names[] = {
	"user.a",
	"trusted.a",
	"security.a",
	"system.a",
	"nothing.a",
	"user.",
	"user",
	"",
	"trusted.",
	"security.",
	"system.posix_acl_access",
	"os2.a",
	"user.a.b.c",
	"USER.a",
	"user.\xc3\xa9",
	"user.sp ace",
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of names is the filesystem's own business. */
static void rec_names(const char *path)
{
	char buf[8192], *all[256];
	ssize_t n = llistxattr(path, buf, sizeof(buf));
	size_t k = 0;

	if (n < 0) {
		rec("listxattr %s = %s", path, errname(errno));
		return;
	}
	for (char *p = buf; p < buf + n && k < N_OF(all); p += strlen(p) + 1)
		all[k++] = p;
	qsort(all, k, sizeof(all[0]), by_text);
	rec("%s has %zu names in %zd bytes", path, k, n);
	for (size_t i = 0; i < k; i++)
		rec("  %s", all[i]);
}

static void rec_value(const char *path, const char *name)
{
	char buf[65536];
	ssize_t n = lgetxattr(path, name, buf, sizeof(buf));

	if (n < 0)
		rec("%s of %s = %s", name, path, errname(errno));
	else
		rec_bytes(name, buf, (size_t)n);
}

static void try_name(const char *path, const char *name)
{
	rec("'%s'", name);
	DO(lsetxattr(path, name, "v1", 2, 0));
	rec_value(path, name);
	DO(lsetxattr(path, name, "v2", 2, XATTR_CREATE));
	DO(lsetxattr(path, name, "value 3", 7, XATTR_REPLACE));
	rec_value(path, name);
	rec_names(path);
	DO(lremovexattr(path, name));
	DO(lremovexattr(path, name));
	DO(lsetxattr(path, name, "v2", 2, XATTR_REPLACE));
}

/* nth = kind * 3 + actor */
CASES(xattr, names_on_types, N_KINDS * 3)
{
	unsigned int kind = nth / 3;

	about("attributes of a %s by %s", kind_name(kind),
	      nth % 3 == 0   ? "root"
	      : nth % 3 == 1 ? "the owner"
			     : "another");
	put_kind("x", kind);
	if (kind != KIND_NONE)
		PREP(lchown("x", ALICE, STAFF));
	if (nth % 3)
		become(nth % 3 == 1 ? ALICE : BOB, STAFF);
	for (size_t i = 0; i < N_OF(names); i++)
		try_name("x", names[i]);
}

CASE(xattr, sizes)
{
	static const size_t sizes[] = { 0,    1,    100,  1000,	 3000,	4000,
					4096, 5000, 8192, 30000, 65535, 65536 };
	char *value = calloc(1, 70000);

	put("f", "");
	for (size_t i = 0; i < N_OF(sizes); i++) {
		memset(value, 'a' + (int)i, sizes[i]);
		rec("%zu bytes", sizes[i]);
		DO(setxattr("f", "user.v", value, sizes[i], 0));
		rec_value("f", "user.v");
		look("f");
	}
	FAILS(E2BIG, setxattr("f", "user.v", value, 65537, 0));
	free(value);
}

CASE(xattr, buffers_too_small)
{
	char buf[64];

	put("f", "");
	PREP(setxattr("f", "user.name", "0123456789", 10, 0));
	OK(getxattr("f", "user.name", NULL, 0));
	FAILS(ERANGE, getxattr("f", "user.name", buf, 9));
	OK(getxattr("f", "user.name", buf, 10));
	OK(listxattr("f", NULL, 0));
	FAILS(ERANGE, listxattr("f", buf, 3));
	OK(listxattr("f", buf, 10));
	FAILS(ENODATA, getxattr("f", "user.none", buf, 1));
	FAILS(ENODATA, getxattr("f", "user.none", NULL, 0));
	OK(setxattr("f", "user.empty", "", 0, 0));
	OK(getxattr("f", "user.empty", buf, 0));
	OK(getxattr("f", "user.empty", buf, 10));
}

CASE(xattr, long_names)
{
	char name[300] = "user.";

	put("f", "");
	memset(name + 5, 'n', 250);
	name[255] = '\0';
	DO(setxattr("f", name, "v", 1, 0));
	rec_names("f");
	name[254] = '\0';
	DO(getxattr("f", name, NULL, 0));
	memset(name + 5, 'n', 251);
	name[256] = '\0';
	FAILS(ERANGE, setxattr("f", name, "v", 1, 0));
	FAILS(ERANGE, getxattr("f", name, NULL, 0));
	FAILS(ERANGE, removexattr("f", name));
}

CASE(xattr, many)
{
	char name[32];

	put("f", "");
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "user.attribute%02d", i);
		DO(setxattr("f", name, name, strlen(name), 0));
	}
	rec_names("f");
	for (int i = 0; i < 60; i += 2) {
		snprintf(name, sizeof(name), "user.attribute%02d", i);
		DO(removexattr("f", name));
	}
	rec_names("f");
	rec_value("f", "user.attribute33");
}

CASE(xattr, binary_values)
{
	char value[256];

	put("f", "");
	for (int i = 0; i < 256; i++)
		value[i] = (char)i;
	OK(setxattr("f", "user.bin", value, 256, 0));
	rec_value("f", "user.bin");
	OK(setxattr("f", "user.zero", "\0\0", 2, 0));
	rec_value("f", "user.zero");
}

CASE(xattr, follow_the_inode)
{
	int fd;

	put("f", "");
	fd = FD(open("f", O_RDWR));
	OK(fsetxattr(fd, "user.a", "one", 3, 0));
	PREP(link("f", "g"));
	rec_value("g", "user.a");
	PREP(rename("f", "h"));
	rec_value("h", "user.a");
	OK(setxattr("g", "user.a", "two", 3, 0));
	rec_value("h", "user.a");
	PREP(unlink("g"));
	PREP(unlink("h"));
	OK(fsetxattr(fd, "user.a", "three", 5, 0));
	OK(fgetxattr(fd, "user.a", NULL, 0));
	OK(fremovexattr(fd, "user.a"));
	FAILS(ENODATA, fgetxattr(fd, "user.a", NULL, 0));
	put("f", "");
	rec_names("f");
}

CASE(xattr, permissions_follow_the_mode)
{
	static const mode_t modes[] = { 0666, 0444, 0222, 0 };

	for (size_t i = 0; i < N_OF(modes); i++) {
		put_as("f", modes[i], ALICE, STAFF);
		PREP(setxattr("f", "user.old", "v", 1, 0));
		PREP(setxattr("f", "trusted.old", "v", 1, 0));
		PREP(setxattr("f", "security.old", "v", 1, 0));
		rec("mode %03o", modes[i]);
		become(BOB, GUESTS);
		DO(setxattr("f", "user.new", "v", 1, 0));
		rec_value("f", "user.old");
		rec_value("f", "trusted.old");
		rec_value("f", "security.old");
		rec_names("f");
		DO(removexattr("f", "user.old"));
		DO(removexattr("f", "security.old"));
		back();
		PREP(unlink("f"));
	}
}

CASE(xattr, sticky_directories)
{
	dir_as("d", 01777, ALICE, STAFF);
	become(BOB, GUESTS);
	DO(setxattr("d", "user.a", "v", 1, 0));
	become(ALICE, STAFF);
	DO(setxattr("d", "user.a", "v", 1, 0));
	rec_names("d");
}

CASE(xattr, errors)
{
	int path;

	put("f", "");
	path = FD(open("f", O_PATH));
	FAILS(EBADF, fsetxattr(path, "user.a", "v", 1, 0));
	FAILS(EBADF, fgetxattr(path, "user.a", NULL, 0));
	FAILS(EBADF, flistxattr(-1, NULL, 0));
	FAILS(ENOENT, setxattr("no", "user.a", "v", 1, 0));
	FAILS(ENOTDIR, setxattr("f/x", "user.a", "v", 1, 0));
	FAILS(EINVAL, setxattr("f", "user.a", "v", 1, 4));
	DO(setxattr("f", "user.a", "v", 1, XATTR_CREATE | XATTR_REPLACE));
	FAULTS(setxattr("f", nowhere(), "v", 1, 0));
	FAULTS(setxattr("f", "user.a", nowhere(), 1, 0));
	FAILS(ENODATA, removexattr("f", "user.none"));
}

CASE(xattr, on_read_only_descriptors)
{
	int fd;

	put_as("f", 0600, ALICE, STAFF);
	become(ALICE, STAFF);
	fd = FD(open("f", O_RDONLY));
	OK(fsetxattr(fd, "user.a", "v", 1, 0));
	back();
	PREP(chmod("f", 0400));
	become(ALICE, STAFF);
	DO(fsetxattr(fd, "user.b", "v", 1, 0));
	rec_names("f");
}
