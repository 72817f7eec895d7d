/*
 * client_spread.c - further channels for copies.
 */
#include "sftp/client_spread.h"

void
client_spread_begin(struct copy *c, struct client_link *target)
{
	struct client *lane;

	if (target == NULL)
		return;
	for (size_t i = 0; (lane = client_link_lane(target, i)) != NULL; i++)
		if (!client_is_over(lane))
			IGNORE_RESULT(!copy_add_lane(c, lane)); /* full */
}

void
client_spread_more(struct copy *c, struct client_link *target)
{
	struct client *lane;

	if (target == NULL)
		return;
	lane = client_link_widen(target, copy_lanes_wanted(c));
	if (lane != NULL)
		IGNORE_RESULT(!copy_add_lane(c, lane)); /* then unused */
}
