/* SPDX-License-Identifier: MIT */
/*
 * Where devices are on the guest's PCI buses.
 */
#ifndef VMM_CONFIG_CONFIG_PLACE_H
#define VMM_CONFIG_CONFIG_PLACE_H

#include "vmm/config/config.h"

/* "02.0": device and function, as a devfn: device << 3 | function. 0, or -EINVAL. */
int config_place_parse(const char *text, uint32_t *ret_devfn) _must_check_;

#define CONFIG_PLACE_STRLEN 5u /* with its end */
const char *config_place_format(uint32_t devfn, char buf[CONFIG_PLACE_STRLEN]);

/*
 * Give a place to each device that has_devfn says has none, in the order of the file: the first
 * device of the bus that is free; or, where the device of the host has several functions and its
 * function 0 is the guest's too, beside that one, by its own number.
 */
void config_place_devices(struct config *config);

/* The device numbers on bus 0 that are root ports: bit n is device n. */
uint32_t config_place_root_ports(const struct config *config);

/*
 * The requester ID of a device that has its place: its devfn on bus 0, or behind a root port
 * bus << 8 | function, as long as the guest numbers buses in the order of their ports from 1 on.
 */
uint32_t config_place_requester_id(const struct config *config, const struct config_device *device);

#endif
