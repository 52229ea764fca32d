/* SPDX-License-Identifier: Apache-2.0 */
/* test_attach.c - what a process that was killed leaves to its successor */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuse/file.h"
#include "fuse/inode.h"
#include "fuse/journal.h"
#include "store/base/state.h"
#include "store/volume.h"

#define FILES 512u /* that the process to be killed knows, now and then */

static struct state *state;
static struct volume *vol;
static int32_t unbacked[8];
static unsigned n_unbacked;

static void gone(void *arg, const struct inode *inode)
{
	(void)arg;
	(void)inode;
}

static void unback(void *arg, int32_t id)
{
	(void)arg;
	unbacked[n_unbacked++ % 8] = id;
}

static void close_store(struct store *st)
{
	free(st);
}

static void setup(void)
{
	static const struct store_ops none = { .close = close_store };
	struct store *st = calloc(1, sizeof(*st));

	st->ops = &none;
	vol = volume_new(7, "v", "emptyDir", "kubernetes.io/empty-dir", NULL,
			 st, true, false);
	cr_assert(eq(int, state_new(&state), 0));
}

static void teardown(void)
{
	volume_unref(vol);
	state_free(state);
}

TestSuite(attach, .init = setup, .fini = teardown, .timeout = 120);

static struct store_handle handle(uint32_t n)
{
	return (struct store_handle){
		.type = 1, .len = 4, .bytes = { n, n >> 8, n >> 16, n >> 24 }
	};
}

static struct inode_table *inodes(void)
{
	struct inode_table *t;

	cr_assert(eq(int, inode_table_new(state, gone, unback, NULL, &t), 0));
	return t;
}

static uint64_t remember(struct inode_table *t, uint32_t n)
{
	struct store_handle h = handle(n);
	struct inode inode;

	cr_assert(eq(int, inode_remember(t, vol, &h, &inode), 0));
	return inode.nodeid;
}

static struct volume *only_ours(void *arg, uint32_t id)
{
	(void)arg;
	return id == vol->id ? volume_ref(vol) : NULL;
}

static struct volume *no_volume(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
	return NULL;
}

static uint64_t count(struct inode_table *t)
{
	struct inode_stats stats;

	inode_table_stats(t, &stats);
	return stats.inodes;
}

static int is_5(void *arg)
{
	(void)arg;
	return 5;
}

static int is_6(void *arg)
{
	(void)arg;
	return 6;
}

Test(attach, node_ids_stand_for_the_same_files)
{
	struct inode_table *first = inodes();
	struct inode_table *second;
	uint64_t ids[3000];
	struct inode inode;

	for (uint32_t n = 0; n < 3000; n++)
		ids[n] = remember(first, n);
	for (uint32_t n = 0; n < 3000; n += 3)
		inode_forget(first, ids[n], 1);
	second = inodes();
	cr_assert(eq(int, inode_attach(second, only_ours, NULL), 0));
	cr_expect(eq(u64, count(second), 2000));
	for (uint32_t n = 0; n < 3000; n++) {
		struct store_handle h = handle(n);
		int r = inode_get(second, ids[n], &inode);

		cr_assert(eq(int, r, n % 3 ? 0 : -ESTALE));
		if (r == 0)
			cr_assert(store_handle_equal(&inode.handle, &h));
	}
	/* Known by name as well, and forgotten like any other. */
	cr_expect(eq(u64, remember(second, 1), ids[1]));
	inode_forget(second, ids[1], 2);
	cr_expect(eq(int, inode_get(second, ids[1], &inode), -ESTALE));
	/* No node id is given twice. */
	for (uint32_t n = 5000; n < 9000; n++) {
		uint64_t id = remember(second, n);

		for (uint32_t k = 0; k < 3000; k += 3)
			cr_assert(ne(u64, id, ids[k]));
	}
	inode_table_free(second);
	inode_table_free(first);
}

Test(attach, files_of_a_volume_that_is_gone_are_stale)
{
	struct inode_table *first = inodes();
	struct inode_table *second;
	uint64_t id = remember(first, 1);
	struct inode inode;
	int32_t backing;

	cr_assert(eq(int, inode_open(first, id, is_5, NULL, &backing), 0));
	second = inodes();
	cr_assert(eq(int, inode_attach(second, no_volume, NULL), 0));
	cr_expect(eq(int, inode_get(second, id, &inode), -ESTALE));
	cr_expect(eq(u64, count(second), 0));
	cr_expect(eq(int, unbacked[0], 5));
	inode_forget(second, id, 1);
	inode_table_free(second);
	inode_table_free(first);
}

