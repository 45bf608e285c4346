/* SPDX-License-Identifier: MIT */
/*
 * The vectors that a request of the control socket is about: one, those of a device, or
 * all; and a reply with a row for each of them.
 */
#ifndef VMM_CONTROL_VECTOR_LIST_H
#define VMM_CONTROL_VECTOR_LIST_H

#include "vmm/control/control_proto.h"
#include "vmm/control/running_guest.h"

/* Rows in one reply. Where there are more, its "more" is true, and "skip" asks for them. */
#define VECTOR_LIST_MAX 512u

/* The arguments of a verb that is about vectors; the last one if it lists them. */
#define VECTOR_LIST_DEVICE                               \
	{                                                \
		.name = "device", .type = CONTROL_STRING \
	}
#define VECTOR_LIST_VECTOR                               \
	{                                                \
		.name = "vector", .type = CONTROL_NUMBER \
	}
#define VECTOR_LIST_SKIP                               \
	{                                              \
		.name = "skip", .type = CONTROL_NUMBER \
	}

struct vector_list {
	size_t first, end; /* functions first to end - 1 */
	bool has_vector;   /* of the first function, only this vector */
	unsigned vector;
	unsigned long long skip;
};

/* From the request's arguments. 0; or -EINVAL, and error says what is wrong. */
int vector_list_choose(const struct running_guest *g, const struct control_request *request,
		       struct vector_list *ret_list, char error[CONTROL_ERROR_MAX]) _must_check_;

/* Where vector_list_next() is. All zeros before the first. */
struct vector_position {
	size_t function;
	unsigned vector;
	bool begun;
};

/* Go to the next vector. False: there are no more. Those that "skip" means are not left out. */
bool vector_list_next(const struct running_guest *g, const struct vector_list *list,
		      struct vector_position *at);

/*
 * Complete a reply by "vectors", with the object that row() makes of each, and "more".
 * Takes the reply (NULL: there was no memory for it) and returns it; NULL: no memory.
 */
typedef json_t *vector_row(const struct running_guest *g, size_t function, unsigned vector);
json_t *vector_list_reply(const struct running_guest *g, const struct vector_list *list,
			  vector_row *row, json_t *reply);

#endif
