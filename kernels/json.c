/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "json.h"

#include <string.h>

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

char
sympie_json_peek (SympieJson *json)
{
  while (json->at < json->size && json->text[json->at]
         && strchr (" \t\r\n", json->text[json->at]))
    json->at++;
  return json->at < json->size ? json->text[json->at] : '\0';
}

bool
sympie_json_take (SympieJson *json, char token)
{
  if (sympie_json_peek (json) != token || json->at == json->size)
    return false;
  json->at++;
  return true;
}

/* ---- Checking ---------------------------------------------------------- */

static const char *const not_json = "not JSON";

/* The next byte as it is; 0 at the end. */
static unsigned char
byte (const SympieJson *json)
{
  return json->at < json->size ? (unsigned char) json->text[json->at] : 0;
}

static bool
check_hex (SympieJson *json)
{
  for (int i = 0; i < 4; i++, json->at++)
    if (!byte (json) || !strchr ("0123456789abcdefABCDEF", byte (json)))
      return false;
  return true;
}

/* One character of UTF-8 beyond ASCII, in its shortest form and no surrogate.
 */
static bool
check_utf8 (SympieJson *json)
{
  unsigned char first = byte (json);
  int n = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  uint32_t code = first & (0x3f >> n);
  static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };

  if (first < 0xc2 || first > 0xf4)
    return false;
  json->at++;
  for (int i = 0; i < n; i++, json->at++) {
    if ((byte (json) & 0xc0) != 0x80)
      return false;
    code = code << 6 | (byte (json) & 0x3f);
  }
  return code >= least[n] && code <= 0x10ffff
         && !(code >= 0xd800 && code <= 0xdfff);
}

static bool
check_string (SympieJson *json, const char **fault)
{
  json->at++;
  while (byte (json) != '"') {
    *fault = "not JSON";
    if (json->at >= json->size)
      return false;
    if (byte (json) < ' ') {
      *fault = "with a control character in a string";
      return false;
    }
    if (byte (json) == '\\') {
      json->at++;
      if (byte (json) == 'u') {
        json->at++;
        if (!check_hex (json))
          return false;
      } else if (byte (json) && strchr ("\"\\/bfnrt", byte (json))) {
        json->at++;
      } else {
        return false;
      }
    } else if (byte (json) >= 0x80) {
      if (!check_utf8 (json))
        return false;
    } else {
      json->at++;
    }
  }
  json->at++;
  return true;
}

static bool
check_digits (SympieJson *json, const char **fault)
{
  int n = 0;

  for (; is_digit ((char) byte (json)); n++)
    json->at++;
  *fault = n > SYMPIE_JSON_DIGITS ? "with a number of more than 18 digits"
                                  : not_json;
  return n > 0 && n <= SYMPIE_JSON_DIGITS;
}

static bool
check_number (SympieJson *json, const char **fault)
{
  size_t begin;

  json->at += byte (json) == '-';
  begin = json->at;
  if (!check_digits (json, fault))
    return false;
  if (json->text[begin] == '0' && json->at > begin + 1)
    return false;
  if (byte (json) == '.') {
    json->at++;
    if (!check_digits (json, fault))
      return false;
  }
  if (byte (json) == 'e' || byte (json) == 'E') {
    json->at++;
    json->at += byte (json) == '+' || byte (json) == '-';
    if (!check_digits (json, fault))
      return false;
  }
  return true;
}

static bool
check_word (SympieJson *json)
{
  static const char *const words[] = { "true", "false", "null" };

  for (int i = 0; i < 3; i++) {
    size_t n = strlen (words[i]);

    if (json->size - json->at >= n
        && memcmp (json->text + json->at, words[i], n) == 0) {
      json->at += n;
      return true;
    }
  }
  return false;
}

/* Calls itself at most SYMPIE_JSON_DEPTH times. */
static bool
check_value (SympieJson *json, int depth, const char **fault)
{
  char c = sympie_json_peek (json), end = c == '{' ? '}' : ']';

  *fault = not_json;
  if (c == '"')
    return check_string (json, fault);
  if (c == '-' || is_digit (c))
    return check_number (json, fault);
  if (c != '{' && c != '[')
    return check_word (json);

  if (depth == SYMPIE_JSON_DEPTH) {
    *fault = "nested more than 3 deep";
    return false;
  }
  json->at++;
  if (sympie_json_take (json, end))
    return true;
  do {
    if (c == '{') {
      *fault = not_json;
      if (sympie_json_peek (json) != '"' || !check_string (json, fault))
        return false;
      *fault = not_json;
      if (!sympie_json_take (json, ':'))
        return false;
    }
    if (!check_value (json, depth + 1, fault))
      return false;
    *fault = not_json;
  } while (sympie_json_take (json, ','));
  return sympie_json_take (json, end);
}

bool
sympie_json_check (SympieJson *json, const char **fault)
{
  json->at = 0;
  if (!check_value (json, 0, fault))
    return false;
  *fault = not_json;
  sympie_json_peek (json);
  if (json->at < json->size)
    return false;
  json->at = 0;
  return true;
}

/* ---- Reading what was checked ------------------------------------------ */

void
sympie_json_skip (SympieJson *json)
{
  const char *fault;

  check_value (json, 0, &fault);
}

static unsigned
hex (const char *digits)
{
  unsigned code = 0;

  for (int i = 0; i < 4; i++) {
    char c = digits[i];

    code =
        code << 4 | (unsigned) (is_digit (c) ? c - '0' : (c | 32) - 'a' + 10);
  }
  return code;
}

/* Never more bytes than the escape has. */
static char *
put_utf8 (char *out, unsigned code)
{
  if (code < 0x80) {
    *out++ = (char) code;
  } else if (code < 0x800) {
    *out++ = (char) (0xc0 | code >> 6);
    *out++ = (char) (0x80 | (code & 0x3f));
  } else {
    *out++ = (char) (0xe0 | code >> 12);
    *out++ = (char) (0x80 | (code >> 6 & 0x3f));
    *out++ = (char) (0x80 | (code & 0x3f));
  }
  return out;
}

const char *
sympie_json_string (SympieJson *json)
{
  char *begin, *in, *out;
  bool shown = true;

  sympie_json_peek (json);
  begin = in = out = json->text + json->at + 1;
  while (*in != '"') {
    if (*in != '\\') {
      *out++ = *in++;
      continue;
    }
    in++;
    if (*in == 'u') {
      unsigned code = hex (in + 1);

      /* Pairs of surrogates stand for what no name has. */
      shown &= code >= ' ' && !(code >= 0xd800 && code <= 0xdfff);
      out = put_utf8 (out, code);
      in += 5;
    } else {
      shown &= *in == '"' || *in == '\\' || *in == '/';
      *out++ = *in++;
    }
  }
  json->at = (size_t) (in + 1 - json->text);
  *out = '\0';
  return shown ? begin : NULL;
}

int
sympie_json_numbers (SympieJson *json, int64_t *numbers, int max)
{
  size_t begin = json->at;
  int n = 0;

  if (!sympie_json_take (json, '[')) {
    sympie_json_skip (json);
    return -1;
  }
  if (sympie_json_take (json, ']'))
    return 0;
  do {
    int64_t number = 0;
    bool whole = is_digit (sympie_json_peek (json));

    for (; is_digit ((char) byte (json)); json->at++)
      number = 10 * number + (byte (json) - '0');
    if (!whole || n == max || strchr (".eE", byte (json))) {
      json->at = begin;
      sympie_json_skip (json);
      return -1;
    }
    numbers[n++] = number;
  } while (sympie_json_take (json, ','));
  sympie_json_take (json, ']');
  return n;
}
