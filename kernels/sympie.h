/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The one public header of libsympie.
 *
 * SyMPIE (Barbato et al., "A Modular System for Enhanced Robustness of
 * Multimedia Understanding Networks via Deep Parametric Estimation", ACM MMSys
 * 2024) improves what a vision model sees. NEM, a small CNN, estimates 37
 * numbers from a 224x224 crop of a frame (paper, section 3.2); DWM applies them
 * to the frame at full resolution (section 3.3).
 *
 * Errors: a function that can fail returns false or NULL and, where `error` is
 * not NULL, writes there what kind of failure it was and one sentence that
 * names the file, format or value at fault. Nothing is printed, nothing aborts.
 *
 * Structures that may grow begin with their size, as the caller was compiled,
 * which their SYMPIE_..._INIT fills in. A program compiled with an older header
 * works with a newer library; one with a newer header works with an older
 * library as long as what that does not know is 0.
 *
 * Threads: a SympieContext serves one caller at a time. Contexts are
 * independent of each other. After fork() those on the CPU go on in the child,
 * without further threads until it opens one of its own.
 *
 * A program that enhances a picture of 640x480 RGB pixels, from its standard
 * input to its output (cc example.c $(pkg-config --cflags --libs sympie)):
 *
 *     #include <stdio.h>
 *     #include <sympie.h>
 *
 *     static unsigned char pixels[3 * 640 * 480];
 *
 *     int
 *     main (int argc, char **argv)
 *     {
 *       SympieConfig config = SYMPIE_CONFIG_INIT;
 *       SympieImage image = SYMPIE_IMAGE_INIT;
 *       SympieTarget target = SYMPIE_TARGET_INIT;
 *       SympieContext *context;
 *       SympieError error;
 *       bool ok;
 *
 *       if (fread (pixels, sizeof pixels, 1, stdin) != 1)
 *         return 1;
 *       image.width = 640;
 *       image.height = 480;
 *       image.planes[0] = target.planes[0] = pixels;
 *       image.strides[0] = target.strides[0] = 3 * 640;
 *       image.colorimetry.full_range = true;
 *
 *       config.weights = argv[argc - 1];
 *       context = sympie_open (&config, &error);
 *       ok = context
 *            && sympie_enhance (
 *                context, &image, &target, 1, NULL, NULL, &error);
 *       if (!ok)
 *         fprintf (stderr, "%s\n", error.message);
 *       sympie_close (context);
 *       return !ok || fwrite (pixels, sizeof pixels, 1, stdout) != 1;
 *     }
 */

#ifndef SYMPIE_H
#define SYMPIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SYMPIE_API __attribute__ ((visibility ("default")))

/* ---- Version ----------------------------------------------------------- */

#define SYMPIE_VERSION_MAJOR 0
#define SYMPIE_VERSION_MINOR 1
#define SYMPIE_VERSION_MICRO 0

/* One number that grows with each version. */
#define SYMPIE_VERSION                                                         \
  (SYMPIE_VERSION_MAJOR << 16 | SYMPIE_VERSION_MINOR << 8                      \
      | SYMPIE_VERSION_MICRO)

/* SYMPIE_VERSION of the library that is linked. */
SYMPIE_API unsigned sympie_version (void);

/* ---- Errors ------------------------------------------------------------ */

typedef enum
{
  SYMPIE_ERROR_INVALID = 1, /* an argument that means nothing or does not fit */
  SYMPIE_ERROR_FILE,        /* a file or folder that cannot be read */
  SYMPIE_ERROR_DAMAGED,     /* one that can, but holds something else */
  SYMPIE_ERROR_DEVICE,      /* a device that is not there, or that failed */
  SYMPIE_ERROR_NOT_FINITE,  /* a network that gives infinity or NaN */
  SYMPIE_ERROR_MEMORY       /* no more memory, or no more threads */
} SympieErrorCode;

