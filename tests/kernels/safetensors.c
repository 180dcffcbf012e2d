/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The safetensors reader: values of every type, and files that lie. */

#include "safetensors.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "check.h"
#include "nem_file.h"
#include "nem_weights.h"

#define TENSOR(name, dtype, shape, offsets)                                    \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape                     \
  ",\"data_offsets\":" offsets "}"

/* A file with that header and `size` zero bytes of data, or `data`. */
static const char *
write_file (const char *header, size_t length, const void *data, size_t size)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 *zeros = g_malloc0 (size + 1);
  uint64_t n = length;
  const char *path;

  g_byte_array_append (bytes, (const guint8 *) &n, sizeof n);
  g_byte_array_append (bytes, (const guint8 *) header, length);
  g_byte_array_append (bytes, data ? data : zeros, size);
  path = temporary_write ("file.safetensors", bytes->data, bytes->len);
  g_byte_array_free (bytes, TRUE);
  g_free (zeros);
  return path;
}

/* Whether an attempt failed with one message that names the file and says
 * `text`. */
static void
check_error (
    bool failed, const SympieError *error, const char *path, const char *text)
{
  CHECK (failed, "'%s' expected, but no failure", text);
  CHECK (error->code && strstr (error->message, path)
             && strstr (error->message, text) && !strchr (error->message, '\n'),
      "'%s' for %s, expected '%s'", error->message, path, text);
}

static void
check_refused (const char *path, const char *text)
{
  SympieError error = { 0 };
  SympieSafetensors *file = sympie_safetensors_open (path, &error);

  check_error (!file, &error, path, text);
  sympie_safetensors_close (file);
}

static void
check_header (const char *header, size_t data_size, const char *text)
{
  check_refused (write_file (header, strlen (header), NULL, data_size), text);
}

/* ---- Good files -------------------------------------------------------- */

static void
test_values (void)
{
  static const char header[] =
      "{" TENSOR ("full", "F32", "[2,2]", "[0,16]") "," TENSOR (
          "half", "F16", "[5]", "[16,26]") "," TENSOR ("brain", "BF16", "[1,3]",
          "[26,32]") "," TENSOR ("scalar", "F32", "[]",
          "[32,36]") "," TENSOR ("empty", "F32", "[0,3]",
          "[36,36]") "," TENSOR ("count", "I64", "[1]",
          "[36,44]") ",\"__metadata__\":{\"format\":\"pt\"}}   ";
  static const float full[] = { 1, -2.5f, 0x1p-149f, 3e38f };
  /* 1, the largest, the least normal and subnormal numbers, -2 */
  static const uint16_t half[] = { 0x3c00, 0x7bff, 0x0400, 0x0001, 0xc000 };
  static const float halves[] = { 1, 65504, 0x1p-14f, 0x1p-24f, -2 };
  static const uint16_t brain[] = { 0x3f80, 0xc049, 0x0080 };
  static const float brains[] = { 1, -3.140625f, 0x1p-126f };
  float scalar = 7;
  uint8_t data[44] = { 0 };
  SympieError error = { 0 };
  SympieSafetensors *file;
  const struct
  {
    const char *name;
    int n_dims;
    int64_t shape[2];
    const float *values;
    int n;
  } cases[] = {
    { "full", 2, { 2, 2 }, full, 4 },
    { "half", 1, { 5 }, halves, 5 },
    { "brain", 2, { 1, 3 }, brains, 3 },
    { "scalar", 0, { 0 }, &scalar, 1 },
    { "empty", 2, { 0, 3 }, NULL, 0 },
  };

  memcpy (data, full, 16);
  memcpy (data + 16, half, 10);
  memcpy (data + 26, brain, 6);
  memcpy (data + 32, &scalar, 4);
  file = sympie_safetensors_open (
      write_file (header, strlen (header), data, sizeof data), &error);
  if (!CHECK (file, "%s", error.message))
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    float *values = sympie_safetensors_read (
        file, cases[i].name, cases[i].shape, cases[i].n_dims, &error);

    if (!CHECK (values, "%s", error.message))
      continue;
    for (int k = 0; k < cases[i].n; k++)
      CHECK (values[k] == cases[i].values[k], "%s[%d] is %g, not %g",
          cases[i].name, k, values[k], cases[i].values[k]);
    free (values);
  }
  CHECK (sympie_safetensors_has (file, "count"), "count");
  CHECK (!sympie_safetensors_has (file, "__metadata__"), "metadata");
  sympie_safetensors_close (file);
}

