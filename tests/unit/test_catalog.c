/* SPDX-License-Identifier: Apache-2.0 */
/* test_catalog.c - what the catalog keeps, and which files it refuses */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/catalog/catalog.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Criterion's str is a char *. */
#define TEXT(literal) ((char *)(literal))

static char dir[] = "/tmp/test-catalog.XXXXXX";
static char path[64];
static struct catalog *c;

static void setup(void)
{
	struct error err = { 0 };

	cr_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/catalog.db", dir);
	cr_assert(eq(int, catalog_open(path, &c, &err), 0), "%s", err.text);
}

static void teardown(void)
{
	char command[128];

	catalog_close(c);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert(eq(int, system(command), 0));
}

TestSuite(catalog, .init = setup, .fini = teardown, .timeout = 60);

static void reopen(void)
{
	struct error err = { 0 };

	catalog_close(c);
	c = NULL;
	cr_assert(eq(int, catalog_open(path, &c, &err), 0), "%s", err.text);
}

static struct catalog_pod make_pod(const char *namespace, const char *name,
				   const char *uid)
{
	struct catalog_pod pod = { .created = 1700000000123456789 };

	snprintf(pod.namespace, sizeof(pod.namespace), "%s", namespace);
	snprintf(pod.name, sizeof(pod.name), "%s", name);
	snprintf(pod.uid, sizeof(pod.uid), "%s", uid);
	pod.document = strdup("{\"kind\":\"Pod\"}");
	pod.n_volumes = 2;
	pod.volumes = calloc(2, sizeof(*pod.volumes));
	for (size_t i = 0; i < 2; i++) {
		snprintf(pod.volumes[i].name, sizeof(pod.volumes[i].name),
			 "v%zu", 1 - i);
		snprintf(pod.volumes[i].source, sizeof(pod.volumes[i].source),
			 "emptyDir");
		pod.volumes[i].spec = strdup("{}");
	}
	return pod;
}

static int insert(struct catalog_pod *pod)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct error err;

	cr_assert(eq(int, catalog_begin(c, &txn, &err), 0));
	int r = catalog_pod_insert(txn, pod, &err);
	if (r == 0)
		cr_assert(eq(int, catalog_commit(&txn, &err), 0));
	return r;
}

static uint64_t add(const char *namespace, const char *name, const char *uid)
{
	cleanup_catalog_pod struct catalog_pod pod =
		make_pod(namespace, name, uid);

	cr_assert(eq(int, insert(&pod), 0));
	return pod.id;
}

static void drop(const char *namespace, const char *name)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	cleanup_catalog_pod struct catalog_pod pod = { 0 };

	cr_assert(eq(int, catalog_pod_by_name(c, namespace, name, &pod, NULL),
		     0));
	cr_assert(eq(int, catalog_begin(c, &txn, NULL), 0));
	cr_assert(eq(int, catalog_pod_delete(txn, &pod, NULL), 0));
	cr_assert(eq(int, catalog_commit(&txn, NULL), 0));
}

/* Run SQL on the closed file, as somebody with a tool would. */
static void tamper(const char *sql)
{
	sqlite3 *db;

	catalog_close(c);
	c = NULL;
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK));
	sqlite3_close(db);
}

Test(catalog, lookup_of_a_missing_pod_is_enoent)
{
	struct catalog_pod pod = { .id = 77 };

	cr_assert(
		eq(int, catalog_pod_by_name(c, "a", "b", &pod, NULL), -ENOENT));
	cr_expect(eq(u64, pod.id, 77), "untouched on failure");
}

