// SPDX-License-Identifier: MIT
/*
 * The guest's power button, and its panic light.
 *
 * Documents: Documentation/devicetree/bindings gpio/pl061-gpio.yaml, input/gpio-keys.yaml;
 * drivers/input/keyboard/gpio_keys.c. Linux takes the interrupt, waits until the key has stopped
 * bouncing (5 ms), and reads the pin: who lets go before that has not pressed. So the button is
 * held until the guest has read it, however slow the guest is, but not for longer than HELD_MAX_NS:
 * for systemd-logind, five seconds are another key.
 *
 * Choice: a panic is told by a light. Debian's kernels have no driver for pvpanic (CONFIG_PVPANIC),
 * and all of them panic lights: leds/common.yaml, "panic-indicator";
 * drivers/leds/trigger/ledtrig-panic.c, which is called (panic_blink) when the guest has written
 * all to its console, has not started a kernel for crashes (kdump), and does not restart itself at
 * once (panic=-1).
 *
 * Lock: one mutex, held over each access of the guest's and over KVM's interrupt line.
 */
#include "vmm/dev/power_button.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/clock.h"
#include "vmm/dev/level_line.h"
#include "vmm/dev/pl061.h"
#include "vmm/kvm/layout.h"

#define HELD_MIN_NS UINT64_C(100000000)
#define HELD_MAX_NS UINT64_C(2000000000)
#define NS_IN_MS    UINT64_C(1000000)

struct power_button {
	struct power_button_config cfg;

	pthread_mutex_t lock;
	/* Guarded by lock. */
	struct pl061 gpio;
	struct level_line line;
	bool lit;    /* the panic light was, once */
	bool heard;  /* the guest has listened since its boot */
	bool wanted; /* to be pressed when the guest listens */
	bool held;   /* pressed now, since held_ns */
	bool read;   /* the guest has looked at the pin since */
	uint64_t held_ns;
};

static void lock(struct power_button *b)
{
	int r = pthread_mutex_lock(&b->lock);

	assert(r == 0);
}

static void unlock(struct power_button *b)
{
	int r;

	level_line_set(&b->line, pl061_interrupts(&b->gpio));
	r = pthread_mutex_unlock(&b->lock);
	assert(r == 0);
}

/* ---- what the guest does --------------------------------------------------------- */

static bool is_due(const struct power_button *b)
{
	return b->wanted && pl061_listens(&b->gpio, LAYOUT_GPIO_POWER);
}

static uint64_t read_register(void *ctx, uint64_t offset, unsigned len)
{
	struct power_button *b = ctx;
	bool looked;
	uint8_t value;

	(void)len;
	lock(b);
	value = pl061_read(&b->gpio, offset);
	looked = b->held && !b->read && offset < PL061_DATA_END && (value >> LAYOUT_GPIO_POWER & 1);
	b->read |= looked;
	unlock(b);
	if (looked)
		b->cfg.wake_up(b->cfg.ctx);
	return value;
}

static void write_register(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct power_button *b = ctx;
	bool due, panics;

	(void)len;
	lock(b);
	pl061_write(&b->gpio, offset, (uint8_t)value);
	b->heard |= pl061_listens(&b->gpio, LAYOUT_GPIO_POWER);
	due = is_due(b);
	panics = !b->lit && pl061_drives(&b->gpio, LAYOUT_GPIO_PANIC);
	b->lit |= panics;
	unlock(b);
	if (panics)
		b->cfg.panicked(b->cfg.ctx);
	if (due)
		b->cfg.wake_up(b->cfg.ctx);
}

int power_button_add_to_bus(struct power_button *button, struct bus *bus)
{
	const struct bus_region region = {
		.name = "GPIO",
		.base = LAYOUT_GPIO,
		.size = LAYOUT_GPIO_SZ,
		.read = read_register,
		.write = write_register,
		.ctx = button,
	};

	return bus_add(bus, &region);
}

/* ---- what we do ------------------------------------------------------------------ */

int power_button_create(const struct power_button_config *config, struct power_button **ret_button)
{
	_cleanup_free_ struct power_button *b = calloc(1, sizeof(*b));
	int r;

	assert(config->wake_up);
	assert(config->panicked);

	if (!b)
		return -ENOMEM;
	b->cfg = *config;
	b->line = (struct level_line){ .vm = config->vm, .intid = LAYOUT_GPIO_INTID };
	pl061_reset(&b->gpio);
	r = pthread_mutex_init(&b->lock, NULL);
	if (r)
		return -r;
	*ret_button = TAKE_PTR(b);
	return 0;
}

void power_button_destroy(struct power_button *button)
{
	if (!button)
		return;
	(void)pthread_mutex_destroy(&button->lock);
	free(button);
}

void power_button_press(struct power_button *button)
{
	lock(button);
	button->wanted = !button->held;
	unlock(button);
	button->cfg.wake_up(button->cfg.ctx);
}

bool power_button_is_heard(struct power_button *button)
{
	bool heard;

	lock(button);
	heard = button->heard;
	unlock(button);
	return heard;
}

static void set_held(struct power_button *b, bool held, uint64_t now)
{
	b->wanted = false;
	b->held = held;
	b->read = false;
	b->held_ns = now;
	pl061_set_pin(&b->gpio, LAYOUT_GPIO_POWER, held);
}

int power_button_service(struct power_button *button)
{
	const uint64_t now = clock_ns();
	uint64_t until = 0;

	lock(button);
	if (is_due(button))
		set_held(button, true, now);
	if (button->held)
		until = button->held_ns + (button->read ? HELD_MIN_NS : HELD_MAX_NS);
	if (button->held && now >= until) {
		set_held(button, false, now);
		until = 0;
	}
	unlock(button);
	return until ? (int)((until - now) / NS_IN_MS) + 1 : -1;
}
