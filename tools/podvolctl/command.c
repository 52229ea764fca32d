/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - the table of commands */
#include "tools/podvolctl/command.h"

#include "store/base/suggest.h"
#include "tools/podvolctl/cmdline.h"
#include "tools/podvolctl/report.h"

#include <string.h>

const struct command command_table[] = {
	{
		.name = "apply",
		.summary = "create or update the pods of manifests",
		.usage = "apply -f FILE|-|DIR",
		.description =
			"Each document is checked here, so that errors name the line, and sent to the\n"
			"daemon. A document that fails does not stop the others. Of a directory the\n"
			"files *.yaml, *.yml and *.json are taken, in the order of their names.",
		.options = OPTION_BIT(FILENAME) | OPTION_BIT(DRY_RUN) |
			   OPTION_BIT(NAMESPACE),
		.run = cmd_apply,
	},
	{
		.name = "get",
		.summary = "list pods or volumes",
		.usage = "get pods|volumes [NAME]...",
		.description =
			"The name of a volume is POD/VOLUME; POD alone means all volumes of the pod.\n"
			"Types may be shortened: pod, po; volume, vol. TYPE/NAME is one word for both.",
		.outputs = "wide|json|yaml|name",
		.completes = "types",
		.options = OPTION_BIT(OUTPUT) | OPTION_BIT(NAMESPACE) |
			   OPTION_BIT(ALL_NAMESPACES) | OPTION_BIT(NO_HEADERS) |
			   OPTION_BIT(IGNORE_NOT_FOUND) | OPTION_BIT(SELECTOR) |
			   OPTION_BIT(FIELD_SELECTOR),
		.run = cmd_get,
	},
	{
		.name = "describe",
		.summary = "show everything about pods or volumes",
		.usage = "describe pod|volume [NAME]...",
		.description =
			"Shows labels, volumes, mounts and the latest events, for reading. Without a\n"
			"NAME all objects of the namespace are described.",
		.completes = "types",
		.options = OPTION_BIT(NAMESPACE) | OPTION_BIT(ALL_NAMESPACES) |
			   OPTION_BIT(SELECTOR) | OPTION_BIT(FIELD_SELECTOR),
		.run = cmd_describe,
	},
	{
		.name = "delete",
		.summary = "delete pods and what their emptyDir volumes hold",
		.usage =
			"delete pod NAME...|--all|-l SELECTOR | delete -f FILE|-|DIR",
		.description =
			"Refused while a container still uses the pod, unless --force is given. Data\n"
			"of hostPath volumes stays as it is.",
		.completes = "types",
		.options = OPTION_BIT(FILENAME) | OPTION_BIT(FORCE) |
			   OPTION_BIT(WAIT) | OPTION_BIT(DRY_RUN) |
			   OPTION_BIT(IGNORE_NOT_FOUND) |
			   OPTION_BIT(NAMESPACE) | OPTION_BIT(ALL) |
			   OPTION_BIT(SELECTOR) | OPTION_BIT(FIELD_SELECTOR),
		.run = cmd_delete,
	},
	{
		.name = "mounts",
		.summary = "print what to pass to a container runtime",
		.usage = "mounts POD [CONTAINER]",
		.description =
			"Prints the mounts of a container as options of docker run or podman run on\n"
			"one line, or as the 'mounts' array of an OCI config.json. subPaths are\n"
			"resolved, and made if they are missing. Words are quoted for the shell where\n"
			"they must be: use eval if paths hold spaces. Without CONTAINER each container\n"
			"has its own lines (oci: its own member) when there are several.",
		.outputs = "docker|podman|oci|json|yaml",
		.completes = "pods",
		.options = OPTION_BIT(OUTPUT) | OPTION_BIT(NAMESPACE),
		.run = cmd_mounts,
	},
	{
		.name = "resize",
		.summary = "change the sizeLimit of a volume in use",
		.usage = "resize POD/VOLUME SIZE",
		.description =
			"Gives an emptyDir another sizeLimit, such as 64Mi or 1G; 0 means none. Its\n"
			"containers see it at once. The same is done by applying the manifest with\n"
			"the new sizeLimit. A volume of medium Memory cannot become smaller than what\n"
			"it holds.",
		.options = OPTION_BIT(DRY_RUN) | OPTION_BIT(NAMESPACE),
		.run = cmd_resize,
	},
	{
		.name = "status",
		.summary = "show how the daemon is doing",
		.usage = "status",
		.description = "Shows what the daemon serves and what it uses.",
		.outputs = "json|yaml",
		.options = OPTION_BIT(OUTPUT),
		.run = cmd_status,
	},
	{
		.name = "version",
		.summary = "show the versions of this program and the daemon",
		.usage = "version",
		.description =
			"Exits with 3 when the daemon cannot be reached.",
		.outputs = "json|yaml",
		.options = OPTION_BIT(OUTPUT) | OPTION_BIT(CLIENT),
		.run = cmd_version,
	},
	{
		.name = "completion",
		.summary =
			"print a script that completes commands in the shell",
		.usage = "completion bash",
		.description =
			"To use it at once: source <(podvolctl completion bash)",
		.completes = "shells",
		.run = cmd_completion,
	},
	{
		.name = "help",
		.summary = "show the help of a command",
		.usage = "help [COMMAND]",
		.description = "The same as COMMAND --help.",
		.completes = "commands",
		.run = cmd_help,
	},
	{ 0 },
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = command_table; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

int command_tell_unknown(const char *name)
{
	const char *names[sizeof(command_table) / sizeof(*command_table)];
	const char *nearest;
	size_t n = 0;

	for (const struct command *c = command_table; c->name; c++)
		names[n++] = c->name;
	names[n] = NULL;
	nearest = suggest_nearest(name, strlen(name), names);
	if (nearest)
		return report_usage(NULL,
				    "unknown command '%s'; did you mean '%s'?",
				    name, nearest);
	return report_usage(NULL, "unknown command '%s'", name);
}
