/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - running programs, and their protection while they run */

#include "tests/posix/posix.h"

#include <signal.h>

static void copy_program(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t n;

	PREP(in);
	PREP(out);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		PREP(write(out, buf, (size_t)n));
	close(in);
	close(out);
}

static void run(const char *label, const char *path, const char *arg)
{
	pid_t pid = start();

	if (!pid) {
		char *argv[] = { (char *)(uintptr_t)path,
				 (char *)(uintptr_t)arg, NULL };
		char *env[] = { NULL };

		execve(path, argv, env);
		rec("%s: execve = %s", label, errname(errno));
		_exit(99);
	}
	ended(label, pid);
}

CASE(exec, of_a_program)
{
	copy_program("/bin/true", "yes");
	copy_program("/bin/false", "no");
	run("true", "./yes", NULL);
	run("false", "./no", NULL);
	OK(rename("yes", "moved"));
	run("moved", "./moved", NULL);
	PREP(chmod("no", 0644));
	run("not executable", "./no", NULL);
	run("missing", "./absent", NULL);
	run("directory", ".", NULL);
}

CASE(exec, of_a_script)
{
	put("script", "#!/bin/sh\nexit 7\n");
	PREP(chmod("script", 0755));
	run("script", "./script", NULL);
	put("bad", "#!/no/such/interpreter\n");
	PREP(chmod("bad", 0755));
	run("bad interpreter", "./bad", NULL);
	put("junk", "\x01\x02junk");
	PREP(chmod("junk", 0755));
	run("junk", "./junk", NULL);
	put("empty", "");
	PREP(chmod("empty", 0755));
	run("empty", "./empty", NULL);
}

CASE(exec, permission_by_user)
{
	static const mode_t modes[] = { 0755, 0700, 0711, 0750, 0644, 0001 };

	copy_program("/bin/true", "p");
	PREP(chown("p", ALICE, STAFF));
	for (size_t i = 0; i < N_OF(modes); i++) {
		PREP(chmod("p", modes[i]));
		rec("mode %03o", modes[i]);
		run("root", "./p", NULL);
		become(ALICE, GUESTS);
		run("owner", "./p", NULL);
		become(BOB, STAFF);
		run("group", "./p", NULL);
		become(BOB, GUESTS);
		run("other", "./p", NULL);
		back();
	}
}

CASE(exec, of_a_file_open_for_writing_is_etxtbsy)
{
	int fd;

	copy_program("/bin/true", "p");
	fd = FD(open("p", O_WRONLY | O_CLOEXEC));
	run("busy", "./p", NULL);
	OK(close(fd));
	run("free", "./p", NULL);
	fd = FD(open("p", O_RDONLY | O_CLOEXEC));
	run("read", "./p", NULL);
}

CASE(exec, a_running_program_is_not_written)
{
	pid_t pid;

	copy_program("/bin/sleep", "p");
	pid = start();
	if (!pid) {
		char *argv[] = { (char *)(uintptr_t) "p",
				 (char *)(uintptr_t) "15", NULL };

		execv("./p", argv);
		_exit(99);
	}
	/* Until it runs, opening for writing may succeed. */
	for (int i = 0; i < 400; i++) {
		char exe[64], target[256] = "";

		snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
		if (readlink(exe, target, sizeof(target) - 1) > 2 &&
		    !strcmp(target + strlen(target) - 2, "/p"))
			break;
		nap(5);
	}
	FAILS(ETXTBSY, open("p", O_WRONLY));
	FAILS(ETXTBSY, open("p", O_RDWR | O_TRUNC));
	FAILS(ETXTBSY, truncate("p", 0));
	OK(open("p", O_RDONLY));
	OK(chmod("p", 0700));
	OK(unlink("p"));
	put("p", "new");
	see("p");
	PREP(kill(pid, SIGKILL));
	ended("program", pid);
}

CASE(exec, of_an_unlinked_program_by_descriptor)
{
	char *argv[] = { (char *)(uintptr_t) "p", NULL }, *env[] = { NULL };
	pid_t pid;
	int fd;

	copy_program("/bin/true", "p");
	fd = FD(open("p", O_RDONLY | O_CLOEXEC));
	PREP(unlink("p"));
	pid = start();
	if (!pid) {
		fexecve(fd, argv, env);
		_exit(98);
	}
	ended("unlinked", pid);
}

CASE(exec, shell_works_in_the_directory)
{
	put("go",
	    "#!/bin/sh\n"
	    "mkdir -p a/b && echo one >a/b/f && echo two >>a/b/f || exit 1\n"
	    "cp -a a c && mv c/b c/d && ln c/d/f g && ln -s g h || exit 2\n"
	    "test \"$(cat h)\" = \"$(printf 'one\\ntwo')\" || exit 3\n"
	    "chmod 600 g && tar cf t.tar a c g h && mkdir x || exit 4\n"
	    "tar xf t.tar -C x && cmp x/c/d/f g || exit 5\n"
	    "test x/c/d/f -ef x/g || exit 6\n"
	    "rm -r a c x || exit 7\n");
	PREP(chmod("go", 0755));
	run("script", "./go", NULL);
	PREP(unlink("t.tar"));
	list(".");
	see("h");
}