enum
{
  SYMPIE_MESSAGE_SIZE = 508
};

/* Written on failure only. A message that is too long is cut. */
typedef struct
{
  SympieErrorCode code;
  char message[SYMPIE_MESSAGE_SIZE];
} SympieError;

/* ---- Parameters -------------------------------------------------------- */

enum
{
  SYMPIE_N_PARAMS = 37,
  SYMPIE_KERNEL_SIZE = 5
};

/* The output of NEM, in the order of its output layer, all in standardised
 * space: an RGB value x in [0, 1] is (x - mean_c) / std_c with ImageNet's mean
 * (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225). DWM (section 3.3):
 *   t = x + shift;  u[c] = sum over d of t[d] * matrix[3 * d + c];
 *   v[c] = 5x5 cross-correlation of u[c] with kernel, u = 0 outside the frame;
 *   clamp v to the values that stand for [0, 1]. */
typedef union
{
  __extension__ struct /* C99 and C++ know no nameless ones */
  {
    float matrix[9];  /* row-major: [3 * input channel + output channel] */
    float shift[3];   /* per input channel */
    float kernel[25]; /* row-major, the same for the three channels */
  };
  float values[SYMPIE_N_PARAMS];
} SympieParams;

/* Parameters that leave a frame as it is. */
SYMPIE_API void sympie_params_identity (SympieParams *params);

/* out = a + t * (b - a), value by value; t = 0 gives a and t = 1 gives b
 * exactly. `out` may be `a` or `b`. DWM is linear in the kernel and in the
 * colour operators apart. */
SYMPIE_API void sympie_params_blend (
    const SympieParams *a, const SympieParams *b, float t, SympieParams *out);

/* Root mean square of the 37 differences: 0 or more, infinity where no float is
 * as large. */
SYMPIE_API float sympie_params_distance (
    const SympieParams *a, const SympieParams *b);

/* ---- Images ------------------------------------------------------------ */

/* Memory layouts, named as in GStreamer, which has a picture of each. LE and BE
 * are the order of bytes in words of 16 bits; samples of 10 and 12 bits lie in
 * the low bits of a word, but in the high bits in P010, P012, Y210, Y212 and
 * Y412. Unused bits must be 0 above a sample and are ignored below one;
 * computed samples have 0 in both. New formats come last. */
