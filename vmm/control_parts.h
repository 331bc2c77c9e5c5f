/* control_parts.h: what the parts of control share; they run one at a time (control_line.c). */
#ifndef VMM_CONTROL_PARTS_H
#define VMM_CONTROL_PARTS_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config.h"

struct vm;

/* The descriptions, live and staged. */
struct config *control_store(void);

/* The staged description becomes the machine, whole; or false, a reason and nothing done. */
bool control_apply(char *why, size_t size);

/* Starts the guests that were never started and shall start by themselves. */
void control_autostart(const struct node_config *n);

/* A guest has ended and is reaped: starts it again, or ends the node, as described. */
void control_guest_ended(struct vm *vm);
#endif
