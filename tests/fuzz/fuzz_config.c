/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - any text as the daemon's configuration */
#include "store/base/error.h"
#include "tools/podvolsd/config.h"
#include "tools/podvolsd/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The place comes first, and there is more than the place. */
static void wrong(void *arg, const struct error *err)
{
	unsigned *n = arg;

	if (strlen(err->text) < 8 ||
	    (++*n <= CONFIG_WRONG_MAX) != (strncmp(err->text, "x:", 2) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n_wrong = 0;
	struct error err = { 0 };
	struct options options;

	if (options_init(&options) < 0)
		abort();
	if ((config_parse("x", (const char *)data, size, &options, wrong,
			  &n_wrong) < 0) != (n_wrong > 0))
		abort();
	if (n_wrong == 0 && options_validate(&options, &err) < 0 &&
	    !err.text[0])
		abort();
	options_done(&options);
	return 0;
}
