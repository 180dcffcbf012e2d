#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who sees what of ../shared/data, against its index read in another way. honesty.py has
the rules themselves, on lists that are made up."""

import csv
import glob
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "weights"))
try:
    import data
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

DATA = os.environ.get("SYMPIE_TEST_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data"))
if not os.path.isdir(os.path.join(DATA, "images")):
    print(f"skipped: no pictures in {DATA}")
    sys.exit(77)


class Lists(unittest.TestCase):
    def test_pictures(self):
        index = os.path.join(DATA, "images", "extra", "index.csv")
        with open(index, newline="") as file:
            rows = {row["file"]: row for row in csv.DictReader(file)}
        split = data.split(data.read_index(DATA))
        names = [{os.path.basename(p.path) for p in part} for part in split]
        for name in names[0]:
            if name in rows and not name.startswith("bsds_"):
                self.assertNotEqual(rows[name]["wnid"], "", f"{name} lost its label")
        taken = [n for n, row in rows.items()
                 if not row["wnid"] and not n.startswith("bsds_")]
        self.assertEqual(len(taken), 323)
        for part in names:
            self.assertFalse(part & set(taken))
        wnids = [{name.split("_")[1].split(".")[0] if name[:4].isdigit()
                  else rows[name]["wnid"] for name in part} - {""} for part in names]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            self.assertFalse(names[a] & names[b])
            self.assertFalse(wnids[a] & wnids[b], "a class is in two parts")
        self.assertEqual([len(part) for part in names], [2147, 227, 204])

    def test_clips(self):
        split = data.split_clips(glob.glob(os.path.join(DATA, "clips", "*.mp4"))
                                 + glob.glob(os.path.join(DATA, "videos", "*.mp4")))
        self.assertEqual([len(part) for part in split], [17, 4, 5])


if __name__ == "__main__":
    unittest.main()