typedef enum
{
  SYMPIE_FORMAT_RGB,
  SYMPIE_FORMAT_BGR,
  SYMPIE_FORMAT_RGBX,
  SYMPIE_FORMAT_BGRX,
  SYMPIE_FORMAT_XRGB,
  SYMPIE_FORMAT_XBGR,
  SYMPIE_FORMAT_RGBA,
  SYMPIE_FORMAT_BGRA,
  SYMPIE_FORMAT_ARGB,
  SYMPIE_FORMAT_ABGR,
  SYMPIE_FORMAT_GBR,  /* planes G, B, R */
  SYMPIE_FORMAT_I420, /* planes Y, U, V */
  SYMPIE_FORMAT_YV12, /* planes Y, V, U */
  SYMPIE_FORMAT_NV12, /* planes Y, UV */
  SYMPIE_FORMAT_NV21, /* planes Y, VU */
  SYMPIE_FORMAT_Y42B, /* planes Y, U, V */
  SYMPIE_FORMAT_Y444, /* planes Y, U, V */
  SYMPIE_FORMAT_I420_10LE,
  SYMPIE_FORMAT_P010_10LE, /* as NV12 */

  /* RGB of 8 bits */
  SYMPIE_FORMAT_GBRA, /* planes G, B, R, A */
  SYMPIE_FORMAT_RGBP, /* planes R, G, B */
  SYMPIE_FORMAT_BGRP, /* planes B, G, R */

  /* RGB of 5 and 6 bits, in a word of the machine's byte order */
  SYMPIE_FORMAT_RGB16, /* red on top */
  SYMPIE_FORMAT_BGR16,
  SYMPIE_FORMAT_RGB15,
  SYMPIE_FORMAT_BGR15,

  /* RGB of 10 and 12 bits */
  SYMPIE_FORMAT_GBR_10LE,
  SYMPIE_FORMAT_GBR_10BE,
  SYMPIE_FORMAT_GBR_12LE,
  SYMPIE_FORMAT_GBR_12BE,
  SYMPIE_FORMAT_GBRA_10LE,
  SYMPIE_FORMAT_GBRA_10BE,
  SYMPIE_FORMAT_GBRA_12LE,
  SYMPIE_FORMAT_GBRA_12BE,
  SYMPIE_FORMAT_RGB10A2_LE, /* red in the low bits of a word of 32 */
  SYMPIE_FORMAT_BGR10A2_LE,
  SYMPIE_FORMAT_R210, /* red on top, big-endian */

  /* YUV of 8 bits; planes Y, U, V unless said otherwise */
  SYMPIE_FORMAT_GRAY8,
  SYMPIE_FORMAT_A420, /* and A */
  SYMPIE_FORMAT_AV12, /* planes Y, UV, A */
  SYMPIE_FORMAT_Y41B,
  SYMPIE_FORMAT_NV16, /* planes Y, UV */
  SYMPIE_FORMAT_NV61, /* planes Y, VU */
  SYMPIE_FORMAT_NV24, /* planes Y, UV */
  SYMPIE_FORMAT_YUY2,
  SYMPIE_FORMAT_UYVY,
  SYMPIE_FORMAT_YVYU,
  SYMPIE_FORMAT_VYUY,
  SYMPIE_FORMAT_AYUV,
  SYMPIE_FORMAT_VUYA,
  SYMPIE_FORMAT_V308, /* Y, U, V */
  SYMPIE_FORMAT_IYU2, /* U, Y, V */

  /* YUV of 10 and 12 bits */
  SYMPIE_FORMAT_I420_10BE,
  SYMPIE_FORMAT_I420_12LE,
  SYMPIE_FORMAT_I420_12BE,
  SYMPIE_FORMAT_I422_10LE,
  SYMPIE_FORMAT_I422_10BE,
  SYMPIE_FORMAT_I422_12LE,
  SYMPIE_FORMAT_I422_12BE,
  SYMPIE_FORMAT_Y444_10LE,
  SYMPIE_FORMAT_Y444_10BE,
  SYMPIE_FORMAT_Y444_12LE,
  SYMPIE_FORMAT_Y444_12BE,
  SYMPIE_FORMAT_A420_10LE,
  SYMPIE_FORMAT_A420_10BE,
  SYMPIE_FORMAT_A422_10LE,
  SYMPIE_FORMAT_A422_10BE,
  SYMPIE_FORMAT_A444_10LE,
  SYMPIE_FORMAT_A444_10BE,
  SYMPIE_FORMAT_P010_10BE,
  SYMPIE_FORMAT_P012_LE, /* as NV12 */
  SYMPIE_FORMAT_P012_BE,
  SYMPIE_FORMAT_Y210, /* as YUY2, little-endian */
  SYMPIE_FORMAT_Y212_LE,
  SYMPIE_FORMAT_Y212_BE,
  SYMPIE_FORMAT_Y410,    /* U, Y, V and A from the low bits of a word of 32 */
  SYMPIE_FORMAT_Y412_LE, /* U, Y, V, A */
  SYMPIE_FORMAT_Y412_BE,
  SYMPIE_FORMAT_V210, /* six pixels in four words of 32 bits */

  /* YUV of 4:1:0. */
  SYMPIE_FORMAT_YUV9,
  SYMPIE_FORMAT_YVU9,

  /* YUV in groups of bytes or bits. */
  SYMPIE_FORMAT_IYU1,        /* U, Y, Y, V, Y, Y */
  SYMPIE_FORMAT_UYVP,        /* U, Y, V, Y of 10 bits from the top of 5 bytes */
  SYMPIE_FORMAT_GRAY10_LE32, /* three of 10 bits in a word of 32 */
  SYMPIE_FORMAT_NV12_10LE32,
  SYMPIE_FORMAT_NV16_10LE32,
  SYMPIE_FORMAT_NV12_10LE40, /* four of 10 bits in 5 bytes */

  /* Since GStreamer 1.24 */
  SYMPIE_FORMAT_A422, /* planes Y, U, V, A, as those below */
  SYMPIE_FORMAT_A444,
  SYMPIE_FORMAT_A420_12LE,
  SYMPIE_FORMAT_A420_12BE,
  SYMPIE_FORMAT_A422_12LE,
  SYMPIE_FORMAT_A422_12BE,
  SYMPIE_FORMAT_A444_12LE,
  SYMPIE_FORMAT_A444_12BE,
  SYMPIE_FORMAT_RBGA,

  /* Since GStreamer 1.26 */
  SYMPIE_FORMAT_GRAY10_LE16,
  SYMPIE_N_FORMATS
} SympieFormat;

