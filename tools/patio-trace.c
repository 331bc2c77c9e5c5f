/* SPDX-License-Identifier: BSD-2-Clause */
/* patio-trace.c: the program on the host; see tools/trace/trace.h. */
#include "tools/trace/trace.h"

int main(int argc, char **argv)
{
	return patio_trace(argc, argv);
}