Test(attach, a_backing_id_is_kept_for_as_long_as_its_file_is_open)
{
	struct inode_table *first = inodes();
	struct inode_table *second;
	uint64_t open = remember(first, 1);
	uint64_t closed = remember(first, 2);
	int32_t backing;

	inode_open(first, open, is_5, NULL, &backing);
	inode_open(first, closed, is_6, NULL, &backing);
	second = inodes();
	cr_assert(eq(int, inode_attach(second, only_ours, NULL), 0));
	cr_expect(eq(int, inode_open(second, open, NULL, NULL, &backing), 0));
	cr_expect(eq(int, backing, 5));
	inode_attached(second);
	cr_expect(eq(uint, n_unbacked, 1));
	cr_expect(eq(int, unbacked[0], 6));
	cr_expect(inode_close(second, open));
	cr_expect(eq(int, unbacked[1], 5));
	inode_table_free(second);
	inode_table_free(first);
}

Test(attach, a_backing_id_does_not_stay_if_the_file_was_forgotten_first)
{
	struct inode_table *first = inodes();
	struct inode_table *second;
	uint64_t id = remember(first, 1);
	uint64_t gone_id = remember(first, 2);
	int32_t backing;

	inode_open(first, id, is_5, NULL, &backing);
	inode_forget(first, id, 1);
	inode_open(first, gone_id, is_6, NULL, &backing);
	inode_forget(first, gone_id, 1);
	inode_close(first, gone_id);
	cr_assert(eq(uint, n_unbacked, 1));
	second = inodes();
	cr_assert(eq(int, inode_attach(second, only_ours, NULL), 0));
	cr_expect(eq(uint, n_unbacked, 2));
	cr_expect(eq(int, unbacked[1], 5));
	inode_table_free(second);
	inode_table_free(first);
}

/* --- killed at any moment --- */

/* What the process to be killed has said: 0 where it says nothing. */
struct said {
	_Atomic uint64_t nodeid[FILES];
};

static void churn(struct said *said, uint32_t seed)
{
	struct inode_table *t = inodes();

	cr_assert(eq(int, inode_attach(t, only_ours, NULL), 0));
	for (;;) {
		uint32_t n;
		uint64_t id;

		seed = seed * 1664525u + 1013904223u;
		n = seed >> 16 & (FILES - 1);
		id = said->nodeid[n];
		said->nodeid[n] = 0;
		if (id)
			inode_forget(t, id, 1);
		else
			said->nodeid[n] = remember(t, n);
	}
}

