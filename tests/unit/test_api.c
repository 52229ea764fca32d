/* SPDX-License-Identifier: Apache-2.0 */
/* test_api.c - what the API answers, without a socket */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tests/unit/nodes.h"
#include "tests/unit/scratch.h"
#include "tools/podvolsd/api.h"
#include "tools/podvolsd/control.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/options.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT(literal) ((char *)(literal))
#define PODS	      "/api/v1/namespaces/default/pods"
#define YAML	      "application/yaml"

#define POD(name, source)                                                      \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"              \
	"spec:\n"                                                              \
	"  containers:\n"                                                      \
	"  - name: c\n"                                                        \
	"    volumeMounts: [{name: data, mountPath: /data}]\n"                 \
	"  volumes:\n"                                                         \
	"  - name: data\n"                                                     \
	"    " source ": {}\n"

static struct test_node t;
static struct options options;
static struct daemon d;
static struct api_response res;
static json_t *object; /* the last answer, if it was JSON */

static void setup(void)
{
	const char *base = scratch_enter();

	cr_assert(eq(int, options_init(&options), 0));
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
	d = (struct daemon){ .options = &options,
			     .mountpoint = TEXT("/mnt/mnt"),
			     .localfs = t.localfs,
			     .node = t.node };
}

static void forget(void)
{
	response_done(&res);
	json_decref(object);
	object = NULL;
}

static void teardown(void)
{
	forget();
	if (t.node)
		test_node_close(&t);
	options_done(&options);
}

TestSuite(api, .init = setup, .fini = teardown, .timeout = 60);

static void parse_query(struct api_request *req, char *text)
{
	for (char *p; (p = strsep(&text, "&"));) {
		char *key = strsep(&p, "=");

		req->query[req->n_query++] =
			(struct api_query){ key, p ? p : "" };
	}
}

/* Ask; the code.  path may have a query, body may be NULL. */
static int ask(const char *method, const char *path, const char *type,
	       const char *body)
{
	cleanup_free char *copy = strdup(path);
	char *query = copy;
	struct api_request req = { .method = method };

	forget();
	req.path = strsep(&query, "?");
	if (query)
		parse_query(&req, query);
	req.content_type = type;
	req.body = body;
	req.body_len = body ? strlen(body) : 0;
	api_handle(&d, &req, &res);
	cr_assert(not(zero(ptr, res.text)));
	object = json_loads(res.text, 0, NULL);
	return (int)res.code;
}

static int get(const char *path)
{
	return ask("GET", path, NULL, NULL);
}

static int put(const char *path, const char *body)
{
	return ask("PUT", path, YAML, body);
}

/* The answer is a Status of failure, in the shape of Kubernetes. */
static void failed(const char *reason, const char *message)
{
	const char *has;

	cr_expect(eq(str, test_string(object, "kind"), TEXT("Status")));
	cr_expect(eq(str, test_string(object, "apiVersion"), TEXT("v1")));
	cr_expect(eq(str, test_string(object, "status"), TEXT("Failure")));
	cr_expect(eq(str, test_string(object, "reason"), TEXT(reason)));
	cr_expect(eq(int,
		     (int)json_integer_value(json_object_get(object, "code")),
		     (int)res.code));
	has = json_string_value(json_object_get(object, "message"));
	cr_expect(not(zero(ptr, strstr(has, message))), "%s", has);
}

static size_t n_items(void)
{
	return json_array_size(json_object_get(object, "items"));
}

Test(api, an_unknown_path_is_not_found)
{
	cr_expect(eq(int, get("/api/v2/pods"), 404));
	failed("NotFound", "could not find the requested resource");
	cr_expect(eq(int, get("/api/v1/pods/"), 404));
	cr_expect(eq(int, get("/api/v1/namespaces//pods"), 404));
	cr_expect(eq(int, get(""), 404));
}

Test(api, a_method_that_a_path_does_not_take_is_refused_with_those_it_does)
{
	cr_expect(eq(int, ask("PATCH", PODS "/web", NULL, NULL), 405));
	failed("MethodNotAllowed", "does not allow this method");
	cr_expect(eq(str, res.allow, TEXT("GET, PUT, DELETE")));
	cr_expect(eq(int, ask("HEAD", PODS, NULL, NULL), 200));
	cr_expect(eq(str, res.allow, TEXT("")));
}

