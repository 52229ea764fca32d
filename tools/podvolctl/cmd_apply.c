/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c - podvolctl apply: create or update the pods of manifests */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/pod.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/input.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>
#include <string.h>

#define cleanup_pod __attribute__((cleanup(pod_freep)))

static void pod_freep(struct pod **pod)
{
	pod_free(*pod);
}

static int tell_outcome(const struct ctl *ctl, const char *name,
			const char *outcome)
{
	printf("pod/%s %s%s\n", name, outcome,
	       ctl->cmdline->dry_run == DRY_RUN_NONE ? "" : " (dry run)");
	fflush(stdout);
	return STATUS_DONE;
}

/* The daemon chose the name if the manifest left it to it. */
static const char *name_of(const struct reply *reply, const char *name)
{
	json_unpack(reply->body, "{s:{s:s}}", "metadata", "name", &name);
	return name;
}

static int send_pod(const struct ctl *ctl,
		    const struct input_document *document,
		    const struct pod *pod)
{
	const char *suffix =
		ctl->cmdline->dry_run == DRY_RUN_SERVER ? "?dryRun=All" : "";
	cleanup_free char *path =
		client_pods_path(pod->namespace, pod->name, suffix);
	cleanup_reply struct reply reply = { 0 };
	cleanup_free char *doing = NULL;
	struct error err;
	int r;

	if (!path)
		return report_error("out of memory");
	r = client_request(ctl->client, pod->name ? "PUT" : "POST", path,
			   document->value, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code == 200 || reply.code == 201)
		return tell_outcome(
			ctl,
			name_of(&reply, pod->name ? pod->name : "<unknown>"),
			reply.outcome);
	if (asprintf(&doing, "applying '%s'", document->source) < 0)
		doing = NULL;
	return report_status(&reply, doing, document->source, document->lines);
}

static int check_namespace(const struct ctl *ctl,
			   const struct input_document *document,
			   const struct pod *pod)
{
	const struct cmdline *cmdline = ctl->cmdline;

	if (!cmdline->namespace_given ||
	    strcmp(pod->namespace, cmdline->namespace) == 0)
		return STATUS_DONE;
	return report_error(
		"%s:%u: metadata.namespace: '%s' is not the namespace given by -n, '%s'",
		document->source, document->line, pod->namespace,
		cmdline->namespace);
}

static int apply_pod(const struct ctl *ctl,
		     const struct input_document *document, struct pod *pod)
{
	const char *name = pod->name ? pod->name : pod->generate_name;
	int status = check_namespace(ctl, document, pod);

	if (status != STATUS_DONE)
		return status;
	if (ctl->cmdline->dry_run == DRY_RUN_CLIENT)
		return tell_outcome(ctl, name, "valid");
	return send_pod(ctl, document, pod);
}

/* Checked here too because only here the lines are known. */
static int apply_document(void *arg, const struct input_document *document)
{
	const struct ctl *ctl = arg;
	cleanup_pod struct pod *pod = NULL;
	struct causes causes;
	int r, status;

	causes_init(&causes);
	r = pod_decode(document->value, ctl->cmdline->namespace,
		       document->lines, &pod, &causes);
	status =
		r < 0 ? report_causes(document->source, document->line, &causes)
		      : apply_pod(ctl, document, pod);
	causes_done(&causes);
	return status;
}

int cmd_apply(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;

	if (cmdline->n_args > 0)
		return report_usage(
			"apply", "unexpected '%s': manifests are given by -f",
			cmdline->args[0]);
	if (cmdline->n_files == 0)
		return report_usage(
			"apply", "say what to apply: -f FILE, -f - or -f DIR");
	return input_each(cmdline->files, cmdline->n_files, apply_document,
			  ctl);
}
