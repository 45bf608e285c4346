/* SPDX-License-Identifier: MIT */
/*
 * The vectors that a request of the control socket is about: one, those of a device, or
 * all; and a reply with a row for each of them.
 */
#ifndef VMM_CONTROL_VECTOR_LIST_H
#define VMM_CONTROL_VECTOR_LIST_H

#include "vmm/control/control_proto.h"
#include "vmm/control/running_guest.h"

/* Rows in one reply. Where there are more, "more" is true, and "skip" gets them. */
#define VECTOR_LIST_MAX 512u

/* What a verb that is about vectors has among its arguments; SKIP if it lists them. */
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
	size_t first, end; /* functions */
	bool has_vector;   /* only this one of the first function */
	unsigned vector;
	unsigned long long skip;
};

/* From the request's arguments. 0; or -EINVAL, and error says what is wrong. */
int vector_list_choose(const struct running_guest *g, const struct control_request *request,
		       struct vector_list *ret_list, char error[CONTROL_ERROR_MAX]) _must_check_;

/* Begins zeroed. */
struct vector_position {
	size_t function;
	unsigned vector;
	bool begun;
};

/* Go to the next one. False: there are no more. "skip" is not looked at. */
bool vector_list_next(const struct running_guest *g, const struct vector_list *list,
		      struct vector_position *at);

/*
 * Put "vectors", with an object of row()'s for each, and "more" into the reply. The
 * result is the reply, or NULL for want of memory: then the reply is gone. NULL is
 * allowed.
 */
typedef json_t *vector_row(const struct running_guest *g, size_t function, unsigned vector);
json_t *vector_list_reply(const struct running_guest *g, const struct vector_list *list,
			  vector_row *row, json_t *reply);

#endif
