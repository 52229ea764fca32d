/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - fsmodel: chance operations by many processes, compared with a model
 *
 *   fsmodel [-p PROCESSES] [-s SEED] [-t SECONDS | -n STEPS] [-r] [-v PROCESS]
 *           DIRECTORY
 *
 * Stops at the first difference, with the seed and what was done before.  The
 * same seed and number of processes do the same again.  -r: the daemon may be
 * killed and started again meanwhile.  -v: print what this process does.
 */
#include "tests/model/model.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_EVERY = 400,
	COUNTERS = 3
};

static const struct op {
	const char *name;
	void (*run)(void);
	unsigned weight;
} ops[] = {
	{ "create", op_create, 10 },
	{ "mkdir", op_mkdir, 6 },
	{ "symlink", op_symlink, 3 },
	{ "link", op_link, 5 },
	{ "unlink", op_unlink, 5 },
	{ "rmdir", op_rmdir, 3 },
	{ "rename", op_rename, 12 },
	{ "exchange", op_exchange, 3 },
	{ "wide", op_wide, 6 },
	{ "open", op_open, 8 },
	{ "tmpfile", op_tmpfile, 1 },
	{ "link-handle", op_link_handle, 1 },
	{ "close", op_close, 5 },
	{ "write", op_write, 14 },
	{ "append", op_append, 5 },
	{ "read", op_read, 10 },
	{ "truncate", op_truncate, 4 },
	{ "allocate", op_allocate, 5 },
	{ "map", op_map, 3 },
	{ "map-write", op_map_write, 6 },
	{ "map-read", op_map_read, 6 },
	{ "copy", op_copy, 6 },
	{ "seek", op_seek, 3 },
	{ "chmod", op_chmod, 4 },
	{ "chown", op_chown, 4 },
	{ "utimens", op_times, 4 },
	{ "setxattr", op_setxattr, 4 },
	{ "listxattr", op_getxattr, 2 },
	{ "look", op_look, 10 },
	{ "peek", op_peek, 6 },
	{ "scan-start", op_scan_start, 2 },
	{ "scan", op_scan, 10 },
	{ "count", op_count, 3 },
	{ "fsync", op_fsync, 1 },
};

enum {
	N_OPS = sizeof(ops) / sizeof(ops[0])
};

/* What each process tells the others. */
struct shared {
	uint64_t counted[COUNTERS];
	uint64_t steps;
	uint64_t recovered;
	uint64_t slowest; /* ns */
	const char *slowest_op;
};

struct settings {
	unsigned n_actors;
	uint64_t seed, n_steps;
	unsigned seconds;
	bool survive;
	unsigned told; /* PROCESSES_MAX: none */
	const char *top;
	struct shared *shared; /* one for each process */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void on_bus(int sig)
{
	static const char text[] = "SIGBUS at a byte that exists\n";

