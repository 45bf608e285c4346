/* SPDX-License-Identifier: MIT */
/*
 * What a machine has beside CPUs, memory, interrupt controller, PCI and console: its power button,
 * its panic light and its clock.
 */
#ifndef VMM_MACHINE_BOARD_H
#define VMM_MACHINE_BOARD_H

#include <stdbool.h>

#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct board;

struct board_config {
	const struct vm *vm; /* borrowed; has the interrupt lines of vmm/kvm/layout.h */
	/* board_service() should be called. Any thread. */
	void (*wake_up)(void *ctx);
	void *ctx;
};

/* 0, or negative errno. */
int board_create(const struct board_config *config, struct board **ret_board) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void board_destroy(struct board *board);

/* 0, or what bus_add() answered. */
int board_add_to_bus(struct board *board, struct bus *bus) _must_check_;

/* vmm/dev/power_button.h */
void board_press_power(struct board *board);
bool board_hears_power(struct board *board);
/* Has the guest lit its panic light? Any thread; the wake-up says when. */
bool board_has_panicked(const struct board *board);

/*
 * Do what is due. Returns after how many milliseconds to call it if nobody wakes it up; -1: never.
 * Any thread.
 */
int board_service(struct board *board);

#endif
