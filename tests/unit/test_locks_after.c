/* SPDX-License-Identifier: Apache-2.0 */
/* test_locks_after.c - locks of a process that was killed, in its successor */
#include "tests/unit/lock_case.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/base/state.h"

static struct state *state;

/* A file that a process of the host and the mount have in common. */
static char host_path[] = "/tmp/test_locks.XXXXXX";

static int open_host_file(struct store *st, const struct store_handle *h,
			  int open_flags)
{
	(void)st;
	(void)h;
	return open(host_path, open_flags | O_CLOEXEC);
}

static void with_state(void)
{
	files_make();
	cr_assert(eq(int, state_new(&state), 0));
}

static void end_state(void)
{
	files_end();
	state_free(state);
}

TestSuite(locks_after, .init = with_state, .fini = end_state, .timeout = 60);

static int find_file(void *arg, uint64_t nodeid, struct inode *ret)
{
	(void)arg;
	if (nodeid == other.nodeid)
		*ret = other;
	else
		*ret = file;
	ret->nodeid = nodeid;
	return 0;
}

static int find_only_file(void *arg, uint64_t nodeid, struct inode *ret)
{
	return nodeid == file.nodeid ? find_file(arg, nodeid, ret) : -ESTALE;
}

static void attach(void)
{
	cr_assert(eq(int, locks_new(state, &locks), 0));
	cr_assert(eq(int, locks_attach(locks, find_file, NULL), 0));
}

/* What a process did that was killed right after. */
static void killed_after(void (*work)(void))
{
	pid_t pid = fork();
	int status;

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		if (locks_new(state, &locks) < 0 ||
		    locks_attach(locks, find_file, NULL) < 0)
			_exit(1);
		work();
		kill(getpid(), SIGKILL);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, WTERMSIG(status), SIGKILL));
}

static void set_two_and_split_one(void)
{
	set(1, F_WRLCK, 0, 99);
	set(1, F_UNLCK, 30, 39);
	set(2, F_RDLCK, 200, END);
}

Test(locks_after, locks_are_as_they_were)
{
	struct lock l;

	killed_after(set_two_and_split_one);
	attach();
	cr_expect(eq(i64, atomic_load(&vol->locks), 3));
	cr_expect(eq(int, set(3, F_WRLCK, 30, 39), 0));
	cr_expect(eq(int, set(3, F_RDLCK, 29, 29), -EAGAIN));
	cr_expect(eq(int, set(3, F_RDLCK, 40, 40), -EAGAIN));
	cr_expect(eq(int, set(3, F_RDLCK, 200, 300), 0));
	l = test(3, F_RDLCK, 0, END);
	cr_expect(eq(int, l.type, F_WRLCK));
	cr_expect(eq(int, l.pid, 1));
	cr_expect(eq(u64, l.start, 0));
	cr_expect(eq(u64, l.end, 29));
	l = test(3, F_WRLCK, 250, 250);
	cr_expect(eq(int, l.type, F_RDLCK));
	cr_expect(eq(int, l.pid, 2));
	cr_expect(eq(u64, l.start, 200));
	cr_expect(eq(u64, l.end, END));
}

Test(locks_after, the_next_one_but_one_knows_them_too)
{
	killed_after(set_two_and_split_one);
	killed_after(set_two_and_split_one);
	attach();
	cr_expect(eq(i64, atomic_load(&vol->locks), 3));
	cr_expect(eq(int, set(3, F_RDLCK, 29, 29), -EAGAIN));
}

Test(locks_after, locks_are_dropped_by_owner_and_by_file)
{
	killed_after(set_two_and_split_one);
	attach();
	locks_drop_owner(locks, &file, LOCK_POSIX, 1);
	cr_expect(eq(int, set(3, F_WRLCK, 0, 199), 0));
	cr_expect(eq(int, set(3, F_WRLCK, 0, END), -EAGAIN));
	locks_drop_file(locks, &file, 20);
	cr_expect(eq(int, set(3, F_WRLCK, 0, END), 0));
	cr_expect(eq(i64, atomic_load(&vol->locks), 1));
}

static void flock_one(void)
{
	struct lock l = lock(1, F_WRLCK, 0, END);

	locks_set(locks, &file, LOCK_FLOCK, &l);
}

Test(locks_after, a_flock_is_still_a_flock)
{
	struct lock l = lock(2, F_RDLCK, 0, END);

	killed_after(flock_one);
	attach();
	cr_expect(eq(int, locks_set(locks, &file, LOCK_FLOCK, &l), -EAGAIN));
	cr_expect(eq(int, set(2, F_WRLCK, 0, END), 0));
	locks_drop_owner(locks, &file, LOCK_FLOCK, 1);
	cr_expect(eq(int, locks_set(locks, &file, LOCK_FLOCK, &l), 0));
}

