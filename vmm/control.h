/* control.h: makes the machine follow the description, and answers what is asked of it. */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H
#include <stdbool.h>
#include <stddef.h>
#include "vmm/config.h"

struct vm;
struct vnet;

/* One NIC of a guest: its virtio device and its port of the switch, by the port's slot. */
struct nic;

/* Makes the switch and an empty description; panics when memory is short. */
void control_init(void);

/* Takes a whole text or nothing; errors go to the log with `source` before them. */
bool control_text(const char *text, size_t len, const char *source);

/* One line of the monitor. */
void control_line(const char *text, size_t len);

/* A guest ended and its devices are quiet: restart it, or end the node, as described. */
void control_guest_ended(struct vm *vm);

/* True when the core is set aside for the network. */
bool control_core_reserved(unsigned core);

/* True when it is, or a guest's description names it. */
bool control_core_named(unsigned core);

extern struct vnet *node_vnet;
const struct node_config *control_config(void);
struct vnet_port *control_port(unsigned slot); /* NULL: none */
struct virtio_net *control_nic(unsigned slot); /* NULL: none */

/* show.c: answers `show`; `put` gets the text. */
void show(const struct config_action *a, config_put *put, void *ctx);
void show_explain(const struct config_action *a, config_put *put, void *ctx);
#endif
