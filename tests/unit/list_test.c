/*
 * list_test.c - linked lists.
 */
#include "common/base/list.h"

#include "tests/unit/unit.h"

struct item {
	int value;
	struct list link;
};

static int
sum_as_decimal(struct list *head)
{
	int sum = 0;

	list_for_each(link, head)
		sum = sum * 10 + list_entry(link, struct item, link)->value;
	return sum;
}

TEST(list_keeps_the_order_of_insertion)
{
	struct item a = { 1, { 0 } }, b = { 2, { 0 } }, c = { 3, { 0 } };
	struct list head;

	list_init(&head);
	CHECK(list_is_empty(&head));
	list_add_last(&head, &b.link);
	list_add_last(&head, &c.link);
	list_add_first(&head, &a.link);
	CHECK_INT(sum_as_decimal(&head), 123);
	list_remove(&b.link);
	CHECK_INT(sum_as_decimal(&head), 13);
	list_add_before(&b.link, &head);
	CHECK_INT(sum_as_decimal(&head), 132);
}

TEST(list_removed_item_points_at_itself)
{
	struct item a = { 1, { 0 } };
	struct list head;

	list_init(&head);
	list_add_last(&head, &a.link);
	list_remove(&a.link);
	CHECK(list_is_empty(&head));
	CHECK(list_is_empty(&a.link));
	list_remove(&a.link);
	CHECK(list_is_empty(&head));
}

TEST(list_safe_walk_allows_removal)
{
	struct item items[5];
	struct list head;
	int seen = 0;

	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].value = i;
		list_add_last(&head, &items[i].link);
	}
	list_for_each_safe(link, &head) {
		if (list_entry(link, struct item, link)->value % 2 == 0)
			list_remove(link);
		seen++;
	}
	CHECK_INT(seen, 5);
	CHECK_INT(sum_as_decimal(&head), 13);
}
