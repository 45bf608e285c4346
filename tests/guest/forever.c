// SPDX-License-Identifier: MIT
/*
 * forever - keeps an NVMe disk reading and interrupting, and never ends by
 * itself. Says "busy" when it is at work. With listen=1 on its command line it takes the power
 * button's interrupt, and does nothing when the button is pressed.
 */
#include "lib/arch.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"
#include "lib/pci.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "forever";

#define FIRST_LPI 8192u
#define PAIRS	  3u

#define GPIOIE (LAYOUT_GPIO + 0x410) /* DDI 0190B, 3.3.6 */

void payload_main(uint64_t fdt)
{
	struct nvme nvme;

	if (fdt_number(fdt, "listen", 0))
		write8(GPIOIE, 1u << LAYOUT_GPIO_POWER);
	nvme_find(&nvme);
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	its_mapd(nvme.fn.devfn, its_itt_alloc(6), 6, true);
	for (unsigned v = 0; v < PAIRS; v++) {
		gic_lpi_configure(FIRST_LPI + v, true);
		its_mapti(nvme.fn.devfn, v, FIRST_LPI + v, 0);
		pci_msix_write(&nvme.fn, v, ITS_DOORBELL, v);
		pci_msix_mask(&nvme.fn, v, false);
	}
	pci_msix_on(&nvme.fn);
	irqs_on();
	nvme_start(&nvme, PAIRS);
	for (uint64_t round = 0;; round++) {
		for (unsigned v = 1; v < PAIRS; v++)
			nvme_work(&nvme, v);
		for (unsigned v = 1; v < PAIRS; v++) {
			CHECK(nvme_wait(&nvme, v), "queue pair %u: no answer", v);
			nvme_reap(&nvme, v);
		}
		if (round == 10)
			say("busy");
	}
}
