/* SPDX-License-Identifier: MIT */
/*
 * The guest's physical address space.
 *
 * MMIO lies below 1 GiB, RAM begins there: hosts reserve IOVA 0x08000000 + 1 MiB
 * for MSI doorbells (drivers/iommu: MSI_IOVA_BASE), and guest RAM is mapped for
 * DMA at IOVA = GPA. Where something else of the host's is in its way it lies around that
 * (vmm/machine/guest_memory.h). The 64-bit PCI window takes the upper half of the 40-bit
 * space that every KVM on arm64 offers.
 */
#ifndef VMM_KVM_LAYOUT_H
#define VMM_KVM_LAYOUT_H

#include <stdint.h>

#define GiB (UINT64_C(1) << 30)
#define MiB (UINT64_C(1) << 20)
#define KiB (UINT64_C(1) << 10)

/*
 * What firmware is entered in, where a guest has it: read-only memory, no RAM. U-Boot's board
 * qemu_arm64 is linked to run at 0, and reads its environment at 0x04000000, where the second
 * of its two flash chips of 64 MiB would begin: here are zeros, and it takes the environment that
 * it was built with.
 */
#define LAYOUT_FIRMWARE	    UINT64_C(0)
#define LAYOUT_FIRMWARE_MAX UINT64_C(0x04000000) /* of its file */
#define LAYOUT_FIRMWARE_SZ  UINT64_C(0x08000000)

#define LAYOUT_GICD	  UINT64_C(0x08000000)
#define LAYOUT_GICD_SZ	  UINT64_C(0x10000)
#define LAYOUT_GITS	  UINT64_C(0x08080000) /* the shadow vITSs: trapped, emulated here */
#define LAYOUT_GITS_SZ	  UINT64_C(0x20000)    /* each; they lie side by side */
#define LAYOUT_GITS_OF(n) (LAYOUT_GITS + (n)*LAYOUT_GITS_SZ)
#define LAYOUT_UART	  UINT64_C(0x09000000)
#define LAYOUT_UART_SZ	  UINT64_C(0x1000)
#define LAYOUT_GPIO	  UINT64_C(0x09010000)
#define LAYOUT_GPIO_SZ	  UINT64_C(0x1000)
#define LAYOUT_RTC	  UINT64_C(0x09020000)
#define LAYOUT_RTC_SZ	  UINT64_C(0x1000)
/* Memory, whatever the host's pages are; no RAM. */
#define LAYOUT_STEAL_TIME    UINT64_C(0x09030000)
#define LAYOUT_STEAL_TIME_SZ UINT64_C(0x10000)
#define LAYOUT_PL011	     UINT64_C(0x09040000) /* where a guest has firmware */
#define LAYOUT_PL011_SZ	     UINT64_C(0x1000)
#define LAYOUT_GICR	     UINT64_C(0x0a000000) /* the guest's: trapped, emulated here */
#define LAYOUT_GICR_SZ_VCPU  UINT64_C(0x20000)
#define LAYOUT_MAX_VCPUS     512u /* KVM_MAX_VCPUS; their redistributors end at 0x0e000000 */

#define LAYOUT_ECAM	 UINT64_C(0x10000000)
#define LAYOUT_ECAM_SZ	 UINT64_C(0x100000)   /* of each bus: 256 functions of 4 KiB */
#define LAYOUT_MAX_BUSES 16u		      /* bus 0, and one behind each root port */
#define LAYOUT_PCI_IO	 UINT64_C(0x11000000) /* I/O ports, from port 0 on */
#define LAYOUT_PCI_IO_SZ UINT64_C(0x10000)
#define LAYOUT_PCI32	 UINT64_C(0x12000000)
#define LAYOUT_PCI32_SZ	 UINT64_C(0x28000000)
#define LAYOUT_PCI64	 UINT64_C(0x8000000000)
#define LAYOUT_PCI64_SZ	 UINT64_C(0x7000000000)

/* Not described to the guest: KVM's redistributors, the kernel ITS and what it works on. */
#define LAYOUT_KERNEL_GICR	UINT64_C(0x3a000000)
#define LAYOUT_KERNEL_CODE	UINT64_C(0x3e000000) /* instructions of ours: kernel_redist.c */
#define LAYOUT_KERNEL_CODE_SZ	UINT64_C(0x10000)
#define LAYOUT_KERNEL_ITS_FRAME UINT64_C(0x3f000000)
#define LAYOUT_KERNEL_ITS_MEM	UINT64_C(0x3f100000)

#define LAYOUT_RAM     UINT64_C(0x40000000)
#define LAYOUT_RAM_MAX (LAYOUT_PCI64 - LAYOUT_RAM)

/* Shared peripheral interrupts, as KVM numbers them: 32 is the first. */
#define LAYOUT_UART_INTID 33u
#define LAYOUT_GPIO_INTID 34u
#define LAYOUT_RTC_INTID  35u
/* INTx of all functions: as many as a bridge has pins (pci_host.h: pci_host_intid()). */
#define LAYOUT_INTX_INTID  36u
#define LAYOUT_NR_INTX	   4u
#define LAYOUT_PL011_INTID (LAYOUT_INTX_INTID + LAYOUT_NR_INTX)

/* The pin of the GPIO controller that the power button is at. */
#define LAYOUT_GPIO_POWER 3u
/* And the light by which the guest's kernel says that it has panicked. */
#define LAYOUT_GPIO_PANIC 4u

_Static_assert(LAYOUT_FIRMWARE + LAYOUT_FIRMWARE_SZ <= LAYOUT_GICD, "the firmware is below");
_Static_assert(LAYOUT_GICR + LAYOUT_MAX_VCPUS * LAYOUT_GICR_SZ_VCPU <= LAYOUT_ECAM,
	       "the redistributors of all vCPUs fit");
_Static_assert(LAYOUT_ECAM + LAYOUT_MAX_BUSES * LAYOUT_ECAM_SZ <= LAYOUT_PCI_IO,
	       "the configuration space of all buses fits");
_Static_assert(LAYOUT_PCI32 + LAYOUT_PCI32_SZ <= LAYOUT_KERNEL_GICR, "windows do not overlap");
_Static_assert(LAYOUT_KERNEL_GICR + LAYOUT_MAX_VCPUS * LAYOUT_GICR_SZ_VCPU <= LAYOUT_KERNEL_CODE,
	       "slots do not overlap");
_Static_assert(LAYOUT_KERNEL_CODE + LAYOUT_KERNEL_CODE_SZ <= LAYOUT_KERNEL_ITS_FRAME,
	       "slots do not overlap");

#endif