Test(catalog, a_pod_comes_back_as_it_went_in_after_a_restart)
{
	cleanup_catalog_pod struct catalog_pod pod = { 0 };
	uint64_t id = add("default", "web", "uid-1");

	reopen();
	cr_assert(eq(int, catalog_pod_by_name(c, "default", "web", &pod, NULL),
		     0));
	cr_expect(eq(u64, pod.id, id));
	cr_expect(eq(str, pod.uid, TEXT("uid-1")));
	cr_expect(eq(int, pod.phase, CATALOG_PENDING));
	cr_expect(eq(i64, pod.created, 1700000000123456789));
	cr_expect(eq(str, pod.document, TEXT("{\"kind\":\"Pod\"}")));
	cr_assert(eq(sz, pod.n_volumes, 2));
	cr_expect(eq(str, pod.volumes[0].name, TEXT("v1")), "manifest's order");
	cr_expect(eq(str, pod.volumes[1].name, TEXT("v0")));
	cr_expect(eq(str, pod.volumes[0].spec, TEXT("{}")));
}

Test(catalog, a_name_or_a_uid_that_is_taken_is_eexist)
{
	cleanup_catalog_pod struct catalog_pod same_name =
		make_pod("default", "web", "uid-2");
	cleanup_catalog_pod struct catalog_pod same_uid =
		make_pod("default", "other", "uid-1");

	add("default", "web", "uid-1");
	cr_expect(eq(int, insert(&same_name), -EEXIST));
	cr_expect(eq(int, insert(&same_uid), -EEXIST));
}

Test(catalog, what_was_not_committed_never_was)
{
	cleanup_catalog_pod struct catalog_pod found = { 0 };

	{
		cleanup_catalog_pod struct catalog_pod pod =
			make_pod("default", "web", "uid-1");
		cleanup_catalog_txn struct catalog *txn = NULL;

		cr_assert(eq(int, catalog_begin(c, &txn, NULL), 0));
		cr_assert(eq(int, catalog_pod_insert(txn, &pod, NULL), 0));
	}
	cr_expect(eq(int,
		     catalog_pod_by_name(c, "default", "web", &found, NULL),
		     -ENOENT));
}

/* A mapped file of SQLite's would be a SIGBUS on a full disk. */
Test(catalog, nobody_else_has_it_meanwhile_and_nothing_is_mapped)
{
	char shared[sizeof(path) + 8];
	sqlite3 *db;

	add("default", "web", "uid-1");
	snprintf(shared, sizeof(shared), "%s-shm", path);
	cr_expect(eq(int, access(shared, F_OK), -1));
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_expect(eq(int,
		     sqlite3_exec(db, "SELECT * FROM pod", NULL, NULL, NULL),
		     SQLITE_BUSY));
	sqlite3_close(db);
}

Test(catalog, nothing_is_taken_while_the_file_is_not_in_its_place)
{
	cleanup_catalog_pod struct catalog_pod pod =
		make_pod("default", "web", "uid-1");
	struct catalog *txn = NULL;
	struct error err = { 0 };
	char away[80];

	snprintf(away, sizeof(away), "%s.away", path);
	cr_assert(eq(int, rename(path, away), 0));
	cr_expect(eq(int, catalog_begin(c, &txn, &err), -EUCLEAN));
	cr_expect(strstr(err.text, "moved or removed") != NULL, "%s", err.text);
	cr_assert(eq(int, rename(away, path), 0));
	cr_expect(eq(int, insert(&pod), 0));
}

Test(catalog, ids_are_never_given_again)
{
	uint64_t first = add("default", "web", "uid-1");
	cleanup_catalog_pod struct catalog_pod pod = { 0 };

	cr_assert(eq(int, catalog_pod_by_uid(c, "uid-1", &pod, NULL), 0));
	uint32_t volume = pod.volumes[1].id;
	uint64_t namespace = pod.namespace_id;

	drop("default", "web");
	reopen();
	catalog_pod_done(&pod);
	cr_expect(gt(u64, add("default", "web", "uid-1"), first));
	cr_assert(eq(int, catalog_pod_by_uid(c, "uid-1", &pod, NULL), 0));
	cr_expect(gt(u32, pod.volumes[0].id, volume));
	cr_expect(gt(u64, pod.namespace_id, namespace),
		  "a namespace goes with its last pod");
}

