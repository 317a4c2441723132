"""What tools/quickstart shows of the CGN is true, in namespaces and on loopback."""
import os
import re
import sys

import cgn
from harness import BIN, SystemTest, main, run

PICTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "picture.py")


class Picture(SystemTest):
    def shows(self, *options, addresses):
        status, text = run([sys.executable, "-B", PICTURE, *options], env=os.environ | {"DNSD_BIN": BIN})
        self.assertEqual(status, 0, text)
        visits = re.findall(r"dyn\.example\. A\n  (\S+)\n  .* connects to (\S+) port \d+, and gets: welcome", text)
        self.assertEqual(visits, [(address, address) for address in addresses], text)
        self.assertTrue(text.endswith("withdrawn\n"), text)

    def test_in_namespaces(self):
        if refusal := cgn.why_not():
            self.skipTest(refusal)
        self.shows(addresses=("11.0.0.1", "11.0.0.77"))

    def test_on_loopback(self):
        self.shows("--loopback", addresses=("127.0.64.1", "127.0.64.77"))


if __name__ == "__main__":
    main()
