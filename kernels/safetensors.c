/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The format: 8 bytes of little-endian length, that many bytes of JSON, data.
 *   { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] },
 *     "__metadata__": { "key": "text" } }
 * Offsets count from the end of the header. */

#include "safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-glib/json-glib.h>

#include "error.h"

_Static_assert(G_BYTE_ORDER == G_LITTLE_ENDIAN, "tensors are read as they lie");

enum
{
  MAX_HEADER = 4 << 20, /* bytes; a network of a thousand tensors has 0.1 MB */
  MAX_DEPTH = 3,        /* root, tensor, shape */
  MAX_DIGITS = 18,      /* of a number: what fits an int64_t for sure */
  MAX_DIMS = 8,
};

typedef struct
{
  const char *name; /* of the header */
  const char *dtype;
  int64_t shape[MAX_DIMS];
  int n_dims;
  int64_t n_elements;
  int64_t begin, end; /* bytes of the data */
} Tensor;

struct SympieSafetensors
{
  char *path;
  int fd;
  int64_t data; /* where the data begins in the file */
  JsonParser *header;
  Tensor *tensors; /* by offset */
  int n_tensors;
};

static const struct
{
  const char *name;
  int size;
} dtypes[] = {
  { "F32", 4 },
  { "F16", 2 },
  { "BF16", 2 },
  { "F64", 8 },
  { "BOOL", 1 },
  { "U8", 1 },
  { "I8", 1 },
  { "F8_E4M3", 1 },
  { "F8_E5M2", 1 },
  { "U16", 2 },
  { "I16", 2 },
  { "U32", 4 },
  { "I32", 4 },
  { "U64", 8 },
  { "I64", 8 },
};

static int
dtype_size (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (strcmp (dtypes[i].name, name) == 0)
      return dtypes[i].size;
  return 0;
}

/* ---- Reading bytes ----------------------------------------------------- */

/* Reads `size` bytes at `offset`; `what` is what they are, for the message. */
static bool
read_bytes (const SympieSafetensors *file, void *bytes, size_t size,
    int64_t offset, const char *what, SympieError *error)
{
  for (size_t done = 0; done < size;) {
    ssize_t n = pread (
        file->fd, (char *) bytes + done, size - done, offset + (int64_t) done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return sympie_fail (error, SYMPIE_ERROR_FILE, "%s: cannot read %s: %s",
          file->path, what, strerror (errno));
    if (n == 0)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: the file ends within %s", file->path, what);
    done += n;
  }
  return true;
}

/* ---- The header -------------------------------------------------------- */

/* json-glib recurses, without a limit, into what is nested, skips comments and
 * what follows the end, and wraps numbers around. This pass lets only through
 * what has none of that. */
static bool
check_syntax (
    const char *path, const char *text, size_t size, SympieError *error)
{
  int depth = 0, digits = 0;
  bool quoted = false, ended = false;

  for (size_t i = 0; i < size; i++) {
    unsigned char c = text[i];

    if (quoted) {
      if (c < ' ')
        return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
            "%s: header with a control character in a string at byte %zu", path,
            i);
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
      continue;
    }

    if (c == '"')
      quoted = true;
    else if (!strchr (" \t\r\n{}[]:,+-.0123456789eEtrufalsn", c) || c == '\0')
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header is not JSON: byte 0x%02x at %zu", path, c, i);

    if ((c == '{' || c == '[') && ++depth > MAX_DEPTH)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header nested more than %d deep at byte %zu", path, MAX_DEPTH,
          i);
    if (ended && !strchr (" \t\r\n", c))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header is not JSON: more text at byte %zu", path, i);
    if ((c == '}' || c == ']') && --depth == 0)
      ended = true;

    digits = g_ascii_isdigit (c) ? digits + 1 : 0;
    if (digits > MAX_DIGITS)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header with a number of more than %d digits at byte %zu", path,
          MAX_DIGITS, i);
  }
  return true;
}

/* A JsonObject keeps the last of members with one name and tells nobody; the
 * parser reports each. */
static void
count_member (
    JsonParser *parser, JsonObject *object, const char *name, void *counts)
{
  unsigned n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, object));

  g_hash_table_insert (counts, object, GUINT_TO_POINTER (n + 1));
}

static bool
has_duplicates (GHashTable *counts, JsonObject *object)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (counts, object))
         != json_object_get_size (object);
}

