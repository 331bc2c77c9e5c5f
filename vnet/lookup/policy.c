/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c: the policies without state, by routes and by declared addresses. */
#include "vnet/lookup/policy.h"

static const struct vnet_policy_ops routes_ops = {
    .look_up = look_up_routes,
    .explain = explain_routes,
    .deliver = deliver_routes,
};

static const struct vnet_policy_ops exact_ops = {
    .look_up = look_up_exact,
    .explain = explain_exact,
    .source = source_exact,
    .deliver = deliver_exact,
};

struct policy policy_routes = {&routes_ops}, policy_exact = {&exact_ops};
