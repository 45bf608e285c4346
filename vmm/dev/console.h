/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: a UART on the bus, or two, whose line ends at a port of ours
 * (console_port.h).
 */
#ifndef VMM_DEV_CONSOLE_H
#define VMM_DEV_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/dev/console_port.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct console;

struct console_config {
	const struct vm *vm;	   /* borrowed; has the UARTs' interrupt lines */
	struct console_port *port; /* borrowed: where it is; NULL: standard output */
	/* console_service() is to be called, or console_type() may take more. Any thread. */
	void (*wake_up)(void *ctx);
	void *ctx;
	/* There is a PL011, too, at the same line: firmware and guests may know one of them alone.
	 */
	bool has_pl011;
};

/* 0, -ENOMEM, or that no eventfd is left. */
int console_create(const struct console_config *config, struct console **ret_console) _must_check_;
/* After the vCPUs have stopped; what is not out yet goes now or never. NULL is allowed. */
void console_destroy(struct console *console);

/* Registers at LAYOUT_UART, and at LAYOUT_PL011. 0, or what bus_add() answered. */
int console_add_to_bus(struct console *console, struct bus *bus) _must_check_;

/*
 * Bytes typed by a person; returns how many were taken, which is none while the guest
 * does not listen. Where it listens to both UARTs, the one has them that interrupts, and else the
 * PL011. Never waits. Any thread.
 */
size_t console_type(struct console *console, const uint8_t *bytes, size_t nr);

/*
 * What comes by time alone: the end of the output that is not a whole line, and what the UART
 * waits for. Returns after how many nanoseconds it wants to be called, or console_type() may
 * take more; UINT64_MAX: wake_up will tell. Never waits. One thread.
 */
uint64_t console_service(struct console *console);

/* Waits until the reader has all that the guest has written, or console_stop(). Any thread. */
void console_flush(struct console *console);

/* No vCPU waits for the reader of the output from now on; what they write is dropped. */
void console_stop(struct console *console);

#endif
