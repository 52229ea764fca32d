/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_delete.c - podvolctl delete: pods, and what their emptyDirs hold */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/fetch.h"
#include "tools/podvolctl/input.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define POLL_FIRST_MS 10
#define POLL_LAST_MS  1000

/* A pod of the same name with another UID is another pod. */
static bool is_gone(const struct reply *reply, const char *uid)
{
	const char *now = NULL;

	if (reply->code == 404)
		return true;
	json_unpack(reply->body, "{s:{s:s}}", "metadata", "uid", &now);
	return reply->code == 200 && uid && now && strcmp(uid, now) != 0;
}

static int wait_until_gone(const struct ctl *ctl, const char *namespace,
			   const char *name, const char *uid)
{
	cleanup_free char *path = client_pods_path(namespace, name, "");
	long delay_ms = POLL_FIRST_MS;

	if (!path)
		return report_error("out of memory");
	for (;;) {
		cleanup_reply struct reply reply = { 0 };
		struct timespec delay;
		struct error err;
		int r;

		r = client_request(ctl->client, "GET", path, NULL, &reply,
				   &err);
		if (r < 0)
			return report_transport(r, &err);
		if (is_gone(&reply, uid))
			return STATUS_DONE;
		if (reply.code != 200)
			return report_status(&reply, "waiting", NULL, NULL);
		delay = (struct timespec){ delay_ms / 1000,
					   delay_ms % 1000 * 1000000 };
		nanosleep(&delay, NULL);
		delay_ms = 2 * delay_ms < POLL_LAST_MS ? 2 * delay_ms
						       : POLL_LAST_MS;
	}
}

/* The Pod itself, or a Status whose details name it. */
static const char *uid_of(const struct reply *reply)
{
	const char *uid = NULL;

	if (json_unpack(reply->body, "{s:{s:s}}", "metadata", "uid", &uid) < 0)
		json_unpack(reply->body, "{s:{s:s}}", "details", "uid", &uid);
	return uid;
}

/* Are pods meant that are not named, whichever there are? */
static bool is_choice(const struct cmdline *cmdline)
{
	return cmdline->all || cmdline->selector || cmdline->field_selector;
}

static int tell_failure(const struct ctl *ctl, const struct reply *reply)
{
	if (reply->code == 404 &&
	    (ctl->cmdline->ignore_not_found || is_choice(ctl->cmdline)))
		return STATUS_DONE;
	report_status(reply, NULL, NULL, NULL);
	if (reply->code == 409 && !ctl->cmdline->force)
		report_error("not deleted; --force deletes what is in use");
	return STATUS_FAILED;
}

static int tell_deleted(const char *name, bool dry_run)
{
	printf("pod \"%s\" deleted%s\n", name, dry_run ? " (dry run)" : "");
	fflush(stdout);
	return STATUS_DONE;
}

static char *delete_path(const struct ctl *ctl, const char *namespace,
			 const char *name)
{
	bool dry_run = ctl->cmdline->dry_run != DRY_RUN_NONE;
	char suffix[64];

	snprintf(suffix, sizeof(suffix), "%s%s%s%s",
		 ctl->cmdline->force || dry_run ? "?" : "",
		 ctl->cmdline->force ? "force=true" : "",
		 ctl->cmdline->force && dry_run ? "&" : "",
		 dry_run ? "dryRun=All" : "");
	return client_pods_path(namespace, name, suffix);
}

static int delete_pod(const struct ctl *ctl, const char *namespace,
		      const char *name)
{
	cleanup_free char *path = delete_path(ctl, namespace, name);
	bool dry_run = ctl->cmdline->dry_run != DRY_RUN_NONE;
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r, status;

	if (!path)
		return report_error("out of memory");
	if (ctl->cmdline->dry_run == DRY_RUN_CLIENT)
		return tell_deleted(name, true);
	r = client_request(ctl->client, "DELETE", path, NULL, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code != 200 && reply.code != 202)
		return tell_failure(ctl, &reply);
	if (ctl->cmdline->wait && !dry_run) {
		status = wait_until_gone(ctl, namespace, name, uid_of(&reply));
		if (status != STATUS_DONE)
			return status;
	}
	return tell_deleted(name, dry_run);
}

