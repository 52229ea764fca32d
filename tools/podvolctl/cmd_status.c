/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c - podvolctl status: how the daemon is doing */
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/print.h"
#include "tools/podvolctl/report.h"
#include "tools/podvolctl/status_view.h"

#include <stdio.h>

int cmd_status(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	cleanup_reply struct reply reply = { 0 };
	struct error err;
	int r;

	if (cmdline->n_args > 0)
		return report_usage("status", "unexpected '%s'",
				    cmdline->args[0]);
	r = client_request(ctl->client, "GET", "/status", NULL, &reply, &err);
	if (r < 0)
		return report_transport(r, &err);
	if (reply.code != 200)
		return report_status(&reply, NULL, NULL, NULL);
	if (cmdline->output)
		return print_object(cmdline, reply.body);
	status_view(stdout, reply.body);
	return STATUS_DONE;
}
