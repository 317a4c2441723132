#!/usr/bin/env python3
"""Writes the seed corpora: seeds.py FOLDER makes FOLDER/<target>/ for each target. The same files each time."""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))
import base64
import dns

ZONE = "dyn.example."
NOW = 1_700_000_000  # as in tsig_fuzz.cpp
SECRET = base64.b64encode(bytes(range(1, 33))).decode()

# One valid RDATA for each type that has a form of its own, names uncompressed.
NAME = dns.wire_name("host.dyn.example.")


def text(*strings):
    return b"".join(bytes([len(one)]) + one.encode() for one in strings)


def u16(*values):
    return struct.pack(f"!{len(values)}H", *values)


def u32(*values):
    return struct.pack(f"!{len(values)}I", *values)


RDATA = {
    1: bytes([192, 0, 2, 1]),
    2: NAME, 3: NAME, 4: NAME, 5: NAME, 7: NAME, 8: NAME, 9: NAME, 12: NAME, 23: NAME, 39: NAME,
    6: NAME + NAME + u32(1, 3600, 600, 604800, 60),
    10: b"anything", 11: bytes([192, 0, 2, 1, 6, 0x80]),
    13: text("cpu", "os"), 14: NAME + NAME, 15: u16(10) + NAME, 16: text("path=/", "", "x" * 255), 17: NAME + NAME,
    18: u16(1) + NAME, 19: text("311061700956"), 20: text("150862028003217", "004"), 20.5: text("150862028003217"),
    21: u16(10) + NAME, 22: bytes.fromhex("47000580005a0000000001e133ffffff00016100"),
    24: u16(1) + bytes([8, 3]) + u32(60, 2_000_000_000, 1_000_000_000) + u16(4711) + NAME + b"signature",
    25: u16(256) + bytes([3, 15]) + bytes(32), 26: u16(10) + NAME + NAME, 27: text("-32.6882", "116.8652", "10.0"),
    28: bytes.fromhex("20010db8000000000000000000000001"), 29: bytes.fromhex("0012161389d5a4c4726a7a9000989680"),
    30: NAME + bytes([0x62, 1, 8, 2]), 33: u16(10, 20, 8001) + NAME, 34: b"\x00host",
    35: u16(100, 10) + text("S", "SIP+D2U", "") + NAME, 36: u16(10) + NAME, 37: u16(1, 4711) + bytes([8]) + b"cert",
    38: bytes([64]) + bytes(8) + NAME, 42: u16(1) + bytes([24, 3, 192, 0, 2]),
    43: u16(4711) + bytes([15, 2]) + bytes(32), 44: bytes([4, 2]) + bytes(32), 45: bytes([10, 1, 2, 192, 0, 2, 1, 1, 2]),
    46: u16(1) + bytes([8, 3]) + u32(60, 2_000_000_000, 1_000_000_000) + u16(4711) + NAME + b"signature",
    47: NAME + bytes([0, 6, 0x40, 1, 0, 0, 0, 3, 1, 1, 0x40]), 48: u16(257) + bytes([3, 15]) + bytes(32),
    49: bytes(35), 50: bytes([1, 0]) + u16(5) + bytes([4]) + b"salt" + bytes([20]) + bytes(20) + bytes([0, 1, 0x40]),
    51: bytes([1, 0]) + u16(5) + bytes([4]) + b"salt", 52: bytes([3, 1, 1]) + bytes(32), 53: bytes([3, 1, 1]) + bytes(32),
    55: bytes([4, 2]) + u16(4) + b"hitt" + b"keyy" + NAME, 59: u16(4711) + bytes([15, 2]) + bytes(32),
    60: u16(257) + bytes([3, 15]) + bytes(32), 61: b"openpgp", 62: u32(1) + u16(3) + bytes([0, 1, 0x40]),
    63: u32(1) + bytes([1, 1]) + bytes(48),
    64: u16(1) + NAME + u16(0, 2, 3) + u16(1, 3) + b"\2h2" + u16(3, 2, 8001) + u16(3, 2, 8001),
    65: u16(1) + dns.wire_name(".") + u16(0, 4) + u16(1, 3) + u16(1, 6) + b"\2h2\2h3" + u16(2, 0) + u16(3, 2, 8001)
    + u16(4, 4) + bytes([192, 0, 2, 1]) + u16(5, 3) + b"ech" + u16(6, 16) + bytes(16) + u16(7, 1) + b"x",
    65.5: u16(0) + NAME,
    99: text("v=spf1 -all"), 104: u16(10) + bytes(8), 105: u16(10) + bytes(4), 106: u16(10) + bytes(8),
    107: u16(10) + NAME, 108: bytes(6), 109: bytes(8), 249: NAME + u32(1, 2) + u16(3, 0, 0, 0), 256: u16(10, 1)
    + b"https://host.dyn.example:8001/", 257: bytes([0, 5]) + b"issue" + b"ca.example", 258: text("path=/"),
    32768: bytes(20), 32769: bytes(36), 65280: b"\x01\x02\x03",
}