static void let_live_for(pid_t pid, long ns)
{
	const struct timespec ts = { .tv_nsec = ns };

	nanosleep(&ts, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check_said(const struct said *said)
{
	struct inode_table *t = inodes();
	uint64_t n_said = 0;

	cr_assert(eq(int, inode_attach(t, only_ours, NULL), 0));
	for (uint32_t n = 0; n < FILES; n++) {
		struct store_handle h = handle(n);
		struct inode inode;

		if (!said->nodeid[n])
			continue;
		n_said++;
		cr_assert(eq(int, inode_get(t, said->nodeid[n], &inode), 0));
		cr_assert(store_handle_equal(&inode.handle, &h));
	}
	/* One may have been under way at each kill. */
	cr_assert(le(u64, n_said, count(t)));
	inode_table_free(t);
}

Test(attach, what_was_said_before_a_kill_holds)
{
	struct said *said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (uint32_t i = 0; i < 150; i++) {
		pid_t pid = fork();

		if (pid == 0)
			churn(said, i);
		let_live_for(pid, 1000000 + i * 20011L);
		check_said(said);
	}
	munmap(said, sizeof(*said));
}

/* Is the mapping at p one that a core dump leaves out? */
static bool is_not_dumped(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool here = false;
	bool found = false;

	cr_assert(ne(ptr, f, NULL));
	while (!found && fgets(line, sizeof(line), f)) {
		char start[32];

		snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
		if (strncmp(line, start, strlen(start)) == 0)
			here = true;
		found = here && strncmp(line, "VmFlags:", 8) == 0;
	}
	fclose(f);
	return found && strstr(line, " dd");
}

Test(attach, a_core_dump_does_not_fill_the_state)
{
	void *p;

	cr_assert(eq(int, state_map(state, STATE_FILES, 1 << 20, &p), 0));
	cr_expect(is_not_dumped(p));
	munmap(p, 1 << 20);
}

/* --- open files --- */

static unsigned n_reopened;

static int reopen(void *arg, uint64_t fh, struct file *file)
{
	(void)arg;
	(void)fh;
	cr_expect(eq(ptr, file->file, NULL));
	cr_expect(eq(ptr, file->text, NULL));
	n_reopened++;
	return file->nodeid == 9 ? -ESTALE : 0;
}

Test(attach, open_files_have_the_same_handles)
{
	struct file_table *first;
	struct file_table *second;
	char text[] = "x";
	struct file f = { .nodeid = 5, .open_flags = O_RDWR, .text = text };
	uint64_t a;
	uint64_t b;
	uint64_t stale;

	cr_assert(eq(int, file_table_new(state, &first), 0));
	cr_assert(eq(int, file_add(first, &f, &a), 0));
	cr_assert(eq(int, file_add(first, &f, &b), 0));
	f.nodeid = 9;
	cr_assert(eq(int, file_add(first, &f, &stale), 0));
	cr_assert(eq(int, file_remove(first, b, &f), 0));

	cr_assert(eq(int, file_table_new(state, &second), 0));
	file_attach(second, reopen, NULL);
	cr_expect(eq(uint, n_reopened, 2));
	cr_expect(eq(u64, file_table_count(second), 1));
	cr_expect(eq(u64, file_get(second, a)->nodeid, 5));
	cr_expect(eq(uint, file_get(second, a)->open_flags, O_RDWR));
	cr_expect(eq(ptr, file_get(second, b), NULL));
	cr_expect(eq(ptr, file_get(second, stale), NULL));
	for (int i = 0; i < 4; i++) {
		uint64_t fh;

		cr_assert(eq(int, file_add(second, &f, &fh), 0));
		cr_expect(fh != a && fh != b && fh != stale);
	}
	file_table_free(second);
	file_table_free(first);
}

/* --- the journal --- */

static struct journal *journal(void)
{
	struct journal *j;

	cr_assert(eq(int, journal_new(state, &j), 0));
	return j;
}

static void answer(struct journal_entry *e, int error, char *text)
{
	struct fuse_out_header out = { .error = error };
	struct iovec iov[2] = { { &out, sizeof(out) }, { text, strlen(text) } };

	out.len = (uint32_t)(sizeof(out) + iov[1].iov_len);
	journal_answer(e, iov, 2);
}

Test(attach, a_request_is_known_by_how_far_it_came)
{
	struct journal *first = journal();
	struct journal *second;
	struct journal_past past;
	struct store_handle h = handle(3);
	struct journal_entry *e;
	char text[] = "made";

	e = journal_begin(first, 100, NULL);
	journal_note_open(e, 77);
	journal_note_handle(e, &h);
	second = journal();
	cr_expect(eq(int, journal_find(second, 99, &past), -ENOENT));
	cr_assert(eq(int, journal_find(second, 100, &past), 0));
	cr_expect(eq(ptr, (void *)past.answer, NULL));
	cr_expect(eq(u64, past.fh, 77));
	cr_expect(store_handle_equal(&past.handle, &h));
	journal_free(second);

	answer(e, 0, text);
	second = journal();
	cr_assert(eq(int, journal_find(second, 100, &past), 0));
	cr_assert(ne(ptr, (void *)past.answer, NULL));
	cr_expect(eq(sz, past.answer_len, 4));
	cr_expect(eq(int, memcmp(past.answer, "made", 4), 0));
	journal_forget(second, 100);
	cr_expect(eq(int, journal_find(second, 100, &past), -ENOENT));
	journal_free(second);

	second = journal();
	cr_expect(eq(int, journal_find(second, 100, &past), -ENOENT));
	journal_free(second);
	journal_free(first);
}

Test(attach, what_was_noted_of_a_request_stays_when_it_is_begun_again)
{
	struct journal *first = journal();
	struct journal *second;
	struct journal *third;
	struct journal_past past;
	struct store_handle h = handle(3);
	struct journal_entry *e = journal_begin(first, 100, NULL);

	journal_note_handle(e, &h);
	journal_note_size(e, 0);
	second = journal();
	cr_assert(eq(int, journal_find(second, 100, &past), 0));
	journal_begin(second, 100, &past);
	journal_forget(second, 100);
	third = journal();
	cr_assert(eq(int, journal_find(third, 100, &past), 0));
	cr_expect(store_handle_equal(&past.handle, &h));
	cr_expect(past.has_size);
	cr_expect(eq(u64, past.size, 0));
	journal_free(third);
	journal_free(second);
	journal_free(first);
}

Test(attach, a_request_that_was_answered_is_forgotten)
{
	struct journal *first = journal();
	struct journal *second;
	struct journal_past past;

	journal_end(journal_begin(first, 100, NULL));
	second = journal();
	cr_expect(eq(int, journal_find(second, 100, &past), -ENOENT));
	journal_free(second);
	journal_free(first);
}

Test(attach, the_last_process_that_began_a_request_is_believed)
{
	struct journal *first = journal();
	struct journal *second;
	struct journal *third;
	struct journal_past past;
	char text[] = "done";

	journal_begin(first, 100, NULL);
	second = journal();
	answer(journal_begin(second, 100, NULL), -EEXIST, text);
	third = journal();
	cr_assert(eq(int, journal_find(third, 100, &past), 0));
	cr_expect(ne(ptr, (void *)past.answer, NULL));
	cr_expect(eq(int, past.error, -EEXIST));
	journal_free(third);
	journal_free(second);
	journal_free(first);
}
