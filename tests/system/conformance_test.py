"""Every test, fuzz target and file that tests/CONFORMANCE.md names exists, and every row names one."""
import glob
import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def existing():
    """All that a row may name, but for paths."""
    names = set()
    for path in glob.glob(f"{ROOT}/tests/*/*_test.cpp"):
        names |= {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", read(path), re.M)}
    for path in glob.glob(f"{ROOT}/tests/system/*_test.py"):
        names |= {f"{os.path.basename(path)}:{name}" for name in re.findall(r"^    def (test_\w+)", read(path), re.M)}
    names |= {os.path.basename(path)[:-4] for path in glob.glob(f"{ROOT}/tests/fuzz/*_fuzz.cpp")}
    return names


class Tables(unittest.TestCase):
    def test_every_row_names_what_exists(self):
        names = existing()
        rows = 0
        for line in read(f"{ROOT}/tests/CONFORMANCE.md").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not line.startswith("|") or cells[0] in ("Clause", "Advisory") or set(cells[0]) == {"-"}:
                continue
            rows += 1
            with self.subTest(line):
                self.assertEqual(len(cells), 3)
                held_by = re.findall(r"`([^`]+)`", cells[2])
                self.assertTrue(held_by, "nothing holds it")
                for name in held_by:
                    self.assertTrue(name in names or ("/" in name and os.path.exists(f"{ROOT}/{name}")), f"no {name}")
        self.assertGreater(rows, 80)


if __name__ == "__main__":
    unittest.main(verbosity=2)
