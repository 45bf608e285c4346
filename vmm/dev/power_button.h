/* SPDX-License-Identifier: MIT */
/*
 * The guest's power button, and its panic light: two lines of a PL061 on the bus. The device tree
 * calls the first a key (gpio-keys); what a press does is the guest's decision; most power off. The
 * other one is an LED (gpio-leds) with "panic-indicator", which Linux lights when it panics.
 */
#ifndef VMM_DEV_POWER_BUTTON_H
#define VMM_DEV_POWER_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct power_button;

struct power_button_config {
	const struct vm *vm; /* borrowed; has the interrupt line LAYOUT_GPIO_INTID */
	/* power_button_service() should be called. Any thread. */
	void (*wake_up)(void *ctx);
	/* The guest has lit its panic light, for the first time. A vCPU's thread. */
	void (*panicked)(void *ctx);
	void *ctx;
};

/* Not pressed. 0, or -ENOMEM. */
int power_button_create(const struct power_button_config *config,
			struct power_button **ret_button) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void power_button_destroy(struct power_button *button);

/* The PL061's registers at LAYOUT_GPIO. 0, or what bus_add() answered. */
int power_button_add_to_bus(struct power_button *button, struct bus *bus) _must_check_;

/*
 * Somebody presses it: as soon as the guest listens, which it may do already. While it is
 * pressed, or to be, nothing more comes of that. Any thread.
 */
void power_button_press(struct power_button *button);
/*
 * Has the guest had a driver that takes the button's interrupt, since it was created? One that does
 * not take it for a moment is still there. Any thread.
 */
bool power_button_is_heard(struct power_button *button);

/*
 * Press it, and let go of it, when that is due. Returns after how many milliseconds to call it
 * if nobody wakes it up; -1: never. Any thread.
 */
int power_button_service(struct power_button *button);

#endif