Test(api, a_pod_that_was_put_is_there_until_it_is_deleted)
{
	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(str, TEXT(res.outcome), TEXT("created")));
	cr_expect(eq(str, test_string(object, "kind"), TEXT("Pod")));
	cr_expect(eq(int, put(PODS "/web", POD("web", "emptyDir")), 200));
	cr_expect(eq(str, TEXT(res.outcome), TEXT("unchanged")));
	cr_expect(eq(int, get(PODS "/web"), 200));
	cr_expect(eq(str, test_string(object, "metadata.name"), TEXT("web")));
	cr_expect(eq(int, ask("DELETE", PODS "/web", NULL, NULL), 200));
	cr_expect(eq(str, test_string(object, "status"), TEXT("Success")));
	cr_expect(eq(str, test_string(object, "details.name"), TEXT("web")));
	cr_expect(eq(int, get(PODS "/web"), 404));
	failed("NotFound", "pods \"web\" not found");
	cr_expect(eq(str, test_string(object, "details.kind"), TEXT("pods")));
	cr_expect(eq(int, ask("DELETE", PODS "/web", NULL, NULL), 404));
}

Test(api, a_dry_run_changes_nothing)
{
	cr_expect(eq(int, put(PODS "/web?dryRun=All", POD("web", "emptyDir")),
		     201));
	cr_expect(eq(int, get(PODS "/web"), 404));
	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(int, ask("DELETE", PODS "/web?dryRun=All", NULL, NULL),
		     200));
	cr_expect(
		eq(int,
		   ask("DELETE", PODS "/web", NULL, "{\"dryRun\": [\"All\"]}"),
		   200));
	cr_expect(eq(int, get(PODS "/web"), 200));
	cr_expect(eq(int, ask("DELETE", PODS "/web?dryRun=yes", NULL, NULL),
		     400));
	failed("BadRequest", "supported values: \"All\"");
	cr_expect(eq(int, get(PODS "/web"), 200));
}

Test(api, creating_a_pod_that_exists_is_a_conflict)
{
	const char *pod = POD("web", "emptyDir");

	cr_assert(eq(int, ask("POST", PODS, YAML, pod), 201));
	cr_expect(eq(int, ask("POST", PODS, YAML, pod), 409));
	failed("AlreadyExists", "pods \"web\" already exists");
}

Test(api, json_is_as_good_as_yaml)
{
	cr_expect(eq(int,
		     ask("PUT", PODS "/j", "application/json; charset=utf-8",
			 "{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
			 "\"metadata\":{\"name\":\"j\"},"
			 "\"spec\":{\"containers\":[{\"name\":\"c\"}]}}"),
		     201),
		  "%s", res.text);
}

Test(api, the_name_may_be_left_to_the_path)
{
	cr_expect(
		eq(int,
		   put(PODS "/web", "apiVersion: v1\nkind: Pod\nmetadata: {}\n"
				    "spec: {containers: [{name: c}]}\n"),
		   201),
		"%s", res.text);
	cr_expect(eq(str, test_string(object, "metadata.name"), TEXT("web")));
}

Test(api, path_and_object_must_agree)
{
	cr_expect(eq(int, put(PODS "/other", POD("web", "emptyDir")), 400));
	failed("BadRequest", "the name of the provided object does not match");
	cr_expect(eq(int,
		     put("/api/v1/namespaces/prod/pods/web",
			 "apiVersion: v1\nkind: Pod\n"
			 "metadata: {name: web, namespace: dev}\n"),
		     400));
	failed("BadRequest", "metadata.namespace: \"dev\" in the object");
}

Test(api, names_that_cannot_be_are_refused)
{
	cr_expect(eq(int, get("/api/v1/namespaces/De_v/pods"), 400));
	failed("BadRequest", "namespace: Invalid value: \"De_v\"");
	cr_expect(eq(int, get(PODS "/-web"), 400));
	failed("BadRequest", "name: Invalid value: \"-web\"");
	cr_expect(eq(int, get(PODS "/a..b"), 400));
	cr_expect(eq(int, get(PODS "/a.b-1"), 404));
	cr_expect(eq(int, get(PODS "/\xff\xfe"), 400));
	failed("BadRequest", "name: Invalid value: \"??\"");
}

Test(api, every_fault_of_a_manifest_is_told_with_field_and_line)
{
	json_t *causes;

	cr_expect(eq(int, put(PODS "/web", POD("web", "emptyDri")), 422));
	failed("Invalid", "Pod \"web\" is invalid: ");
	failed("Invalid", "line 10: spec.volumes[0].emptyDri: ");
	causes = json_object_get(json_object_get(object, "details"), "causes");
	cr_expect(ge(sz, json_array_size(causes), 1));
	cr_expect(eq(str, test_string(object, "details.name"), TEXT("web")));
	cr_expect(eq(str, test_string(json_array_get(causes, 0), "field"),
		     TEXT("spec.volumes[0].emptyDri")));
}

Test(api, the_volumes_of_a_live_pod_may_not_change)
{
	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(int,
		     put(PODS "/web",
			 POD("web", "emptyDir") "  - name: more\n"
						"    emptyDir: {}\n"),
		     422),
		  "%s", res.text);
	failed("Invalid", "Forbidden");
}