/* The format of a name that GStreamer has for it ("I420_10LE"); false where
 * there is none. */
SYMPIE_API bool sympie_format_from_name (
    const char *name, SympieFormat *format);

/* Where a chroma sample sits among the luma samples that it serves: centred in
 * both directions (JPEG) unless a flag says that it shares the position of the
 * left luma column or of the top luma row. MPEG-2 and H.264: left. 4:1:0 is
 * centred from top to bottom, whatever a flag says. */
typedef enum
{
  SYMPIE_CHROMA_CENTRE = 0,
  SYMPIE_CHROMA_LEFT = 1 << 0,
  SYMPIE_CHROMA_TOP = 1 << 1
} SympieChromaSite;

/* What the sample values mean. `kr` and `kb` are the luma weights of red and
 * blue (BT.601: 0.299, 0.114; BT.709: 0.2126, 0.0722; BT.2020: 0.2627, 0.0593),
 * both above 0 and together at most 0.6; they and the chroma site are read for
 * YUV formats only. Limited range (full_range false) is 16..235 for RGB and
 * luma and 16..240 for chroma at 8 bits, four times that at 10. */
typedef struct
{
  float kr, kb;
  bool full_range;
  unsigned chroma_site; /* SympieChromaSite flags */
} SympieColorimetry;

/* Where the planes of an image are. */
typedef enum
{
  SYMPIE_MEMORY_HOST,
  SYMPIE_MEMORY_CUDA /* of the context's CUDA device; words of 2 or 4 bytes
                        (10-bit samples, pixels of 4 bytes) must be aligned */
} SympieMemory;

enum
{
  SYMPIE_MAX_SIZE = 32768,
  SYMPIE_MAX_PLANES = 4
};

/* An image in the caller's memory, to be read. Width and height are in luma
 * samples, 1 to SYMPIE_MAX_SIZE each; chroma planes of subsampled formats are
 * rounded up. Planes are in memory order (see SympieFormat); strides are in
 * bytes and may carry padding, whose bytes are never read for their value. */
typedef struct
{
  size_t struct_size;
  SympieFormat format;
  int width, height;
  const uint8_t *planes[SYMPIE_MAX_PLANES];
  ptrdiff_t strides[SYMPIE_MAX_PLANES];
  SympieMemory memory;
  SympieColorimetry colorimetry;
} SympieImage;

/* Where a result goes that has the format, size and colorimetry of its source:
 * the source's own planes (in place) or others that do not overlap them.
 * Padding is not written. */
typedef struct
{
  size_t struct_size;
  uint8_t *planes[SYMPIE_MAX_PLANES];
  ptrdiff_t strides[SYMPIE_MAX_PLANES];
  SympieMemory memory;
} SympieTarget;

