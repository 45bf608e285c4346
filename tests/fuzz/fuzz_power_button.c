// SPDX-License-Identifier: MIT
/*
 * Fuzzes the power button: accesses of the guest, presses, and time that passes
 *(vmm/dev/power_button.h, vmm/dev/pl061.h; DDI 0190B).
 *
 * Input: steps, u8 each: bits 2:0 what:
 *	0 to 2	a read, 3 to 5 a write: u16 the offset, u8 the width, for a write so many bytes
 *	6	a press
 *	7	service
 *
 * The interrupt line changes when it is told, and is high while GPIOMIS has a bit; the button is
 *pressed for nobody who does not listen, and service says when it wants to be called again.
 */
#include "tests/fuzz/input.h"
#include "vmm/dev/pl061.h"
#include "vmm/dev/power_button.h"
#include "vmm/kvm/layout.h"

#define IE  0x410u
#define MIS 0x418u

#define HELD_MAX_MS 2001

static bool line_is_high; /* of the one button that there is */

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	(void)vm;
	assert(intid == LAYOUT_GPIO_INTID);
	assert(line_is_high != level);
	line_is_high = level;
	return 0;
}

static void on_wake_up(void *ctx)
{
	(void)ctx;
}

static uint64_t read_at(struct bus *bus, unsigned offset)
{
	return bus_read(bus, LAYOUT_GPIO + offset, 1);
}

static void do_access(struct bus *bus, struct input *in, bool is_write)
{
	uint64_t at = LAYOUT_GPIO + input_u16(in) % LAYOUT_GPIO_SZ;
	unsigned width = input_width(in);

	if (is_write)
		bus_write(bus, at, width, input_uint(in, width));
	else
		assert(bus_read(bus, at, width) <= 0xff);
}

static void step(struct bus *bus, struct power_button *button, struct input *in)
{
	unsigned what = input_u8(in) & 7;
	int ms;

	if (what < 6)
		do_access(bus, in, what >= 3);
	else if (what == 6)
		power_button_press(button);
	else {
		ms = power_button_service(button);
		assert(ms >= -1 && ms != 0 && ms <= HELD_MAX_MS);
	}
}

static void check(struct bus *bus, struct power_button *button)
{
	const uint8_t power = 1u << LAYOUT_GPIO_POWER;

	assert(line_is_high == (read_at(bus, MIS) != 0));
	assert(power_button_is_heard(button) || !(read_at(bus, IE) & power));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct power_button_config config = { .wake_up = on_wake_up, .panicked = on_wake_up };
	struct input in = { data, data + size };
	struct power_button *button;
	struct bus bus = { 0 };
	int r = power_button_create(&config, &button);

	assert(r == 0);
	r = power_button_add_to_bus(button, &bus);
	assert(r == 0);
	line_is_high = false;
	while (input_left(&in)) {
		step(&bus, button, &in);
		check(&bus, button);
	}
	power_button_destroy(button);
	return 0;
}
