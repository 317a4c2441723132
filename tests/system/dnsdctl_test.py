"""dnsdctl's command line: exit statuses, one line on standard error for a failure, and help for each command."""
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

BIN = os.environ.get("DNSD_BIN", os.path.join(os.path.dirname(__file__), "../../build/bin"))
ZONE = """\
$TTL 60
@ SOA ns host 7 3600 600 1209600 60
@ NS ns
@ NS ns2.elsewhere.test.
ns A 192.0.2.1
"""


class Dnsdctl(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dnsdctl-")
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.path.join(self.folder, "dyn.zone"), "w") as out:
            out.write(ZONE)

    def run_it(self, *arguments, stdin=None):
        return subprocess.run([os.path.join(BIN, "dnsdctl"), *arguments], cwd=self.folder, capture_output=True,
                              text=True, input=stdin, timeout=120, check=False)

    def succeeds(self, *arguments, **more):
        ran = self.run_it(*arguments, **more)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), arguments)
        return ran.stdout

    def fails(self, *arguments):
        ran = self.run_it(*arguments)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""), arguments)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        self.assertTrue(ran.stderr.startswith("dnsdctl: "), ran.stderr)
        return ran.stderr

    def test_help_and_version(self):
        for words in ((), ("key",), ("key", "new"), ("zone",), ("zone", "import"), ("zone", "export"),
                      ("zone", "list"), ("zone", "check"), ("lease",), ("lease", "list"), ("check",), ("history",),
                      ("who",), ("explain",)):
            self.assertIn("Usage: dnsdctl", self.succeeds(*words, "--help"))
        self.assertRegex(self.succeeds("--version"), r"^dnsdctl \d+\.\d+\.\d+\n$")

    def test_mistakes(self):
        for words in ((), ("frob",), ("key",), ("key", "new"), ("key", "new", "a b"), ("zone",), ("zone", "list"),
                      ("key", "new", "h1", "--algorithm", "hmac-md5"), ("zone", "import", "--store", "s.sqlite", "a"),
                      ("lease",), ("lease", "list"), ("lease", "list", "--store", "no.sqlite"),
                      ("zone", "list", "--store", "no.sqlite"), ("check", "--store", "no.sqlite"),
                      ("zone", "check", "dyn.example", "no.zone"), ("zone", "check", "a..b", "dyn.zone"),
                      ("zone", "export", "--store", "no.sqlite", "dyn.example"),
                      ("history", "--store", "no.sqlite", "dyn.example"), ("history", "dyn.example"),
                      ("who", "--store", "no.sqlite", "192.0.2.1", "80", "now"), ("who", "192.0.2.1", "80")):
            self.fails(*words)
        self.assertEqual(os.listdir(self.folder), ["dyn.zone"])

    def test_from_a_zone_file_to_a_store_and_back(self):
        self.succeeds("zone", "check", "--strict", "dyn.example", "dyn.zone")
        self.succeeds("zone", "import", "--store", "s.sqlite", "dyn.example", "dyn.zone")
        self.assertIn("exists already",
                      self.fails("zone", "import", "--store", "s.sqlite", "dyn.example", "dyn.zone"))
        self.assertRegex(self.succeeds("zone", "list", "--store", "s.sqlite"), r"dyn\.example\. +7 +2 +4\n")
        self.assertIn("sound", self.succeeds("check", "--store", "s.sqlite"))
        text = self.succeeds("zone", "export", "--store", "s.sqlite", "dyn.example.")
        self.succeeds("zone", "export", "--store", "s.sqlite", "dyn.example.", "out.zone")
        with open(os.path.join(self.folder, "out.zone")) as out:
            self.assertEqual(out.read(), text)
        self.succeeds("zone", "import", "--store", "t.sqlite", "dyn.example", "-", stdin=text)
        self.assertEqual(self.succeeds("zone", "export", "--store", "t.sqlite", "dyn.example"), text)
        self.assertIn("holds no zone", self.fails("zone", "export", "--store", "s.sqlite", "other.example"))

    def test_zone_check_finds(self):
        with open(os.path.join(self.folder, "dyn.zone"), "a") as out:
            out.write("@ MX 10 nosuch\n")
        ran = self.run_it("zone", "check", "dyn.example", "dyn.zone")
        self.assertEqual((ran.returncode, ran.stderr), (1, ""))
        self.assertIn("error: dyn.example. MX: mail exchanger nosuch.dyn.example. does not exist\n", ran.stdout)

    def test_a_key_is_for_its_owner(self):
        self.assertEqual(self.succeeds("key", "new", "h1.dyn.example", "--out", "k.key"), "")
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.folder, "k.key")).st_mode), 0o600)
        self.assertIn("not overwritten", self.fails("key", "new", "h1.dyn.example", "--out", "k.key"))
        self.assertRegex(self.succeeds("key", "new", "h1.dyn.example"),
                         r'^key "h1.dyn.example" \{\n\talgorithm hmac-sha256;\n\tsecret "[A-Za-z0-9+/]{43}=";\n\};\n$')
        self.assertRegex(self.succeeds("key", "new", "h1.dyn.example", "--toml", "--algorithm", "hmac-sha512"),
                         r'^\[\[key\]\]\nname = "h1\.dyn\.example\."\nalgorithm = "hmac-sha512"\nsecret = ".{88}"\n$')


if __name__ == "__main__":
    unittest.main()