	(void)sig;
	if (me.survive)
		siglongjmp(me.gone, 1);
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static const struct op *some_op(void)
{
	unsigned sum = 0, k;

	for (unsigned i = 0; i < N_OPS; i++)
		sum += ops[i].weight;
	k = rnd(sum);
	for (unsigned i = 0;; i++) {
		if (k < ops[i].weight)
			return &ops[i];
		k -= ops[i].weight;
	}
}

static void base_make(unsigned i, bool shared, unsigned n_names)
{
	static const char *const names[BASES] = { "wide", "own", "shared",
						  "common" };
	char *path = me.base_paths[i];
	struct node *n;
	struct stat st;

	if (shared)
		snprintf(path, PATH_BYTES, "%s/%s", me.top, names[i]);
	else
		snprintf(path, PATH_BYTES, "%s/%u-%s", me.top, me.number,
			 names[i]);
	if (mkdir(path, 0777) < 0 && !(shared && errno == EEXIST))
		differ("cannot make '%s': %m", path);
	n = base_new(path, shared, n_names);
	/* The directory above may hand on its group. */
	expect(lstat(path, &st), 0);
	n->gid = st.st_gid;
	n->mode = st.st_mode & 07777;
}

static void actor_init(const struct settings *s, unsigned number)
{
	struct sigaction bus = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(0);
	me.number = number;
	me.n_actors = s->n_actors;
	me.seed = s->seed;
	me.random =
		0x9e3779b97f4a7c15ULL * (s->seed * PROCESSES_MAX + number + 1);
	me.survive = s->survive;
	me.top = s->top;
	me.told = s->told == number;
	me.counted = s->shared[number].counted;
	for (int i = 0; i < 8; i++)
		rnd(2);
	doing("begin");
	base_make(0, false, WIDE_NAMES);
	base_make(1, false, NAMES);
	base_make(2, true, NAMES);
	base_make(3, true, NAMES);
	sigaction(SIGBUS, &bus, NULL);
}

static void step(struct shared *mine)
{
	const struct op *op;
	uint64_t start, took;

	me.step++;
	if (me.step % LOOK_EVERY == 0) {
		look_everywhere();
		return;
	}
	op = some_op();
	start = now_ns();
	op->run();
	took = now_ns() - start;
	if (took > mine->slowest) {
		mine->slowest = took;
		mine->slowest_op = op->name;
	}
	mine->steps = me.step;
}

_Noreturn static void actor_run(const struct settings *s, unsigned number)
{
	uint64_t end = now_ns() + (uint64_t)s->seconds * 1000000000ULL;
	struct shared *mine = &s->shared[number];

	actor_init(s, number);
	if (sigsetjmp(me.gone, 1)) {
		mine->recovered++;
		survive();
	}
	while (s->n_steps ? me.step < s->n_steps : now_ns() < end)
		step(mine);
	look_everywhere();
	_exit(0);
}

static int check_counters(const struct settings *s)
{
	char path[PATH_BYTES];
	uint64_t value, sum;
	int fd, bad = 0;

	for (int how = 0; how < COUNTERS; how++) {
		snprintf(path, sizeof(path), "%s/counter%d", s->top, how);
		value = sum = 0;
		for (unsigned i = 0; i < s->n_actors; i++)
			sum += s->shared[i].counted[how];
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || pread(fd, &value, sizeof(value), 0) < 0)
			bad = 1;
		close(fd);
		if (value == sum)
			continue;
		fprintf(stderr, "'%s' is %ju, but was counted up %ju times\n",
			path, (uintmax_t)value, (uintmax_t)sum);
		bad = 1;
	}
	return bad;
}

static void summary(const struct settings *s, uint64_t took)
{
	const struct shared *worst = s->shared;
	uint64_t steps = 0, recovered = 0;

	for (unsigned i = 0; i < s->n_actors; i++) {
		steps += s->shared[i].steps;
		recovered += s->shared[i].recovered;
		if (s->shared[i].slowest > worst->slowest)
			worst = &s->shared[i];
	}
	printf("%u processes, seed %ju: %ju steps, %ju a second, "
	       "slowest %s %ju ms",
	       s->n_actors, (uintmax_t)s->seed, (uintmax_t)steps,
	       (uintmax_t)(steps * 1000000000ULL / (took + 1)),
	       worst->slowest_op ?: "none",
	       (uintmax_t)(worst->slowest / 1000000));
	if (s->survive)
		printf(", %ju recoveries", (uintmax_t)recovered);
	putchar('\n');
}

static int run(const struct settings *s)
{
	uint64_t start = now_ns();
	pid_t pids[PROCESSES_MAX];
	int status, bad = 0;

	for (unsigned i = 0; i < s->n_actors; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			actor_run(s, i);
		if (pids[i] < 0) {
			perror("fork");
			exit(2);
		}
	}
	for (unsigned left = s->n_actors; left; left--) {
		pid_t pid = wait(&status);

		for (unsigned i = 0; i < s->n_actors; i++)
			if (pids[i] == pid)
				pids[i] = 0;
		if (status && !bad) {
			if (WIFSIGNALED(status))
				fprintf(stderr,
					"a process ended by signal %d\n",
					WTERMSIG(status));
			bad = 1;
			for (unsigned i = 0; i < s->n_actors; i++)
				if (pids[i] > 0)
					kill(pids[i], SIGKILL);
		}
	}
	summary(s, now_ns() - start);
	return bad;
}

static int prepare(struct settings *s)
{
	char path[PATH_BYTES];

	for (int how = 0; how < COUNTERS; how++) {
		int fd;

		snprintf(path, sizeof(path), "%s/counter%d", s->top, how);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
		if (fd < 0) {
			fprintf(stderr,
				"fsmodel: '%s' must be an empty "
				"directory: %m\n",
				s->top);
			return -1;
		}
		close(fd);
	}
	s->shared =
		mmap(NULL, s->n_actors * sizeof(*s->shared),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s->shared == MAP_FAILED ? -1 : 0;
}

static int usage(void)
{
	fputs("usage: fsmodel [-p PROCESSES] [-s SEED] [-t SECONDS | -n STEPS] "
	      "[-r] [-v PROCESS] DIRECTORY\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.n_actors = 4, .seed = 1, .seconds = 10, .told = PROCESSES_MAX
	};
	int c, bad;

	while ((c = getopt(argc, argv, "p:s:t:n:rv:")) != -1) {
		switch (c) {
		case 'p':
			s.n_actors = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			s.seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			s.seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			s.n_steps = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			s.survive = true;
			break;
		case 'v':
			s.told = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	if (optind + 1 != argc || !s.n_actors || s.n_actors > PROCESSES_MAX)
		return usage();
	s.top = argv[optind];
	if (prepare(&s) < 0)
		return 2;
	bad = run(&s);
	return bad || check_counters(&s);
}
