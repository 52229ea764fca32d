/* SPDX-License-Identifier: Apache-2.0 */
/* api_meta.c - what is served here, in which version, and is it well */
#include "tools/podvolsd/api.h"

#include "fuse/fs.h"
#include "store/base/error.h"
#include "store/node.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/status.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

void api_versions(struct api_call *call)
{
	response_object(call->res, 200,
			json_pack("{s:s, s:[s], s:[]}", "kind", "APIVersions",
				  "versions", "v1",
				  "serverAddressByClientCIDRs"));
}

void api_groups(struct api_call *call)
{
	response_object(call->res, 200,
			json_pack("{s:s, s:s, s:[]}", "kind", "APIGroupList",
				  "apiVersion", "v1", "groups"));
}

void api_resources(struct api_call *call)
{
	response_object(
		call->res, 200,
		json_pack(
			"{s:s, s:s, s:[{s:s,s:s,s:b,s:s,s:[s],s:[s,s,s,s,s,s]},"
			"{s:s,s:s,s:b,s:s,s:[s],s:[s]}]}",
			"kind", "APIResourceList", "groupVersion", "v1",
			"resources", "name", "pods", "singularName", "pod",
			"namespaced", 1, "kind", "Pod", "shortNames", "po",
			"verbs", "create", "delete", "deletecollection", "get",
			"list", "update", "name", "events", "singularName",
			"event", "namespaced", 1, "kind", "Event", "shortNames",
			"ev", "verbs", "list"));
}

/* As Kubernetes calls it. */
static const char *architecture(const char *machine)
{
	if (strcmp(machine, "x86_64") == 0)
		return "amd64";
	if (strcmp(machine, "aarch64") == 0)
		return "arm64";
	return machine;
}

void api_version(struct api_call *call)
{
	static const char version[] = PODVOLS_VERSION;
	char platform[140];
	unsigned major = 0;
	unsigned minor = 0;
	char numbers[2][16];
	struct utsname os;

	sscanf(version, "%u.%u", &major, &minor);
	snprintf(numbers[0], sizeof(numbers[0]), "%u", major);
	snprintf(numbers[1], sizeof(numbers[1]), "%u", minor);
	uname(&os);
	snprintf(platform, sizeof(platform), "linux/%s",
		 architecture(os.machine));
	response_object(call->res, 200,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "major",
				  numbers[0], "minor", numbers[1], "gitVersion",
				  "v" PODVOLS_VERSION, "compiler", "cc",
				  "platform", platform));
}

void api_status(struct api_call *call)
{
	response_object(call->res, 200, status_json(call->daemon));
}

static bool is_mount_well(struct daemon *d)
{
	struct fs *fs = atomic_load(&d->fs);
	struct pollfd pfd = { .events = POLLIN };

	if (!fs)
		return false;
	pfd.fd = fs_ended_fd(fs);
	return poll(&pfd, 1, 0) == 0;
}

/* One look into the catalog, for a pod that cannot be. */
static bool is_catalog_well(struct daemon *d)
{
	json_t *object = NULL;
	int r;

	r = node_pod_get_by_uid(d->node, "00000000-0000-0000-0000-000000000000",
				&object, NULL);
	json_decref(object);
	return r == 0 || r == -ENOENT;
}

static bool is_api_well(struct daemon *d)
{
	return d != NULL;
}

static const struct {
	const char *name;
	bool (*is_well)(struct daemon *d);
} checks[] = {
	{ "ping", is_api_well },
	{ "catalog", is_catalog_well },
	{ "mount", is_mount_well },
};

static bool is_excluded(const struct api_request *req, const char *check)
{
	for (size_t i = 0; i < req->n_query; i++) {
		if (strcmp(req->query[i].key, "exclude") == 0 &&
		    strcmp(req->query[i].value, check) == 0)
			return true;
	}
	return false;
}

/* One line per check; the number of those that failed. */
static unsigned run_checks(struct api_call *call, FILE *out)
{
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		bool excluded = is_excluded(call->req, checks[i].name);
		bool well = excluded || checks[i].is_well(call->daemon);

		failed += !well;
		fprintf(out, "[%c]%s %s\n", well ? '+' : '-', checks[i].name,
			excluded ? "excluded: ok"
			: well	 ? "ok"
				 : "failed");
	}
	return failed;
}

void api_health(struct api_call *call)
{
	const char *check = call->req->path + 1;
	char *text = NULL;
	size_t len;
	unsigned failed;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		response_text(call->res, 500, NULL);
		return;
	}
	failed = run_checks(call, out);
	fprintf(out, "%s check %s\n", check, failed ? "failed" : "passed");
	fclose(out);
	if (!failed && !api_query(call->req, "verbose")) {
		free(text);
		text = strdup("ok");
	}
	response_text(call->res, failed ? 500 : 200, text);
}
