/* SPDX-License-Identifier: MIT */
/*
 * Accesses that carry no syndrome for a hypervisor (Arm ARM, ESR_EL2.ISS.ISV is
 * 0), or that no device expects. Each takes an address in x0.
 */
	.arch	armv8.1-a+simd+lse

	.text

	.macro	odd name:req, body:vararg
\name:
	\body
	ret
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
	odd	load_signed,	ldrsw x1, [x0]
	odd	load_acquire,	ldar x1, [x0]
	odd	store_release,	stlr x1, [x0]
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

	.section .rodata
	.balign	8
	.globl	odd_accesses
odd_accesses:
	.quad	load_pair, store_pair, load_pair_32, store_pair_32
	.quad	load_simd_128, store_simd_128, load_simd_64, store_simd_64
	.quad	load_simd_pair, load_simd_many, store_simd_many
	.quad	load_post, store_pre, load_signed, load_acquire, store_release
	.quad	load_exclusive, store_exclusive, atomic_add, atomic_swap, atomic_compare
	.quad	prefetch, clean, invalidate, invalidate_i, zero
	.globl	nr_odd_accesses
nr_odd_accesses:
	.quad	(nr_odd_accesses - odd_accesses) / 8
