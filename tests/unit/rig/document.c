/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/rig/document.h"

void document_check(const char *path, char *should, const char *command)
{
	size_t len = strlen(should), got;
	char *is = calloc(1, len + 2);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	got = fread(is, 1, len + 1, f);
	fclose(f);
	if (got != len || memcmp(is, should, got) != 0)
		fail_msg("%s is not what the tables say: %s", path, command);
	free(is);
	free(should);
}

int document_write(const char *path, char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	free(text);
	return fclose(f);
}
