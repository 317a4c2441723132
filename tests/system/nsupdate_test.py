"""dnsd-update beside BIND's nsupdate: the same scripts must send the same messages, but for ID, time, MAC and
compression, end with the same exit status and say the same."""
import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

BIN = os.environ.get("DNSD_BIN", os.path.join(os.path.dirname(__file__), "../../build/bin"))
OURS = os.path.join(BIN, "dnsd-update")
THEIRS = shutil.which("nsupdate")
TIME_LIMIT = 120
KEY = 'key "k.example." {\n\talgorithm hmac-sha256;\n\tsecret "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";\n};\n'
QUERY, UPDATE = 0, 5
SOA, SIG, OPT, TSIG, ANY = 6, 24, 41, 250, 255
# Where names stand in RDATA: octets before the first, and how many follow each other.
NAMES = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 14: (0, 2), 15: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1),
         26: (2, 2), 33: (6, 1), 36: (2, 1), 39: (0, 1)}


def read_name(octets, at):
    """Wire form without compression, and where the name ends."""
    name, end = b"", None
    while True:
        length = octets[at]
        if length >= 0xc0:
            end = end or at + 2
            at = (length & 0x3f) << 8 | octets[at + 1]
            continue
        name += octets[at:at + 1 + length]
        at += 1 + length
        if length == 0:
            return name.hex(), end or at


def read_rdata(octets, at, size, rtype):
    if rtype == TSIG:  # without time, MAC and ID, but the MAC's length
        algorithm, at = read_name(octets, at)
        fudge, mac_size = struct.unpack_from("!HH", octets, at + 6)
        error, other = struct.unpack_from("!HH", octets, at + 10 + mac_size + 2)
        return [algorithm, fudge, mac_size, error, other]
    if rtype == SIG:  # without times and signature, but the time between and the signature's length
        begin = octets[at:at + 8].hex()
        expiration, inception, tag = struct.unpack_from("!IIH", octets, at + 8)
        signer, after = read_name(octets, at + 18)
        return [begin, expiration - inception, tag, signer, at + size - after]
    if rtype not in NAMES or size == 0:
        return octets[at:at + size].hex()
    before, count = NAMES[rtype]
    parts, end = [octets[at:at + before].hex()], at + size
    at += before
    for _ in range(count):
        name, at = read_name(octets, at)
        parts.append(name)
    return parts + [octets[at:end].hex()]


def normal(octets):
    """All of a message that must be the same."""
    flags, *counts = struct.unpack_from("!5H", octets, 2)
    at, sections = 12, []
    for section, count in enumerate(counts):
        records = []
        for _ in range(count):
            name, at = read_name(octets, at)
            rtype, rclass = struct.unpack_from("!HH", octets, at)
            at += 4
            if section == 0:
                records.append([name, rtype, rclass])
                continue
            ttl, size = struct.unpack_from("!IH", octets, at)
            records.append([name, rtype, rclass, ttl, read_rdata(octets, at + 6, size, rtype)])
            at += 6 + size
        sections.append(records)
    assert at == len(octets), "octets after the message"
    return [flags, sections]


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".") if label) + b"\0"


class Recorder:
    """A server for UDP and TCP that keeps what it gets and answers as it is told."""

    def __init__(self, port=0, rcode=0, ignore=0, truncate=False):
        self.rcode, self.ignore, self.truncate = rcode, ignore, truncate
        self.messages = []
        self.tcp = socket.create_server(("127.0.0.1", port))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.threads = [threading.Thread(target=run) for run in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def close(self):
        self.udp.sendto(b"", self.udp.getsockname())
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    def answer(self, octets, over_tcp):
        _, end = read_name(octets, 12)
        question = octets[12:end + 4]
        qtype = struct.unpack_from("!H", octets, end)[0]
        opcode = octets[2] >> 3 & 15
        head = octets[:2] + bytes([0x80 | opcode << 3 | octets[2] & 1])
        if opcode == UPDATE:
            if self.truncate and not over_tcp:
                head = head[:2] + bytes([head[2] | 2])
            return head + bytes([self.rcode]) + struct.pack("!4H", 1, 0, 0, 0) + question
        head = head[:2] + bytes([head[2] | 4])  # AA
        if qtype == 1 and read_name(octets, 12)[0] == wire_name("ns.dyn.example").hex():
            return (head + b"\0" + struct.pack("!4H", 1, 1, 0, 0) + question +
                    b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1))
        apex = wire_name("dyn.example")
        soa = wire_name("ns.dyn.example") + wire_name("host.dyn.example") + struct.pack("!5I", 1, 60, 60, 60, 60)
        soa = apex + struct.pack("!HHIH", SOA, 1, 60, len(soa)) + soa
        at_apex = read_name(octets, 12)[0] == apex.hex() and qtype == SOA
        below = bytes.fromhex(read_name(octets, 12)[0]).endswith(apex)
        if not below:
            return head + b"\5" + struct.pack("!4H", 1, 0, 0, 0) + question  # REFUSED
        counts = (1, 1, 0, 0) if at_apex else (1, 0, 1, 0)
        return head + b"\0" + struct.pack("!4H", *counts) + question + soa

    def serve_udp(self):
        while True:
            octets, peer = self.udp.recvfrom(65535)
            if not octets:
                return
            self.messages.append(("UDP", octets))
            if self.ignore > 0 and octets[2] >> 3 & 15 == UPDATE:
                self.ignore -= 1
                continue
            self.udp.sendto(self.answer(octets, False), peer)

    def serve_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            with connection, connection.makefile("rb") as stream:
                length = stream.read(2)
                if len(length) < 2:
                    return
                octets = stream.read(struct.unpack("!H", length)[0])
                self.messages.append(("TCP", octets))
                reply = self.answer(octets, True)
                connection.sendall(struct.pack("!H", len(reply)) + reply)

    def seen(self):
        return [[transport, normal(octets)] for transport, octets in self.messages]