/* The member `name` of a tensor when it is an array of numbers that are whole
 * and not negative. Returns how many, or -1. */
static int
get_numbers (JsonObject *object, const char *name, int64_t *numbers, int max)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *array;
  int n;

  if (!node || !JSON_NODE_HOLDS_ARRAY (node))
    return -1;
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  if (n > max)
    return -1;
  for (int i = 0; i < n; i++) {
    JsonNode *item = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (item)
        || json_node_get_value_type (item) != G_TYPE_INT64
        || json_node_get_int (item) < 0)
      return -1;
    numbers[i] = json_node_get_int (item);
  }
  return n;
}

static bool
get_tensor (const SympieSafetensors *file, JsonObject *object, Tensor *tensor,
    SympieError *error)
{
  JsonNode *dtype = json_object_get_member (object, "dtype");
  int64_t offsets[2], size;

  if (!dtype || !JSON_NODE_HOLDS_VALUE (dtype)
      || json_node_get_value_type (dtype) != G_TYPE_STRING)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' without a dtype", file->path, tensor->name);
  tensor->dtype = json_node_get_string (dtype);
  size = dtype_size (tensor->dtype);
  if (size == 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' of unknown dtype '%s'", file->path, tensor->name,
        tensor->dtype);

  tensor->n_dims = get_numbers (object, "shape", tensor->shape, MAX_DIMS);
  if (tensor->n_dims < 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose shape is not a list of at most %d sizes",
        file->path, tensor->name, MAX_DIMS);
  if (get_numbers (object, "data_offsets", offsets, 2) != 2)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose data_offsets are not two positions", file->path,
        tensor->name);
  if (json_object_get_size (object) != 3)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' with members other than dtype, shape and data_offsets",
        file->path, tensor->name);

  tensor->n_elements = 1;
  for (int i = 0; i < tensor->n_dims; i++)
    if (__builtin_mul_overflow (
            tensor->n_elements, tensor->shape[i], &tensor->n_elements))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' whose shape is too large", file->path, tensor->name);
  tensor->begin = offsets[0];
  tensor->end = offsets[1];
  if (__builtin_mul_overflow (tensor->n_elements, size, &size)
      || tensor->end < tensor->begin || tensor->end - tensor->begin != size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose data_offsets [%" G_GINT64_FORMAT
        ", %" G_GINT64_FORMAT "] do not hold its shape of %s",
        file->path, tensor->name, tensor->begin, tensor->end, tensor->dtype);
  return true;
}

static int
compare_offsets (const void *a, const void *b)
{
  const Tensor *x = a, *y = b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors must fill the `size` bytes after the header, each byte once. */
static bool
check_layout (const SympieSafetensors *file, int64_t size, SympieError *error)
{
  int64_t end = 0;

  for (int i = 0; i < file->n_tensors; i++) {
    const Tensor *tensor = &file->tensors[i];

    if (tensor->begin < end)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensors '%s' and '%s' overlap", file->path,
          file->tensors[i - 1].name, tensor->name);
    if (tensor->begin > end)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: %" G_GINT64_FORMAT " bytes before tensor '%s' belong to none",
          file->path, tensor->begin - end, tensor->name);
    if (tensor->end > size)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' ends %" G_GINT64_FORMAT
          " bytes after the end of the file; is it truncated?",
          file->path, tensor->name, tensor->end - size);
    end = tensor->end;
  }
  if (end < size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: %" G_GINT64_FORMAT " bytes after the last tensor belong to none",
        file->path, size - end);
  return true;
}

static bool
get_tensors (SympieSafetensors *file, GHashTable *counts, SympieError *error)
{
  JsonNode *root = json_parser_get_root (file->header);
  JsonObjectIter iter;
  JsonObject *object;
  JsonNode *node;
  const char *name;

  if (!root || !JSON_NODE_HOLDS_OBJECT (root))
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: header is not a JSON object", file->path);
  object = json_node_get_object (root);
  if (has_duplicates (counts, object))
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: header with a tensor's name twice", file->path);

  /* One more, for an allocation of zero bytes may be NULL. */
  file->tensors =
      calloc (json_object_get_size (object) + 1, sizeof *file->tensors);
  if (!file->tensors)
    return sympie_fail (
        error, SYMPIE_ERROR_MEMORY, "%s: out of memory", file->path);

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node)) {
    Tensor *tensor = &file->tensors[file->n_tensors];

    if (strcmp (name, "__metadata__") == 0)
      continue;
    tensor->name = name;
    if (!JSON_NODE_HOLDS_OBJECT (node))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' is not a JSON object", file->path, name);
    if (has_duplicates (counts, json_node_get_object (node)))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' with a member twice", file->path, name);
    if (!get_tensor (file, json_node_get_object (node), tensor, error))
      return false;
    file->n_tensors++;
  }
  qsort (
      file->tensors, file->n_tensors, sizeof *file->tensors, compare_offsets);
  return true;
}