static void take_and_wait(void)
{
	uint64_t ticket;

	set(1, F_WRLCK, 0, END);
	wait_for(&file, 2, F_WRLCK, &ticket);
}

Test(locks_after, who_waited_asks_again)
{
	uint64_t ticket;

	killed_after(take_and_wait);
	attach();
	cr_expect(eq(int, wait_for(&file, 2, F_WRLCK, &ticket), 1));
	set(1, F_UNLCK, 0, END);
	cr_expect(eq(int, answers[2], 0));
}

static void lock_two_files(void)
{
	struct lock l = lock(1, F_WRLCK, 0, END);

	locks_set(locks, &file, LOCK_POSIX, &l);
	locks_set(locks, &other, LOCK_POSIX, &l);
}

Test(locks_after, locks_of_a_file_that_is_gone_are_dropped)
{
	struct lock l = lock(2, F_WRLCK, 0, END);

	killed_after(lock_two_files);
	cr_assert(eq(int, locks_new(state, &locks), 0));
	cr_assert(eq(int, locks_attach(locks, find_only_file, NULL), 0));
	cr_expect(eq(i64, atomic_load(&vol->locks), 1));
	cr_expect(eq(int, set(2, F_WRLCK, 0, END), -EAGAIN));
	cr_expect(eq(int, locks_set(locks, &other, LOCK_POSIX, &l), 0));
}

Test(locks_after, who_ended_in_order_leaves_nothing)
{
	attach();
	set_two_and_split_one();
	locks_free(locks);
	cr_expect(eq(i64, atomic_load(&vol->locks), 0));
	attach();
	cr_expect(eq(i64, atomic_load(&vol->locks), 0));
	cr_expect(eq(int, set(3, F_WRLCK, 0, END), 0));
}

static void fill_the_file(void)
{
	for (uint64_t at = 0; set(1, F_WRLCK, at, at) == 0; at += 2)
		;
}

Test(locks_after, a_file_has_no_more_locks_than_it_may)
{
	uint64_t n = LOCKS_PER_FILE;

	killed_after(fill_the_file);
	attach();
	cr_expect(eq(i64, atomic_load(&vol->locks), n));
	cr_expect(eq(int, set(1, F_WRLCK, n * 2, n * 2), -ENOLCK));
	/* What was granted is granted when it is asked for once more. */
	cr_expect(eq(int, set(1, F_WRLCK, n * 2 - 2, n * 2 - 2), 0));
	set(1, F_UNLCK, 0, 0);
	cr_expect(eq(int, set(1, F_WRLCK, n * 2, n * 2), 0));
	cr_expect(eq(int, set(1, F_WRLCK, 0, 0), -ENOLCK));
}

static void fill_the_volume(void)
{
	struct lock l = lock(1, F_WRLCK, 0, 0);
	struct inode inode = file;

	while (locks_set(locks, &inode, LOCK_POSIX, &l) == 0)
		inode.nodeid++;
}

Test(locks_after, a_volume_has_no_more_locks_than_it_may)
{
	struct lock l = lock(1, F_WRLCK, 0, 0);
	struct inode inode = file;

	killed_after(fill_the_volume);
	attach();
	cr_expect(eq(i64, atomic_load(&vol->locks), LOCKS_PER_VOLUME));
	inode.nodeid += LOCKS_PER_VOLUME;
	cr_expect(eq(int, locks_set(locks, &inode, LOCK_POSIX, &l), -ENOLCK));
	locks_drop_owner(locks, &file, LOCK_POSIX, 1);
	cr_expect(eq(int, locks_set(locks, &inode, LOCK_POSIX, &l), 0));
}

#define LOOKED_AT (16u << 20)
#define MORE	  (1ULL << 30) /* than the part of the state has */

static size_t resident(void *memory)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n = LOOKED_AT / page;
	unsigned char *pages = malloc(n);
	size_t sum = 0;

	cr_assert(eq(int, mincore(memory, LOOKED_AT, pages), 0));
	for (size_t i = 0; i < n; i++)
		sum += pages[i] & 1 ? page : 0;
	free(pages);
	return sum;
}