Test(api, a_body_that_is_no_object_is_refused_with_the_reason)
{
	cr_expect(eq(int, put(PODS "/web", ""), 400));
	failed("BadRequest", "must contain one object, not 0");
	cr_expect(eq(int, put(PODS "/web", "a: 1\n---\nb: 2\n"), 400));
	failed("BadRequest", "must contain one object, not 2");
	cr_expect(eq(int, put(PODS "/web", "a: [b\nc: }"), 400));
	failed("BadRequest", "line 2");
	cr_expect(eq(int, put(PODS "/web", "[1, 2]"), 422), "%s", res.text);
	cr_expect(eq(int, ask("PUT", PODS "/web", "text/html", "a: b"), 415));
	failed("UnsupportedMediaType", "send application/json or");
}

Test(api, a_deletion_may_demand_a_version)
{
	cleanup_free char *body = NULL;

	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_assert(gt(
		int,
		asprintf(&body,
			 "{\"preconditions\": {\"resourceVersion\": \"%s\"}}",
			 test_string(object, "metadata.resourceVersion")),
		0));
	cr_expect(eq(int,
		     ask("DELETE", PODS "/web?preconditions.resourceVersion=1",
			 NULL, NULL),
		     409));
	failed("Conflict", "resourceVersion");
	cr_expect(eq(int,
		     ask("DELETE", PODS "/web", NULL,
			 "{\"preconditions\": {\"resourceVersion\": 5}}"),
		     400));
	cr_expect(eq(int, ask("DELETE", PODS "/web", NULL, body), 200));
}

Test(api, a_deletion_may_demand_a_uid)
{
	cleanup_free char *body = NULL;

	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_assert(gt(int,
		     asprintf(&body, "{\"preconditions\": {\"uid\": \"%s\"}}",
			      test_string(object, "metadata.uid")),
		     0));
	cr_expect(eq(
		int,
		ask("DELETE", PODS "/web?preconditions.uid=other", NULL, NULL),
		409));
	failed("Conflict", "Operation cannot be fulfilled on pods \"web\": ");
	cr_expect(eq(int,
		     ask("DELETE", PODS "/web", NULL,
			 "{\"preconditions\": {\"uid\": 5}}"),
		     400));
	cr_expect(eq(int, ask("DELETE", PODS "/web?force=maybe", NULL, NULL),
		     400));
	failed("BadRequest", "force: Invalid value: \"maybe\"");
	cr_expect(eq(int, ask("DELETE", PODS "/web", NULL, body), 200));
}

Test(api, lists_are_of_one_namespace_or_of_all)
{
	cr_assert(eq(int, put(PODS "/a", POD("a", "emptyDir")), 201));
	cr_assert(eq(int, put(PODS "/b", POD("b", "emptyDir")), 201));
	cr_assert(
		eq(int,
		   put("/api/v1/namespaces/other/pods/a", POD("a", "emptyDir")),
		   201));
	cr_expect(eq(int, get("/api/v1/pods"), 200));
	cr_expect(eq(str, test_string(object, "kind"), TEXT("PodList")));
	cr_expect(ne(str, test_string(object, "metadata.resourceVersion"),
		     TEXT("")));
	cr_expect(eq(sz, n_items(), 3));
	cr_expect(eq(int, get(PODS "?limit=500"), 200));
	cr_expect(eq(sz, n_items(), 2));
	cr_expect(eq(int, get(PODS "?fieldSelector=metadata.name=b"), 200));
	cr_expect(eq(sz, n_items(), 1));
	cr_expect(eq(int,
		     get("/api/v1/pods?fieldSelector=metadata.name==a,"
			 "metadata.namespace!=other"),
		     200));
	cr_expect(eq(sz, n_items(), 1));
}

Test(api, selections_that_are_not_served_are_refused_not_ignored)
{
	cr_expect(eq(int, get(PODS "?labelSelector=app in web"), 400));
	failed("BadRequest",
	       "unable to parse requirement: found 'web' expected: '('");
	cr_expect(eq(int, get(PODS "?watch=true"), 400));
	cr_expect(eq(int, get(PODS "?fieldSelector=spec.colour=red"), 400));
	failed("BadRequest", "field label not supported: spec.colour");
	cr_expect(eq(int, get(PODS "?fieldSelector=nonsense"), 400));
	cr_expect(eq(int, get(PODS "?fieldSelector=!=x"), 400));
	cr_expect(eq(int, get(PODS "?watch=false&labelSelector="), 200));
}

