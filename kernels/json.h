/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* As much JSON as the header of a weights file needs, strictly and without
 * allocating: first the whole text is checked, then a cursor goes over it. */

#ifndef SYMPIE_JSON_H
#define SYMPIE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum
{
  SYMPIE_JSON_DEPTH = 3,  /* of what is nested */
  SYMPIE_JSON_DIGITS = 18 /* of a number: what fits an int64_t for sure */
};

/* Text that was checked, and the byte to read next. */
typedef struct
{
  char *text;
  size_t size, at;
} SympieJson;

/* Whether the text is one value in UTF-8, within the limits above. Otherwise
 * what is wrong ("not JSON", "with ...", "nested ...") and json->at, where. */
bool sympie_json_check (SympieJson *json, const char **fault);

/* The first byte of the next token; 0 at the end. */
char sympie_json_peek (SympieJson *json);

/* Goes past a token of one byte, if that is what comes. */
bool sympie_json_take (SympieJson *json, char token);

/* Goes past a value. */
void sympie_json_skip (SympieJson *json);

/* Goes past a string, which is decoded where it lies. NULL, and only past the
 * string, where it holds characters that cannot be shown. */
const char *sympie_json_string (SympieJson *json);

/* Goes past an array. How many numbers, whole and not negative, it holds, all
 * of which fit into `numbers`; -1 where that is not what it is. */
int sympie_json_numbers (SympieJson *json, int64_t *numbers, int max);

#endif /* SYMPIE_JSON_H */
