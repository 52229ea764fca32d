/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - which names a directory takes, and how long */

#include "tests/posix/posix.h"

static void fill(char *name, size_t len)
{
	memset(name, 'n', len);
	name[len] = '\0';
}

CASE(names, of_255_bytes_are_the_longest)
{
	char name[300], other[300];

	fill(name, 255);
	OK(open(name, O_CREAT | O_RDWR, 0600));
	OK(access(name, F_OK));
	memset(other, 'o', 255);
	other[255] = '\0';
	OK(rename(name, other));
	OK(link(other, name));
	OK(unlink(other));
	FAILS(EEXIST, mkdir(name, 0700));
	OK(symlink(name, other));
	OK(open(other, O_RDONLY));
	list(".");
	OK(unlink(name));
	OK(mkdir(name, 0700));
	OK(rmdir(name));
	OK(mkfifo(name, 0700));
}

CASE(names, of_256_bytes_are_too_long_everywhere)
{
	char name[300];

	put("f", "");
	fill(name, 256);
	FAILS(ENAMETOOLONG, open(name, O_RDONLY));
	FAILS(ENAMETOOLONG, open(name, O_CREAT | O_RDWR, 0600));
	FAILS(ENAMETOOLONG, mkdir(name, 0700));
	FAILS(ENAMETOOLONG, rmdir(name));
	FAILS(ENAMETOOLONG, unlink(name));
	FAILS(ENAMETOOLONG, mkfifo(name, 0700));
	FAILS(ENAMETOOLONG, symlink("x", name));
	FAILS(ENAMETOOLONG, readlink(name, (char[1]){ 0 }, 1));
	FAILS(ENAMETOOLONG, link("f", name));
	FAILS(ENAMETOOLONG, link(name, "x"));
	FAILS(ENAMETOOLONG, rename("f", name));
	FAILS(ENAMETOOLONG, rename(name, "x"));
	FAILS(ENAMETOOLONG, access(name, F_OK));
	FAILS(ENAMETOOLONG, chmod(name, 0600));
	FAILS(ENAMETOOLONG, lchown(name, 1, 1));
	FAILS(ENAMETOOLONG, truncate(name, 0));
	FAILS(ENAMETOOLONG, utimensat(AT_FDCWD, name, NULL, 0));
	FAILS(ENAMETOOLONG, chdir(name));
	look(name);
}

CASE(names, every_length)
{
	char name[300];

	PREP(mkdir("d", 0755));
	PREP(chdir("d"));
	for (size_t len = 1; len <= 255; len++) {
		fill(name, len);
		PREP(mknod(name, S_IFREG | 0600, 0));
	}
	list(".");
	for (size_t len = 1; len <= 255; len++) {
		fill(name, len);
		PREP(unlink(name));
	}
	list(".");
}

CASE(names, every_byte)
{
	char name[2] = "", pair[4] = "x?y";

	PREP(mkdir("d", 0755));
	PREP(chdir("d"));
	for (int c = 1; c < 256; c++) {
		name[0] = pair[1] = (char)c;
		if (c == '/')
			continue;
		if (c != '.')
			PREP(mknod(name, S_IFREG | 0600, 0));
		PREP(mkdir(pair, 0700));
	}
	list(".");
	for (int c = 1; c < 256; c++) {
		name[0] = pair[1] = (char)c;
		if (c == '/')
			continue;
		if (c != '.')
			PREP(access(name, F_OK));
		PREP(rmdir(pair));
	}
}

CASE(names, are_not_folded_or_normalized)
{
	static const char *const all[] = {
		"a",
		"A",
		"\xc3\xa9",
		"e\xcc\x81",
		"\xe2\x82\xac",
		"...",
		" ",
		"a ",
		".hidden",
		"-rf",
		"\\",
		"*",
		"new\nline",
		"\xff\xfe",
		"con",
		"a:b",
		"\xf0\x9f\x98\x80",
		"a%2Fb",
	};

	for (size_t i = 0; i < N_OF(all); i++)
		OK(open(all[i], O_CREAT | O_EXCL | O_RDWR, 0600));
	list(".");
}

CASE(names, paths_up_to_4095_bytes)
{
	char path[5000], name[256];
	size_t n = 0;

	fill(name, 200);
	while (n + 201 < 4090) {
		n += (size_t)sprintf(path + n, "%s", name);
		OK(mkdir(path, 0755));
		path[n++] = '/';
	}
	while (n < 4095)
		path[n++] = 'x';
	path[4095] = '\0';
	OK(open(path, O_CREAT | O_RDWR, 0600));
	OK(unlink(path));
	OK(mkdir(path, 0700));
	path[4095] = 'x';
	path[4096] = '\0';
	FAILS(ENAMETOOLONG, open(path, O_CREAT | O_RDWR, 0600));
	FAILS(ENAMETOOLONG, access(path, F_OK));
	FAILS(ENAMETOOLONG, mkdir(path, 0755));
	FAILS(ENAMETOOLONG, rename("x", path));
	FAILS(ENAMETOOLONG, symlink(path, "l"));
}

CASE(names, many_slashes_and_dots)
{
	PREP(mkdir("d", 0755));
	put("d/f", "x");
	see("d//f");
	see("./d/./f");
	see("d/../d/f");
	see(".//./d///.//f");
	OK(mkdir("d/e///", 0755));
	FAILS(ENOTDIR, open("d/f/", O_RDONLY));
	FAILS(ENOTDIR, open("d/f/.", O_RDONLY));
	FAILS(EISDIR, open("d/new/", O_CREAT | O_RDWR, 0600));
	OK(rename("d/e//", "d/g//"));
	list("d");
}

CASE(names, limits)
{
	DO(pathconf(".", _PC_NAME_MAX));
	DO(pathconf(".", _PC_PATH_MAX));
	DO(pathconf(".", _PC_CHOWN_RESTRICTED));
	DO(pathconf(".", _PC_NO_TRUNC));
	DO(pathconf(".", _PC_2_SYMLINKS));
}
