// SPDX-License-Identifier: MIT
/*
 * QEMU's edu device.
 */
#include "lib/edu.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

#define EDU_STATUS 0x24u
#define EDU_RAISE  0x60u
#define EDU_ACK	   0x64u

#define EDU_DMA_FROM   0x80u
#define EDU_DMA_TO     0x88u
#define EDU_DMA_COUNT  0x90u
#define EDU_DMA_CMD    0x98u
#define EDU_DMA_RUN    0x1u
#define EDU_DMA_TO_RAM 0x2u
#define EDU_BUFFER     0x40000u /* as the device sees it */

#define EVENT_BITS 5u

void edu_find(struct edu *ret_edu)
{
	*ret_edu = (struct edu){ 0 };
	CHECK(pci_find(EDU_ID, 0, &ret_edu->fn), "no edu device");
	ret_edu->devid = ret_edu->fn.devfn;
	pci_set_up(&ret_edu->fn);
	CHECK(ret_edu->fn.bar[0], "edu: BAR 0 is not there");
	edu_acknowledge(ret_edu);
}

void edu_start(struct edu *edu, uint32_t lpi)
{
	edu->lpi = lpi;
	edu->raised = 0;
	its_mapd(edu->devid, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	its_mapti(edu->devid, 0, lpi, 0);
	pci_msi_on(&edu->fn, ITS_DOORBELL, 0);
}

void edu_raise(struct edu *edu)
{
	edu->raised++;
	write32(edu->fn.bar[0] + EDU_RAISE, 1);
}

uint32_t edu_status(const struct edu *edu)
{
	return read32(edu->fn.bar[0] + EDU_STATUS);
}

void edu_acknowledge(const struct edu *edu)
{
	write32(edu->fn.bar[0] + EDU_ACK, ~0u);
}

void edu_rounds(struct edu *edu, unsigned rounds)
{
	uint64_t before = gic_lpi_total(edu->lpi);

	for (unsigned i = 1; i <= rounds; i++) {
		edu_raise(edu);
		CHECK(WAIT_UNTIL(gic_lpi_total(edu->lpi) >= before + i, PATIENCE_MS),
		      "interrupt %u of %u did not come", i, rounds);
		CHECK(gic_lpi_total(edu->lpi) == before + i, "interrupt %u came %lu times", i,
		      gic_lpi_total(edu->lpi) - before - i + 1);
		CHECK(edu_status(edu) == 1, "edu's status is 0x%x", edu_status(edu));
		edu_acknowledge(edu);
	}
}

/* IHI 0069 5.1.1: a disabled LPI stays pending, and comes once when it is enabled. */
static void disabled_lpi_is_kept(struct edu *edu)
{
	uint64_t before = gic_lpi_total(edu->lpi);

	gic_lpi_configure(edu->lpi, false);
	its_inv(edu->devid, 0);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(edu->lpi) == before, "an LPI that is disabled was taken");
	gic_lpi_configure(edu->lpi, true);
	its_inv(edu->devid, 0);
	CHECK(WAIT_UNTIL(gic_lpi_total(edu->lpi) > before, PATIENCE_MS),
	      "an LPI was lost while disabled");
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(edu->lpi) == before + 1, "pending once, taken %lu times",
	      gic_lpi_total(edu->lpi) - before);
	edu_acknowledge(edu);
}

/* The same, enabled by INVALL instead of INV. */
static void invall_enables_too(struct edu *edu)
{
	uint64_t before = gic_lpi_total(edu->lpi);

	gic_lpi_configure(edu->lpi, false);
	its_invall(0);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(edu->lpi) == before, "an LPI disabled by INVALL was taken");
	gic_lpi_configure(edu->lpi, true);
	its_invall(0);
	CHECK(WAIT_UNTIL(gic_lpi_total(edu->lpi) == before + 1, PATIENCE_MS),
	      "an LPI was lost before INVALL");
	edu_acknowledge(edu);
}

static void cleared_lpi_is_gone(struct edu *edu)
{
	uint64_t before = gic_lpi_total(edu->lpi);

	gic_lpi_configure(edu->lpi, false);
	its_inv(edu->devid, 0);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	its_clear(edu->devid, 0);
	gic_lpi_configure(edu->lpi, true);
	its_inv(edu->devid, 0);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(edu->lpi) == before, "an LPI was taken after CLEAR");
	edu_acknowledge(edu);
}

void edu_lpis_are_kept(struct edu *edu)
{
	disabled_lpi_is_kept(edu);
	invall_enables_too(edu);
	cleared_lpi_is_gone(edu);
}

static void dma(const struct edu *edu, uint64_t from, uint64_t to, unsigned size, unsigned cmd)
{
	uint64_t bar = edu->fn.bar[0];

	CHECK(size <= EDU_DMA_MAX, "DMA of %u bytes", size);
	barrier();
	write64(bar + EDU_DMA_FROM, from);
	write64(bar + EDU_DMA_TO, to);
	write64(bar + EDU_DMA_COUNT, size);
	write64(bar + EDU_DMA_CMD, cmd | EDU_DMA_RUN);
	CHECK(WAIT_UNTIL(!(read64(bar + EDU_DMA_CMD) & EDU_DMA_RUN), PATIENCE_MS),
	      "edu's DMA does not end");
	barrier();
}

void edu_dma_load(const struct edu *edu, uint64_t from, unsigned size)
{
	dma(edu, from, EDU_BUFFER, size, 0);
}

void edu_dma_store(const struct edu *edu, uint64_t to, unsigned size)
{
	dma(edu, EDU_BUFFER, to, size, EDU_DMA_TO_RAM);
}

bool edu_dma_is_over(const struct edu *edu)
{
	return !(read64(edu->fn.bar[0] + EDU_DMA_CMD) & EDU_DMA_RUN);
}

/*
 * QEMU 7.2 ends with a transfer that leaves the device's buffer: so one begins only after the
 * device itself has said that it has all of it. What is written while the BAR is elsewhere is lost.
 */
static bool try_dma(const struct edu *edu, uint64_t from, uint64_t to, unsigned size, unsigned cmd)
{
	uint64_t bar = edu->fn.bar[0];

	CHECK(size <= EDU_DMA_MAX, "DMA of %u bytes", size);
	if (!edu_dma_is_over(edu))
		return false;
	barrier();
	write64(bar + EDU_DMA_FROM, from);
	write64(bar + EDU_DMA_TO, to);
	write64(bar + EDU_DMA_COUNT, size);
	if (read64(bar + EDU_DMA_FROM) != from || read64(bar + EDU_DMA_TO) != to ||
	    read64(bar + EDU_DMA_COUNT) != size)
		return false;
	write64(bar + EDU_DMA_CMD, cmd | EDU_DMA_RUN);
	return !edu_dma_is_over(edu);
}

bool edu_dma_try_load(const struct edu *edu, uint64_t from, unsigned size)
{
	return try_dma(edu, from, EDU_BUFFER, size, 0);
}

bool edu_dma_try_store(const struct edu *edu, uint64_t to, unsigned size)
{
	return try_dma(edu, EDU_BUFFER, to, size, EDU_DMA_TO_RAM);
}

void edu_bring_up(struct edu *ret_edu, uint32_t lpi)
{
	gic_init();
	gic_lpis_on();
	gic_lpi_configure(lpi, true);
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	edu_find(ret_edu);
	edu_start(ret_edu, lpi);
	irqs_on();
}