Test(locks_after, memory_of_locks_that_went_is_given_back)
{
	struct inode inode = file;
	void *memory;

	cr_assert(eq(int, state_map(state, STATE_LOCKS, MORE, &memory), 0));
	attach();
	for (int i = 0; i < 3; i++) {
		fill_the_volume();
		cr_expect(ge(sz, resident(memory), 8u << 20));
		inode.nodeid = file.nodeid;
		for (unsigned n = 0; n < LOCKS_PER_VOLUME; n++) {
			locks_drop_owner(locks, &inode, LOCK_POSIX, 1);
			inode.nodeid++;
		}
		cr_expect(eq(i64, atomic_load(&vol->locks), 0));
		cr_expect(lt(sz, resident(memory), 2u << 20));
	}
	munmap(memory, MORE);
}

/* As a hostPath: its files are locked by processes of the host, too. */
static void share_with_host(void)
{
	static const struct store_ops ops = { .close = close_store,
					      .lock_fd = open_host_file };
	int fd = mkstemp(host_path);

	cr_assert(ge(int, fd, 0));
	close(fd);
	vol->exclusive = false;
	vol->store->ops = &ops;
}

static int host_tries(int fd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };

	return fcntl(fd, F_OFD_SETLK, &fl);
}

static void lock_as_the_host_sees(void)
{
	set(1, F_WRLCK, 0, 9);
	set(1, F_RDLCK, 20, 29);
	flock_one();
}

Test(locks_after, processes_of_the_host_are_kept_out_again)
{
	int fd;

	share_with_host();
	killed_after(lock_as_the_host_sees);
	attach();
	fd = open(host_path, O_RDWR);
	cr_assert(ge(int, fd, 0));
	cr_expect(eq(int, host_tries(fd, F_RDLCK, 9, 1), -1));
	cr_expect(eq(int, host_tries(fd, F_RDLCK, 10, 15), 0));
	cr_expect(eq(int, host_tries(fd, F_WRLCK, 29, 1), -1));
	cr_expect(eq(int, flock(fd, LOCK_SH | LOCK_NB), -1));
	locks_drop_owner(locks, &file, LOCK_POSIX, 1);
	locks_drop_owner(locks, &file, LOCK_FLOCK, 1);
	cr_expect(eq(int, host_tries(fd, F_WRLCK, 0, 0), 0));
	cr_expect(eq(int, flock(fd, LOCK_EX | LOCK_NB), 0));
	close(fd);
	unlink(host_path);
}

Test(locks_after, a_lock_that_the_host_took_meanwhile_remains_in_the_mount)
{
	int fd;

	share_with_host();
	killed_after(lock_as_the_host_sees);
	fd = open(host_path, O_RDWR);
	cr_assert(eq(int, host_tries(fd, F_WRLCK, 5, 1), 0));
	attach();
	/* Others of the mount, as before; the host, where it was not first. */
	cr_expect(eq(int, set(2, F_RDLCK, 0, 0), -EAGAIN));
	cr_expect(eq(int, host_tries(fd, F_WRLCK, 20, 1), -1));
	cr_expect(eq(int, host_tries(fd, F_UNLCK, 0, 0), 0));
	cr_expect(eq(int, set(2, F_RDLCK, 0, 0), -EAGAIN));
	set(1, F_UNLCK, 0, 9);
	cr_expect(eq(int, set(2, F_RDLCK, 0, 0), 0));
	close(fd);
	unlink(host_path);
}

/* --- killed at any instant --- */

#define KILLS	    300
#define KILL_SPAN   16u
#define KILL_OWNERS 2u
#define KILL_FILES  2u

/* A request, as the kernel would repeat it. */
struct change {
	uint32_t file;
	uint32_t owner;
	int type;
	uint64_t start;
	uint64_t end;
};

/* Shared with the processes that are killed: what was granted so far. */
struct granted {
	int types[KILL_FILES][KILL_OWNERS + 1][KILL_SPAN]; /* F_UNLCK: none */
	struct change pending;
	int asked; /* pending is under way; written last */
	int checked;
	char wrong[128];
};

static struct granted *granted;

static struct inode kill_file(uint32_t n)
{
	return n ? other : file;
}

static bool is_free(const struct change *c)
{
	for (uint32_t owner = 1; owner <= KILL_OWNERS; owner++) {
		for (uint64_t x = c->start; x <= c->end; x++) {
			int has = granted->types[c->file][owner][x];

			if (owner != c->owner && c->type != F_UNLCK &&
			    has != F_UNLCK &&
			    (has == F_WRLCK || c->type == F_WRLCK))
				return false;
		}
	}
	return true;
}