/* ---- Tensors that are not what is asked for ---------------------------- */

static void
test_read_errors (void)
{
  static const char header[] = "{" TENSOR ("a", "F32", "[2,3]",
      "[0,24]") "," TENSOR ("b", "I32", "[2]", "[24,32]") "," TENSOR ("c",
      "BF16", "[2]", "[32,36]") "," TENSOR ("d", "F16", "[2]", "[36,40]") "}";
  uint8_t data[40] = { 0 };
  float nan = NAN;
  const int64_t two_three[] = { 2, 3 }, three_two[] = { 3, 2 }, two = 2;
  const char *path;
  SympieError error = { 0 };
  SympieSafetensors *file;
  float *values;

  memcpy (data + 20, &nan, 4);
  data[34] = data[38] = 0x80; /* infinities: 0x7f80 and, below, 0xfc00 */
  data[35] = 0x7f;
  data[38] = 0x00;
  data[39] = 0xfc;
  path = write_file (header, strlen (header), data, sizeof data);
  file = sympie_safetensors_open (path, &error);
  if (!CHECK (file, "%s", error.message))
    return;

#define EXPECT(name, shape, n_dims, text)                                      \
  error = (SympieError){ 0 };                                                  \
  values = sympie_safetensors_read (file, name, shape, n_dims, &error);        \
  check_error (!values, &error, path, text);                                   \
  free (values)
  EXPECT ("z", &two, 1, "tensor 'z' is missing");
  EXPECT ("a", three_two, 2, "tensor 'a' has the shape [2, 3], not [3, 2]");
  EXPECT ("a", &two, 1, "tensor 'a' has the shape [2, 3], not [2]");
  EXPECT ("b", &two, 1, "tensor 'b' has the dtype I32, not F32");
  EXPECT ("a", two_three, 2, "tensor 'a' holds NaN or infinity at element 5");
  EXPECT ("c", &two, 1, "tensor 'c' holds NaN or infinity at element 1");
  EXPECT ("d", &two, 1, "tensor 'd' holds NaN or infinity at element 1");

  /* The file shrinks after it was opened. */
  CHECK (truncate (path, 8 + strlen (header) + 10) == 0, "truncate");
  EXPECT ("a", two_three, 2, "ends within tensor 'a'");
#undef EXPECT
  sympie_safetensors_close (file);
}

/* ---- Files that are none ----------------------------------------------- */

static void
test_files (void)
{
  static const uint64_t lengths[] = { 0, 5 << 20, INT64_MAX, UINT64_MAX,
    UINT64_MAX - 7 };
  static const char header[] = "{" TENSOR (
      "a", "F32", "[2]", "[0,8]") "," TENSOR ("b", "F32", "[1]", "[8,12]") "}";
  const char *path = temporary_path ("none");

  check_refused (path, "cannot open: No such file");
  CHECK (mkfifo (path, 0600) == 0, "mkfifo");
  check_refused (path, "not a regular file");
  check_refused ("/tmp", "is a directory");
  check_refused (temporary_write ("empty", "", 0), "is empty");
  path = write_file ("{}", 2, NULL, 0);
  if (geteuid () != 0) {
    CHECK (chmod (path, 0) == 0, "chmod");
    check_refused (path, "cannot open: Permission denied");
    CHECK (chmod (path, 0600) == 0, "chmod");
  }

  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    check_refused (temporary_write ("length", &lengths[i], 8), "header of");

  /* Cut at every byte, the boundaries of the header among them. */
  for (size_t n = 0; n < 8 + sizeof header - 1 + 12; n++) {
    const char *text = n == 0                      ? "is empty"
                       : n < 8                     ? "the header's length"
                       : n < 8 + sizeof header - 1 ? "within the header"
                                                   : "truncated?";

    path = write_file (header, sizeof header - 1, NULL, 12);
    CHECK (truncate (path, n) == 0, "truncate to %zu", n);
    check_refused (path, text);
  }
}

