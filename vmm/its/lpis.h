/* SPDX-License-Identifier: MIT */
/*
 * How many LPIs an ITS has if its configuration does not say.
 */
#ifndef VMM_ITS_LPIS_H
#define VMM_ITS_LPIS_H

#include <stddef.h>
#include <stdint.h>

/* Fewest and most: with 8192 below them, the most are the INTIDs of 16 bits. */
#define LPIS_MIN 32u
#define LPIS_MAX 57344u

/*
 * Enough for all devices of a guest that has the given vectors, or EventIDs, of
 * each: LPIS_MIN to LPIS_MAX. All ITSs of the guest share the INTIDs, so that it is
 * the same for each of them.
 */
uint32_t lpis_for(const uint32_t vectors[], size_t nr_devices);

#endif