def run(program, script, *options):
    """Exit status, output and errors, without the lines that BIND's libraries log and what differs each time."""
    ran = subprocess.run([program, *options], input=script, capture_output=True, text=True, timeout=TIME_LIMIT,
                         check=False)
    errors = [line for line in ran.stderr.splitlines() if not re.match(r"\d\d-\w{3}-\d{4} ", line)]
    output = re.sub(r"(?m), id: +\d+$", ", id: -", ran.stdout)
    return ran.returncode, output, errors


# Each is sent to a server that is named, with the zone dyn.example.
SCRIPTS = {
    "a mapping": """
        update delete h1.dyn.example A
        update add h1.dyn.example 60 A 198.51.100.7
        update delete _http._tcp.h1.dyn.example SRV
        update add _http._tcp.h1.dyn.example 60 SRV 0 0 8001 h1.dyn.example.
        update add h1.dyn.example 60 TXT "path=/" second""",
    "prerequisites": """
        prereq nxdomain a.dyn.example
        prereq yxdomain b.dyn.example
        prereq nxrrset c.dyn.example A
        prereq nxrrset c.dyn.example IN AAAA
        prereq yxrrset d.dyn.example TXT
        prereq yxrrset e.dyn.example A 192.0.2.1
        prereq yxrrset e.dyn.example IN SRV 0 0 80 h.dyn.example
        nxdomain x
        yxrrset x MX 10 y""",
    "deletions": """
        delete a.dyn.example
        del a.dyn.example 60
        del a.dyn.example ANY
        del a.dyn.example IN ANY
        del a.dyn.example A
        del a.dyn.example 60 IN A
        del a.dyn.example NONE TXT
        del a.dyn.example A 192.0.2.1
        del a.dyn.example 300 IN MX 10 m.dyn.example""",
    "names": """
        add H1.Dyn.Example 60 CNAME WWW.dyn.example
        add h 60 SRV 0 0 1 t
        add @ 60 TXT @
        add . 60 TXT root
        add h\\.x.dyn.example 60 TXT a
        add h\\032x.dyn.example. 60 TXT a
        add "q".dyn.example 60 TXT a
        add *.dyn.example 60 A 192.0.2.1""",
    "text": """
        add h.dyn.example 60 TXT v=DKIM1; k=rsa; p=AAAA
        add h.dyn.example 60 TXT "a;b" ; c
        add h.dyn.example 60 TXT a\\032b "c\\"d" \\; "" x
        add h.dyn.example 60 TXT ( a b )
        add h.dyn.example 60\tIN   TXT  "two  blanks"  """,
    "types": """
        add h.dyn.example 60 AAAA 2001:db8::1
        add h.dyn.example 60 NS ns.dyn.example
        add h.dyn.example 60 PTR p.dyn.example
        add h.dyn.example 60 DNAME d.dyn.example
        add h.dyn.example 60 SOA a.dyn.example b.dyn.example 1 2 3 4 5
        add h.dyn.example 60 HINFO "PC" "Linux"
        add h.dyn.example 60 RP a.dyn.example b.dyn.example
        add h.dyn.example 60 NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:a@b!" .
        add h.dyn.example 60 CAA 0 issue "ca.example"
        add h.dyn.example 60 URI 1 1 "https://h.dyn.example:8001/"
        add h.dyn.example 60 SSHFP 1 1 0123456789012345678901234567890123456789
        add h.dyn.example 60 TLSA 3 1 1 0123456789012345678901234567890123456789012345678901234567890123
        add h.dyn.example 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
        add h.dyn.example 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
        add h.dyn.example 60 DNSKEY 256 3 8 AwEAAbOfUAo57FajYhIYEYL84qg+OCAA
        add h.dyn.example 60 NSEC3PARAM 1 0 0 -
        add h.dyn.example 60 APL 1:192.0.2.0/24 !2:2001:db8::/32
        add h.dyn.example 60 TYPE65280 \\# 2 abcd
        add h.dyn.example 60 TYPE1 \\# 4 c0000201""",
    "service bindings": """
        add h.dyn.example 60 HTTPS 1 . alpn=h2,h3 port=8001 ipv4hint=192.0.2.1
        add h.dyn.example 60 SVCB 0 foo.dyn.example
        add h.dyn.example 60 SVCB 1 . ipv6hint=2001:db8::1 port=53 mandatory=port
        add h.dyn.example 60 HTTPS 1 x.dyn.example no-default-alpn alpn=h2""",
    "TTLs": """
        ttl 77
        add h.dyn.example A 192.0.2.1
        add h.dyn.example IN A 192.0.2.2
        add h.dyn.example 5 A 192.0.2.3
        ttl none
        add h.dyn.example 2147483647 A 192.0.2.4
        add h.dyn.example 0 A 192.0.2.5""",
    "the class of the script": """
        class CH
        add h.dyn.example 60 TXT a
        yxrrset h.dyn.example CH TXT""",
    "two messages": """
        add a.dyn.example 60 A 192.0.2.1
        send
        ; a comment
        del b.dyn.example
        """,
    "an empty update": "",
    "check-names off": """
        check-names off
        add h_x.dyn.example 60 A 192.0.2.1""",
    "as large as a datagram may be": "\n".join(
        f"add h{i:02}.dyn.example 60 TXT {'x' * 30}" for i in range(8)),
    "larger than a datagram": "\n".join(
        f"add h{i:02}.dyn.example 60 TXT {'x' * 200}" for i in range(40)),
}

