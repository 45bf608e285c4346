// SPDX-License-Identifier: MIT
/*
 * The guest's real-time clock.
 *
 * Documents: Documentation/devicetree/bindings rtc/arm,pl031.yaml; drivers/rtc/rtc-pl031.c. Linux
 * reads it once while it boots (CONFIG_RTC_HCTOSYS), and from then on has its own time.
 *
 * Somebody may set the host's clock, which ends no wait: while an alarm is to come, the time
 * is looked at every LOOK_MAX_MS at least.
 *
 * Lock: one mutex, held over each access of the guest's and over KVM's interrupt line.
 */
#include "vmm/dev/rtc.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/clock.h"
#include "vmm/dev/level_line.h"
#include "vmm/dev/pl031.h"
#include "vmm/kvm/layout.h"

#define LOOK_MAX_MS 10000u
#define MS_IN_S	    1000u
#define NS_IN_MS    UINT64_C(1000000)
#define NS_IN_S	    UINT64_C(1000000000)

struct rtc {
	struct rtc_config cfg;

	pthread_mutex_t lock;
	/* Guarded by lock. */
	struct pl031 chip;
	struct level_line line;
};

/* Returns how many milliseconds of the second are over. */
static unsigned lock(struct rtc *rtc)
{
	int r = pthread_mutex_lock(&rtc->lock);
	uint64_t ns;

	assert(r == 0);
	ns = clock_read(CLOCK_REALTIME);
	pl031_tick(&rtc->chip, (uint32_t)(ns / NS_IN_S));
	return (unsigned)(ns % NS_IN_S / NS_IN_MS);
}

static void unlock(struct rtc *rtc)
{
	int r;

	level_line_set(&rtc->line, pl031_interrupts(&rtc->chip));
	r = pthread_mutex_unlock(&rtc->lock);
	assert(r == 0);
}

/* Wide or narrow, an access is one to the register that lies there, of its low bits. */
static uint64_t read_register(void *ctx, uint64_t offset, unsigned len)
{
	struct rtc *rtc = ctx;
	uint32_t value;

	(void)len;
	(void)lock(rtc);
	value = pl031_read(&rtc->chip, offset);
	unlock(rtc);
	return value;
}

static void write_register(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct rtc *rtc = ctx;
	uint32_t before, due;

	(void)len;
	(void)lock(rtc);
	before = pl031_due(&rtc->chip);
	pl031_write(&rtc->chip, offset, (uint32_t)value);
	due = pl031_due(&rtc->chip);
	unlock(rtc);
	if (due && due != before)
		rtc->cfg.wake_up(rtc->cfg.ctx);
}

int rtc_add_to_bus(struct rtc *rtc, struct bus *bus)
{
	const struct bus_region region = {
		.name = "RTC",
		.base = LAYOUT_RTC,
		.size = LAYOUT_RTC_SZ,
		.read = read_register,
		.write = write_register,
		.ctx = rtc,
	};

	return bus_add(bus, &region);
}

int rtc_create(const struct rtc_config *config, struct rtc **ret_rtc)
{
	_cleanup_free_ struct rtc *rtc = calloc(1, sizeof(*rtc));
	int r;

	assert(config->wake_up);

	if (!rtc)
		return -ENOMEM;
	rtc->cfg = *config;
	rtc->line = (struct level_line){ .vm = config->vm, .intid = LAYOUT_RTC_INTID };
	pl031_reset(&rtc->chip, (uint32_t)(clock_read(CLOCK_REALTIME) / NS_IN_S));
	r = pthread_mutex_init(&rtc->lock, NULL);
	if (r)
		return -r;
	*ret_rtc = TAKE_PTR(rtc);
	return 0;
}

void rtc_destroy(struct rtc *rtc)
{
	if (!rtc)
		return;
	(void)pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

int rtc_service(struct rtc *rtc)
{
	const unsigned over = lock(rtc);
	const uint32_t due = pl031_due(&rtc->chip);

	unlock(rtc);
	if (!due)
		return -1;
	/* Milliseconds are cut off: one later the second has begun. */
	return due > LOOK_MAX_MS / MS_IN_S ? (int)LOOK_MAX_MS : (int)(due * MS_IN_S - over + 1);
}
