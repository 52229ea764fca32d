/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_quantity.c - any text as a quantity; what is one reads back */
#include "store/manifest/quantity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	int64_t value;
	int64_t again;
	char buf[24];

	if (!text)
		return 0;
	if (quantity_parse(text, &value) == 0) {
		quantity_format(value, buf, sizeof(buf));
		if (quantity_parse(buf, &again) < 0 || again != value)
			abort();
	}
	free(text);
	return 0;
}
