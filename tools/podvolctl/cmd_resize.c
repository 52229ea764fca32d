/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_resize.c - podvolctl resize: another sizeLimit for a volume in use */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* "volume/POD/VOLUME" and "POD/VOLUME" are the same. */
static char *skip_type(char *name)
{
	static const char *const types[] = { "volumes/", "volume/", "vol/" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t len = strlen(types[i]);

		if (strncmp(name, types[i], len) == 0 &&
		    strchr(name + len, '/'))
			return name + len;
	}
	return name;
}

static char *resize_path(const struct ctl *ctl, const char *pod,
			 const char *volume)
{
	bool dry_run = ctl->cmdline->dry_run != DRY_RUN_NONE;
	cleanup_free char *suffix = NULL;

	if (asprintf(&suffix, "/volumes/%s/resize%s", volume,
		     dry_run ? "?dryRun=All" : "") < 0) {
		suffix = NULL;
		return NULL;
	}
	return client_pods_path(ctl->cmdline->namespace, pod, suffix);
}

static void print_outcome(const struct ctl *ctl, const char *pod,
			  const char *volume, const char *outcome)
{
	printf("volume/%s/%s %s%s\n", pod, volume, outcome,
	       ctl->cmdline->dry_run == DRY_RUN_NONE ? "" : " (dry run)");
}

static int send_size(const struct ctl *ctl, const char *pod, const char *volume,
		     const char *size)
{
	cleanup_free char *path = resize_path(ctl, pod, volume);
	json_auto_t *body = json_pack("{s:s}", "sizeLimit", size);
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r;

	if (!path || !body)
		return report_error("'%s': out of memory, or no UTF-8", size);
	r = client_request(ctl->client, "POST", path, body, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code != 200)
		return report_status(&reply, NULL, NULL, NULL);
	print_outcome(ctl, pod, volume,
		      strcmp(reply.outcome, "unchanged") == 0 ? reply.outcome
							      : "resized");
	return STATUS_DONE;
}

int cmd_resize(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	char *volume;
	char *pod;

	if (cmdline->n_args != 2)
		return report_usage("resize", "wants POD/VOLUME SIZE");
	pod = skip_type(cmdline->args[0]);
	volume = strchr(pod, '/');
	if (!volume || volume == pod || !volume[1] || strchr(volume + 1, '/'))
		return report_usage("resize",
				    "'%s' is no POD/VOLUME, such as web/cache",
				    cmdline->args[0]);
	*volume++ = '\0';
	if (cmdline->dry_run == DRY_RUN_CLIENT) {
		print_outcome(ctl, pod, volume, "resized");
		return STATUS_DONE;
	}
	return send_size(ctl, pod, volume, cmdline->args[1]);
}
