/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoders on any bytes in any mode: lengths stay within the input, and a decoded
 * instruction can be carried out.
 */
#include <stdlib.h>
#include <string.h>
#include "arch/x86_64/insn/insn.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void finish(const struct insn *in, enum insn_mode mode, const uint8_t *data, size_t size)
{
	static const uint64_t base[6] = {1, 2, 3, 4, 5, 6};
	struct insn_regs r = {0};
	uint64_t stored;

	memcpy(&r, data, size < sizeof r ? size : sizeof r);
	insn_linear(in, mode, &r, base);
	insn_linear_dst(in, mode, &r, base);
	stored = insn_finish(in, mode, &r, r.gpr[15]);
	check(in->width == 8 || stored >> 8 * in->width == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct insn in;
	struct insn_sys sys;
	enum insn_mode mode;
	uint8_t *bytes;
	int length, sys_length;

	if (!size)
		return 0;
	mode = data[0] % 3;
	/* A copy of exact size lets the address sanitizer see the first byte too many. */
	bytes = malloc(size);
	check(bytes != NULL);
	memcpy(bytes, data + 1, --size);
	length = insn_decode(bytes, size, mode, &in);
	check(length >= 0 && length <= INSN_MAX_LENGTH && (size_t)length <= size);
	if (length) {
		check(in.width == 1 || in.width == 2 || in.width == 4 || in.width == 8);
		check(in.mem_read || in.mem_write);
		finish(&in, mode, data, size + 1);
	}
	sys_length = insn_sys_decode(bytes, size, mode, &sys);
	check(sys_length >= 0 && sys_length <= INSN_MAX_LENGTH && (size_t)sys_length <= size);
	check(!length || !sys_length);
	free(bytes);
	return 0;
}
