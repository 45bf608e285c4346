/* SPDX-License-Identifier: MIT */
/*
 * The guest's real-time clock: a PL031 on the bus, which has the host's time until the guest sets
 * it, and goes on at the host's pace then. Its alarm interrupts.
 */
#ifndef VMM_DEV_RTC_H
#define VMM_DEV_RTC_H

#include "vmm/kvm/bus.h"
#include "vmm/kvm/vm.h"

struct rtc;

struct rtc_config {
	const struct vm *vm; /* borrowed; has the interrupt line LAYOUT_RTC_INTID */
	/* rtc_service() should be called, for when its alarm is due has changed. Any thread. */
	void (*wake_up)(void *ctx);
	void *ctx;
};

/*
 * Choice: what a guest has set is forgotten with the machine: after a reset its clock is the
 * host's, which is right. 0, or negative errno.
 */
int rtc_create(const struct rtc_config *config, struct rtc **ret_rtc) _must_check_;
/* After the vCPUs have stopped. NULL is allowed. */
void rtc_destroy(struct rtc *rtc);

/* The PL031's registers at LAYOUT_RTC. 0, or what bus_add() answered. */
int rtc_add_to_bus(struct rtc *rtc, struct bus *bus) _must_check_;

/*
 * Interrupt, if the alarm is due. Returns after how many milliseconds to call it if nobody wakes it
 * up; -1: never. Any thread.
 */
int rtc_service(struct rtc *rtc);

#endif
