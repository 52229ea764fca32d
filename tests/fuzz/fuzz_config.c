/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - any text as the daemon's configuration */
#include "store/base/error.h"
#include "tools/podvolsd/config.h"
#include "tools/podvolsd/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	struct options options;

	if (options_init(&options) < 0)
		abort();
	if (config_parse("x", (const char *)data, size, &options, &err) < 0) {
		/* The place comes first, and there is more than the place. */
		if (strncmp(err.text, "x:", 2) != 0 || strlen(err.text) < 8)
			abort();
	} else if (options_validate(&options, &err) < 0 && !err.text[0]) {
		abort();
	}
	options_done(&options);
	return 0;
}
