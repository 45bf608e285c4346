// SPDX-License-Identifier: MIT
/*
 * The guest of itsy bench, included by the assembler: one program does it all,
 * wherever it was copied to.
 */
#include "vmm/bench/bench_payload.h"

#define TEXT_OF(x)  TEXT_OF_(x)
#define TEXT_OF_(x) #x

__asm__(".pushsection .rodata\n"
	".balign 16\n"
	".globl bench_payload, bench_payload_end\n"
	"bench_payload: .incbin \"" TEXT_OF(ITSY_PAYLOADS) "/latency.bin\"\n"
							   "bench_payload_end:\n"
							   ".popsection\n");