Test(catalog, the_last_volume_id_is_refused_with_a_reason)
{
	cleanup_catalog_pod struct catalog_pod pod =
		make_pod("default", "web", "uid-1");
	struct error err = { 0 };
	cleanup_catalog_txn struct catalog *txn = NULL;

	add("default", "first", "uid-0");
	tamper("UPDATE sqlite_sequence SET seq = 8388606 "
	       "WHERE name = 'volume'");
	reopen();
	cr_assert(eq(int, catalog_begin(c, &txn, NULL), 0));
	cr_expect(eq(int, catalog_pod_insert(txn, &pod, &err), -EOVERFLOW));
	cr_expect(strstr(err.text, "volume ids") != NULL, "%s", err.text);
}

Test(catalog, every_change_raises_the_resource_version_for_good)
{
	struct catalog_counts before;
	struct catalog_counts after;

	cr_assert(eq(int, catalog_counts(c, &before, NULL), 0));
	add("default", "web", "uid-1");
	drop("default", "web");
	reopen();
	cr_assert(eq(int, catalog_counts(c, &after, NULL), 0));
	cr_expect(ge(u64, after.resource_version, before.resource_version + 2));
	cr_expect(eq(u64, after.volumes, 0));
}

Test(catalog, a_list_holds_the_pods_of_the_namespace_with_their_volumes)
{
	cleanup_catalog_pods struct catalog_pods one = { 0 };
	cleanup_catalog_pods struct catalog_pods all = { 0 };

	add("blue", "a", "uid-1");
	add("red", "b", "uid-2");
	add("blue", "c", "uid-3");
	cr_assert(eq(
		int,
		catalog_pod_list(c, "blue", CATALOG_LIST_DOCUMENTS, &one, NULL),
		0));
	cr_assert(eq(sz, one.n, 2));
	cr_expect(eq(str, one.pods[0].name, TEXT("a")));
	cr_expect(eq(str, one.pods[1].name, TEXT("c")));
	cr_expect(eq(sz, one.pods[1].n_volumes, 2));
	cr_expect(one.pods[1].document != NULL);
	cr_assert(eq(int, catalog_pod_list(c, NULL, 0, &all, NULL), 0));
	cr_expect(eq(sz, all.n, 3));
	cr_expect(all.pods[2].document == NULL);
}

Test(catalog, the_file_is_for_its_owner_alone)
{
	struct stat st;

	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0600));
	catalog_close(c);
	c = NULL;
	cr_assert(eq(int, chmod(path, 0666), 0));
	reopen();
	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0600), "also a restored one");
}

static void say(const char *uid, const char *message)
{
	cleanup_catalog_txn struct catalog *txn = NULL;
	struct catalog_event event = { .last = 5,
				       .namespace = "default",
				       .pod = "web",
				       .type = "Normal",
				       .reason = "Created" };

	snprintf(event.pod_uid, sizeof(event.pod_uid), "%s", uid);
	snprintf(event.message, sizeof(event.message), "%s", message);
	cr_assert(eq(int, catalog_begin(c, &txn, NULL), 0));
	cr_assert(eq(int, catalog_event_add(txn, &event, NULL), 0));
	cr_assert(eq(int, catalog_commit(&txn, NULL), 0));
}

Test(catalog, an_event_that_recurs_is_counted)
{
	cleanup_free struct catalog_event *events = NULL;
	uint64_t version;
	size_t n;

	say("uid-1", "same");
	say("uid-1", "same");
	say("uid-2", "same");
	cr_assert(
		eq(int,
		   catalog_event_list(c, "uid-1", &events, &n, &version, NULL),
		   0));
	cr_assert(eq(sz, n, 1));
	cr_expect(eq(u32, events[0].count, 2));
}

Test(catalog, only_the_newest_thousand_events_are_kept)
{
	cleanup_free struct catalog_event *events = NULL;
	uint64_t version;
	char message[32];
	size_t n;

	for (int i = 0; i < CATALOG_EVENTS_MAX + 5; i++) {
		snprintf(message, sizeof(message), "event %d", i);
		say("uid-1", message);
	}
	cr_assert(eq(int,
		     catalog_event_list(c, NULL, &events, &n, &version, NULL),
		     0));
	cr_expect(eq(sz, n, CATALOG_EVENTS_MAX));
	cr_expect(eq(str, events[0].message, TEXT("event 5")));
}

