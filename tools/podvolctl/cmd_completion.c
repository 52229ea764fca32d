/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_completion.c - podvolctl completion: a script for the shell */
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/completion.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>
#include <string.h>

int cmd_completion(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;

	if (cmdline->n_args != 1)
		return report_usage("completion", "say for which shell: bash");
	if (strcmp(cmdline->args[0], "bash") != 0)
		return report_usage("completion",
				    "unknown shell '%s': must be bash",
				    cmdline->args[0]);
	completion_bash(stdout);
	return STATUS_DONE;
}
