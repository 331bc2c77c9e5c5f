/* SPDX-License-Identifier: BSD-2-Clause */
/* version.h: which sources the image was made from. */
#ifndef VMM_VERSION_H
#define VMM_VERSION_H

/* As `git describe` names the commit, "-dirty" if files differ from it; "unknown" if the sources
 * were no git repository.  Generated (vmm/vmm.mk); the size is fixed so that nothing else in the
 * image moves with it. */
extern const char patio_version[64];
#endif