# zones/reachability.h: TCP, port 8001, address.
REACHABILITY = 65310
TRIED = bytes([6]) + u16(8001) + bytes([192, 0, 2, 1])


def rr(owner, rtype, data, rclass=1, ttl=60):
    return owner + struct.pack("!2HIH", int(rtype), rclass, ttl, len(data)) + data


def header(opcode=0, counts=(1, 0, 0, 0), flags=0, ident=0x1234):
    return struct.pack("!6H", ident, opcode << 11 | flags, *counts)


def question(name, rtype, rclass=1):
    return (name if isinstance(name, bytes) else dns.wire_name(name)) + struct.pack("!2H", rtype, rclass)


def opt(options=b"", size=1232, flags=0, version=0, owner=b"\0"):
    return owner + struct.pack("!2HBBHH", 41, size, 0, version, flags, len(options)) + options


COMPRESSED = b"\xc0\x0c"


def messages():
    for rtype, data in RDATA.items():
        yield header(flags=0x8400, counts=(1, 1, 0, 0)) + question("host.dyn.example.", int(rtype)) + rr(
            COMPRESSED, rtype, data)
    # Compressed names in RDATA.
    for rtype, data in ((2, COMPRESSED), (6, COMPRESSED + b"\4mail" + COMPRESSED + u32(1, 2, 3, 4, 5)),
                        (15, u16(10) + b"\4mail\xc0\x11"), (33, u16(0, 0, 80) + COMPRESSED)):
        yield header(flags=0x8400, counts=(1, 1, 0, 0)) + question("host.dyn.example.", rtype) + rr(
            COMPRESSED, rtype, data)
    everything = b"".join(rr(COMPRESSED, rtype, data) for rtype, data in RDATA.items() if int(rtype) != 249)
    yield header(flags=0x8400, counts=(1, len(RDATA) - 1, 0, 0)) + question("host.dyn.example.", 255) + everything
    options = b"".join(u16(code, len(data)) + data for code, data in (
        (2, u32(3600)), (2, u32(3600, 7200)), (3, b""), (8, u16(1, 0x1800) + bytes([192, 0, 2])), (9, b""), (10, bytes(8)),
        (10, bytes(24)), (11, b""), (12, bytes(20)), (15, u16(18) + b"why"), (65001, b"x"), (REACHABILITY, TRIED),
        (REACHABILITY, TRIED + bytes([2]) + u32(300)), (REACHABILITY, TRIED[:3] + bytes(16))))
    yield header(counts=(1, 0, 0, 1)) + question("www.dyn.example.", 1) + opt(options, flags=0x8000)
    yield header(counts=(1, 0, 0, 1)) + question("www.dyn.example.", 1) + opt(version=1)
    yield header(counts=(1, 0, 0, 1)) + question("www.dyn.example.", 1) + opt(owner=b"\1x\0")
    yield header(counts=(1, 0, 0, 2)) + question("www.dyn.example.", 1) + opt() + opt()
    yield header(counts=(1, 1, 0, 0)) + question("www.dyn.example.", 1) + opt()
    yield header(counts=(1, 0, 0, 1)) + question("www.dyn.example.", 1) + rr(b"\0", 250, b"", 255, 0)
    yield from updates()
    yield header(opcode=4, flags=0x400) + question(ZONE, 6)
    yield header(counts=(0, 0, 0, 0))
    yield header(counts=(2, 0, 0, 0)) + question(ZONE, 6) + question(ZONE, 1)
    yield header()[:11]
    yield header() + COMPRESSED + u16(1, 1)
    yield header() + b"\x40abc" + u16(1, 1)
    yield header() + question("www.dyn.example.", 1) + b"trailing"
    yield header() + b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 + b"\x3d" + b"d" * 61 + b"\0" + u16(1, 1)
    yield header() + (b"\x3f" + b"a" * 63) * 4 + b"\0" + u16(1, 1)


