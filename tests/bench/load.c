/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - clients that do one operation again and again, timed
 *
 *   bench-load [-c CLIENTS] [-n NAMES] [-t MS] [-b BACKING] [-x HOOK] DIRECTORY
 * ROW bench-load -l              the rows bench-load -T FILES DIRECTORY    make
 * a tree of source files
 *
 * Prints ROW, CLIENTS, operations per second of all of them, operations done:
 * separated by tabs.  Clients are processes, each in a directory of its own
 * below DIRECTORY; making and removing their files is not timed.  BACKING
 * is where the bytes are in truth: it is synced before caches are dropped.
 * HOOK is a command that is run with "begin" and "end" around what is timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "tests/bench/rows.h"

#define CLIENTS_MAX 256

/* What parent and clients share. */
struct shared {
	pthread_barrier_t prepared;
	pthread_barrier_t begin;
	pthread_barrier_t end;
	pthread_barrier_t clear;
	struct result {
		uint64_t begin_ns;
		uint64_t end_ns;
		uint64_t done;
	} results[CLIENTS_MAX];
};

struct options {
	unsigned clients;
	unsigned names; /* of all clients together */
	unsigned ms;
	const char *hook;
	const char *backing;
	const char *dir;
	const struct row *row;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static unsigned limit_of(const struct row *row, const struct client *c)
{
	switch (row->limit) {
	case ROW_ONCE:
		return 1;
	case ROW_ONCE_A_NAME:
		return c->names;
	default:
		return UINT32_MAX;
	}
}

static void run(const struct options *o, struct client *c, struct result *ret)
{
	unsigned limit = limit_of(o->row, c);
	uint64_t stop = now() + o->ms * 1000000ULL;
	unsigned looked = 0; /* at the clock, after so many */
	uint64_t done = 0;

	ret->begin_ns = now();
	for (unsigned i = 0; i < limit; i++) {
		done += o->row->op(c, i);
		/* A look costs as much as a tenth of a cached stat(2). */
		if (done - looked < 16)
			continue;
		looked = (unsigned)done;
		if (now() >= stop)
			break;
	}
	ret->end_ns = now();
	ret->done = done;
}

static void client_main(const struct options *o, struct shared *s, unsigned id)
{
	struct client c = { .id = id,
			    .names = o->names / o->clients,
			    .fd = -1 };
	char name[32];
	cleanup_fd int dir = -1;

	snprintf(name, sizeof(name), "client%u", id);
	if (mkdir(name, 0755) < 0 || chdir(name) < 0)
		die("make directory", name);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		die("open", name);
	o->row->prepare(&c);
	pthread_barrier_wait(&s->prepared);
	pthread_barrier_wait(&s->begin);
	run(o, &c, &s->results[id]);
	pthread_barrier_wait(&s->end);
	pthread_barrier_wait(&s->clear);
	if (c.fd >= 0)
		close(c.fd);
	clear_directory(dir);
	if (chdir("..") < 0 || rmdir(name) < 0)
		die("remove directory", name);
}

/* Dentries and inodes that nobody holds go, of every filesystem. */
static void drop_caches(const char *backing)
{
	cleanup_fd int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	cleanup_fd int dir = open(backing, O_RDONLY | O_DIRECTORY);

	/* What is dirty cannot be dropped. */
	if (dir < 0 || syncfs(dir) < 0)
		die("sync", backing);
	if (fd < 0 || write(fd, "2", 1) != 1)
		die("write", "/proc/sys/vm/drop_caches");
}

static void call_hook(const struct options *o, const char *when)
{
	char line[4096];

	if (!o->hook)
		return;
	snprintf(line, sizeof(line), "%s %s", o->hook, when);
	if (system(line) != 0)
		die("run", line);
}

static struct shared *share(unsigned clients)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t a;

