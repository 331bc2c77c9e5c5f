/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_headers.c: the parser of frames' headers on any bytes, compared with its slow reference. */
#include <stdlib.h>
#include "tests/unit/rig/headers_reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1); /* so that a byte too many is seen */

	memcpy(exact, data, size);
	if (!ref_agrees(exact, size < 4096 ? (unsigned)size : 4096))
		abort();
	free(exact);
	return 0;
}