static void wrong(const char *what, const struct change *c, int r)
{
	snprintf(granted->wrong, sizeof(granted->wrong),
		 "%s: file %u owner %u type %d %d-%d: %d", what, c->file,
		 c->owner, c->type, (int)c->start, (int)c->end, r);
	_exit(1);
}

/* Ask for what is pending, and write down that it was granted. */
static void ask_with(int (*ask_for)(const struct inode *, const struct lock *))
{
	struct change c = granted->pending;
	struct inode inode = kill_file(c.file);
	struct lock l = lock(c.owner, c.type, c.start, c.end);
	int expected = is_free(&c) ? 0 : -EAGAIN;
	int r = ask_for(&inode, &l);

	if (r != expected)
		wrong("answer", &c, r);
	for (uint64_t x = c.start; r == 0 && x <= c.end; x++)
		granted->types[c.file][c.owner][x] = c.type;
	__atomic_store_n(&granted->asked, 0, __ATOMIC_RELEASE);
}

static int ask_plainly(const struct inode *inode, const struct lock *l)
{
	return locks_set(locks, inode, LOCK_POSIX, l);
}

static void ask(void)
{
	ask_with(ask_plainly);
}

/* Of two owners, what the other one may not have is what the one has. */
static int type_in_table(const struct change *c)
{
	static const int stronger[] = { F_WRLCK, F_RDLCK };
	struct inode inode = kill_file(c->file);
	int seen = F_UNLCK;

	for (int i = 0; i < 2; i++) {
		struct lock l =
			lock(3 - c->owner, stronger[i], c->start, c->end);

		if (locks_test(locks, &inode, &l) < 0)
			wrong("test", c, 0);
		if (l.type != F_UNLCK)
			seen = stronger[i] == F_WRLCK ? F_RDLCK : F_WRLCK;
	}
	return seen;
}

/* Is this how a byte will be, once what is under way is done? */
static bool is_pending(const struct change *c, int type)
{
	const struct change *p = &granted->pending;

	return granted->asked && is_free(p) && c->file == p->file &&
	       c->owner == p->owner && c->start >= p->start &&
	       c->start <= p->end && type == p->type;
}

/* Is each byte locked as it was granted, or is about to be? */
static void check(const char *when)
{
	struct change c = { 0 };

	for (c.file = 0; c.file < KILL_FILES; c.file++) {
		for (c.owner = 1; c.owner <= KILL_OWNERS; c.owner++) {
			for (c.start = 0; c.start < KILL_SPAN; c.start++) {
				int has;

				c.end = c.start;
				c.type = granted->types[c.file][c.owner]
						       [c.start];
				has = type_in_table(&c);
				if (has != c.type && !is_pending(&c, has))
					wrong(when, &c, has);
			}
		}
	}
}

/* Neighbours of one type are one range. */
static int ranges_granted(void)
{
	int n = 0;

	for (uint32_t f = 0; f < KILL_FILES; f++) {
		for (uint32_t owner = 1; owner <= KILL_OWNERS; owner++) {
			const int *types = granted->types[f][owner];

			for (uint32_t x = 0; x < KILL_SPAN; x++)
				n += types[x] != F_UNLCK &&
				     (x == 0 || types[x - 1] != types[x]);
		}
	}
	return n;
}

static void change_at_random(uint32_t *seed)
{
	static const int types[] = { F_UNLCK, F_RDLCK, F_WRLCK };
	struct change *c = &granted->pending;
	uint32_t x;

	*seed = *seed * 1664525u + 1013904223u;
	x = *seed;
	c->file = (x >> 8) % KILL_FILES;
	c->owner = 1 + (x >> 10) % KILL_OWNERS;
	c->start = (x >> 12) % KILL_SPAN;
	c->end = c->start + (x >> 18) % (KILL_SPAN - c->start);
	c->type = types[(x >> 24) % 3];
	__atomic_store_n(&granted->asked, 1, __ATOMIC_RELEASE);
}

/* In a process of its own: what a successor finds, and makes right. */
static void take_over(struct state *from)
{
	if (locks_new(from, &locks) < 0 ||
	    locks_attach(locks, find_file, NULL) < 0)
		_exit(1);
	check("after the kill");
	if (granted->asked)
		ask();
	check("asked once more");
	if (atomic_load(&vol->locks) != ranges_granted())
		wrong("count", &granted->pending,
		      (int)atomic_load(&vol->locks));
}

