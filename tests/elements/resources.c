/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance gives back the memory and the threads that it takes, and takes
 * no more with time. */

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "enhance.h"

static guint
count_threads (void)
{
  GDir *tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  fail_unless (tasks != NULL);
  while (g_dir_read_name (tasks))
    n++;
  g_dir_close (tasks);
  return n;
}

/* Without what glibc keeps of what was freed, now and then all of a network. */
static gssize
resident_bytes (void)
{
  FILE *file;
  long total, resident;

  malloc_trim (0);
  file = fopen ("/proc/self/statm", "r");
  fail_unless (file != NULL);
  fail_unless_equals_int (fscanf (file, "%ld %ld", &total, &resident), 2);
  fclose (file);
  return resident * sysconf (_SC_PAGESIZE);
}

static gssize
allocated_bytes (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return (gssize) (info.uordblks + info.hblkhd);
}

/* One frame through an element from NULL to NULL, with weights or without. */
static void
start_and_stop (gboolean estimating)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (estimating ? NULL : &params);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  teardown_with_messages (h);
}

GST_START_TEST (test_start_stop)
{
  guint threads;
  gssize allocated, resident;

  for (guint i = 0; i < 40; i++)
    start_and_stop (i % 20 == 0);
  threads = count_threads ();
  allocated = allocated_bytes ();
  resident = resident_bytes ();
  for (guint i = 0; i < 200; i++)
    start_and_stop (i % 20 == 0);

  fail_unless_equals_int (count_threads (), threads);
  allocated = allocated_bytes () - allocated;
  resident = resident_bytes () - resident;
  fail_unless (allocated < 64 * 1024, "%zd bytes more allocated", allocated);
  fail_unless (resident < 2 * 1024 * 1024, "%zd bytes more resident", resident);
}
GST_END_TEST;

/* The same element, from READY to PLAYING and back. */
GST_START_TEST (test_restart)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = enhance_harness (NULL);
  guint threads = 0;
  gssize allocated = 0;

  /* Messages that nobody reads are no leak. */
  gst_bus_set_flushing (GST_ELEMENT_BUS (h->element), TRUE);
  for (guint i = 0; i < 30; i++) {
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    push_frames (h, &info, 0, 1);
    gst_element_set_state (h->element, GST_STATE_READY);
    if (i == 9) {
      threads = count_threads ();
      allocated = allocated_bytes ();
    }
    if (i == 29) {
      fail_unless_equals_int (count_threads (), threads);
      allocated = allocated_bytes () - allocated;
      fail_unless (
          allocated < 64 * 1024, "%zd bytes more allocated", allocated);
    }
    gst_element_set_state (h->element, GST_STATE_PLAYING);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

static void
assert_flat (gboolean estimating, guint n)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (estimating ? NULL : &params);
  gssize allocated, resident;

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 50);
  allocated = allocated_bytes ();
  resident = resident_bytes ();
  push_frames (h, &info, 50, n);
  allocated = allocated_bytes () - allocated;
  resident = resident_bytes () - resident;
  fail_unless (allocated < 16 * 1024, "%zd bytes more allocated", allocated);
  fail_unless (resident < 1024 * 1024, "%zd bytes more resident", resident);
  teardown_with_messages (h);
}

GST_START_TEST (test_flat_by_hand)
{
  assert_flat (FALSE, 10000);
}
GST_END_TEST;

GST_START_TEST (test_flat_estimating)
{
  assert_flat (TRUE, 150);
}
GST_END_TEST;

static Suite *
resources_suite (void)
{
  Suite *suite = suite_create ("sympieenhance resources");
  TCase *tcase = tcase_create ("resources");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_start_stop);
  tcase_add_test (tcase, test_restart);
  tcase_add_test (tcase, test_flat_by_hand);
  tcase_add_test (tcase, test_flat_estimating);
  return suite;
}

GST_CHECK_MAIN (resources);