SHOWN = """
    show
    zone dyn.example
    prereq nxdomain h1.dyn.example
    yxrrset h1.dyn.example A 192.0.2.1
    add h1.dyn.example 60 A 192.0.2.9
    add h1.dyn.example 123456789 TXT "a b" c
    add a-name-that-is-longer-than-its-column.dyn.example 60 SRV 0 0 8001 h1.dyn.example.
    add h1.dyn.example 60 NSEC3PARAM 1 0 0 -
    del x.dyn.example
    del y.dyn.example A
    del z.dyn.example A 192.0.2.4
    show
    answer
    """.strip()

# What nsupdate says of them is ours to say too, word for word.
MISTAKES = [
    "foo", "update", "update foo", "prereq", "prereq foo", "update add", "prereq nxdomain", "add h", "add h A 192.0.2.1",
    "add h 1d A 192.0.2.1", "add h -1 A 192.0.2.1", "add h 2147483648 A 192.0.2.1", "ttl 60\nadd h xx A 192.0.2.1",
    "add h 60", "add h 60 IN", "add h 60 IN A", "add h 60 FOO x", "add h 60 IN CLASS1 TXT x", "delete h foo",
    "nxrrset a", "nxrrset a ANY", "nxrrset a foo", "yxrrset a 300 A", "class", "class FOO", "class ANY", "class NONE",
    "class CH\nadd h 60 TXT a\nadd h 60 IN TXT a", "add h 60 TXT a\nadd h 60 CH TXT a", "ttl", "ttl 4294967295", "zone", "server",
    "server 127.0.0.1 abc", "server 127.0.0.1 70000", "local", "local ::1 99999", "key", "key a", "check-names",
    "check-names 0", "add h_x.example 60 A 192.0.2.1", "add h_x.example 60 MX 10 a", "add h 60 MX 10 a_b.example",
    "add h 60 SRV 0 0 1 a_b.example", "add h 60 NS a_b.example", "add *.*.a 60 A 192.0.2.1",
    "add 1.2.0.192.in-addr.arpa 60 PTR a_b.example",
]
# Here the end of the line is a library's, and differs.
MISTAKES_BEGIN = ["add h 60 A 192.0.2", "add h 60 A 192.0.2.1 5", 'add h 60 TXT "open', "add h..x 60 A 192.0.2.1",
                  "yxrrset a A 192.0.2.1 5", "delete h A 192.0.2", "zone a..b", "add h 60 AXFR x"]


