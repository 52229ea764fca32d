/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - the state of the daemon in numbers, as Prometheus reads it */
#include "tools/podvolsd/status.h"

#include "fuse/fs.h"
#include "store/node.h"
#include "tools/podvolsd/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_head(FILE *out, const char *name, const char *type,
		       const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_gauge(FILE *out, const char *name, uint64_t value,
			const char *help)
{
	print_head(out, name, "gauge", help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_requests(FILE *out, const struct fs_stats *stats)
{
	print_head(out, "podvols_fuse_requests_total", "counter",
		   "Requests of the kernel, by operation.");
	for (int i = 0; i < FS_OP_MAX; i++) {
		if (stats->ops[i].name)
			fprintf(out,
				"podvols_fuse_requests_total{op=\"%s\"} %" PRIu64
				"\n",
				stats->ops[i].name, stats->ops[i].requests);
	}
	print_head(out, "podvols_fuse_request_errors_total", "counter",
		   "Requests answered with an error, by operation.");
	for (int i = 0; i < FS_OP_MAX; i++) {
		if (stats->ops[i].name)
			fprintf(out,
				"podvols_fuse_request_errors_total{op=\"%s\"} %" PRIu64
				"\n",
				stats->ops[i].name, stats->ops[i].errors);
	}
}

/* Bucket i of stats is below 2^i us; the last one holds all the rest. */
static void print_histogram(FILE *out, const struct fs_op_stats *op)
{
	static const char name[] = "podvols_fuse_request_duration_seconds";
	uint64_t seen = 0;

	for (int i = 0; i < FS_LATENCY_BUCKETS - 1; i++) {
		seen += op->latency[i];
		fprintf(out, "%s_bucket{op=\"%s\",le=\"%.6f\"} %" PRIu64 "\n",
			name, op->name, (double)(1u << i) / 1e6, seen);
	}
	seen += op->latency[FS_LATENCY_BUCKETS - 1];
	fprintf(out, "%s_bucket{op=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
		op->name, seen);
	fprintf(out, "%s_sum{op=\"%s\"} %.9f\n", name, op->name,
		(double)op->latency_sum_ns / 1e9);
	fprintf(out, "%s_count{op=\"%s\"} %" PRIu64 "\n", name, op->name, seen);
}

static void print_fuse(FILE *out, const struct fs_stats *stats)
{
	print_requests(out, stats);
	print_head(out, "podvols_fuse_request_duration_seconds", "histogram",
		   "Time from request to reply, by operation.");
	for (int i = 0; i < FS_OP_MAX; i++) {
		/* What never happened would be a thousand lines of zeroes. */
		if (stats->ops[i].name && stats->ops[i].requests)
			print_histogram(out, &stats->ops[i]);
	}
	print_gauge(out, "podvols_fuse_inodes", stats->inodes,
		    "Inodes known to the kernel.");
	print_gauge(out, "podvols_fuse_open_files", stats->open_files,
		    "Open files.");
	print_gauge(out, "podvols_fuse_backing_ids", stats->backing_ids,
		    "Files open with passthrough.");
	print_gauge(out, "podvols_fuse_table_bytes", stats->table_bytes,
		    "Memory of the inode table.");
}

static void print_node(FILE *out, struct node *node)
{
	struct node_stats stats = { 0 };

	node_stats(node, &stats);
	print_gauge(out, "podvols_namespaces", stats.namespaces, "Namespaces.");
	print_gauge(out, "podvols_pods", stats.pods, "Pods.");
	print_gauge(out, "podvols_volumes", stats.volumes, "Volumes.");
	print_gauge(out, "podvols_trash_entries", stats.trash_entries,
		    "Deleted volumes whose files are yet to be removed.");
}

static void print_volumes(FILE *out, const json_t *volumes, const char *key,
			  const char *name, const char *help)
{
	const json_t *volume;
	size_t i;

	print_head(out, name, "gauge", help);
	json_array_foreach(volumes, i, volume)
	{
		const json_t *value = json_object_get(volume, key);

		/* Namespaces, pods and volumes have names without quotes. */
		if (value)
			fprintf(out,
				"%s{namespace=\"%s\",pod=\"%s\",volume=\"%s\"} "
				"%" JSON_INTEGER_FORMAT "\n",
				name,
				json_string_value(
					json_object_get(volume, "namespace")),
				json_string_value(
					json_object_get(volume, "pod")),
				json_string_value(
					json_object_get(volume, "volume")),
				json_integer_value(value));
	}
}

static void print_usage(FILE *out, struct node *node)
{
	json_auto_t *volumes = node_volume_usage(node);

	print_volumes(out, volumes, "usedBytes", "podvols_volume_used_bytes",
		      "Bytes allocated for a volume.");
	print_volumes(out, volumes, "chargedBytes",
		      "podvols_volume_charged_bytes",
		      "Bytes that count for the limit of a volume.");
	print_volumes(out, volumes, "limitBytes", "podvols_volume_limit_bytes",
		      "The limit of a volume.");
	print_volumes(out, volumes, "usedInodes", "podvols_volume_used_inodes",
		      "Inodes of a volume.");
}

int status_metrics(struct daemon *d, char **ret, size_t *ret_len)
{
	struct fs *fs = atomic_load(&d->fs);
	struct fs_stats stats = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	out = open_memstream(&text, &len);
	if (!out)
		return -ENOMEM;
	print_head(out, "podvols_build_info", "gauge", "The running version.");
	fprintf(out, "podvols_build_info{version=\"%s\"} 1\n", PODVOLS_VERSION);
	print_head(out, "podvols_start_time_seconds", "gauge",
		   "When the daemon was started, in seconds of the epoch.");
	fprintf(out, "podvols_start_time_seconds %lld.%03ld\n",
		(long long)d->started.tv_sec, d->started.tv_nsec / 1000000);
	print_node(out, d->node);
	print_usage(out, d->node);
	if (fs) {
		fs_stats(fs, &stats);
		print_fuse(out, &stats);
	}
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}
