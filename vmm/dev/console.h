/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: a UART on the bus, whose line ends at a file descriptor of ours.
 */
#ifndef VMM_DEV_CONSOLE_H
#define VMM_DEV_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct console;

struct console_config {
	const struct vm *vm; /* borrowed; has the interrupt line LAYOUT_UART_INTID */
	int out;	     /* borrowed: where the guest's output goes */
	/* There may be room for what console_type() refused. Any thread. */
	void (*wake_up)(void *ctx);
	void *ctx;
};

/* 0, -ENOMEM, or that no eventfd is left. */
int console_create(const struct console_config *config, struct console **ret_console) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void console_destroy(struct console *console);

/* The UART's registers at LAYOUT_UART. 0, or what bus_add() answered. */
int console_add_to_bus(struct console *console, struct bus *bus) _must_check_;

/*
 * Bytes typed by a person; returns how many were taken, which is none while the guest
 * does not listen. Never waits. Any thread.
 */
size_t console_type(struct console *console, const uint8_t *bytes, size_t nr);

/* No vCPU waits for the reader of the output from now on; what they write is dropped. */
void console_stop(struct console *console);

#endif