/* What became invalid must be deletable too, so this asks for little. */
static int delete_document(void *arg, const struct input_document *document)
{
	const struct ctl *ctl = arg;
	const char *namespace = ctl->cmdline->namespace;
	const char *kind = NULL;
	const char *name = NULL;

	json_unpack((json_t *)document->value, "{s:s}", "kind", &kind);
	json_unpack((json_t *)document->value, "{s:{s:s}}", "metadata", "name",
		    &name);
	json_unpack((json_t *)document->value, "{s:{s:s}}", "metadata",
		    "namespace", &namespace);
	if (!kind || strcmp(kind, "Pod") != 0)
		return report_error("%s:%u: kind: must be Pod",
				    document->source, document->line);
	if (!name || !*name)
		return report_error(
			"%s:%u: metadata.name: required, to know which pod to delete",
			document->source, document->line);
	if (ctl->cmdline->namespace_given &&
	    strcmp(namespace, ctl->cmdline->namespace) != 0)
		return report_error(
			"%s:%u: metadata.namespace: '%s' is not the namespace given by -n, '%s'",
			document->source, document->line, namespace,
			ctl->cmdline->namespace);
	return delete_pod(ctl, namespace, name);
}

/* One by one, so that each is told about. */
static int delete_chosen(const struct ctl *ctl,
			 const struct selection *selection)
{
	json_auto_t *pods = json_array();
	const json_t *pod;
	int worst;
	size_t i;

	worst = fetch_selection(ctl, selection, pods);
	if (worst == STATUS_DONE && json_array_size(pods) == 0)
		fputs("No resources found\n", stderr);
	json_array_foreach(pods, i, pod)
	{
		const json_t *metadata = json_object_get(pod, "metadata");
		int status = delete_pod(ctl, ctl->cmdline->namespace,
					view_string(metadata, "name"));

		if (status > worst)
			worst = status;
		if (status == STATUS_UNREACHABLE)
			break;
	}
	return worst;
}

static int delete_named(const struct ctl *ctl,
			const struct selection *selection)
{
	int worst = STATUS_DONE;

	for (size_t i = 0; i < selection->n_names; i++) {
		int status = delete_pod(ctl, ctl->cmdline->namespace,
					selection->names[i]);

		if (status > worst)
			worst = status;
		if (status == STATUS_UNREACHABLE)
			break;
	}
	return worst;
}

static int delete_selection(const struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	cleanup_selection struct selection selection = { 0 };
	int status = selection_parse(ctl, "delete", &selection);

	if (status != STATUS_DONE)
		return status;
	if (selection.resource == RESOURCE_VOLUME)
		return report_usage(
			"delete", "a volume ends with its pod: delete the pod");
	if (cmdline->all && (selection.n_names > 0 || cmdline->selector ||
			     cmdline->field_selector))
		return report_usage(
			"delete",
			"--all goes without names and without selectors");
	if (is_choice(cmdline))
		return delete_chosen(ctl, &selection);
	if (selection.n_names == 0)
		return report_usage(
			"delete",
			"say which pods to delete: names, a selector, or --all");
	return delete_named(ctl, &selection);
}

int cmd_delete(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;

	if (cmdline->n_files == 0)
		return delete_selection(ctl);
	if (is_choice(cmdline))
		return report_usage(
			"delete",
			"-f names its pods: give it without --all and selectors");
	if (cmdline->n_args > 0)
		return report_usage(
			"delete",
			"unexpected '%s' beside -f: give one or the other",
			cmdline->args[0]);
	return input_each(cmdline->files, cmdline->n_files, delete_document,
			  ctl);
}