#define SYMPIE_IMAGE_INIT                                                      \
  {                                                                            \
    sizeof (SympieImage), SYMPIE_FORMAT_RGB, 0, 0, { NULL }, { 0 },            \
        SYMPIE_MEMORY_HOST,                                                    \
    {                                                                          \
      0, 0, false, 0                                                           \
    }                                                                          \
  }
#define SYMPIE_TARGET_INIT                                                     \
  {                                                                            \
    sizeof (SympieTarget), { NULL }, { 0 }, SYMPIE_MEMORY_HOST                 \
  }

/* Has `image` be a part of what it was: of these columns and rows those that
 * lie inside, and a few more to the left and above where chroma samples or
 * words begin there only. Fails on an invalid image and where nothing lies
 * inside. */
SYMPIE_API bool sympie_image_crop (SympieImage *image, int x, int y, int width,
    int height, SympieError *error);

/* A glance at an image, which takes some ten microseconds whatever its size:
 * enough to see light and colours change or one scene cut to another. */
enum
{
  SYMPIE_THUMBNAIL_SIZE = 16
};

typedef struct
{
  /* R, G, B or Y, U, V as the image has them, 8 bits, in rows: for each cell
   * the mean of 32 of its samples. */
  uint8_t cells[3][SYMPIE_THUMBNAIL_SIZE][SYMPIE_THUMBNAIL_SIZE];
} SympieThumbnail;

/* Fails on an invalid image and on one that is not in host memory. */
SYMPIE_API bool sympie_thumbnail (
    const SympieImage *image, SympieThumbnail *thumbnail, SympieError *error);

/* ---- Contexts ---------------------------------------------------------- */

typedef enum
{
  SYMPIE_DEVICE_AUTO, /* the best device there is */
  SYMPIE_DEVICE_CPU,
  SYMPIE_DEVICE_CUDA
} SympieDevice;

/* Instruction sets that code is written for; all else is plain C. */
typedef enum
{
  SYMPIE_CPU_SSSE3 = 1 << 0,
  SYMPIE_CPU_AVX2 = 1 << 1,   /* with FMA */
  SYMPIE_CPU_AVX512 = 1 << 2, /* F, BW, DQ and VL, and AVX2 */
  SYMPIE_CPU_NEON = 1 << 3    /* every 64-bit ARM */
} SympieCpuFlags;

typedef struct
{
  size_t struct_size;
  const char *weights; /* safetensors file of NEM, or NULL: apply only */
  SympieDevice device;
  /* Threads that work at a time, the caller's included: 1 to
   * SYMPIE_MAX_THREADS, or 0, one for each processor available. All contexts
   * draw on one team of workers, named "sympie-pool", as large as the largest
   * number asked for needs. */
  int n_threads;

  /* SympieCpuFlags not to use, for tests and comparisons. Where it is 0, the
   * environment variable SYMPIE_CPU may name the last of them to use, or c for
   * none: c, ssse3, avx2, avx512, neon. */
  unsigned cpu_disabled;

  bool ignore_gate; /* parameters as NEM gives them: see sympie_estimate() */

  int cuda_device; /* index among CUDA's devices */
  /* The CUcontext to work in, which must be current in the calling thread
   * whenever the SympieContext is used; NULL: the device's primary context. */
  void *cuda_context;
  void *cuda_stream; /* a CUstream of that context to work on, which others may
                        use too; NULL: one of its own */
  /* What sympie_apply() puts from CUDA memory to other CUDA memory is not
   * waited for: whoever reads or reuses the two waits for cuda_stream, or works
   * on it. */
  bool cuda_async;
} SympieConfig;

#define SYMPIE_CONFIG_INIT                                                     \
  {                                                                            \
    sizeof (SympieConfig), NULL, SYMPIE_DEVICE_AUTO, 0, 0, false, 0, NULL,     \
        NULL, false                                                            \
  }

