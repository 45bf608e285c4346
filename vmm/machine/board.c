// SPDX-License-Identifier: MIT
/*
 * The small devices of a machine, as one.
 *
 * No locks.
 */
#include "vmm/machine/board.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/clock.h"
#include "vmm/dev/power_button.h"
#include "vmm/dev/rtc.h"

struct board {
	struct board_config cfg;
	atomic_bool panicked;
	struct power_button *power_button;
	struct rtc *rtc;
};

static void board_destroyp(struct board **board)
{
	board_destroy(*board);
}

static void on_panic(void *ctx)
{
	struct board *board = ctx;

	atomic_store(&board->panicked, true);
	board->cfg.wake_up(board->cfg.ctx);
}

static void wake_up(void *ctx)
{
	const struct board *board = ctx;

	board->cfg.wake_up(board->cfg.ctx);
}

int board_create(const struct board_config *config, struct board **ret_board)
{
	_cleanup_(board_destroyp) struct board *board = calloc(1, sizeof(*board));
	const struct power_button_config button = { config->vm, wake_up, on_panic, board };
	const struct rtc_config rtc = { config->vm, config->wake_up, config->ctx };
	int r;

	if (!board)
		return -ENOMEM;
	board->cfg = *config;
	r = power_button_create(&button, &board->power_button);
	if (!r)
		r = rtc_create(&rtc, &board->rtc);
	if (r < 0)
		return r;
	*ret_board = TAKE_PTR(board);
	return 0;
}

void board_destroy(struct board *board)
{
	if (!board)
		return;
	rtc_destroy(board->rtc);
	power_button_destroy(board->power_button);
	free(board);
}

int board_add_to_bus(struct board *board, struct bus *bus)
{
	int r = power_button_add_to_bus(board->power_button, bus);

	return r ? r : rtc_add_to_bus(board->rtc, bus);
}

void board_press_power(struct board *board)
{
	power_button_press(board->power_button);
}

bool board_hears_power(struct board *board)
{
	return power_button_is_heard(board->power_button);
}

bool board_has_panicked(const struct board *board)
{
	return atomic_load(&board->panicked);
}

int board_service(struct board *board)
{
	return sooner_ms(power_button_service(board->power_button), rtc_service(board->rtc));
}
