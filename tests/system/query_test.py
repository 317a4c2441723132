"""What dig, kdig and drill see of a zone."""
import socket
import struct

import dns
from harness import Dnsd, SystemTest, ZONE, main, run


class Queries(SystemTest):
    def setUp(self):
        self.dnsd = Dnsd(self).start()

    def short(self, *options):
        return sorted(self.dnsd.dig("+short", *options).split("\n")[:-1])

    def test_dig_over_udp_and_tcp(self):
        for transport in ("+notcp", "+tcp"):
            with self.subTest(transport):
                self.assertEqual(self.short(transport, "www.dyn.example.", "A"), ["192.0.2.80"])
                self.assertEqual(self.short(transport, "www.dyn.example.", "AAAA"), ["2001:db8::80"])
                self.assertEqual(self.short(transport, "alias.dyn.example.", "A"), ["192.0.2.80", "www.dyn.example."])
                self.assertEqual(self.short(transport, "_sip._udp.dyn.example.", "SRV"),
                                 ["10 20 5060 www.dyn.example."])
                self.assertEqual(self.short(transport, "any.thing.wild.dyn.example.", "TXT"), ['"wildcard"'])
                self.assertEqual(self.short(transport, ZONE, "NS"), ["ns.dyn.example."])

    def test_srv_comes_with_its_addresses(self):
        text = self.dnsd.dig("_sip._udp.dyn.example.", "SRV", "+noall", "+additional")
        self.assertIn("192.0.2.80", text)
        self.assertIn("2001:db8::80", text)

    def test_nxdomain_and_nodata_carry_the_soa(self):
        for name, rtype, status in (("nothing.dyn.example.", "A", "NXDOMAIN"), ("www.dyn.example.", "TXT", "NOERROR"),
                                    ("empty.dyn.example.", "A", "NOERROR"), ("wild.dyn.example.", "TXT", "NOERROR")):
            with self.subTest(name):
                text = self.dnsd.dig(name, rtype)
                self.assertIn(f"status: {status}", text)
                self.assertIn("ANSWER: 0, AUTHORITY: 1", text)
                self.assertRegex(text, r"dyn\.example\.\s+60\s+IN\s+SOA\s")
                self.assertRegex(text, r"flags: [a-z ]*\baa\b")

    def test_delegation(self):
        text = self.dnsd.dig("host.sub.dyn.example.", "A", "+norecurse")
        self.assertIn("ANSWER: 0, AUTHORITY: 1", text)
        self.assertNotRegex(text, r"flags: [a-z ]*\baa\b")
        self.assertIn("192.0.2.53", text)

    def test_truncation_then_tcp(self):
        text = self.dnsd.dig("+bufsize=512", "big.dyn.example.", "TXT")
        self.assertIn("Truncated, retrying in TCP mode", text)
        self.assertIn("ANSWER: 12", text)
        text = self.dnsd.dig("+bufsize=512", "+ignore", "big.dyn.example.", "TXT")
        self.assertRegex(text, r"flags: [a-z ]*\btc\b")
        text = self.dnsd.dig("+noedns", "+ignore", "big.dyn.example.", "TXT")
        self.assertRegex(text, r"flags: [a-z ]*\btc\b")
        self.assertNotIn("OPT PSEUDOSECTION", text)
        self.assertIn("ANSWER: 12", self.dnsd.dig("+tcp", "big.dyn.example.", "TXT"))

    def test_case_of_the_question_is_echoed(self):
        text = self.dnsd.dig("wWw.DyN.eXaMpLe.", "A")
        self.assertRegex(text, r"(?m)^;wWw\.DyN\.eXaMpLe\.\s+IN\s+A$")
        self.assertIn("192.0.2.80", text)
        self.assertEqual(self.short("mixed.dyn.example.", "A"), ["192.0.2.7"])
        self.assertIn("MiXeD.dyn.example.", "\n".join(self.dnsd.axfr()))

    def test_edns(self):
        for options in (["+nocookie"], ["+cookie"], ["+nsid"], ["+expire"], ["+subnet=192.0.2.0/24"], ["+padding=128"],
                        ["+keepalive", "+tcp"], ["+ednsopt=65001:00"], ["+zflag"], ["+dnssec"], ["+cdflag"], ["+adflag"],
                        ["+ednsflags=0x40"]):
            with self.subTest(options):
                text = self.dnsd.dig(*options, "www.dyn.example.", "A")
                self.assertIn("status: NOERROR", text)
                self.assertIn("ANSWER: 1", text)
                self.assertRegex(text, r"EDNS: version: 0, flags:.*; udp: \d+")
        text = self.dnsd.dig("+edns=1", "+noednsnegotiation", "www.dyn.example.", "A")
        self.assertIn("status: BADVERS", text)

    def test_any(self):
        text = self.dnsd.dig("www.dyn.example.", "ANY", "+notcp")
        self.assertIn("status: NOERROR", text)
        self.assertIn("ANSWER: 1", text)  # one RRset (RFC 8482)
        text = self.dnsd.dig("www.dyn.example.", "ANY", "+tcp")
        self.assertIn("ANSWER: 2", text)
        self.assertIn("192.0.2.80", text)
        self.assertIn("2001:db8::80", text)

    def test_what_is_not_ours(self):
        self.assertIn("status: REFUSED", self.dnsd.dig("www.example.org.", "A"))
        self.assertIn("status: REFUSED", self.dnsd.dig(".", "NS"))
        self.assertIn("status: REFUSED", self.dnsd.dig("version.bind.", "TXT", "CH"))

    def test_recursion_is_not_offered(self):
        text = self.dnsd.dig("+recurse", "www.dyn.example.", "A")
        self.assertRegex(text, r"flags: [a-z ]*\brd\b")
        self.assertNotRegex(text, r"flags: [a-z ]*\bra\b")

    def test_kdig(self):
        for transport in ("+notcp", "+tcp"):
            status, text = run(["kdig", "@127.0.0.1", "-p", self.dnsd.port, transport, "www.dyn.example.", "A",
                                "alias.dyn.example.", "A", "nothing.dyn.example.", "A"])
            self.assertEqual(status, 0, text)
            self.assertEqual(text.count("192.0.2.80"), 2, text)
            self.assertIn("status: NXDOMAIN", text)
            self.assertNotIn("WARNING", text)

    def test_drill(self):
        for transport in ("-u", "-t"):
            status, text = run(["drill", transport, "-p", self.dnsd.port, "@127.0.0.1", "_sip._udp.dyn.example.", "SRV"])
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r"_sip\._udp\.dyn\.example\.\s+60\s+IN\s+SRV\s+10 20 5060 www\.dyn\.example\.")
        status, text = run(["drill", "-b", "512", "-p", self.dnsd.port, "@127.0.0.1", "big.dyn.example.", "TXT"])
        self.assertEqual(status, 0, text)

    def test_many_requests_on_one_connection(self):
        names = [("www.dyn.example.", "A"), ("nothing.dyn.example.", "A"), ("big.dyn.example.", "TXT")] * 20
        wanted = {}
        with socket.create_connection(("127.0.0.1", self.dnsd.port), timeout=60) as sock, sock.makefile("rb") as stream:
            out = b""
            for number, (name, rtype) in enumerate(names):
                octets = struct.pack("!H", number) + dns.query(name, rtype)[2:]
                wanted[number] = name
                out += struct.pack("!H", len(octets)) + octets
            # In pieces that do not end where messages do.
            for at in range(0, len(out), 7):
                sock.sendall(out[at:at + 7])
            for _ in names:
                size = struct.unpack("!H", stream.read(2))[0]
                answer = dns.Message(stream.read(size))
                self.assertEqual(answer.question[0][0], wanted.pop(answer.id))
        self.assertEqual(wanted, {})

    def test_malformed_messages(self):
        good = dns.query("www.dyn.example.", "A")
        header = good[:12]
        for what, octets in (
            ("a name that runs past the end", header + b"\x3fwww"),
            ("no question at all but a count of one", header),
            ("a label type of 01", header + b"\x41www\0\0\1\0\1"),
            ("a pointer to itself", header + b"\xc0\x0c\0\1\0\1"),
            ("two OPT records", good[:10] + b"\0\2" + good[12:] + (b"\0" + b"\0\x29\4\xd0\0\0\0\0\0\0") * 2),
        ):
            with self.subTest(what):
                self.assertEqual(self.dnsd.exchange(octets).rcode, "FORMERR")
        # A response, and what is no header, get no answer: the next query does.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(60)
            sock.connect(("127.0.0.1", self.dnsd.port))
            sock.send(good[:2] + b"\x80" + good[3:])
            sock.send(good[:11])
            sock.send(b"")
            last = dns.query("www.dyn.example.", "AAAA")
            sock.send(last)
            self.assertEqual(dns.Message(sock.recv(4096)).octets[:2], last[:2])

    def test_other_opcodes(self):
        good = dns.query("www.dyn.example.", "A")
        for opcode in (1, 2, 3, 4, 6, 15):
            self.assertEqual(self.dnsd.exchange(good[:2] + bytes([opcode << 3]) + good[3:]).rcode, "NOTIMP")


if __name__ == "__main__":
    main()