def updates():
    prerequisites = [dns.record("a.dyn.example.", "ANY", "ANY"), dns.record("a.dyn.example.", "A", "ANY"),
                     dns.record("b.dyn.example.", "ANY", "NONE"), dns.record("b.dyn.example.", "A", "NONE"),
                     dns.record("c.dyn.example.", "A", "IN", 0, bytes([192, 0, 2, 1]))]
    changes = [dns.add("h1.dyn.example.", 60, "A", "192.0.2.1"),
               dns.add("_http._tcp.h1.dyn.example.", 60, "SRV", "0 0 8001 h1.dyn.example."),
               dns.add("h1.dyn.example.", 60, "TXT", "path=/"), dns.delete_rrset("h2.dyn.example.", "A"),
               dns.delete_name("h3.dyn.example."), dns.record("h4.dyn.example.", "A", "NONE", 0, bytes([192, 0, 2, 1]))]
    for some in ([], changes[:1], changes):
        yield fixed(dns.update(ZONE, some, prerequisites if len(some) > 1 else []))
    lease = u16(2, 8) + u32(3600, 7200)
    with_lease = fixed(dns.update(ZONE, changes))
    yield with_lease[:10] + u16(1) + with_lease[12:] + opt(lease)


def fixed(octets):
    return b"\x12\x34" + octets[2:]


def queries():
    # query_fuzz knows the zone e. and takes its limits from the octet that main() puts before each.
    for name in ("a", "A", "s.t.a", "h", "g", "c", "cc", "l", "n", "o", "x.w", "w", "y.x.w", "v", "x.v", "y.q.z", "z", "x.d",
                 "x.b", "x.k", "q", "x.q", "ns.q", "nothing"):
        for rtype in (1, 33, 65, 255, 5):
            yield header(flags=0x100) + question(f"{name}.e.", rtype)
        yield header(counts=(1, 0, 0, 1)) + question(f"{name}.e.", 28) + opt(u16(10, 8) + bytes(8), flags=0x8000)
    for name in ("e.", "E.", "f.", "x.f.", ".", "www.example.org."):
        for rtype in (6, 2, 15, 252, 251, 255, 43, 41, 250):
            yield header() + question(name, rtype)
    for rclass in (3, 4, 254, 255):
        yield header() + question("a.e.", 1, rclass)
    for opcode in range(16):
        yield header(opcode=opcode) + question("www.dyn.example.", 1)
    for size in (0, 512, 513, 4096, 65535):
        yield header(counts=(1, 0, 0, 1)) + question("a.e.", 255) + opt(size=size)
    yield header(flags=0x8000) + question("www.dyn.example.", 1)
    for name in ("version.bind.", "id.server.", "authors.bind."):
        yield header() + question(name, 16, 3)
        yield header(counts=(1, 0, 0, 1)) + question(name, 255, 3) + opt(u16(3, 0))
    for options in (u16(3, 0, 11, 0), u16(11, 2, 100), u16(3, 2, 7, 10, 8) + bytes(8),
                    u16(REACHABILITY, 7) + TRIED, u16(REACHABILITY, 2) + b"xx"):
        yield header(counts=(1, 0, 0, 1)) + question("a.e.", 1) + opt(options)
        yield header(counts=(0, 0, 0, 1)) + opt(options)
    yield from messages()
    yield from signed()


