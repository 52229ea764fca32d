/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - podvolctl help: the same as --help */
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/help.h"
#include "tools/podvolctl/report.h"

int cmd_help(struct ctl *ctl)
{
	const struct cmdline *cmdline = ctl->cmdline;
	const struct command *command;

	if (cmdline->n_args > 1)
		return report_usage("help", "unexpected '%s'",
				    cmdline->args[1]);
	if (cmdline->n_args == 0) {
		help_program(stdout);
		return STATUS_DONE;
	}
	command = command_find(cmdline->args[0]);
	if (!command)
		return command_tell_unknown(cmdline->args[0]);
	help_command(stdout, command);
	return STATUS_DONE;
}