enum
{
  SYMPIE_MAX_THREADS = 1024 /* what no machine needs is a mistake */
};

typedef struct SympieContext SympieContext;

/* Whether CUDA's device of that index can be used; where not, the message says
 * why: built without, no driver, no such device, or one that is older than all
 * that the kernels are compiled for. SYMPIE_DEVICE_AUTO uses the CPU then. */
SYMPIE_API bool sympie_cuda_available (int cuda_device, SympieError *error);

/* Reads the weights and prepares the device. Fails on weights that are missing,
 * damaged, of other shapes or not finite, on a device that is not there, and on
 * a value of SYMPIE_CPU, where it counts, that means nothing.
 * The caller ends the context with sympie_close(). */
SYMPIE_API SympieContext *sympie_open (
    const SympieConfig *config, SympieError *error);

/* Frees the context; NULL is allowed. */
SYMPIE_API void sympie_close (SympieContext *context);

/* The device in use: SYMPIE_DEVICE_CPU or SYMPIE_DEVICE_CUDA. */
SYMPIE_API SympieDevice sympie_device (const SympieContext *context);

/* NEM (section 3.2): resizes `image` so that its smaller side is 232, cuts the
 * central 224x224, standardises it, and estimates the parameters. Fails
 * without weights, on an invalid image, or where NEM's output is not finite.
 *
 * The gate, which the paper does not have, says how much of that the image
 * wants: 0 leaves it alone, 1 enhances it. `params` come blended from the
 * identity towards NEM's by it, so that 0 gives the identity exactly, unless
 * SympieConfig.ignore_gate. `gate`, unless NULL, gets it: a number in [0, 1],
 * 1 where the weights have no gate. */
SYMPIE_API bool sympie_estimate (SympieContext *context,
    const SympieImage *image, SympieParams *params, float *gate,
    SympieError *error);

/* DWM (section 3.3): writes `src` with `params` applied to `dst`. Alpha is
 * copied; padding bytes of x formats are copied too. For YUV the result is that
 * of: to RGB (chroma up-sampled bilinearly from its site, clamped), DWM, back
 * to YUV (chroma averaged around its site). Exact within half a level of 8
 * bits, two of 10 and eight of 12, before it is rounded to a code, where the
 * parameters amplify no more than fivefold; beyond, the error may grow with
 * that. Gray is RGB of three equal values, of which luma is kept. The identity
 * leaves every byte as it is, where DWM would bring YUV into RGB's range. Fails
 * on CUDA for formats that are for the CPU only. Parameters must be finite. */
SYMPIE_API bool sympie_apply (SympieContext *context, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params, SympieError *error);

/* Both in one: estimates the parameters from `src`, blends the identity towards
 * them by `strength` (0 to 1) and applies the result. On CUDA they do not leave
 * the device in between. `params` and `gate`, unless NULL, get what
 * sympie_estimate() gives. */
SYMPIE_API bool sympie_enhance (SympieContext *context, const SympieImage *src,
    const SympieTarget *dst, float strength, SympieParams *params, float *gate,
    SympieError *error);

/* ---- Features of VGG19 ------------------------------------------------- */

/* How far a distorted image is from its reference for a vision model, measured
 * as the paper does for compressed video (section 4.4, table 8): the mean
 * squared difference of what VGG19 makes of the two.
 *
 * A layer is the output of a convolution's ReLU, by stage and place in the
 * stage, or that of the last max-pool, torchvision's vgg19().features. */
typedef enum
{
  SYMPIE_LAYER_RELU1_1,
  SYMPIE_LAYER_RELU1_2,
  SYMPIE_LAYER_RELU2_1,
  SYMPIE_LAYER_RELU2_2,
  SYMPIE_LAYER_RELU3_1,
  SYMPIE_LAYER_RELU3_2,
  SYMPIE_LAYER_RELU3_3,
  SYMPIE_LAYER_RELU3_4,
  SYMPIE_LAYER_RELU4_1,
  SYMPIE_LAYER_RELU4_2,
  SYMPIE_LAYER_RELU4_3,
  SYMPIE_LAYER_RELU4_4,
  SYMPIE_LAYER_RELU5_1,
  SYMPIE_LAYER_RELU5_2,
  SYMPIE_LAYER_RELU5_3,
  SYMPIE_LAYER_RELU5_4,
  SYMPIE_LAYER_POOL5,
  SYMPIE_N_LAYERS
} SympieLayer;

