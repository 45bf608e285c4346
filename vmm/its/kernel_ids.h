/* SPDX-License-Identifier: MIT */
/*
 * What the events of a guest's functions are called in the kernel ITS.
 *
 * KVM finds an event by going through the list of all devices, then through that of
 * the device's events (vgic-its.c: find_ite()). So a function is many devices there,
 * of few events each, and an interrupt costs much the same however many there are.
 */
#ifndef VMM_ITS_KERNEL_IDS_H
#define VMM_ITS_KERNEL_IDS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Events of a device of the kernel ITS, and devices that each function can be. */
#define KERNEL_ITS_DEVICE_EVENTS    64u
#define KERNEL_ITS_FUNCTION_DEVICES (65536u / KERNEL_ITS_DEVICE_EVENTS)
/* DeviceIDs have 16 bits; one function's share is reserved for the scratch events. */
#define KERNEL_ITS_MAX_FUNCTIONS (65536u / KERNEL_ITS_FUNCTION_DEVICES - 1)

/* ITSs of one guest. */
#define KERNEL_ITS_MAX_ITS 16u

/* The DeviceID and the EventID there of an event, of a function by its index in the configuration.
 */
static inline uint32_t kernel_its_devid(size_t function, uint32_t eventid)
{
	/* Larger EventIDs would run into the next function's DeviceIDs. */
	assert(eventid < KERNEL_ITS_FUNCTION_DEVICES * KERNEL_ITS_DEVICE_EVENTS);

	return (uint32_t)function * KERNEL_ITS_FUNCTION_DEVICES +
	       eventid / KERNEL_ITS_DEVICE_EVENTS;
}

static inline uint32_t kernel_its_eventid(uint32_t eventid)
{
	return eventid % KERNEL_ITS_DEVICE_EVENTS;
}

#endif
