/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - the texts of --help, made from the tables */
#include "tools/podvolctl/help.h"

#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"

#include <string.h>

#define HELP_COLUMN 6
#define HELP_WIDTH  78

/* Words of text in lines that begin at HELP_COLUMN. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column == 0 || column + 1 + n > HELP_WIDTH) {
			fprintf(out, "%s%*s", column ? "\n" : "", HELP_COLUMN,
				"");
			column = HELP_COLUMN;
		} else {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, n, out);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_option(FILE *out, const struct option_def *def,
			 const char *outputs)
{
	const char *placeholder = def->placeholder;

	if (def == &option_table[OPTION_OUTPUT] && outputs)
		placeholder = outputs;
	fputs("  ", out);
	if (def->letter)
		fprintf(out, "-%c, ", def->letter);
	fprintf(out, "--%s", def->name);
	if (def->argument == ARGUMENT_REQUIRED)
		fprintf(out, " %s", placeholder);
	else if (def->argument == ARGUMENT_OPTIONAL)
		fprintf(out, "[=%s]", placeholder);
	fputc('\n', out);
	print_wrapped(out, def->help);
}

static void print_options(FILE *out, uint32_t mask, const char *outputs)
{
	for (int i = 0; i < N_OPTION_IDS; i++)
		if (mask & (UINT32_C(1) << i))
			print_option(out, &option_table[i], outputs);
}

void help_program(FILE *out)
{
	fputs("podvolctl - the volumes of pods, for any container runtime\n\n"
	      "Usage: podvolctl [OPTION]... COMMAND [ARGUMENT]...\n\n"
	      "Commands:\n",
	      out);
	for (const struct command *c = command_table; c->name; c++)
		fprintf(out, "  %-12s%s\n", c->name, c->summary);
	fputs("\nOptions of every command:\n", out);
	print_options(out, OPTIONS_COMMON, NULL);
	fputs("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 the daemon "
	      "cannot be reached.\n"
	      "'podvolctl COMMAND --help' tells more, and podvolctl(1).\n",
	      out);
}

void help_command(FILE *out, const struct command *command)
{
	fprintf(out,
		"podvolctl %s - %s\n\n"
		"Usage: podvolctl %s [OPTION]...\n\n%s\n\n",
		command->name, command->summary, command->usage,
		command->description);
	if (command->options) {
		fputs("Options:\n", out);
		print_options(out, command->options, command->outputs);
		fputc('\n', out);
	}
	fputs("Options of every command:\n", out);
	print_options(out, OPTIONS_COMMON, NULL);
}
