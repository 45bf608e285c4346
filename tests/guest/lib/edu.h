/* SPDX-License-Identifier: MIT */
/*
 * QEMU's edu device (docs/specs/edu in QEMU): a register write raises its
 * interrupt, by plain MSI.
 */
#ifndef GUEST_LIB_EDU_H
#define GUEST_LIB_EDU_H

#include "lib/pci.h"

#define EDU_ID 0x11e81234u

struct edu {
	struct pci_function fn;
	uint32_t devid;
	uint32_t lpi;	 /* its event 0 is mapped to it, on collection 0 */
	uint64_t raised; /* since edu_start() */
};

/* Find it, place its BAR. Fails without one. */
void edu_find(struct edu *ret_edu);
/* MAPD, MAPTI of event 0 to `lpi` on collection 0 (which must be mapped), MSI on. */
void edu_start(struct edu *edu, uint32_t lpi);

/* Have it send its message once. */
void edu_raise(struct edu *edu);
/* Its interrupt status register, and acknowledging all of it. */
uint32_t edu_status(const struct edu *edu);
void edu_acknowledge(const struct edu *edu);

/*
 * `rounds` times: raise, wait until the LPI came, acknowledge. Interrupts must
 * be on. Fails if one does not come in time, or comes twice.
 */
void edu_rounds(struct edu *edu, unsigned rounds);

/*
 * What is sent while the LPI is disabled is kept, and comes once, after INV or INVALL; CLEAR
 * takes it away. Raises 4, of which the LPI is taken for 2. Interrupts must be on.
 */
void edu_lpis_are_kept(struct edu *edu);

/* An interrupt has come by then, or does not: also on a busy host. */
#define EDU_SETTLE_US 500000u

/*
 * DMA, which the device takes 100 ms for: size bytes of RAM at `from` into the
 * device's buffer, and from there to `to`. Waits until it is through. Needs
 * edu's property dma_mask to reach RAM (by default it does not).
 */
#define EDU_DMA_MAX 4064u /* QEMU 7.2 gives up on transfers that reach the buffer's end */
void edu_dma_load(const struct edu *edu, uint64_t from, unsigned size);
void edu_dma_store(const struct edu *edu, uint64_t to, unsigned size);

/*
 * The same without a wait, on a device that others misuse meanwhile. False: it is busy, or not
 * where it should be, and nothing has begun.
 */
bool edu_dma_try_load(const struct edu *edu, uint64_t from, unsigned size);
bool edu_dma_try_store(const struct edu *edu, uint64_t to, unsigned size);
bool edu_dma_is_over(const struct edu *edu);

/* GIC, LPIs, ITS and collection 0 on CPU 0, then the device: all that most payloads need. */
void edu_bring_up(struct edu *ret_edu, uint32_t lpi);

#endif
