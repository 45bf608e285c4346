/* SPDX-License-Identifier: MIT */
/*
 * Instructions that C has no words for: device accesses of a certain width,
 * system registers, barriers.
 *
 * Device accesses are single loads and stores without write-back, which a
 * hypervisor gets a syndrome for (Arm ARM, ESR_EL2.ISS.ISV).
 */
#ifndef GUEST_LIB_ARCH_H
#define GUEST_LIB_ARCH_H

#include <stdbool.h>
#include <stdint.h>

/* What a read returns that ended in an abort: the register is as it was before. */
#define READ_ABORTED UINT64_C(0x5ab0)

#define GUEST_ACCESSORS(bits, type, reg, suffix)                     \
	static inline type read##bits(uint64_t address)              \
	{                                                            \
		type value = (type)READ_ABORTED;                     \
		__asm__ volatile("ldr" suffix " %" reg "0, [%1]"     \
				 : "+r"(value)                       \
				 : "r"(address)                      \
				 : "memory");                        \
		return value;                                        \
	}                                                            \
	static inline void write##bits(uint64_t address, type value) \
	{                                                            \
		__asm__ volatile("str" suffix " %" reg "0, [%1]"     \
				 :                                   \
				 : "r"(value), "r"(address)          \
				 : "memory");                        \
	}
GUEST_ACCESSORS(8, uint8_t, "w", "b")
GUEST_ACCESSORS(16, uint16_t, "w", "h")
GUEST_ACCESSORS(32, uint32_t, "w", "")
GUEST_ACCESSORS(64, uint64_t, "x", "")

#define sysreg_read(name)                                         \
	({                                                        \
		uint64_t value_;                                  \
		__asm__ volatile("mrs %0, " name : "=r"(value_)); \
		value_;                                           \
	})
#define sysreg_write(name, value) \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

/* All accesses before it have happened, whoever looks. */
static inline void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void irqs_on(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

static inline void irqs_off(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

/* 0: free. Written out, for the compiler would call a library for it. */
static inline void spin_lock(uint32_t *lock)
{
	uint32_t old, failed;

	__asm__ volatile("1:	ldaxr	%w0, [%2]\n"
			 "	cbnz	%w0, 1b\n"
			 "	stxr	%w1, %w3, [%2]\n"
			 "	cbnz	%w1, 1b\n"
			 : "=&r"(old), "=&r"(failed)
			 : "r"(lock), "r"(1)
			 : "memory");
}

/* False: another one has it. */
static inline bool spin_try_lock(uint32_t *lock)
{
	uint32_t old, failed;

	__asm__ volatile("	mov	%w1, #1\n"
			 "	ldaxr	%w0, [%2]\n"
			 "	cbnz	%w0, 1f\n"
			 "	stxr	%w1, %w3, [%2]\n"
			 "1:\n"
			 : "=&r"(old), "=&r"(failed)
			 : "r"(lock), "r"(1)
			 : "memory");
	return !failed;
}

static inline void spin_unlock(uint32_t *lock)
{
	__asm__ volatile("stlr wzr, [%0]" : : "r"(lock) : "memory");
}

static inline void wait_for_interrupt(void)
{
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

#endif
