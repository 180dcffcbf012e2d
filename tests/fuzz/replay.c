/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Gives a fuzz target well-formed files and, one by one, all their truncations
 * and many of their one-byte changes. With a folder as
 * argument it writes the well-formed files there, for libFuzzer to start
 * from. */

#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Tensors that the target has read so far. */
extern int fuzz_tensors;

enum
{
  MAX_FILE = 1024
};

static const char *const headers[] = {
  "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
  "{\"a\":{\"dtype\":\"F16\",\"shape\":[4,2],\"data_offsets\":[0,16]},"
  "\"b\":{\"dtype\":\"BF16\",\"shape\":[4,2],\"data_offsets\":[16,32]}}",
  "{\"__metadata__\":{\"key\":\"te\\u0078t\"},"
  "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
  "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,0],\"data_offsets\":[0,0]},"
  "\"b\":{\"dtype\":\"I64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}  ",
  /* The rest of the dtypes, behind one that can be read. */
  "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
  "\"c\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[4,5]},"
  "\"d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[5,6]},"
  "\"e\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[6,7]},"
  "\"f\":{\"dtype\":\"F8_E5M2\",\"shape\":[1],\"data_offsets\":[7,8]},"
  "\"g\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[8,9]},"
  "\"h\":{\"dtype\":\"U16\",\"shape\":[1],\"data_offsets\":[9,11]}}",
  "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
  "\"c\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[4,6]},"
  "\"d\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[6,10]},"
  "\"e\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[10,14]},"
  "\"f\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[14,22]},"
  "\"g\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[22,30]}}",
};

static const int data_sizes[] = { 24, 32, 4, 8, 11, 30 };

static const uint8_t replacements[] = { 0, 0xff, '"', '\\', '{', '}', '[', ']',
  ',', ':', '-', '.', '9', 'e' };

/* Header `i` with its length before and finite numbers behind. */
static size_t
make_file (uint8_t file[MAX_FILE], int i)
{
  size_t n = strlen (headers[i]);
  uint64_t length = htole64 (n);

  memcpy (file, &length, sizeof length);
  memcpy (file + sizeof length, headers[i], n);
  memset (file + sizeof length + n, 0x3c, data_sizes[i]);
  return sizeof length + n + data_sizes[i];
}

/* Runs the target on a copy of its own, so that ASan sees its end. */
static void
run (const uint8_t *file, size_t size)
{
  uint8_t *copy = malloc (size ? size : 1);

  if (!copy)
    abort ();
  memcpy (copy, file, size);
  LLVMFuzzerTestOneInput (copy, size);
  free (copy);
}

static int
replay (uint8_t *file, size_t size)
{
  int n = 0, before = fuzz_tensors;

  for (size_t end = 0; end <= size; end++, n++)
    run (file, end);
  if (fuzz_tensors == before) {
    fprintf (stderr, "nothing read from a well-formed file\n");
    exit (EXIT_FAILURE);
  }
  for (size_t at = 0; at < size; at++) {
    uint8_t byte = file[at];

    for (size_t r = 0; r < sizeof replacements; r++, n++) {
      file[at] = replacements[r];
      run (file, size);
    }
    file[at] = byte;
  }
  return n;
}

static int
write_file (const char *folder, int i, const uint8_t *file, size_t size)
{
  char path[4096];
  FILE *stream;

  snprintf (path, sizeof path, "%s/%d.safetensors", folder, i);
  stream = fopen (path, "wb");
  if (!stream || fwrite (file, size, 1, stream) != 1 || fclose (stream) != 0) {
    perror (path);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  int n = 0;

  for (int i = 0; i < (int) (sizeof headers / sizeof *headers); i++) {
    uint8_t file[MAX_FILE];
    size_t size = make_file (file, i);

    if (argc > 1) {
      if (write_file (argv[1], i, file, size) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    } else {
      n += replay (file, size);
    }
  }
  if (argc == 1)
    printf ("%d files\n", n);
  return EXIT_SUCCESS;
}
