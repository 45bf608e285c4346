/* SPDX-License-Identifier: MIT */
/*
 * One thing, done again and again and timed each time: in its first moments, when
 * nothing has come to know yet that it is done often; and when it has gone on for a
 * while. Without a pause between them, after which it would be new again:
 *
 *	the first, FIRST_MS	KEY_first_...	all that are made in that time
 *	"peers: steady KEY"	on standard error
 *	FIRST_MS / 2		not timed: whoever watches from outside is at it
 *	COUNT of them		KEY_...		and KEY_rate, so many in a second
 *	"peers: over KEY"	on standard error
 *	FIRST_MS / 2
 *
 * KEY_marked is how many are made between the two marks. What is counted of a guest
 * from outside some moments after each of them is of as many, since it goes on as
 * before. Without FIRST_MS there are only the COUNT, and no mark.
 *
 * What is said is said last, on standard output: lines of samples.h. No locks; one thread.
 */
#ifndef PEERS_PHASES_H
#define PEERS_PHASES_H

#include <err.h>
#include <stdlib.h>

#include "tests/peers/samples.h"

#define PHASES_MAX 1000000u
#define NS_PER_MS  UINT64_C(1000000)

struct phases {
	const char *key;
	uint64_t first_ms; /* 0: no such phase */
	size_t count;	   /* 1 or more */
	/* Do it once. Nanoseconds that it took; 0: it failed, and does not count. */
	uint64_t (*sample)(void *ctx);
	void *ctx; /* borrowed */
};

struct phases_series {
	uint64_t *samples; /* owned */
	size_t nr, tried;
	uint64_t took_ns;
};

/* Until so many were tried, or so many milliseconds are over. */
static inline struct phases_series phases_series(const struct phases *p, size_t tries, uint64_t ms)
{
	struct phases_series s = { .samples = calloc(tries, sizeof(uint64_t)) };
	uint64_t begin = samples_now(), until = ms ? begin + ms * NS_PER_MS : UINT64_MAX;

	if (!s.samples)
		err(1, "memory");
	while (s.tried < tries && samples_now() < until) {
		s.samples[s.nr] = p->sample(p->ctx);
		s.nr += s.samples[s.nr] != 0;
		s.tried++;
	}
	s.took_ns = samples_now() - begin;
	return s;
}

/* How many. */
static inline size_t phases_settle(const struct phases *p)
{
	struct phases_series s = phases_series(p, PHASES_MAX, (p->first_ms + 1) / 2);

	free(s.samples);
	return s.nr;
}

static inline void phases_mark(const struct phases *p, const char *word)
{
	/* In one piece: other lines go to the same console. */
	(void)dprintf(STDERR_FILENO, "peers: %s %s\n", word, p->key);
}

/* Ends the program where none of a series was good. */
static inline void phases_print(const char *key, struct phases_series *s)
{
	if (!s->nr)
		errx(1, "%s: none of %zu was good", key, s->tried);
	(void)printf("%s_lost %zu\n", key, s->tried - s->nr);
	(void)printf("%s_rate %.1f\n", key, (double)s->nr * 1e9 / (double)s->took_ns);
	samples_print(key, s->samples, s->nr);
	free(s->samples);
}

static inline void phases_run(const struct phases *p)
{
	struct phases_series first = { 0 }, steady;
	size_t marked = 0;
	char key[64];

	if (p->first_ms) {
		first = phases_series(p, PHASES_MAX, p->first_ms);
		phases_mark(p, "steady");
		marked = phases_settle(p);
	}
	steady = phases_series(p, p->count, 0);
	if (p->first_ms) {
		phases_mark(p, "over");
		(void)phases_settle(p);
		(void)printf("%s_marked %zu\n", p->key, marked + steady.nr);
		(void)snprintf(key, sizeof(key), "%s_first", p->key);
		phases_print(key, &first);
	}
	phases_print(p->key, &steady);
}

#endif
