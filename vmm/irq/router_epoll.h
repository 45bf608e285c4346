/* SPDX-License-Identifier: MIT */
/*
 * The engine on epoll, for hosts that have io_uring switched off. epoll(7).
 */
#ifndef VMM_IRQ_ROUTER_EPOLL_H
#define VMM_IRQ_ROUTER_EPOLL_H

#include "vmm/irq/router_engine.h"

extern const struct engine_ops epoll_engine;

#endif
