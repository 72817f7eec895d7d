#include "tests/negative/negative.h"
void
client_cases(void)
{
}
