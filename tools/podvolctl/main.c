/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - podvolctl: kubectl's habits for the volumes of this machine */
#include "store/base/error.h"
#include "tools/podvolctl/client.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"
#include "tools/podvolctl/help.h"
#include "tools/podvolctl/report.h"

#include <stdio.h>

static int show_version(void)
{
	printf("podvolctl %s\n", PODVOLS_VERSION);
	return STATUS_DONE;
}

static int run_command(const struct command *command,
		       const struct cmdline *cmdline)
{
	struct ctl ctl = { .cmdline = cmdline };
	struct error err;
	int r, status;

	if (cmdline->help) {
		help_command(stdout, command);
		return STATUS_DONE;
	}
	if (cmdline->version)
		return show_version();
	r = client_open(cmdline->socket, cmdline->timeout_ms, &ctl.client,
			&err);
	if (r < 0)
		return report_error("%s", err.text);
	status = command->run(&ctl);
	client_close(ctl.client);
	return status;
}

static int run(struct cmdline *cmdline, int argc, char **argv)
{
	const struct command *command;
	struct error err;

	if (cmdline_parse_common(cmdline, argc, argv, &err) < 0)
		return report_usage(NULL, "%s", err.text);
	if (cmdline->help) {
		help_program(stdout);
		return STATUS_DONE;
	}
	if (cmdline->version)
		return show_version();
	if (cmdline->n_args == 0) {
		help_program(stderr);
		return STATUS_USAGE;
	}
	command = command_find(cmdline->args[0]);
	if (!command)
		return command_tell_unknown(cmdline->args[0]);
	if (cmdline_parse(cmdline, command, (int)cmdline->n_args, cmdline->args,
			  &err) < 0)
		return report_usage(command->name, "%s", err.text);
	return run_command(command, cmdline);
}

int main(int argc, char **argv)
{
	struct cmdline cmdline;
	int status;

	cmdline_init(&cmdline);
	status = run(&cmdline, argc, argv);
	cmdline_done(&cmdline);
	/* Results that did not reach the disk or the pipe are no results. */
	if (fflush(stdout) != 0 || ferror(stdout))
		return report_error("cannot write to standard output: %m");
	return status;
}