	if (s == MAP_FAILED)
		die("share", "memory");
	pthread_barrierattr_init(&a);
	pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->prepared, &a, clients + 1);
	pthread_barrier_init(&s->begin, &a, clients + 1);
	pthread_barrier_init(&s->end, &a, clients + 1);
	pthread_barrier_init(&s->clear, &a, clients + 1);
	return s;
}

static void print_result(const struct options *o, const struct shared *s)
{
	uint64_t begin = UINT64_MAX;
	uint64_t end = 0;
	uint64_t done = 0;

	for (unsigned i = 0; i < o->clients; i++) {
		const struct result *r = &s->results[i];

		begin = r->begin_ns < begin ? r->begin_ns : begin;
		end = r->end_ns > end ? r->end_ns : end;
		done += r->done;
	}
	printf("%s\t%u\t%.1f\t%ju\n", o->row->name, o->clients,
	       (double)done * 1e9 / (double)(end - begin), (uintmax_t)done);
}

/* One that dies leaves the others at a barrier: end them all. */
static void client_died(int sig)
{
	int status;

	(void)sig;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		if (status != 0) {
			kill(0, SIGKILL);
			_exit(1);
		}
	}
}

static int measure(const struct options *o)
{
	struct shared *s = share(o->clients);

	setpgid(0, 0);
	signal(SIGCHLD, client_died);
	if (chdir(o->dir) < 0)
		die("enter", o->dir);
	for (unsigned i = 0; i < o->clients; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("start", "a client");
		if (pid == 0) {
			client_main(o, s, i);
			_exit(0);
		}
	}
	pthread_barrier_wait(&s->prepared);
	if (o->row->cold)
		drop_caches(o->backing ? o->backing : ".");
	signal(SIGCHLD, o->hook ? SIG_DFL : client_died);
	call_hook(o, "begin");
	pthread_barrier_wait(&s->begin);
	pthread_barrier_wait(&s->end);
	call_hook(o, "end");
	pthread_barrier_wait(&s->clear);
	signal(SIGCHLD, SIG_DFL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	print_result(o, s);
	return 0;
}

static const struct row *row_named(const char *name)
{
	for (const struct row *r = rows; r->name; r++) {
		if (strcmp(r->name, name) == 0)
			return r;
	}
	fprintf(stderr, "bench-load: no row '%s'; -l lists them\n", name);
	return NULL;
}

static int list_rows(void)
{
	for (const struct row *r = rows; r->name; r++)
		puts(r->name);
	return 0;
}

static int usage(void)
{
	fputs("usage: bench-load [-c CLIENTS] [-n NAMES] [-t MS]\n"
	      "                  [-b BACKING] [-x HOOK] DIRECTORY ROW\n"
	      "       bench-load -l\n"
	      "       bench-load -T FILES DIRECTORY\n",
	      stderr);
	return 2;
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n == 0 || n > 10000000) {
		fprintf(stderr,
			"bench-load: '%s' is no number from 1 to 10000000\n",
			text);
		exit(2);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	struct options o = { .clients = 1, .names = 2000, .ms = 200 };
	unsigned tree = 0;
	int opt;

	while ((opt = getopt(argc, argv, "b:c:n:t:x:T:l")) != -1) {
		switch (opt) {
		case 'b':
			o.backing = optarg;
			break;
		case 'c':
			o.clients = number(optarg);
			break;
		case 'n':
			o.names = number(optarg);
			break;
		case 't':
			o.ms = number(optarg);
			break;
		case 'x':
			o.hook = optarg;
			break;
		case 'T':
			tree = number(optarg);
			break;
		case 'l':
			return list_rows();
		default:
			return usage();
		}
	}
	if (tree && argc - optind == 1) {
		make_tree(argv[optind], tree);
		return 0;
	}
	if (argc - optind != 2 || o.clients > CLIENTS_MAX)
		return usage();
	o.dir = argv[optind];
	o.row = row_named(argv[optind + 1]);
	return o.row ? measure(&o) : 2;
}
