/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.h: a question for vnet_explain(), shortly. */
#ifndef TESTS_UNIT_RIG_ASK_H
#define TESTS_UNIT_RIG_ASK_H
#include "vnet/vnet.h"

#define ASK(n, s, d, port)                                                                         \
	(&(struct vnet_question){.net = (n), .src = (s), .dst = (d), .from = (port)})

#endif
