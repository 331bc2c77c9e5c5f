/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks of the local APIC that the xapic and x2apic tests share. */
#ifndef GUEST_TESTS_APIC_CHECKS_H
#define GUEST_TESTS_APIC_CHECKS_H

/* Version, spurious vector, task priority, self-IPI, timer in both modes, no vector left in
 * service. */
void apic_checks(void);
#endif
