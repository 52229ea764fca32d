/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_api.c - any request to the API of a real engine, which may not change
 *
 * The input is "METHOD PATH?QUERY", a line with the content type, and the
 * body.  Its state is on a tmpfs that nobody else sees.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/localfs/localfs.h"
#include "store/node.h"
#include "tools/podvolsd/api.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/options.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct daemon d;

static void must(int r, const struct error *err)
{
	if (r >= 0)
		return;
	fprintf(stderr, "cannot set up: %s\n", err->text);
	exit(1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct options options;
	static char allowed[] = "/mnt/host";
	char *prefixes[] = { allowed };
	struct localfs_options localfs_options = { 0 };
	struct error err = { .text = "needs root" };

	(void)argc;
	(void)argv;
	must(unshare(CLONE_NEWNS), &err);
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), &err);
	must(mount("scratch", "/mnt", "tmpfs", 0, NULL), &err);
	must(options_init(&options), &err);
	d.options = &options;
	d.mountpoint = strdup("/mnt/mountpoint");
	must(localfs_new(&localfs_options, &d.localfs, &err), &err);
	must(node_open(&(struct node_options){ .state_dir = "/mnt/state",
					       .mountpoint = d.mountpoint,
					       .host_path_allow = prefixes,
					       .n_host_path_allow = 1,
					       .localfs = d.localfs },
		       &d.node, &err),
	     &err);
	must(node_start(d.node, &err), &err);
	return 0;
}

static void set_query(struct api_request *req, char *text)
{
	/* First, so that it is the one that counts. */
	req->query[req->n_query++] = (struct api_query){ "dryRun", "All" };
	for (char *pair; (pair = strsep(&text, "&"));) {
		char *key = strsep(&pair, "=");

		if (req->n_query == API_QUERY_MAX)
			return;
		req->query[req->n_query++] =
			(struct api_query){ key, pair ? pair : "" };
	}
}

static void check(const struct api_response *res)
{
	json_auto_t *object = NULL;

	if (res->code < 200 || res->code > 599 || !res->text ||
	    !res->content_type || strlen(res->text) != res->len)
		abort();
	if (strcmp(res->content_type, "application/json") != 0)
		return;
	object = json_loads(res->text, 0, NULL);
	if (!json_is_string(json_object_get(object, "kind")) &&
	    !json_object_get(object, "items") &&
	    !json_object_get(object, "gitVersion"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = malloc(size + 1);
	struct api_request req = { 0 };
	struct api_response res;
	char *rest = text;
	char *path;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	path = strsep(&rest, "\n");
	req.content_type = rest ? strsep(&rest, "\n") : NULL;
	req.body = rest;
	req.body_len = rest ? size - (size_t)(rest - text) : 0;
	req.method = strsep(&path, " ");
	req.path = path ? strsep(&path, "?") : "";
	set_query(&req, path);
	api_handle(&d, &req, &res);
	check(&res);
	response_done(&res);
	return 0;
}