def signed():
    for name, algorithm in (("sha1.example.", "hmac-sha1"), ("sha224.example.", "hmac-sha224"),
                            ("sha256.example.", "hmac-sha256"), ("sha384.example.", "hmac-sha384"),
                            ("sha512.example.", "hmac-sha512")):
        key = dns.Key(name, SECRET, algorithm)
        message = fixed(dns.update(ZONE, [dns.add("h1.dyn.example.", 60, "A", "192.0.2.1")]))
        for when, fudge, broken in ((NOW, 300, False), (NOW - 301, 300, False), (NOW + 9999, 300, False),
                                    (NOW, 65535, False), (NOW, 300, True)):
            yield key.sign(message, now=when, fudge=fudge, break_mac=broken)[0]
        # A truncated MAC: half, and too short a one.
        octets, mac = key.sign(message, now=NOW)
        size = len(mac)
        at = octets.index(mac)
        for kept in (size // 2, max(10, size // 2) + 1, 9, 0):
            data_size = struct.unpack_from("!H", octets, octets.rindex(dns.wire_name(algorithm)) - 2)[0]
            rdata_at = octets.rindex(dns.wire_name(algorithm))
            yield (octets[:rdata_at - 2] + u16(data_size - size + kept) + octets[rdata_at:at - 2] + u16(kept)
                   + octets[at:at + kept] + octets[at + size:])
        query = fixed(dns.query("www.dyn.example.", "A"))
        yield key.sign(query, now=NOW)[0]
    stranger = dns.Key("nobody.example.", SECRET)
    yield stranger.sign(fixed(dns.query("www.dyn.example.", "A")), now=NOW)[0]
    yield dns.Key("sha256.example.", SECRET, "hmac-sha512").sign(fixed(dns.query("www.dyn.example.", "A")), now=NOW)[0]
    unknown = dns.Key("sha256.example.", SECRET).sign(fixed(dns.query("www.dyn.example.", "A")), now=NOW)[0]
    yield unknown.replace(b"\x0bhmac-sha256", b"\x0bhmac-sha255")
    # Responses, for the client's side: errors, a time of the server, and one that claims to be signed.
    for error, other in ((0, b""), (16, b""), (17, b""), (18, struct.pack("!HI", 0, NOW)), (18, b"xx"), (22, b"")):
        data = (dns.wire_name("hmac-sha256.") + struct.pack("!HIH", 0, NOW, 300) + u16(0) + b"\x12\x34" + u16(error)
                + u16(len(other)) + other)
        for signature in (data, data.replace(u16(300) + u16(0), u16(300) + u16(32) + bytes(32))):
            yield header(flags=0x8009 if error else 0x8000, counts=(1, 0, 0, 1)) + question(
                "www.dyn.example.", 1) + rr(dns.wire_name("sha256.example."), 250, signature, 255, 0)


def journal():
    def record(owner, rtype, data, same=False):
        return (b"\0" if same else b"\1" + dns.wire_name(owner)) + struct.pack("!HIH", rtype, 60, len(data)) + data

    soa = dns.wire_name("ns.dyn.example.") * 2
    removed = record(ZONE, 6, soa + u32(1, 2, 3, 4, 5))
    added = record(ZONE, 6, soa + u32(2, 2, 3, 4, 5)) + record("h1.dyn.example.", 1, bytes(4)) + record(
        "", 16, b"\1x", same=True)
    change = dns.wire_name(ZONE) + u32(1, 2) + u32(1) + removed + u32(3) + added
    message = dns.wire_name("key.example.") + bytes(32) + bytes(16) + u16(5300) + struct.pack("!q", NOW) + u16(0)
    for changes, texts in (([], []), ([change], []), ([change], [message]), ([change, change], [message] * 3)):
        # The target completes the checksum.
        yield (b"\1" + struct.pack("!Qq", 7, NOW) + u32(len(changes)) + b"".join(changes) + u32(len(texts))
               + b"".join(texts) + bytes(4))


def names():
    for one, two in (("example.org.", "www"), (".", "a.b.c"), ("dyn.example.", "@"), ("x\\.y.", "\\065\\.\\\\\\000b"),
                     ("a" * 63 + ".", "b" * 63 + "." + "c" * 63), ("a..b", "\\2"), ("*.", "\\300")):
        yield bytes([len(one)]) + one.encode() + two.encode()
    compressed = bytes(12) + dns.wire_name("www.dyn.example.") + b"\4mail\xc0\x10" + COMPRESSED + b"\0"
    yield compressed
    for wrong in (b"\xc0\x00", b"\xc0\xff", b"\x40", b"\x80a", b"\x3fa", b"\xc0", b"\1", b"\1a\xc0" + bytes([len(compressed)])):
        yield compressed + wrong
    yield bytes(12) + dns.wire_name("a." * 120) + b"\3bbb\3bbb\3bbb\xc0\x0c"
    yield bytes(12) + dns.wire_name("a." * 127) + b"\xc0\x0c"
    chain = bytes(12) + b"\1a\0"
    for _ in range(200):
        chain += b"\xc0" + bytes([len(chain) - 2]) if len(chain) < 250 else b""
    yield chain


def texts():
    for rtype, data in RDATA.items():
        yield u16(int(rtype)) + data
    for rtype, words in (
        (1, "192.0.2.1"), (1, "192.0.2"), (1, "\\# 4 c0000201"), (1, "\\# 3 c00002"), (1, "\\# 5 c0000201"),
        (1, "\\# 4 c00002zz"), (1, "\\#"), (1, "\\# 70000 00"), (1, "\\# 4 c0 00 02 01"), (1, "192.0.2.1 2"), (1, ""),
        (28, "2001:db8::1"), (33, "0 0 8001 h1"), (33, "0 0 80010 h1"), (33, "0 0 h1"), (33, "0 0 8001 a..b"),
        (16, '"a b" c "\\"\\\\\\001"'), (16, '"open'), (16, '"' + "x" * 256 + '"'), (16, '"a"\n"b"'), (16, "a ; b"),
        (16, "( a"), (15, "10 mail.example.org."), (6, "ns h 1 1h 10m 1w 60"), (6, "( ns h\n1 2 3\n4 5 )"),
        (65, "1 . alpn=h2,h3 port=8001 ipv4hint=192.0.2.1 ech=AQID ipv6hint=2001:db8::1 key7=x mandatory=port"),
        (65, '1 . alpn="h2,h3"'), (64, "0 www"), (64, "1 www port=8001 port=8002"), (64, "1 www nonsense=1"),
        (256, '10 1 "https://h1/"'), (257, '0 issue "ca.example"'), (45, "10 1 2 192.0.2.1 AQID"), (45, "10 3 2 host AQID"),
        (45, "10 3 2 host.example. AQID"), (45, "10 0 2 . AQID"), (65280, "\\# 3 010203"), (65280, "\\# 0"), (65280, "what"),
        (29, "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"), (255, "x"), (250, "\\# 0"), (35, '1 2 "" "" "" .'),
        (47, "host A MX TYPE1234"), (50, "1 1 12 aabb 2vptu5timamqttgl4luu9kg21e0aor3s A"), (43, "1 8 2 AAAA"),
    ):
        yield u16(rtype) + words.encode()


def updates():
    """What signed_update_fuzz makes updates of; the generator is seeded, so that each build has the same."""
    generator = random.Random(2136)
    for _ in range(60):
        yield generator.randbytes(generator.randint(8, 120))


def sig0():
    """First octet: what the rest is (0 KEY RDATA, 1 a message, 2 a message to sign)."""
    files = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/sig0")
    for name in sorted(os.listdir(files)):
        with open(os.path.join(files, name)) as file:
            lines = file.read().splitlines()
        if name.endswith(".key"):
            flags, protocol, algorithm, key = lines[0].split()[3:7]
            rdata = u16(int(flags)) + bytes([int(protocol), int(algorithm)]) + base64.b64decode("".join(lines[0].split()[6:]))
            yield b"\0" + rdata
            yield b"\0" + rdata[:-1]
            for head in (u16(0x8200), u16(0xC200)):
                yield b"\0" + head + rdata[2:]
            yield b"\0" + rdata[:2] + b"\1" + rdata[3:]
            yield b"\0" + rdata[:3] + b"\5" + rdata[4:]
        elif name.endswith(".hex"):
            octets = bytes.fromhex(lines[1])
            yield b"\1" + octets
            yield b"\1" + octets[:-1]
            yield b"\1" + octets[:-1] + bytes([octets[-1] ^ 1])
            yield b"\2" + octets
    # RSA: exponents of no, one and too many octets, and a long form of the length (RFC 3110 §2).
    modulus = b"\xc1" + bytes(range(1, 128))
    for exponent in (b"\1\3", b"\3\1\0\1", b"\0\0\3\1\0\1", b"\0", b"\0\0\0", b"\1\1", b"\1\2", b"\5\1\0\0\0\1", b"\xff"):
        yield b"\0" + u16(512) + bytes([3, 8]) + exponent + modulus
        yield b"\0" + u16(512) + bytes([3, 10]) + exponent + modulus[:60]
    yield b"\0" + u16(512) + bytes([3, 8]) + b"\3\1\0\1" + bytes([0xC1]) + bytes(600)
    yield b"\0" + u16(512) + bytes([3, 13]) + bytes(64)
    yield b"\0" + u16(512) + bytes([3, 14]) + bytes(95)
    for message in updates():
        yield b"\2" + message


def nat_pmp():
    """Series of NAT-PMP datagrams: kind, length, octets."""
    address = bytes.fromhex("0080000000000009c6336401")
    other = bytes.fromhex("008000000000000ac633644d")
    tcp = bytes.fromhex("00820000000000091f401f4100000e10")
    udp = bytes.fromhex("00810000000000091f401f4200000e10")
    refused = bytes.fromhex("00820004000000091f40000000000000")
    series = [[address, tcp, udp], [tcp, address], [address, refused], [address, tcp, other, tcp]]
    for kind in (0, 1, 60):
        for datagrams in series:
            yield b"".join(bytes([kind, len(datagram)]) + datagram for datagram in datagrams)


def pcp():
    """Messages that servers have sent, one by one and in series."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/pcp_vectors.txt")
    with open(path) as lines:
        packets = [bytes.fromhex(line.split()[1]) for line in lines if not line.startswith("#")]
    yield from packets
    responses = [one for one in packets if len(one) > 3 and one[1] & 0x80]
    for number, one in enumerate(responses):
        series = b""
        for step, other in enumerate((one, responses[number * 7 % len(responses)], one)):
            series += bytes([64 * (step + 1) % 256 | number % 64]) + u16(len(other)) + other
        yield series


def main():
    folder = sys.argv[1]
    corpora = {"rdata_text_fuzz": texts(), "message_fuzz": messages(), "query_fuzz": (bytes([number % 256]) + one for number, one in enumerate(queries())), "tsig_fuzz": signed(), "journal_fuzz": journal(),
               "name_fuzz": names(), "nat_pmp_fuzz": nat_pmp(), "pcp_fuzz": pcp(), "sig0_fuzz": sig0(), "signed_update_fuzz": updates()}
    for target, seeds in corpora.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for number, octets in enumerate(seeds):
            with open(os.path.join(folder, target, f"{number:03d}"), "wb") as out:
                out.write(octets)
    # What is text lies beside this program, to be read and added to.
    corpus = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for target in sorted(os.listdir(corpus)):
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name in sorted(os.listdir(os.path.join(corpus, target))):
            with open(os.path.join(corpus, target, name), "rb") as seed:
                octets = seed.read()
            with open(os.path.join(folder, target, name), "wb") as out:
                out.write(octets)


if __name__ == "__main__":
    main()