/* Opening must fail with r and text, and leave the file as it is. */
static void expect_refusal(int r, const char *text)
{
	cleanup_file FILE *before_file = fopen(path, "r");
	cleanup_file FILE *after_file = NULL;
	static char before[1 << 20];
	static char after[1 << 20];
	struct error err = { 0 };
	struct catalog *other = NULL;
	size_t n = fread(before, 1, sizeof(before), before_file);

	cr_expect(eq(int, catalog_open(path, &other, &err), r));
	cr_expect(strstr(err.text, text) != NULL, "%s", err.text);
	cr_expect(strstr(err.text, path) != NULL, "%s", err.text);
	after_file = fopen(path, "r");
	cr_expect(eq(sz, fread(after, 1, sizeof(after), after_file), n));
	cr_expect(eq(int, memcmp(before, after, n), 0),
		  "it must not be written");
}

Test(catalog, a_newer_catalog_is_refused_untouched)
{
	tamper("PRAGMA user_version = 999");
	expect_refusal(-ENOTSUP, "newer podvols");
}

Test(catalog, the_database_of_another_program_is_refused_untouched)
{
	tamper("PRAGMA application_id = 7");
	expect_refusal(-EINVAL, "another program");
}

Test(catalog, what_is_no_database_is_refused_untouched)
{
	cleanup_file FILE *f = NULL;

	catalog_close(c);
	c = NULL;
	f = fopen(path, "w");
	for (int i = 0; i < 2000; i++)
		fputs("this is no database ", f);
	fflush(f);
	expect_refusal(-EUCLEAN, "restore it from a copy");
}

Test(catalog, a_damaged_page_is_refused_untouched)
{
	cleanup_fd int fd = -1;
	static const char junk[4096] = "junk";
	char uid[16];
	char name[16];
	struct stat st;

	for (int i = 0; i < 50; i++) {
		snprintf(uid, sizeof(uid), "uid-%d", i);
		snprintf(name, sizeof(name), "pod-%d", i);
		add("default", name, uid);
	}
	catalog_close(c);
	c = NULL;
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(eq(int, fstat(fd, &st), 0));
	for (off_t off = 4096; off < st.st_size; off += 8192)
		cr_assert(eq(i64, pwrite(fd, junk, sizeof(junk), off), 4096));
	expect_refusal(-EUCLEAN, "restore it from a copy");
}

Test(catalog, one_that_lacks_a_table_is_refused_untouched)
{
	tamper("DROP TABLE event");
	expect_refusal(-EUCLEAN, "restore it from a copy");
}

Test(catalog, an_empty_file_of_a_crash_becomes_a_catalog)
{
	cleanup_fd int fd = -1;

	catalog_close(c);
	c = NULL;
	fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	reopen();
	add("default", "web", "uid-1");
}

/* Version 0, the only earlier one: a file that SQLite made and we did not. */
Test(catalog, a_file_of_version_zero_is_brought_to_the_newest)
{
	catalog_close(c);
	c = NULL;
	unlink(path);
	tamper("PRAGMA journal_mode = WAL");
	reopen();
	add("default", "web", "uid-1");
}

static void *add_many(void *arg)
{
	char prefix = *(const char *)arg;
	char name[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%c-%d", prefix, i);
		add("default", name, name);
	}
	return NULL;
}

Test(catalog, writers_and_readers_on_many_threads_lose_nothing)
{
	cleanup_catalog_pods struct catalog_pods all = { 0 };
	char prefixes[] = "abcd";
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, add_many, &prefixes[i]);
	for (int i = 0; i < 50; i++) {
		cleanup_catalog_pods struct catalog_pods some = { 0 };

		cr_expect(
			eq(int, catalog_pod_list(c, NULL, 0, &some, NULL), 0));
		for (size_t j = 0; j < some.n; j++)
			cr_expect(eq(sz, some.pods[j].n_volumes, 2));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	cr_assert(eq(int, catalog_pod_list(c, NULL, 0, &all, NULL), 0));
	cr_expect(eq(sz, all.n, 200));
}
