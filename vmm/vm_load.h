/* vm_load.h: the steps from a VM that was made to one that runs (vm_start()). */
#ifndef VMM_VM_LOAD_H
#define VMM_VM_LOAD_H
#include <stdbool.h>
#include <stddef.h>

/* Ports that the guest's ACPI tables name (guest_acpi.h). */
#define SLEEP_CONTROL 0x600
#define SLEEP_STATUS  0x601
#define RESET_PORT    0x604

struct vm;

void vm_clear_memory(struct vm *vm);
void vm_reset_devices(struct vm *vm);

/* Puts ACPI tables, kernel and modules into the guest's memory; false: `why` says what is wrong. */
bool vm_load_images(struct vm *vm, char *why, size_t size);

/* Lets the cores that the vCPUs have taken run them. */
void vm_launch(struct vm *vm);
#endif
