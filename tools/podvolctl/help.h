/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - the texts of --help, made from the tables */
#ifndef PODVOLCTL_HELP_H
#define PODVOLCTL_HELP_H

#include <stdio.h>

struct command;

void help_program(FILE *out);
void help_command(FILE *out, const struct command *command);

#endif