static void
test_headers (void)
{
  static const struct
  {
    const char *header;
    size_t data_size;
    const char *text;
  } cases[] = {
    { "{", 0, "not JSON" },
    { "}", 0, "not JSON" },
    { "{\"a\":}", 0, "not JSON" },
    { "{} {}", 0, "not JSON" },
    { "hello", 0, "not JSON" },
    { "/* { */ {}", 0, "not JSON" },
    { "{'a':1}", 0, "not JSON" },
    { "{\"a\n\":1}", 0, "control character" },
    { "{\"a\\u123g\":1}", 0, "not JSON" },
    { "   ", 0, "not a JSON object" },
    { "[]", 0, "not a JSON object" },
    { "1", 0, "not a JSON object" },
    { "null", 0, "not a JSON object" },
    { "{\"a\":1}", 0, "tensor 'a' is not a JSON object" },
    { "{\"a\":{}}", 0, "tensor 'a' without a dtype" },
    { "{\"a\":{\"dtype\":4}}", 0, "tensor 'a' without a dtype" },
    { "{" TENSOR ("a", "F31", "[1]", "[0,4]") "}", 4, "dtype 'F31'" },
    { "{" TENSOR ("a", "F32", "1", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[-1]", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[1.0]", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[1e0]", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[\\\"1\\\"]", "[0,4]") "}", 4, "not JSON" },
    { "{" TENSOR ("a", "F32", "[\"1\"]", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[true]", "[0,4]") "}", 4, "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[[1]]", "[0,4]") "}", 4, "nested more than" },
    { "{" TENSOR ("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4,
        "'a' whose shape" },
    { "{" TENSOR ("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0,
        "'a' whose shape is too large" },
    { "{" TENSOR ("a", "F32", "[4611686018427387904]", "[0,0]") "}", 0,
        "more than 18 digits" },
    { "{" TENSOR ("a", "F32", "[18446744073709551617]", "[0,4]") "}", 4,
        "more than 18 digits" },
    { "{" TENSOR ("a", "F64", "[400000000000000000,8]", "[0,0]") "}", 0,
        "do not hold its shape" },
    { "{" TENSOR ("a", "F32", "[1]", "[0]") "}", 4, "'a' whose data_offsets" },
    { "{" TENSOR ("a", "F32", "[1]", "[0,4,4]") "}", 4, "'a' whose data_off" },
    { "{" TENSOR ("a", "F32", "[1]", "[-4,0]") "}", 4, "'a' whose data_offs" },
    { "{" TENSOR ("a", "F32", "[1]", "[0.5,4.5]") "}", 8, "'a' whose data_o" },
    { "{" TENSOR ("a", "F32", "[1]", "[4,0]") "}", 4, "do not hold" },
    { "{" TENSOR ("a", "F32", "[1]", "[0,8]") "}", 8, "do not hold" },
    { "{" TENSOR ("a", "F16", "[1]", "[0,4]") "}", 4, "do not hold" },
    { "{" TENSOR ("a", "F32", "[1]", "[0,4]") "}", 3, "truncated?" },
    { "{" TENSOR ("a", "F32", "[1]", "[0,4]") "}", 5, "belong to none" },
    { "{" TENSOR ("a", "F32", "[1]", "[4,8]") "}", 8, "belong to none" },
    { "{" TENSOR ("a", "F32", "[1]", "[999999999999,1000000000003]") "}", 4,
        "belong to none" },
    { "{" TENSOR ("a", "F32", "[2]", "[0,8]") "," TENSOR (
          "b", "F32", "[1]", "[4,8]") "}",
        8, "'a' and 'b' overlap" },
    { "{" TENSOR ("a", "F32", "[1]", "[0,4]") "," TENSOR (
          "a", "F32", "[1]", "[0,4]") "}",
        4, "the name 'a' twice" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],"
      "\"data_offsets\":[0,4]}}",
        4, "tensor 'a' with a member twice" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],"
      "\"x\":1}}",
        4, "tensor 'a' with members other than" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    check_header (cases[i].header, cases[i].data_size, cases[i].text);
  check_refused (write_file ("{}\0", 3, NULL, 0), "not JSON");
  check_refused (write_file ("{\"\xff\":1}", 7, NULL, 0), "");
}

/* A recursive parser would run out of stack. */
static void
test_nesting (void)
{
  size_t size = 1 << 20;
  char *text = g_malloc (size);

  memset (text, '[', size);
  check_refused (write_file (text, size, NULL, 0), "nested more than");
  memcpy (text, "{\"\\\"", 4);
  text[4] = '"';
  text[5] = ':';
  check_refused (write_file (text, size, NULL, 0), "nested more than");
  g_free (text);
}

/* ---- NEM's weights ----------------------------------------------------- */

static void
test_nem (void)
{
  static const struct
  {
    NemFault fault;
    const char *text;
  } cases[] = {
    { { "colm.backbone.4.conv2.bias", .rename = "x" },
        "tensor 'colm.backbone.4.conv2.bias' is missing" },
    { { "colm.backbone.3.bn1.running_mean", .rename = "colm" },
        "tensor 'colm.backbone.3.bn1.running_mean' is missing" },
    { { "colm.backbone.0.weight", .flat = true },
        "tensor 'colm.backbone.0.weight' has the shape [1728], not [64, 3" },
    { { "colm.out.weight", .dtype = "I32" },
        "tensor 'colm.out.weight' has the dtype I32" },
    { { "colm.out.bias", .poke = true, .value = NAN },
        "tensor 'colm.out.bias' holds NaN or infinity at element 5" },
    { { "colm.backbone.5.conv1.weight", .poke = true, .value = -INFINITY },
        "tensor 'colm.backbone.5.conv1.weight' holds NaN or infinity" },
    { { "colm.backbone.3.bn2.running_var", .poke = true, .value = -1 },
        "tensor 'colm.backbone.3.bn2.running_var' holds the negative" },
    { { "colm.backbone.3.bn2.weight", .poke = true, .value = 3.4e38f },
        "batch norm 'colm.backbone.3.bn2' overflows in channel 5" },
    { { "gate.weight", .rename = "x" }, "tensor 'gate.weight' is missing" },
    { { "gate.bias", .rename = "x" }, "tensor 'gate.bias' is missing" },
    { { "gate.weight", .flat = true },
        "tensor 'gate.weight' has the shape [512], not [1, 512]" },
    { { "gate.weight", .poke = true, .value = NAN },
        "tensor 'gate.weight' holds NaN or infinity at element 5" },
    { { "gate.bias", .sway = true, .value = NAN },
        "tensor 'gate.bias' holds NaN or infinity at element 0" },
    { { "gate.weight", .dtype = "I32" },
        "tensor 'gate.weight' has the dtype I32" },
  };
  const char *path = temporary_path ("nem.safetensors");
  SympieNemWeights *weights;
  SympieError error = { 0 };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    error = (SympieError){ 0 };
    nem_file_write (path, 3, &cases[i].fault);
    weights = sympie_nem_weights_load (path, &error);
    check_error (!weights, &error, path, cases[i].text);
    sympie_nem_weights_free (weights);
  }
  error = (SympieError){ 0 };
  nem_file_write (path, 3, NULL);
  weights = sympie_nem_weights_load (path, &error);
  CHECK (weights, "%s", error.message);
  sympie_nem_weights_free (weights);
}

int
main (void)
{
  test_values ();
  test_read_errors ();
  test_files ();
  test_headers ();
  test_nesting ();
  test_nem ();
  temporary_clear ();
  return check_end ();
}
