/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - the script that completes commands in bash */
#include "tools/podvolctl/completion.h"

#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/command.h"

#include <string.h>

/*
 * What is fixed.  _podvolctl_table (made from the tables) sets for a command:
 * options, outputs, completes.  Names come from the daemon; one that does not
 * answer must not hold up the shell.
 */
static const char script_head[] =
	"# bash completion of podvolctl; made by 'podvolctl completion bash'\n"
	"\n"
	"_podvolctl_names() {\n"
	"\tpodvolctl get \"$1\" -o name --request-timeout=2s \\\n"
	"\t\t${namespace:+-n \"$namespace\"} ${socket:+-s \"$socket\"} 2>/dev/null |\n"
	"\t\tsed 's,^[^/]*/,,'\n"
	"}\n"
	"\n";

static const char script_tail[] =
	"# Finds the command, its words that are no options, and -n and -s.\n"
	"_podvolctl_scan() {\n"
	"\tlocal i word\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t-n | --namespace) namespace=${COMP_WORDS[++i]} ;;\n"
	"\t\t-s | --socket) socket=${COMP_WORDS[++i]} ;;\n"
	"\t\t-o | --output | -f | --filename | -l | --selector | --field-selector | --request-timeout) ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) if [[ -z $verb ]]; then verb=$word; else args+=(\"$word\"); fi ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_podvolctl_arguments() {\n"
	"\tcase $completes in\n"
	"\ttypes)\n"
	"\t\tif ((${#args[@]} == 0)); then\n"
	"\t\t\techo pods volumes\n"
	"\t\telse\n"
	"\t\t\t_podvolctl_names \"${args[0]}\"\n"
	"\t\tfi\n"
	"\t\t;;\n"
	"\tpods) ((${#args[@]} > 0)) || _podvolctl_names pods ;;\n"
	"\tshells) ((${#args[@]} > 0)) || echo bash ;;\n"
	"\tcommands) ((${#args[@]} > 0)) || echo \"$commands\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_podvolctl() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal commands='' verb='' namespace='' socket='' options='' outputs='' completes='' words=''\n"
	"\tlocal -a args=()\n"
	"\tCOMPREPLY=()\n"
	"\t_podvolctl_scan\n"
	"\t_podvolctl_table \"$verb\"\n"
	"\tcase $prev in\n"
	"\t-o | --output) words=$outputs ;;\n"
	"\t-f | --filename | -s | --socket)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\treturn\n"
	"\t\t;;\n"
	"\t-n | --namespace | -l | --selector | --field-selector | --request-timeout) return ;;\n"
	"\t*)\n"
	"\t\tif [[ $cur == -* ]]; then\n"
	"\t\t\twords=$options\n"
	"\t\telif [[ -z $verb ]]; then\n"
	"\t\t\twords=$commands\n"
	"\t\telse\n"
	"\t\t\twords=$(_podvolctl_arguments)\n"
	"\t\tfi\n"
	"\t\t;;\n"
	"\tesac\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"complete -F _podvolctl podvolctl\n";

static void put_options(FILE *out, uint32_t mask)
{
	const char *blank = "";

	for (int i = 0; i < N_OPTION_IDS; i++) {
		if (!(mask & (UINT32_C(1) << i)))
			continue;
		fprintf(out, "%s--%s", blank, option_table[i].name);
		blank = " ";
	}
}

static void put_case(FILE *out, const struct command *command)
{
	fprintf(out, "\t%s)\n\t\toptions='", command->name);
	put_options(out, command->options | OPTIONS_COMMON);
	fputs("'\n\t\toutputs='", out);
	for (const char *p = command->outputs; p && *p; p++)
		fputc(*p == '|' ? ' ' : *p, out);
	fprintf(out, "'\n\t\tcompletes='%s'\n\t\t;;\n",
		command->completes ? command->completes : "");
}

void completion_bash(FILE *out)
{
	const char *blank = "";

	fputs(script_head, out);
	fputs("_podvolctl_table() {\n\tcommands='", out);
	for (const struct command *c = command_table; c->name; c++) {
		fprintf(out, "%s%s", blank, c->name);
		blank = " ";
	}
	fputs("'\n\toptions='", out);
	put_options(out, OPTIONS_COMMON | OPTION_BIT(NAMESPACE));
	fputs("'\n\tcase $1 in\n", out);
	for (const struct command *c = command_table; c->name; c++)
		put_case(out, c);
	fputs("\tesac\n}\n\n", out);
	fputs(script_tail, out);
}
