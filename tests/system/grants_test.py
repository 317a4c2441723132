"""Grants with the clients that subscribers have: what is theirs is published, what is not is refused with a reason."""
import os
import subprocess

from harness import BIN, Dnsd, SystemTest, ZONE, key, main, run

GRANT = """\
names = ["self", "below-self"]
types = ["service"]
addresses = ["source", "198.51.100.0/22"]
ports = "1024-65535"
targets = ["self", "below-self", "portal"]
max-records = 8
rate = "100/min\""""
TABLES = """\
[http]
addresses = ["203.0.113.80"]
names = ["portal.example."]
"""


class Subscriber(SystemTest):
    """The grant of the README, for the key h1.dyn.example."""

    def setUp(self):
        self.key = key("h1.dyn.example.")
        self.admin = key("admin.example.")
        self.dnsd = Dnsd(self, keys=[self.key, self.admin], tables=TABLES,
                         grants=[("*.dyn.example.", GRANT), ("admin.example.", "update = true\ntransfer = true")]).start()

    def update(self, *lines, client="nsupdate", tcp=False):
        script = "\n".join([f"server 127.0.0.1 {self.dnsd.port}", f"zone {ZONE}", *lines, "send", ""])
        signer = f"hmac-sha256:{self.key.name}:{self.key.secret}"
        return run([client, *(["-v"] if tcp else []), "-y", signer], input=script)

    def zone(self):
        return "\n".join(self.dnsd.axfr(self.admin))

    def test_a_service_behind_a_borrowed_port(self):
        for client in ("nsupdate", os.path.join(BIN, "dnsd-update")):
            status, text = self.update("update delete h1.dyn.example. A", "update add h1.dyn.example. 60 A 198.51.100.1",
                                       "update add _http._tcp.h1.dyn.example. 60 SRV 0 0 8001 h1.dyn.example.",
                                       'update add _http._tcp.h1.dyn.example. 60 TXT "path=/"',
                                       "update add web.h1.dyn.example. 60 CNAME portal.example.",
                                       "update add _acme-challenge.h1.dyn.example. 60 TXT token", client=client)
            self.assertEqual(status, 0, text + self.dnsd.running.log())
        self.assertIn("_http._tcp.h1.dyn.example. 60 IN SRV 0 0 8001 h1.dyn.example.", self.zone())

    def test_its_own_address_over_tcp(self):
        line = "update add h1.dyn.example. 60 A 127.0.0.1"
        self.assertEqual(self.update(line, tcp=True)[0], 0)
        self.assertEqual(self.update("update add h1.dyn.example. 90 A 127.0.0.1")[0], 2)
        self.dnsd.running.wait_for("the source is not proven: update over TCP")

    def test_what_is_not_its_own(self):
        before = self.zone()
        for line, reason in (
                ("update add h1.dyn.example. 60 A 8.8.8.8", "address 8.8.8.8 is not among source, 198.51.100.0/22"),
                ("update add h1.dyn.example. 60 TYPE1 \\# 4 08080808", "address 8.8.8.8"),
                ("update add _http._tcp.h1.dyn.example. 60 SRV 0 0 80 h1.dyn.example.", "port 80 is outside"),
                ("update add web.h1.dyn.example. 60 CNAME www.bank.example.", "target www.bank.example. is not among"),
                ("update add h1.dyn.example. 60 NS ns.h1.dyn.example.", "type NS"),
                ("update add www.dyn.example. 60 TXT x", "name www.dyn.example. is not among self, below-self"),
                ("update delete www.dyn.example.", "name www.dyn.example."),
                ("update delete dyn.example. MX", "name dyn.example."),
                ("prereq nxdomain www.dyn.example.\nupdate add h1.dyn.example. 60 TXT x", "prerequisite: name www")):
            with self.subTest(line):
                at = len(self.dnsd.running.lines)
                status, text = self.update(line, "update add h1.dyn.example. 60 TXT harmless")
                self.assertEqual(status, 2, text)
                self.assertIn("update failed: REFUSED", text)
                self.dnsd.running.wait_for("by key h1.dyn.example. refused: .*" + reason.replace(".", "\\."), start=at)
                self.assertEqual(self.zone(), before)

    def test_explain_says_the_same(self):
        def explain(*words):
            ran = subprocess.run([os.path.join(BIN, "dnsdctl"), "explain", "--config", self.dnsd.config, *words],
                                 capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ran.stderr, "")
            return ran.returncode, ran.stdout
        status, text = explain("h1.dyn.example.", "h1.dyn.example.", "A", "8.8.8.8")
        self.assertEqual(status, 1)
        self.assertIn("why: address 8.8.8.8 is not among source, 198.51.100.0/22\n", text)
        status, text = explain("h1.dyn.example.", "h1.dyn.example.", "A", "8.8.8.8", "--source", "8.8.8.8")
        self.assertEqual(status, 0)
        self.assertIn(f"grant: {self.dnsd.config}:", text)


if __name__ == "__main__":
    main()
