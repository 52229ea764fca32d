/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - the state of the daemon in numbers, as JSON */
#include "tools/podvolsd/status.h"

#include "fuse/fs.h"
#include "store/base/cleanup.h"
#include "store/localfs/localfs.h"
#include "store/node.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/options.h"
#include "tools/podvolsd/response.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static json_int_t resident_bytes(void)
{
	cleanup_file FILE *f = fopen("/proc/self/statm", "re");
	long long size;
	long long resident;

	if (!f || fscanf(f, "%lld %lld", &size, &resident) != 2)
		return -1;
	return resident * sysconf(_SC_PAGESIZE);
}

static json_int_t open_descriptors(void)
{
	cleanup_dir DIR *dir = opendir("/proc/self/fd");
	json_int_t n = -1; /* not the one of this listing */

	if (!dir)
		return -1;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone */
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	return n;
}

static json_t *process_json(void)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	return json_pack("{s:i, s:I, s:I, s:I}", "pid", (int)getpid(),
			 "residentBytes", resident_bytes(), "openDescriptors",
			 open_descriptors(), "maxDescriptors",
			 (json_int_t)limit.rlim_cur);
}

/* The upper bound, in microseconds, of the bucket that holds the quantile. */
static json_int_t quantile_us(const struct fs_op_stats *op, double q)
{
	uint64_t total = 0;
	uint64_t seen = 0;

	for (int i = 0; i < FS_LATENCY_BUCKETS; i++)
		total += op->latency[i];
	for (int i = 0; i < FS_LATENCY_BUCKETS; i++) {
		seen += op->latency[i];
		if (seen > 0 && (double)seen >= q * (double)total)
			return (json_int_t)1 << i;
	}
	return 0;
}

static json_t *op_json(const struct fs_op_stats *op)
{
	json_int_t mean_ns = 0;

	if (op->requests)
		mean_ns = (json_int_t)(op->latency_sum_ns / op->requests);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "requests",
			 (json_int_t)op->requests, "errors",
			 (json_int_t)op->errors, "meanNanoseconds", mean_ns,
			 "p50Microseconds", quantile_us(op, 0.5),
			 "p99Microseconds", quantile_us(op, 0.99));
}

static json_t *ops_json(const struct fs_stats *stats)
{
	json_t *ops = json_object();

	for (int i = 0; i < FS_OP_MAX; i++) {
		if (stats->ops[i].name && stats->ops[i].requests)
			json_object_set_new(ops, stats->ops[i].name,
					    op_json(&stats->ops[i]));
	}
	return ops;
}

static json_t *features_json(struct fs *fs)
{
	json_t *list = json_array();
	const struct fs_feature *features;
	size_t n = 0;

	features = fs_features(fs, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:b, s:b}", "name",
						features[i].name, "offered",
						features[i].offered, "wanted",
						features[i].wanted, "taken",
						features[i].taken));
	return list;
}

static json_t *fuse_json(struct daemon *d)
{
	struct fs *fs = atomic_load(&d->fs);
	struct fs_stats stats = { 0 };

	if (!fs)
		return json_object();
	fs_stats(fs, &stats);
	return json_pack(
		"{s:s*, s:s*, s:I, s:I, s:I, s:I, s:I, s:o}", "transport",
		stats.transport, "transportReason", stats.transport_reason,
		"threads", (json_int_t)stats.threads, "inodes",
		(json_int_t)stats.inodes, "openFiles",
		(json_int_t)stats.open_files, "backingIds",
		(json_int_t)stats.backing_ids, "tableBytes",
		(json_int_t)stats.table_bytes, "operations", ops_json(&stats));
}

static json_t *node_json(struct daemon *d)
{
	struct node_stats stats = { 0 };

	node_stats(d->node, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "namespaces",
			 (json_int_t)stats.namespaces, "pods",
			 (json_int_t)stats.pods, "volumes",
			 (json_int_t)stats.volumes, "trashEntries",
			 (json_int_t)stats.trash_entries, "resourceVersion",
			 (json_int_t)stats.resource_version);
}

static json_t *localfs_json(struct daemon *d)
{
	struct localfs_stats stats = { 0 };

	localfs_stats(d->localfs, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "realms",
			 (json_int_t)stats.realms, "directoryDescriptors",
			 (json_int_t)stats.dir_fds, "fileDescriptors",
			 (json_int_t)stats.file_fds, "heldDescriptors",
			 (json_int_t)stats.held_fds, "watchedFiles",
			 (json_int_t)stats.watches);
}

static json_int_t uptime_seconds(const struct daemon *d)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - d->started_monotonic.tv_sec;
}

json_t *status_stats_json(struct daemon *d)
{
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "version",
			 PODVOLS_VERSION, "uptimeSeconds", uptime_seconds(d),
			 "process", process_json(), "node", node_json(d),
			 "fuse", fuse_json(d), "localfs", localfs_json(d),
			 "volumes", node_volume_usage(d->node));
}

static json_t *start_time_json(const struct daemon *d)
{
	char text[32];
	struct tm tm;

	gmtime_r(&d->started.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *status_json(struct daemon *d)
{
	json_t *status = status_stats_json(d);
	json_t *fuse = json_object_get(status, "fuse");
	struct fs *fs = atomic_load(&d->fs);

	if (!status)
		return NULL;
	if (fs)
		json_object_set_new(fuse, "features", features_json(fs));
	json_object_set_new(status, "kind", json_string("DaemonStatus"));
	json_object_set_new(status, "apiVersion", json_string("podvols.io/v1"));
	json_object_set_new(status, "startTime", start_time_json(d));
	json_object_set_new(status, "mountpoint", json_of_bytes(d->mountpoint));
	json_object_set_new(status, "stateDir",
			    json_of_bytes(d->options->state_dir));
	json_object_set_new(status, "socket",
			    json_of_bytes(d->options->socket));
	return status;
}