@unittest.skipUnless(THEIRS, "nsupdate (bind9-dnsutils) is not installed")
class BesideNsupdate(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dnsd-update-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.key = os.path.join(self.folder, "k.key")
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(KEY)

    def record(self, program, script, *options, **server):
        recorder = Recorder(**server)
        try:
            ran = run(program, script.replace("PORT", str(recorder.port)), *options)
        finally:
            recorder.close()
        return [status_and_text.replace(str(recorder.port), "PORT") if isinstance(status_and_text, str) else
                status_and_text for status_and_text in ran[:2]] + [
                    [line.replace(str(recorder.port), "PORT") for line in ran[2]]], recorder

    def compare(self, script, *options, **server):
        theirs, their_messages = self.record(THEIRS, script, *options, **server)
        ours, our_messages = self.record(OURS, script, *options, **server)
        self.assertEqual(ours, theirs)
        self.assertEqual(our_messages.seen(), their_messages.seen())
        return our_messages

    def test_the_same_messages(self):
        for title, script in SCRIPTS.items():
            for options in ((), ("-v",)):
                with self.subTest(title, options=options):
                    recorder = self.compare(f"server 127.0.0.1 PORT\nzone dyn.example\n{script}\nsend\n", *options)
                    self.assertTrue(recorder.messages)

    def test_a_service_is_the_message_that_nsupdate_needs_six_lines_for(self):
        head = "server 127.0.0.1 PORT\nzone dyn.example\n"
        _, ours = self.record(OURS, head + "service h1.dyn.example. http tcp 198.51.100.1 8001 path=/ b\nsend\n")
        _, theirs = self.record(THEIRS, head + """
            del h1.dyn.example A
            del _http._tcp.h1.dyn.example SRV
            del _http._tcp.h1.dyn.example TXT
            add h1.dyn.example 60 A 198.51.100.1
            add _http._tcp.h1.dyn.example 60 SRV 0 0 8001 h1.dyn.example
            add _http._tcp.h1.dyn.example 60 TXT path=/ b
            send
            """.strip() + "\n")
        self.assertEqual(ours.seen(), theirs.seen())
        self.assertEqual(len(ours.messages), 1)

    def signed(self, *options):
        """The answer is unsigned, so that both clients complain, each in its way: only what is sent is compared."""
        script = ("server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\n"
                  "add h1.dyn.example 60 TXT a\nsend\n")
        _, theirs = self.record(THEIRS, script, "-v", *options)
        _, ours = self.record(OURS, script, "-v", *options)
        self.assertEqual(ours.seen(), theirs.seen())
        return ours.messages

    def test_the_same_signature(self):
        secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        self.assertEqual(len(self.signed("-k", self.key)), 1)
        for algorithm in ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"):
            with self.subTest(algorithm):
                self.signed("-y", f"{algorithm}:k.example:{secret}")

    def test_a_retry_is_a_message_of_its_own(self):
        script = "server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nsend\n"
        ran, recorder = self.record(OURS, script, "-u", "1", "-r", "1", "-k", self.key, ignore=1)
        self.assertIn(ran[0], (0, 2))
        first, second = (octets for _, octets in recorder.messages[:2])
        self.assertEqual(normal(first), normal(second))
        self.assertNotEqual(first[:2], second[:2])
        self.assertNotEqual(first[-48:], second[-48:])  # the MAC and what is behind it

    def test_retries_end(self):
        script = "server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nsend\n"
        for program in (THEIRS, OURS):
            ran, recorder = self.record(program, script, "-u", "1", "-r", "1", ignore=9)
            self.assertEqual(ran[0], 2)
            self.assertEqual(len(recorder.messages), 2)
            self.assertRegex(ran[2][0], "^; Communication with 127.0.0.1#PORT failed: ")

    def test_truncated_answers_go_to_tcp(self):
        script = "server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nsend\n"
        ran, recorder = self.record(OURS, script, truncate=True)
        self.assertEqual(ran, [0, "", []])
        self.assertEqual([transport for transport, _ in recorder.messages], ["UDP", "TCP"])

    def test_rcodes(self):
        script = ("server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nsend\nanswer\n"
                  "del h1.dyn.example\nsend\nversion\n").replace("version\n", "")
        for rcode in range(0, 11):
            with self.subTest(rcode):
                self.compare(script, rcode=rcode)

    def test_the_zone_is_looked_for_at_the_server(self):
        for first in ("add h1.dyn.example 60 A 192.0.2.1", "yxdomain a.b.dyn.example", "del dyn.example TXT"):
            with self.subTest(first):
                self.compare(f"server 127.0.0.1 PORT\n{first}\nsend\n")
        self.compare("server 127.0.0.1 PORT\nadd h1.other.example 60 A 192.0.2.1\nsend\n")

    def test_nothing_is_sent(self):
        for script in ("", "send\n\n", "server 127.0.0.1 PORT\nsend\n", "quit\n",
                       "server 127.0.0.1 PORT\nzone dyn.example\nadd h.dyn.example 60 A 192.0.2.1\n",
                       "server 127.0.0.1 PORT\nzone dyn.example\nadd h.dyn.example 60 A 192.0.2.1\nquit\nsend\n"):
            with self.subTest(script):
                self.assertEqual(self.compare(script).messages, [])

    def test_show(self):
        self.assertEqual(run(OURS, SHOWN), run(THEIRS, SHOWN))

    def test_mistakes(self):
        for script in MISTAKES:
            with self.subTest(script):
                self.assertEqual(run(OURS, script + "\nadd h 60 TXT x\nshow\n"),
                                 run(THEIRS, script + "\nadd h 60 TXT x\nshow\n"))
                self.assertEqual(run(OURS, script + "\nshow\n", "-i"), run(THEIRS, script + "\nshow\n", "-i"))
        for script in MISTAKES_BEGIN:
            with self.subTest(script):
                ours, theirs = run(OURS, script + "\nshow\n"), run(THEIRS, script + "\nshow\n")
                self.assertEqual(ours[:2], theirs[:2])
                self.assertEqual(ours[2][0].split(":")[0], theirs[2][0].split(":")[0])
                self.assertEqual(ours[2][1:], theirs[2][1:])

    def test_options(self):
        for options in (("-4", "-6"), ("-k", "x", "-y", "a:AAAA"), ("-p", "foo"), ("-p", "70000"), ("-t", "x"),
                        ("-u", "x"), ("-r", "x"), ("-R", "x")):
            with self.subTest(options):
                ours, theirs = run(OURS, "", *options), run(THEIRS, "", *options)
                self.assertEqual(ours[:2], theirs[:2])
                self.assertEqual(ours[2], [line.replace(THEIRS, "dnsd-update") for line in theirs[2]])

    def test_a_script_file(self):
        path = os.path.join(self.folder, "script")
        with open(path, "w") as out:
            out.write("add h.example 60 A 192.0.2.1\nshow\n")
        self.assertEqual(run(OURS, "", path), run(THEIRS, "", path))
        self.assertEqual(run(OURS, "", path + ".none")[0], run(THEIRS, "", path + ".none")[0])

    def test_finds_zone_and_server_by_itself(self):
        """In a network of its own, where this test is the resolver of resolv.conf."""
        unshare = ["unshare", "--map-root-user", "--net", "--mount"]
        if subprocess.run(unshare + ["true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no namespaces for an unprivileged user here")
        ran = subprocess.run(unshare + [sys.executable, "-B", __file__, "inside"], capture_output=True, text=True,
                             timeout=TIME_LIMIT, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        theirs, ours = json.loads(ran.stdout)
        self.assertEqual(ours, theirs)
        self.assertTrue(any(message[0] >> 11 == UPDATE for script in ours for message in script[1]))


def is_address_question(message):
    """For the primary's address: the C library asks for nsupdate and for us, A and AAAA in any order."""
    return message[1][0][0][1] in (1, 28)


def inside():
    """As root of its own network: both programs against 127.0.0.1:53; prints what they sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        up = struct.pack("16sH14x", b"lo", 0x41)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, up)  # SIOCSIFFLAGS
    with tempfile.NamedTemporaryFile("w") as resolv_conf:
        resolv_conf.write("nameserver 127.0.0.1\n")
        resolv_conf.flush()
        subprocess.run(["mount", "--bind", resolv_conf.name, "/etc/resolv.conf"], check=True)
        results = []
        for program in (THEIRS, OURS):
            results.append([])
            for script in ("add h1.dyn.example 60 A 192.0.2.1\nsend\n",
                           "zone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nsend\n",
                           "prereq yxdomain a.b.dyn.example\n\n", "add h1.other.example 60 TXT x\nsend\n"):
                recorder = Recorder(53)
                try:
                    ran = run(program, script)
                finally:
                    recorder.close()
                sent = [normal(octets) for _, octets in recorder.messages]
                results[-1].append([ran, [message for message in sent if not is_address_question(message)]])
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
    print(json.dumps(results))


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    else:
        unittest.main()
