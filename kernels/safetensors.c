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
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "file.h"
#include "half.h"
#include "json.h"

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are read as they lie");

enum
{
  MAX_HEADER = 4 << 20, /* bytes; a network of a thousand tensors has 0.1 MB */
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
  SympieFileIdentity identity;
  int64_t data;    /* where the data begins in the file */
  char *header;    /* names and dtypes lie in it */
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
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
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

/* The member of a tensor that comes, or anything else with that value. */
static bool
get_member (const SympieSafetensors *file, SympieJson *json, const char *name,
    Tensor *tensor, unsigned *seen, SympieError *error)
{
  static const char *const names[] = { "dtype", "shape", "data_offsets" };
  int64_t offsets[2];
  int i = 0;

  while (i < 3 && (!name || strcmp (names[i], name) != 0))
    i++;
  if (*seen & 1u << i && i < 3)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' with a member twice", file->path, tensor->name);
  *seen |= 1u << i;
  switch (i) {
  case 0:
    if (sympie_json_peek (json) == '"')
      tensor->dtype = sympie_json_string (json);
    else
      sympie_json_skip (json);
    break;
  case 1:
    tensor->n_dims = sympie_json_numbers (json, tensor->shape, MAX_DIMS);
    break;
  case 2:
    tensor->begin = -1;
    if (sympie_json_numbers (json, offsets, 2) == 2) {
      tensor->begin = offsets[0];
      tensor->end = offsets[1];
    }
    break;
  default:
    sympie_json_skip (json);
  }
  return true;
}

static bool
check_tensor (const SympieSafetensors *file, Tensor *tensor, unsigned seen,
    SympieError *error)
{
  int64_t size;

  if (!tensor->dtype)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' without a dtype", file->path, tensor->name);
  size = dtype_size (tensor->dtype);
  if (size == 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' of unknown dtype '%s'", file->path, tensor->name,
        tensor->dtype);
  if (tensor->n_dims < 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose shape is not a list of at most %d sizes",
        file->path, tensor->name, MAX_DIMS);
  if (tensor->begin < 0)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose data_offsets are not two positions", file->path,
        tensor->name);
  if (seen != 7)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' with members other than dtype, shape and data_offsets",
        file->path, tensor->name);

  tensor->n_elements = 1;
  for (int i = 0; i < tensor->n_dims; i++)
    if (__builtin_mul_overflow (
            tensor->n_elements, tensor->shape[i], &tensor->n_elements))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' whose shape is too large", file->path, tensor->name);
  if (__builtin_mul_overflow (tensor->n_elements, size, &size)
      || tensor->end < tensor->begin || tensor->end - tensor->begin != size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' whose data_offsets [%" PRId64 ", %" PRId64
        "] do not hold its shape of %s",
        file->path, tensor->name, tensor->begin, tensor->end, tensor->dtype);
  return true;
}

static bool
get_tensor (const SympieSafetensors *file, SympieJson *json, Tensor *tensor,
    SympieError *error)
{
  unsigned seen = 0;

  tensor->n_dims = -1;
  tensor->begin = -1;
  if (!sympie_json_take (json, '{'))
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: tensor '%s' is not a JSON object", file->path, tensor->name);
  if (!sympie_json_take (json, '}')) {
    do {
      const char *name = sympie_json_string (json);

      sympie_json_take (json, ':');
      if (!get_member (file, json, name, tensor, &seen, error))
        return false;
    } while (sympie_json_take (json, ','));
    sympie_json_take (json, '}');
  }
  return check_tensor (file, tensor, seen, error);
}

static int
compare_names (const void *a, const void *b)
{
  const Tensor *x = a, *y = b;

  return strcmp (x->name, y->name);
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
          "%s: %" PRId64 " bytes before tensor '%s' belong to none", file->path,
          tensor->begin - end, tensor->name);
    if (tensor->end > size)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' ends %" PRId64
          " bytes after the end of the file; is it truncated?",
          file->path, tensor->name, tensor->end - size);
    end = tensor->end;
  }
  if (end < size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: %" PRId64 " bytes after the last tensor belong to none",
        file->path, size - end);
  return true;
}

static Tensor *
add_tensor (SympieSafetensors *file, SympieError *error)
{
  if ((file->n_tensors & (file->n_tensors - 1)) == 0) {
    size_t n = file->n_tensors ? 2 * (size_t) file->n_tensors : 1;
    Tensor *more = realloc (file->tensors, n * sizeof *more);

    if (!more) {
      sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", file->path);
      return NULL;
    }
    file->tensors = more;
  }
  file->tensors[file->n_tensors] = (Tensor){ 0 };
  return &file->tensors[file->n_tensors];
}

