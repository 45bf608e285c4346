/* SPDX-License-Identifier: MIT */
/* The guest that itsy bench runs, as part of the program: guest-images/latency/. */
#ifndef VMM_BENCH_BENCH_PAYLOAD_H
#define VMM_BENCH_BENCH_PAYLOAD_H

#include <stdint.h>

/* A flat binary, for loader_load_flat(): [bench_payload, bench_payload_end). */
extern const uint8_t bench_payload[], bench_payload_end[];

#endif
