/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - the script that completes commands in bash */
#ifndef PODVOLCTL_COMPLETION_H
#define PODVOLCTL_COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *out);

#endif