static bool
get_tensors (SympieSafetensors *file, SympieJson *json, SympieError *error)
{
  if (!sympie_json_take (json, '{'))
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: header is not a JSON object", file->path);
  if (sympie_json_take (json, '}'))
    return true;
  do {
    const char *name = sympie_json_string (json);
    Tensor *tensor;

    if (!name)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header with a name that cannot be shown", file->path);
    sympie_json_take (json, ':');
    if (strcmp (name, "__metadata__") == 0) {
      sympie_json_skip (json);
      continue;
    }
    tensor = add_tensor (file, error);
    if (!tensor)
      return false;
    tensor->name = name;
    if (!get_tensor (file, json, tensor, error))
      return false;
    file->n_tensors++;
  } while (sympie_json_take (json, ','));
  return true;
}

static bool
sort_tensors (SympieSafetensors *file, SympieError *error)
{
  if (file->n_tensors == 0)
    return true;
  qsort (file->tensors, file->n_tensors, sizeof *file->tensors, compare_names);
  for (int i = 1; i < file->n_tensors; i++)
    if (strcmp (file->tensors[i - 1].name, file->tensors[i].name) == 0)
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: header with the name '%s' twice", file->path,
          file->tensors[i].name);
  qsort (
      file->tensors, file->n_tensors, sizeof *file->tensors, compare_offsets);
  return true;
}

static bool
parse_header (SympieSafetensors *file, size_t size, SympieError *error)
{
  SympieJson json = { .text = file->header, .size = size };
  const char *fault;

  if (sympie_json_peek (&json) == '\0' && json.at == size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: header is not a JSON object", file->path);
  if (!sympie_json_check (&json, &fault))
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: header is %s, at byte %zu", file->path, fault, json.at);
  return get_tensors (file, &json, error) && sort_tensors (file, error);
}

static bool
read_header (SympieSafetensors *file, int64_t file_size, SympieError *error)
{
  uint64_t size;

  if (file_size == 0)
    return sympie_fail (
        error, SYMPIE_ERROR_DAMAGED, "%s: the file is empty", file->path);
  if (!read_bytes (file, &size, sizeof size, 0, "the header's length", error))
    return false;
  if (size == 0 || size > MAX_HEADER)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: not a safetensors file: header of %" PRIu64 " bytes, not 1 to %d",
        file->path, size, MAX_HEADER);
  file->data = (int64_t) (sizeof size + size);
  if (file->data > file_size)
    return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: the file ends within the header; is it truncated?", file->path);

  file->header = malloc (size);
  if (!file->header)
    return sympie_fail (
        error, SYMPIE_ERROR_MEMORY, "%s: out of memory", file->path);
  return read_bytes (file, file->header, size, sizeof size, "the header", error)
         && parse_header (file, size, error)
         && check_layout (file, file_size - file->data, error);
}

/* ---- Open, find, close ------------------------------------------------- */

static bool
open_file (SympieSafetensors *file, SympieError *error)
{
  struct stat status;

  file->fd = sympie_file_open (file->path, &status, error);
  if (file->fd < 0)
    return false;
  file->identity = (SympieFileIdentity){
    .device = status.st_dev,
    .inode = status.st_ino,
    .size = status.st_size,
    .changed = status.st_ctim.tv_sec,
    .changed_ns = status.st_ctim.tv_nsec,
  };
  return read_header (file, status.st_size, error);
}

SympieFileIdentity
sympie_safetensors_identity (const SympieSafetensors *file)
{
  return file->identity;
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
  free (file->header);
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
float_from_bf16 (uint16_t half)
{
  uint32_t bits = (uint32_t) half << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
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
  size_t used = snprintf (text, size, "[");

  for (int i = 0; i < n_dims && used < size; i++)
    used += snprintf (
        text + used, size - used, i ? ", %" PRId64 : "%" PRId64, shape[i]);
  if (used < size)
    snprintf (text + used, size - used, "]");
}

static bool
check_fit (const SympieSafetensors *file, const Tensor *tensor,
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

  snprintf (what, sizeof what, "tensor '%s'", tensor->name);
  if (!read_bytes (file, (char *) values + 4 * n - size, size,
          file->data + tensor->begin, what, error))
    return false;
  if (strcmp (tensor->dtype, "F16") == 0)
    widen (values, n, sympie_half_to_float);
  else if (strcmp (tensor->dtype, "BF16") == 0)
    widen (values, n, float_from_bf16);

  for (int64_t i = 0; i < n; i++)
    if (!isfinite (values[i]))
      return sympie_fail (error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s' holds NaN or infinity at element %" PRId64,
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
  return check_fit (file, tensor, shape, n_dims, error) ? tensor : NULL;
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
