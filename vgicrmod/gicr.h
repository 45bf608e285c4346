/* SPDX-License-Identifier: MIT */
/*
 * The GICR_* registers of a redistributor bit by bit, IHI 0069 12.10 and 12.11.
 * Numbers only, for whoever plays either part: the model, its backend, tests.
 *
 * Not here: GICv4's frames and fields, and the extended PPIs' registers.
 */
#ifndef VGICRMOD_GICR_H
#define VGICRMOD_GICR_H

#include "vitsmod/bits.h"

/* Bytes in a redistributor: RD_base, and SGI_base behind it. */
#define GICR_FRAMES_SZ 0x20000u
#define GICR_SGI_BASE  0x10000u

/*
 * Offsets from RD_base, of the registers of both frames.
 */
#define GICR_CTLR      0x0000u
#define GICR_IIDR      0x0004u
#define GICR_TYPER     0x0008u
#define GICR_STATUSR   0x0010u
#define GICR_WAKER     0x0014u
#define GICR_MPAMIDR   0x0018u
#define GICR_PARTIDR   0x001cu
#define GICR_SETLPIR   0x0040u
#define GICR_CLRLPIR   0x0048u
#define GICR_PROPBASER 0x0070u
#define GICR_PENDBASER 0x0078u
#define GICR_INVLPIR   0x00a0u
#define GICR_INVALLR   0x00b0u
#define GICR_SYNCR     0x00c0u
#define GICR_PIDR4     0xffd0u
#define GICR_PIDR5     0xffd4u
#define GICR_PIDR6     0xffd8u
#define GICR_PIDR7     0xffdcu
#define GICR_PIDR0     0xffe0u
#define GICR_PIDR1     0xffe4u
#define GICR_PIDR2     0xffe8u
#define GICR_PIDR3     0xffecu
#define GICR_CIDR0     0xfff0u
#define GICR_CIDR1     0xfff4u
#define GICR_CIDR2     0xfff8u
#define GICR_CIDR3     0xfffcu

#define GICR_IGROUPR0	   (GICR_SGI_BASE + 0x0080u)
#define GICR_ISENABLER0	   (GICR_SGI_BASE + 0x0100u)
#define GICR_ICENABLER0	   (GICR_SGI_BASE + 0x0180u)
#define GICR_ISPENDR0	   (GICR_SGI_BASE + 0x0200u)
#define GICR_ICPENDR0	   (GICR_SGI_BASE + 0x0280u)
#define GICR_ISACTIVER0	   (GICR_SGI_BASE + 0x0300u)
#define GICR_ICACTIVER0	   (GICR_SGI_BASE + 0x0380u)
#define GICR_IPRIORITYR(n) (GICR_SGI_BASE + 0x0400u + 4u * (n)) /* n below GICR_NR_IPRIORITYR */
#define GICR_ICFGR0	   (GICR_SGI_BASE + 0x0c00u)
#define GICR_ICFGR1	   (GICR_SGI_BASE + 0x0c04u)
#define GICR_IGRPMODR0	   (GICR_SGI_BASE + 0x0d00u)
#define GICR_NSACR	   (GICR_SGI_BASE + 0x0e00u)

/* SGIs have the INTIDs 0 to 15, PPIs 16 to 31: a bit of each 32-bit register, a byte of IPRIORITYR.
 */
#define GICR_NR_IPRIORITYR 8u

/*
 * Fields
 */
#define GICR_CTLR_LPIS BIT64(0) /* EnableLPIs */

#define GICR_TYPER_PLPIS    BIT64(0)
#define GICR_TYPER_LAST	    BIT64(4)
#define GICR_TYPER_NUMBER   MASK64(23, 8)
#define GICR_TYPER_AFFINITY MASK64(63, 32) /* Aff3.Aff2.Aff1.Aff0 */

#define GICR_PROPBASER_OUTER_CACHE MASK64(58, 56)
#define GICR_PROPBASER_PA	   MASK64(51, 12)
#define GICR_PROPBASER_SHARE	   MASK64(11, 10)
#define GICR_PROPBASER_INNER_CACHE MASK64(9, 7)
#define GICR_PROPBASER_ID_BITS	   MASK64(4, 0) /* INTID bits - 1 */

#define GICR_PENDBASER_PTZ	   BIT64(62) /* the table is zero; reads as 0 */
#define GICR_PENDBASER_OUTER_CACHE MASK64(58, 56)
#define GICR_PENDBASER_PA	   MASK64(51, 16)
#define GICR_PENDBASER_SHARE	   MASK64(11, 10)
#define GICR_PENDBASER_INNER_CACHE MASK64(9, 7)

#endif
