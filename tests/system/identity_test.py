"""What dig and kdig are told besides data: NSID, class CHAOS, TCP keepalive, extended errors, EDNS as it must be."""
import signal
import socket
import struct

import dns
from harness import Dnsd, SystemTest, ZONE, main, run

IDENTITY = '[identity]\nnsid = "fra1"\nversion = "dnsd of tests"\nname = "ns1.example"\n'


class Identity(SystemTest):
    def server(self, tables=IDENTITY):
        return Dnsd(self, tables=tables).start()

    def kdig(self, dnsd, *options):
        status, text = run(["kdig", "@127.0.0.1", "-p", dnsd.port, "+retry=0", "+timeout=20", *options])
        self.assertEqual(status, 0, text)
        return text

    def test_nsid(self):
        dnsd = self.server()
        for transport in ("+notcp", "+tcp"):
            text = dnsd.dig("+nsid", transport, "www.dyn.example.", "A")
            self.assertRegex(text, r'; NSID: 66 72 61 31 \("fra1"\)')
            self.assertIn("192.0.2.80", text)
            self.assertNotIn("NSID", dnsd.dig("+nonsid", transport, "www.dyn.example.", "A"))
            self.assertRegex(self.kdig(dnsd, "+nsid", transport, "www.dyn.example.", "A"), r'NSID: 66726131 "fra1"')

    def test_chaos(self):
        dnsd = self.server()
        for name, want in (("version.bind", "dnsd of tests"), ("version.server", "dnsd of tests"),
                           ("hostname.bind", "ns1.example"), ("id.server", "ns1.example")):
            for transport in ("+notcp", "+tcp"):
                with self.subTest(name):
                    text = dnsd.dig(transport, "CH", "TXT", name)
                    self.assertRegex(text, rf'(?m)^{name}\.\s+0\s+CH\s+TXT\s+"{want}"$')
                    self.assertIn("status: NOERROR", text)
                    text = self.kdig(dnsd, transport, "-c", "CH", "-t", "TXT", "-q", name + ".")
                    self.assertRegex(text, rf'(?m)^{name}\.\s+0\s+CH\s+TXT\s+"{want}"$')
                    self.assertNotIn("WARNING", text)
        for options in (("CH", "TXT", "authors.bind"), ("CH", "A", "version.bind"), ("CH", "AXFR", "bind", "+tcp"),
                        ("IN", "TXT", "version.bind"), ("-c", "ANY", "-t", "A", "www.dyn.example."),
                        ("HS", "TXT", "id.server")):
            with self.subTest(options):
                if "AXFR" in options:
                    self.assertIn("Transfer failed", dnsd.dig(*options))
                else:
                    self.assertIn("status: REFUSED", dnsd.dig(*options))

    def test_nothing_is_told_until_a_reload_says_so(self):
        dnsd = self.server(tables="")
        self.assertIn("status: REFUSED", dnsd.dig("CH", "TXT", "version.bind"))
        self.assertIn("status: REFUSED", dnsd.dig("CH", "TXT", "id.server"))
        self.assertNotIn("NSID", dnsd.dig("+nsid", "www.dyn.example.", "A"))
        dnsd.write("dnsd.toml", dnsd.text.replace("[store]", IDENTITY + "[store]"))
        dnsd.running.process.send_signal(signal.SIGHUP)
        dnsd.running.wait_for("reloaded")
        self.assertIn('"dnsd of tests"', dnsd.dig("CH", "TXT", "version.bind"))
        self.assertIn('("fra1")', dnsd.dig("+nsid", "www.dyn.example.", "A"))
        self.assertNotIn("needs a restart", dnsd.running.log())

    def test_keepalive(self):
        dnsd = self.server(tables='[tcp]\nidle-timeout = "1500ms"\n')
        text = dnsd.dig("+tcp", "+keepalive", "www.dyn.example.", "A")
        self.assertRegex(text, r"; TCP.KEEPALIVE: 1\.5 secs")
        self.assertNotIn("KEEPALIVE", dnsd.dig("+tcp", "www.dyn.example.", "A"))
        self.assertNotIn("KEEPALIVE", dnsd.dig("+notcp", "+ednsopt=11", "www.dyn.example.", "A"))
        # A client must not tell a time-out; over UDP whatever is there is ignored.
        self.assertIn("status: NOERROR", dnsd.dig("+notcp", "+ednsopt=11:0064", "www.dyn.example.", "A"))
        self.assertIn("status: FORMERR", dnsd.dig("+tcp", "+ednsopt=11:0064", "www.dyn.example.", "A"))
        # The connection is kept for so long, and for several questions.
        query = dns.query("www.dyn.example.", "A")
        with socket.create_connection(("127.0.0.1", dnsd.port), timeout=60) as sock, sock.makefile("rb") as stream:
            for _ in range(3):
                sock.sendall(struct.pack("!H", len(query)) + query)
                self.assertGreater(len(stream.read(struct.unpack("!H", stream.read(2))[0])), 12)
            self.assertEqual(stream.read(), b"")  # the server ends it

    def test_extended_errors(self):
        dnsd = self.server()
        for options, status, error in (
            (("www.example.org.", "A"), "REFUSED", r"EDE: 20 \(Not Authoritative\)"),
            (("CH", "TXT", "authors.bind"), "REFUSED", r"EDE: 20 \(Not Authoritative\)"),
            (("www.dyn.example.", "MAILB"), "NOTIMP", r"EDE: 21 \(Not Supported\)"),
            (("+opcode=status", "www.dyn.example.", "A"), "NOTIMP", r"EDE: 21 \(Not Supported\)"),
            (("+opcode=notify", ZONE, "SOA"), "NOTIMP", r"EDE: 21 \(Not Supported\)"),
            (("+opcode=update", ZONE, "SOA"), "REFUSED", r"EDE: 18 \(Prohibited\): \(not signed\)"),
        ):
            with self.subTest(options):
                text = dnsd.dig(*options)
                self.assertIn(f"status: {status}", text)
                self.assertRegex(text, error)
                self.assertNotIn("EDE", dnsd.dig("+noedns", *options))
        for options in (("www.dyn.example.", "A"), ("no.dyn.example.", "A")):
            self.assertNotIn("EDE", dnsd.dig(*options))
        self.assertRegex(self.kdig(dnsd, "+edns", "www.example.org.", "A"), r"EDE: 20 \(Not Authoritative\)")
        text = dnsd.dig("+tcp", "+ednsopt=65001", "axfr", ZONE)
        self.assertIn("Transfer failed", text)

    def test_edns(self):
        dnsd = self.server()
        query = ("www.dyn.example.", "A", "+nocookie")
        text = dnsd.dig("+edns=100", "+noednsnegotiation", *query)
        self.assertIn("status: BADVERS", text)
        self.assertIn("EDNS: version: 0, flags:; udp: 1232", text)
        self.assertIn("ANSWER: 0", text)
        self.assertIn("EDNS: version: 0, flags:; udp: 1232", dnsd.dig("+ednsflags=0x7fff", *query))
        self.assertIn("EDNS: version: 0, flags: do; udp: 1232", dnsd.dig("+dnssec", "+ednsflags=0x7fff", *query))
        self.assertNotIn("OPT PSEUDOSECTION", dnsd.dig("+noedns", *query))
        text = dnsd.dig("+ednsopt=65001:0102", "+ednsopt=65001:0304", "+ednsopt=100", *query)
        self.assertIn("status: NOERROR", text)
        self.assertNotIn("OPT=65001", text)
        text = dnsd.dig("+bufsize=100", "+ignore", "+nocookie", "alias.dyn.example.", "A")
        self.assertIn("ANSWER: 2", text)
        # A cookie alone, without a question.
        text = dnsd.dig("+header-only", "+cookie", "+qr")
        self.assertIn("status: NOERROR", text)
        self.assertRegex(text, r"COOKIE: [0-9a-f]{48} \(good\)")
        self.assertIn("status: FORMERR", dnsd.dig("+header-only", "+nocookie"))


if __name__ == "__main__":
    main()
