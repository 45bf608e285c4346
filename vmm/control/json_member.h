/* SPDX-License-Identifier: MIT */
/* Members of JSON objects that are written by verbs, and read to be printed. */
#ifndef VMM_CONTROL_JSON_MEMBER_H
#define VMM_CONTROL_JSON_MEMBER_H

#include <jansson.h>
#include <stdint.h>

/* n is below 2^63, as all counters and times are. */
static inline json_t *json_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* 0 where there is no such number. */
static inline json_int_t member_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "-" where there is no such string. */
static inline const char *member_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

#endif
