/*
 * guest_console.h: the language of control inside a guest that was declared with `control`: a
 * second virtio console (in Linux /dev/hvc1) whose bytes are a dialogue (control/session.h).
 *
 * Requests are served by the core of the vCPU that asks, one before each entry to the guest: who
 * asks pays with its own time, and a flood of requests delays nobody else.
 */
#ifndef VMM_CONTROL_GUEST_CONSOLE_H
#define VMM_CONTROL_GUEST_CONSOLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control_console;
struct vm;

/* Gives a guest that does not run yet its control console, before its other devices; false: there
 * is no memory for it. */
bool control_console_create(struct vm *vm);
void control_console_destroy(struct vm *vm);

/* The guest starts anew: nothing that was said or answered before reaches it. */
void control_console_reset(struct control_console *c);

/* Reads one request and does it, hands on answers; on a core that runs a vCPU of the guest. */
void control_console_serve(struct control_console *c);

/* The i-th counter by name, from 0 on; false when there are no more. */
bool control_console_counter(const struct control_console *c, unsigned i, char *name, size_t size,
                             uint64_t *value);
#endif