Test(api, events_are_found_by_their_pod)
{
	char path[256];

	cr_assert(eq(int, put(PODS "/a", POD("a", "emptyDir")), 201));
	snprintf(path, sizeof(path),
		 "/api/v1/events?fieldSelector=involvedObject.uid=%s",
		 test_string(object, "metadata.uid"));
	cr_assert(eq(int, put(PODS "/b", POD("b", "emptyDir")), 201));
	cr_expect(eq(int, get(path), 200));
	cr_expect(ge(sz, n_items(), 1));
	cr_expect(eq(int,
		     get("/api/v1/namespaces/default/events?fieldSelector="
			 "involvedObject.name=b,involvedObject.kind=Pod"),
		     200));
	cr_expect(ge(sz, n_items(), 1));
	cr_expect(eq(int, get("/api/v1/namespaces/other/events"), 200));
	cr_expect(eq(sz, n_items(), 0));
}

Test(api, mounts_are_given_per_container)
{
	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(int, ask("POST", PODS "/web/mounts", NULL, NULL), 200));
	cr_expect(eq(sz, n_items(), 1));
	cr_expect(eq(int,
		     ask("POST", PODS "/web/mounts?container=x", NULL, NULL),
		     404));
	failed("NotFound", "'x'");
	cr_expect(eq(int, ask("POST", PODS "/no/mounts", NULL, NULL), 404));
	cr_expect(eq(int,
		     ask("POST", PODS "/web/mounts?dryRun=All", NULL, NULL),
		     400));
}

Test(api, a_resize_wants_a_size_and_a_volume_that_is_there)
{
	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(int,
		     ask("POST", PODS "/web/volumes/no/resize",
			 "application/json", "{\"sizeLimit\": \"1Mi\"}"),
		     404));
	cr_expect(eq(int,
		     ask("POST", PODS "/web/volumes/no/resize",
			 "application/json", "{}"),
		     422));
	cr_expect(eq(int, ask("GET", PODS "/web/volumes/no/resize", NULL, NULL),
		     405));
}

Test(api, health_is_told_in_one_word_or_check_by_check)
{
	/* There is no mount here. */
	cr_expect(eq(int, get("/healthz"), 500));
	cr_expect(eq(str, res.text,
		     TEXT("[+]ping ok\n[+]catalog ok\n[-]mount failed\n"
			  "healthz check failed\n")));
	cr_expect(eq(int, get("/readyz?exclude=mount"), 200));
	cr_expect(eq(str, res.text, TEXT("ok")));
	cr_expect(eq(int, get("/livez?exclude=mount&verbose"), 200));
	cr_expect(eq(str, res.text,
		     TEXT("[+]ping ok\n[+]catalog ok\n[+]mount excluded: ok\n"
			  "livez check passed\n")));
}

Test(api, version_and_discovery_have_the_shapes_of_kubernetes)
{
	cr_expect(eq(int, get("/version"), 200));
	cr_expect(eq(str, test_string(object, "gitVersion"),
		     TEXT("v" PODVOLS_VERSION)));
	cr_expect(eq(int, get("/api"), 200));
	cr_expect(eq(str, test_string(object, "kind"), TEXT("APIVersions")));
	cr_expect(eq(int, get("/apis"), 200));
	cr_expect(eq(str, test_string(object, "kind"), TEXT("APIGroupList")));
	cr_expect(eq(int, get("/api/v1"), 200));
	cr_expect(
		eq(str, test_string(object, "kind"), TEXT("APIResourceList")));
}

Test(api, status_counts_what_there_is)
{
	const json_t *node;

	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	cr_expect(eq(int, get("/status"), 200));
	node = json_object_get(object, "node");
	cr_expect(eq(int,
		     (int)json_integer_value(json_object_get(node, "pods")),
		     1));
	cr_expect(eq(str, test_string(object, "mountpoint"), TEXT("/mnt/mnt")));
}

static void control_has(enum fs_control_file file, const char *uid,
			const char *want)
{
	cleanup_free char *text = NULL;
	size_t len = 0;

	cr_assert(eq(int, control_text(&d, file, uid, &text, &len), 0));
	cr_expect(eq(sz, len, strlen(text)));
	cr_expect(not(zero(ptr, strstr(text, want))), "%s", text);
}

Test(api, the_files_about_the_daemon_have_their_texts)
{
	char uid[64];
	char *text;
	size_t len;

	cr_assert(eq(int, put(PODS "/web", POD("web", "emptyDir")), 201));
	snprintf(uid, sizeof(uid), "%s", test_string(object, "metadata.uid"));
	control_has(FS_CONTROL_VERSION, NULL, "podvols " PODVOLS_VERSION "\n");
	control_has(FS_CONTROL_STATS, NULL, "\"pods\": 1");
	control_has(FS_CONTROL_METRICS, NULL, "\npodvols_pods 1\n");
	control_has(FS_CONTROL_POD, uid, "name: web\n");
	cr_expect(
		eq(int,
		   control_text(&d, FS_CONTROL_POD, "no-such-uid", &text, &len),
		   -ENOENT));
}