/* "relu1_1" to "relu5_4" and "pool5"; NULL for anything else. */
SYMPIE_API const char *sympie_layer_name (SympieLayer layer);

/* What VGG19 sees of an image, standardised RGB in both cases. */
typedef enum
{
  SYMPIE_INPUT_CROP224, /* the 224x224 that NEM sees */
  SYMPIE_INPUT_FULL     /* all of it at its own size */
} SympieInput;

typedef struct
{
  size_t struct_size;
  const char *weights; /* safetensors file with torchvision's names */
  SympieLayer layer;
  SympieInput input;
  SympieDevice device;
  int n_threads; /* this and the two below as in SympieConfig */
  unsigned cpu_disabled;
  int cuda_device;
} SympieFeaturesConfig;

/* The last layer and the crop. */
#define SYMPIE_FEATURES_CONFIG_INIT                                            \
  {                                                                            \
    sizeof (SympieFeaturesConfig), NULL, SYMPIE_LAYER_POOL5,                   \
        SYMPIE_INPUT_CROP224, SYMPIE_DEVICE_AUTO, 0, 0, 0                      \
  }

typedef struct SympieFeatures SympieFeatures;

typedef struct
{
  double feature_mse; /* mean over all values of the layer */
  double pixel_mse;   /* mean over what VGG19 sees, R, G and B in [0, 255] */
} SympieDifference;

/* Reads the weights and prepares the device, for the layers that are needed.
 * Fails on weights as sympie_open() does, and on a device that is not there.
 * The caller ends it with sympie_features_close(). */
SYMPIE_API SympieFeatures *sympie_features_open (
    const SympieFeaturesConfig *config, SympieError *error);

/* Frees it; NULL is allowed. */
SYMPIE_API void sympie_features_close (SympieFeatures *features);

/* The device in use: SYMPIE_DEVICE_CPU or SYMPIE_DEVICE_CUDA. */
SYMPIE_API SympieDevice sympie_features_device (const SympieFeatures *features);

/* Channels, height and width of the layer for an image of that size. Any of
 * them can be 0 where a small image is used in full. */
SYMPIE_API void sympie_features_shape (
    const SympieFeatures *features, int width, int height, int shape[3]);

/* Writes the layer's values for `image` to `values`, row-major in the order of
 * sympie_features_shape(). Fails on an invalid image or one too small. */
SYMPIE_API bool sympie_features_extract (SympieFeatures *features,
    const SympieImage *image, float *values, SympieError *error);

/* Compares two images, which go through the layers side by side. They may
 * differ in format, and in size unless they are used in full. The result is
 * exactly 0 for two that are the same, the same in either order, and does not
 * depend on the number of threads. Memory grows with the width of the images
 * but not with their height; on CUDA with both. Fails on invalid images, on
 * sizes that do not agree, on images too small, or where a feature is not
 * finite. */
SYMPIE_API bool sympie_features_compare (SympieFeatures *features,
    const SympieImage *reference, const SympieImage *distorted,
    SympieDifference *difference, SympieError *error);

/* Compares one image with each of `n`, which is the same as doing so one after
 * the other, but the reference goes through the layers once. Memory grows with
 * `n`, too, up to 15 images. */
SYMPIE_API bool sympie_features_compare_many (SympieFeatures *features,
    const SympieImage *reference, const SympieImage *const distorted[], int n,
    SympieDifference differences[], SympieError *error);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_H */