static void be_killed(uint32_t seed)
{
	/* By the end of a test that was stopped, if need be. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	take_over(state);
	__atomic_store_n(&granted->checked, 1, __ATOMIC_RELEASE);
	for (;;) {
		change_at_random(&seed);
		ask();
	}
}

/* Some are killed while they still take over, most at their work. */
static void kill_soon(pid_t pid, uint32_t seed)
{
	const struct timespec moment = { .tv_nsec = seed % 1000000 };
	int status = 0;

	while (seed % 8 &&
	       !__atomic_load_n(&granted->checked, __ATOMIC_ACQUIRE) &&
	       waitpid(pid, &status, WNOHANG) == 0)
		sched_yield();
	nanosleep(&moment, NULL);
	if (!status) {
		kill(pid, SIGKILL);
		cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	}
	cr_assert(eq(int, WTERMSIG(status), SIGKILL), "%s", granted->wrong);
}

static void granted_new(void)
{
	granted = mmap(NULL, sizeof(*granted), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(ne(ptr, granted, MAP_FAILED));
	for (uint32_t f = 0; f < KILL_FILES; f++) {
		for (uint32_t owner = 1; owner <= KILL_OWNERS; owner++) {
			for (uint32_t x = 0; x < KILL_SPAN; x++)
				granted->types[f][owner][x] = F_UNLCK;
		}
	}
}

Test(locks_after, no_kill_loses_a_lock_that_was_granted)
{
	granted_new();
	for (uint32_t i = 0; i < KILLS; i++) {
		uint32_t seed = (i + 1) * 2654435761u >> 4;
		pid_t pid;

		granted->checked = 0;
		pid = fork();
		cr_assert(ge(int, pid, 0));
		if (pid == 0)
			be_killed(seed);
		kill_soon(pid, seed);
	}
}

/* --- killed after each instruction --- */

#define STEPPED	    60 /* changes */
#define STEP_MEMORY (192u << 10)

/* Those who trace us step from the first stop to the second. */
static int ask_in_steps(const struct inode *inode, const struct lock *l)
{
	int r;

	raise(SIGSTOP);
	r = locks_set(locks, inode, LOCK_POSIX, l);
	raise(SIGSTOP);
	return r;
}

static void be_stepped(void)
{
	uint32_t seed = 1;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	take_over(state);
	for (int i = 0; i < STEPPED; i++) {
		change_at_random(&seed);
		ask_with(ask_in_steps);
	}
	kill(getpid(), SIGKILL);
}

/* How the process stopped: the signal, or SIGKILL at its end. */
static int run_until_stop(pid_t pid, enum __ptrace_request how)
{
	int status;

	cr_assert(eq(long, ptrace(how, pid, NULL, NULL), 0));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, WIFEXITED(status), 0), "%s", granted->wrong);
	return WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status);
}

/* Were it killed now: would another process do with a copy of the memory? */
static void successor_is_right(struct state *copied)
{
	struct granted before = *granted;
	int status;
	pid_t pid = fork();

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		take_over(copied);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0), "%s", granted->wrong);
	*granted = before;
}

/* One change, with a look at whatever it stores in the memory. */
static unsigned step_through(pid_t pid, const void *memory,
			     struct state *copied, void *copy)
{
	unsigned n = 0;

	while (run_until_stop(pid, PTRACE_SINGLESTEP) != SIGSTOP) {
		if (memcmp(copy, memory, STEP_MEMORY) == 0)
			continue;
		memcpy(copy, memory, STEP_MEMORY);
		successor_is_right(copied);
		memcpy(copy, memory, STEP_MEMORY);
		n++;
	}
	return n;
}

Test(locks_after, no_instruction_is_a_bad_one_to_die_at)
{
	struct state *copied;
	void *memory;
	void *copy;
	unsigned looks = 0;
	pid_t pid;
	int status;

	granted_new();
	cr_assert(eq(int, state_new(&copied), 0));
	cr_assert(eq(int, state_map(state, STATE_LOCKS, MORE, &memory), 0));
	cr_assert(eq(int, state_map(copied, STATE_LOCKS, MORE, &copy), 0));
	pid = fork();
	cr_assert(ge(int, pid, 0));
	if (pid == 0)
		be_stepped();
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	for (int i = 0; i < STEPPED; i++) {
		looks += step_through(pid, memory, copied, copy);
		if (i + 1 < STEPPED)
			cr_assert(eq(int, run_until_stop(pid, PTRACE_CONT),
				     SIGSTOP));
	}
	cr_assert(eq(int, run_until_stop(pid, PTRACE_CONT), SIGKILL));
	cr_expect(gt(uint, looks, STEPPED));
	munmap(memory, MORE);
	munmap(copy, MORE);
	state_free(copied);
}
