/* SPDX-License-Identifier: MIT */
/*
 * Entry, address translation, exception vectors.
 *
 * The payload is entered at EL1 with the MMU off and the device tree in x0
 * (Documentation/arch/arm64/booting.rst). Its file begins with the header of an arm64
 * Image, whose image_size is 0: then it lies 0x80000 above the start of RAM, and has
 * as much memory behind it as there is. Nothing is written before the MMU is on:
 * the page tables are data of the image. So memory is only ever written through
 * the caches, and what an ITS or a redistributor reads there is coherent.
 *
 * Arm Architecture Reference Manual: D8 (translation), D1.3 (exceptions).
 */

/* One block of 1 GiB. AttrIndx: 0 device, 1 memory (MAIR below). */
#define BLOCK	0x001
#define TABLE	0x003
#define MEMORY	(BLOCK | 1 << 2 | 3 << 8 | 1 << 10)	/* inner shareable, accessed */
#define DEVICE	(BLOCK | 0 << 2 | 1 << 10 | 1 << 53)	/* accessed, never executed */

#define MAIR	0xff04		/* 0: Device-nGnRE, 1: write-back, allocate */
/* T0SZ 24 (40 bits), 4 KiB granule, walks write-back and inner shareable, no TTBR1. */
#define TCR	(24 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23)
#define SCTLR	0x30d01805	/* RES1 bits, and I, C, M */
#define CPACR	(3 << 20)	/* no trap of SIMD */

#define STACK_SZ 0x4000
#define FRAME_SZ 272

	.arch	armv8-a+simd

	.section .text.start, "ax"
	.globl	_start
_start:
	b	entered
	.word	0
	.quad	0x80000			/* text_offset */
	.quad	0			/* image_size: not said */
	.quad	0			/* flags: little-endian */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.word	0
entered:
	mrs	x20, cntpct_el0
	mov	x19, x0
	bl	mmu_on
	adrp	x1, boot_stack + STACK_SZ
	add	sp, x1, :lo12:boot_stack + STACK_SZ
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
1:	cmp	x1, x2
	b.hs	2f
	stp	xzr, xzr, [x1], #16
	b	1b
2:	msr	tpidr_el1, xzr
	mov	x0, x19
	mov	x1, x20
	bl	payload_start
	b	.

/* A CPU that PSCI CPU_ON started: x0 is its struct cpu_start (cpu.c). */
	.globl	secondary_entry
secondary_entry:
	mov	x19, x0
	bl	mmu_on
	ldp	x1, x2, [x19]
	mov	sp, x1
	msr	tpidr_el1, x2
	ldr	x1, [x19, #16]
	blr	x1
	b	.

/* Uses x1 to x3 and x30. */
mmu_on:
	adrp	x1, level0
	add	x1, x1, :lo12:level0
	msr	ttbr0_el1, x1
	mov	x1, #MAIR
	msr	mair_el1, x1
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf		/* PARange, as IPS wants it; above 48 bits another granule */
	mov	x2, #5
	cmp	x1, x2
	csel	x1, x1, x2, lo
	ldr	x2, =TCR
	orr	x2, x2, x1, lsl #32
	msr	tcr_el1, x2
	mov	x1, #CPACR
	msr	cpacr_el1, x1
	adr	x1, vectors
	msr	vbar_el1, x1
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x1, =SCTLR
	msr	sctlr_el1, x1
	isb
	ret
	.ltorg

/* Each entry saves all registers and says which one it is. */
	.macro	vector number
	.balign	0x80
	sub	sp, sp, #FRAME_SZ
	stp	x0, x1, [sp]
	mov	x0, #\number
	b	exception_common
	.endm

	.balign	0x800
vectors:
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\number
	.endr

exception_common:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x30, x1, [sp, #240]
	str	x2, [sp, #256]
	mov	x1, x0
	mov	x0, sp
	bl	exception
	ldr	x2, [sp, #256]
	ldp	x30, x1, [sp, #240]
	msr	spsr_el1, x2
	msr	elr_el1, x1
	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SZ
	eret

/*
 * 40 bits, identity: RAM's first GiB is memory, everything else a device, so that
 * all of platform.h is there. The last GiB, where nothing is put, is lent out by
 * mmu_alias() (cpu.h).
 */
	.section .data.tables, "aw"
	.balign	4096
level1:
	.quad	DEVICE
	.quad	MEMORY + 0x40000000
	.set	at, 0x80000000
	.rept	1021
	.quad	DEVICE + at
	.set	at, at + 0x40000000
	.endr
	.globl	mmu_alias_entry
mmu_alias_entry:
	.quad	0
	.balign	4096
level0:
	.quad	level1 + TABLE
	.quad	level1 + 4096 + TABLE

	.section .bss
	.balign	16
boot_stack:
	.skip	STACK_SZ
