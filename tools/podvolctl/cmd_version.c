/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - podvolctl version: of this program and of the daemon */
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/pod_view.h"
#include "tools/podvolctl/print.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>

/* server may be NULL: it did not answer, or was not asked. */
static int print_versions(const struct cmdline *cmdline, json_t *server)
{
	json_auto_t *all = NULL;

	if (!cmdline->output) {
		printf("Client Version: v%s\n", PODVOLS_VERSION);
		if (server)
			printf("Server Version: %s\n",
			       view_string(server, "gitVersion"));
		return STATUS_DONE;
	}
	all = json_pack("{s:{s:s}, s:O*}", "clientVersion", "gitVersion",
			"v" PODVOLS_VERSION, "serverVersion", server);
	if (!all)
		return report_error("out of memory");
	return print_object(cmdline, all);
}

int cmd_version(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r, status;

	if (cmdline->n_args > 0)
		return report_usage("version", "unexpected '%s'",
				    cmdline->args[0]);
	if (cmdline->client_only)
		return print_versions(cmdline, NULL);
	r = client_request(ctl->client, "GET", "/version", NULL, &reply, &err);
	if (r < 0) {
		print_versions(cmdline, NULL);
		return report_transport(r, &err);
	}
	if (reply.code != 200)
		return report_status(&reply, NULL, NULL, NULL);
	status = print_versions(cmdline, reply.body);
	return status;
}
