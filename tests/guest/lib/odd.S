/* SPDX-License-Identifier: MIT */
/*
 * Accesses that carry no syndrome for a hypervisor (Arm ARM, ESR_EL2.ISS.ISV is
 * 0), or that no device expects. Each takes an address in x0. All are in one table.
 */
	.arch	armv8.1-a+simd+lse

	.section .rodata.odd, "a"
	.balign	8
	.globl	odd_accesses
odd_accesses:

	.text

	/* A row of odd_accesses (odd.h): where it is, what it is called, has it a syndrome. */
	.macro	row name:req, has_syndrome:req
	.pushsection .rodata.odd_names, "a"
9:	.asciz	"\name"
	.popsection
	.pushsection .rodata.odd, "a"
	.quad	\name, 9b, \has_syndrome
	.popsection
	.endm

	.macro	body name:req, instruction:vararg
\name:
	\instruction
	ret
	.endm

	.macro	odd name:req, instruction:vararg
	row	\name, 0
	body	\name, \instruction
	.endm

	/* What has one: single, of a general register, no write-back, not exclusive. */
	.macro	even name:req, instruction:vararg
	row	\name, 1
	body	\name, \instruction
	.endm

	odd	load_pair,	ldp x1, x2, [x0]
	odd	store_pair,	stp x1, x2, [x0]
	odd	load_pair_32,	ldp w1, w2, [x0]
	odd	store_pair_32,	stp w1, w2, [x0]
	odd	load_simd_128,	ldr q0, [x0]
	odd	store_simd_128,	str q0, [x0]
	odd	load_simd_64,	ldr d0, [x0]
	odd	store_simd_64,	str d0, [x0]
	odd	load_simd_pair,	ldp q0, q1, [x0]
	odd	load_simd_many,	ld4 {v0.4s-v3.4s}, [x0]
	odd	store_simd_many, st4 {v0.4s-v3.4s}, [x0]
	odd	load_post,	ldr x1, [x0], #8
	odd	store_pre,	str x1, [x0, #8]!
	even	load_signed,	ldrsw x1, [x0]
	even	load_acquire,	ldar x1, [x0]
	even	store_release,	stlr x1, [x0]
	odd	load_exclusive,	ldxr x1, [x0]
	odd	store_exclusive, stxr w2, x1, [x0]
	odd	atomic_add,	ldadd x1, x2, [x0]
	odd	atomic_swap,	swp w1, w2, [x0]
	odd	atomic_compare,	cas x1, x2, [x0]
	odd	prefetch,	prfm pldl1keep, [x0]
	odd	clean,		dc civac, x0
	odd	invalidate,	dc ivac, x0
	odd	invalidate_i,	ic ivau, x0
	odd	zero,		dc zva, x0

	.section .rodata.odd, "a"
odd_accesses_end:
	.section .rodata, "a"
	.balign	8
	.globl	nr_odd_accesses
nr_odd_accesses:
	.quad	(odd_accesses_end - odd_accesses) / 24
