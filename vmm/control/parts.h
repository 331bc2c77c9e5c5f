/* parts.h: what the parts of control share; they run one at a time (control/dispatch.c). */
#ifndef VMM_CONTROL_PARTS_H
#define VMM_CONTROL_PARTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmm/config/config.h"

struct vm;

/* The descriptions, live and staged. */
struct config *control_store(void);

/* The staged description becomes the machine, whole; or false, a reason and nothing done. */
bool control_apply(char *why, size_t size);

/* control/check.c: whether this machine, as it is now, can become the staged description. */
bool control_check(const struct node_config *live, const struct node_config *n, char *why,
                   size_t size);

/* control/network.c: makes the networks, ports and routes of n that are not there yet; their guests
 * are.  False: why says the reason, and control_net_unbuild() is due. */
bool control_net_build(const struct node_config *live, const struct node_config *n, char *why,
                       size_t size);

/* Takes away again what the live description does not have. */
void control_net_unbuild(const struct node_config *live);

/* The description was committed: takes away what it does not have, and moves frames as it says. */
void control_net_follow(const struct node_config *n);

/* Starts the guest, not before the TSC says `from`, on the cores that the live description gives
 * it; false and a reason as vm_start(). */
bool control_start(struct vm *vm, uint64_t from, char *why, size_t size);

/* Starts the guests that were never started and shall start by themselves. */
void control_autostart(const struct node_config *n);

/* A guest has ended and is reaped: starts it again, or ends the node, as described. */
void control_guest_ended(struct vm *vm);
#endif
