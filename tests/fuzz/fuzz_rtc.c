// SPDX-License-Identifier: MIT
/*
 * Fuzzes the real-time clock: accesses of the guest, while the host's time passes and is set
 * (vmm/dev/rtc.h, vmm/dev/pl031.h; DDI 0224C). The clock on the bus has the time of this machine;
 * beside it are its registers alone, with times of the input.
 *
 * Input: steps, u8 each: bits 2:0 what:
 *	0 to 2	a read, 3 to 5 a write: u16 the offset, u8 the width, for a write so many bytes
 *	6	time passes: u16 s
 *	7	the host's clock is set: u32 s
 *
 * The interrupt line changes when it is told, and is high while RTCMIS is; service says when it
 *wants to be called again; an alarm comes in as many seconds as it is said to be away, and not
 *before.
 */
#include "tests/fuzz/input.h"
#include "vmm/dev/pl031.h"
#include "vmm/dev/rtc.h"
#include "vmm/kvm/layout.h"

#define MIS 0x018u

#define LOOK_MAX_MS 10001

struct clocks {
	struct bus bus;
	struct rtc *rtc;
	struct pl031 chip;
	uint32_t now; /* of chip */
};

static bool line_is_high; /* of the one clock that there is */

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	(void)vm;
	assert(intid == LAYOUT_RTC_INTID);
	assert(line_is_high != level);
	line_is_high = level;
	return 0;
}

static void on_wake_up(void *ctx)
{
	(void)ctx;
}

static void do_access(struct clocks *c, struct input *in, bool is_write)
{
	const uint64_t at = input_u16(in) % LAYOUT_RTC_SZ;
	const unsigned width = input_width(in);
	uint64_t value;

	if (!is_write) {
		assert(bus_read(&c->bus, LAYOUT_RTC + at, width) <= UINT32_MAX);
		(void)pl031_read(&c->chip, at);
		return;
	}
	value = input_uint(in, width);
	bus_write(&c->bus, LAYOUT_RTC + at, width, value);
	pl031_write(&c->chip, at, (uint32_t)value);
}

static void step(struct clocks *c, struct input *in)
{
	const unsigned what = input_u8(in) & 7;

	if (what < 6)
		do_access(c, in, what >= 3);
	else
		c->now = what == 6 ? c->now + input_u16(in) : input_u32(in);
	pl031_tick(&c->chip, c->now);
}

static void check(struct clocks *c)
{
	const int ms = rtc_service(c->rtc);
	const uint32_t due = pl031_due(&c->chip);
	struct pl031 later = c->chip;

	assert(ms >= -1 && ms != 0 && ms <= LOOK_MAX_MS);
	assert(line_is_high == (bus_read(&c->bus, LAYOUT_RTC + MIS, 4) != 0));
	assert(pl031_interrupts(&c->chip) == (pl031_read(&c->chip, MIS) != 0));
	if (!due)
		return;
	assert(!pl031_interrupts(&c->chip));
	pl031_tick(&later, c->now + due - 1);
	assert(!pl031_interrupts(&later));
	pl031_tick(&later, c->now + due);
	assert(pl031_interrupts(&later));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rtc_config config = { .wake_up = on_wake_up };
	struct input in = { data, data + size };
	struct clocks c = { 0 };
	int r;

	line_is_high = false;
	pl031_reset(&c.chip, 0);
	r = rtc_create(&config, &c.rtc);
	assert(r == 0);
	r = rtc_add_to_bus(c.rtc, &c.bus);
	assert(r == 0);
	while (input_left(&in)) {
		step(&c, &in);
		check(&c);
	}
	rtc_destroy(c.rtc);
	return 0;
}