static bool
parse_header (
    SympieSafetensors *file, const char *text, size_t size, SympieError *error)
{
  GHashTable *counts = g_hash_table_new (NULL, NULL);
  GError *fault = NULL;
  bool ok;

  /* No object is freed, and so no address used again, before all are read. */
  file->header = json_parser_new_immutable ();
  g_signal_connect (
      file->header, "object-member", G_CALLBACK (count_member), counts);
  if (json_parser_load_from_data (file->header, text, size, &fault)) {
    ok = get_tensors (file, counts, error);
  } else {
    ok = sympie_fail (error, SYMPIE_ERROR_DAMAGED, "%s: header is not JSON: %s",
        file->path, fault->message);
    g_error_free (fault);
  }
  g_hash_table_destroy (counts);
  return ok;
}

static bool
read_header (SympieSafetensors *file, int64_t file_size, SympieError *error)
{
  uint64_t size;
  char *text;
  bool ok;

  if (file_size == 0)
    return sympie_fail (
        error, SYMPIE_ERROR_DAMAGED, "%s: the file is empty", file->path);
  if (!read_bytes (file, &size, sizeof size, 0, "the header's length", error))
    return false;
  if (size == 0 || size > MAX_HEADER)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: not a safetensors file: header of %" G_GUINT64_FORMAT
        " bytes, not 1 to %d",
        file->path, size, MAX_HEADER);
  file->data = (int64_t) (sizeof size + size);
  if (file->data > file_size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: the file ends within the header; is it truncated?", file->path);

  text = malloc (size);
  if (!text)
    return sympie_fail (
        error, SYMPIE_ERROR_MEMORY, "%s: out of memory", file->path);
  ok = read_bytes (file, text, size, sizeof size, "the header", error)
       && check_syntax (file->path, text, size, error)
       && parse_header (file, text, size, error)
       && check_layout (file, file_size - file->data, error);
  free (text);
  return ok;
}

/* ---- Open, find, close ------------------------------------------------- */

static bool
open_file (SympieSafetensors *file, SympieError *error)
{
  struct stat status;

  /* Not to wait for the other end, should it be a pipe. */
  file->fd = open (file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->fd < 0 || fstat (file->fd, &status) != 0)
    return sympie_fail (error, SYMPIE_ERROR_FILE, "%s: cannot open: %s",
        file->path, strerror (errno));
  if (S_ISDIR (status.st_mode))
    return sympie_fail (
        error, SYMPIE_ERROR_FILE, "%s: is a directory, not a file", file->path);
  if (!S_ISREG (status.st_mode))
    return sympie_fail (
        error, SYMPIE_ERROR_FILE, "%s: is not a regular file", file->path);
  return read_header (file, status.st_size, error);
}

SympieSafetensors *
sympie_safetensors_open (const char *path, SympieError *error)
{
  SympieSafetensors *file = calloc (1, sizeof *file);

  if (!file || !(file->path = strdup (path))) {
    free (file);
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", path);
    return NULL;
  }
  if (!open_file (file, error)) {
    sympie_safetensors_close (file);
    return NULL;
  }
  return file;
}

void
sympie_safetensors_close (SympieSafetensors *file)
{
  if (!file)
    return;
  if (file->fd >= 0)
    close (file->fd);
  g_clear_object (&file->header);
  free (file->tensors);
  free (file->path);
  free (file);
}

static const Tensor *
find (const SympieSafetensors *file, const char *name)
{
  for (int i = 0; i < file->n_tensors; i++)
    if (strcmp (file->tensors[i].name, name) == 0)
      return &file->tensors[i];
  return NULL;
}

bool
sympie_safetensors_has (const SympieSafetensors *file, const char *name)
{
  return find (file, name) != NULL;
}

/* ---- Reading tensors --------------------------------------------------- */

static float
float_from_bits (uint32_t bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static float
float_from_f16 (uint16_t half)
{
  uint32_t sign = (uint32_t) (half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  float value;

  if (magnitude >= 0x7c00) /* infinity and NaN */
    return float_from_bits (sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  /* Exponent and fraction as they are, then the other bias; so subnormal
   * numbers come out right as well. */
  value = float_from_bits (magnitude << 13) * 0x1p112f;
  return sign ? -value : value;
}

static float
float_from_bf16 (uint16_t half)
{
  return float_from_bits ((uint32_t) half << 16);
}

/* Widens `n` 16-bit numbers that lie in the upper half of `values`. The value
 * that is written never reaches the number that is read next. */
static void
widen (float *values, int64_t n, float (*convert) (uint16_t))
{
  const char *halves = (const char *) values + 2 * n;

  for (int64_t i = 0; i < n; i++) {
    uint16_t half;

    memcpy (&half, halves + 2 * i, sizeof half);
    values[i] = convert (half);
  }
}

static void
shape_to_text (const int64_t *shape, int n_dims, char *text, size_t size)
{
  size_t used = g_snprintf (text, size, "[");

  for (int i = 0; i < n_dims && used < size; i++)
    used += g_snprintf (text + used, size - used,
        i ? ", %" G_GINT64_FORMAT : "%" G_GINT64_FORMAT, shape[i]);
  if (used < size)
    g_snprintf (text + used, size - used, "]");
}

static bool
check_tensor (const SympieSafetensors *file, const Tensor *tensor,
    const int64_t *shape, int n_dims, SympieError *error)
{
  if (tensor->n_dims != n_dims
      || memcmp (tensor->shape, shape, n_dims * sizeof *shape) != 0) {
    char has[200], wanted[200];

    shape_to_text (tensor->shape, tensor->n_dims, has, sizeof has);
    shape_to_text (shape, n_dims, wanted, sizeof wanted);
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' has the shape %s, not %s", file->path, tensor->name,
        has, wanted);
  }
  if (strcmp (tensor->dtype, "F32") != 0 && strcmp (tensor->dtype, "F16") != 0
      && strcmp (tensor->dtype, "BF16") != 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' has the dtype %s, not F32, F16 or BF16", file->path,
        tensor->name, tensor->dtype);
  return true;
}

static bool
read_tensor (const SympieSafetensors *file, const Tensor *tensor, float *values,
    SympieError *error)
{
  int64_t n = tensor->n_elements, size = tensor->end - tensor->begin;
  char what[300];

  g_snprintf (what, sizeof what, "tensor '%s'", tensor->name);
  if (!read_bytes (file, (char *) values + 4 * n - size, size,
          file->data + tensor->begin, what, error))
    return false;
  if (strcmp (tensor->dtype, "F16") == 0)
    widen (values, n, float_from_f16);
  else if (strcmp (tensor->dtype, "BF16") == 0)
    widen (values, n, float_from_bf16);

  for (int64_t i = 0; i < n; i++)
    if (!isfinite (values[i]))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' holds NaN or infinity at element %" G_GINT64_FORMAT,
          file->path, tensor->name, i);
  return true;
}

/* The tensor `name` when it can be read as that shape. */
static const Tensor *
find_fitting (const SympieSafetensors *file, const char *name,
    const int64_t *shape, int n_dims, SympieError *error)
{
  const Tensor *tensor = find (file, name);

  if (!tensor) {
    sympie_fail (error, SYMPIE_ERROR_DAMAGED, "%s: tensor '%s' is missing",
        file->path, name);
    return NULL;
  }
  return check_tensor (file, tensor, shape, n_dims, error) ? tensor : NULL;
}

bool
sympie_safetensors_check (const SympieSafetensors *file, const char *name,
    const int64_t *shape, int n_dims, SympieError *error)
{
  return find_fitting (file, name, shape, n_dims, error) != NULL;
}

float *
sympie_safetensors_read (const SympieSafetensors *file, const char *name,
    const int64_t *shape, int n_dims, SympieError *error)
{
  const Tensor *tensor = find_fitting (file, name, shape, n_dims, error);
  float *values;

  if (!tensor)
    return NULL;
  values = malloc (tensor->n_elements * sizeof *values + 1);
  if (!values) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY,
        "%s: out of memory for tensor '%s'", file->path, name);
    return NULL;
  }
  if (!read_tensor (file, tensor, values, error)) {
    free (values);
    return NULL;
  }
  return values;
}
