"""A seeded stream of random and nasty UPDATEs (RFC 2136) to zones that a Model follows.

Each message is made with the zone at hand, so that prerequisites hold about as often as not and deletions find something;
what a message is expected to do is the model's word, or for what is malformed the generator's.
"""
import dataclasses
import random
import struct

import dns
import update_model as model
from update_model import CLASS_ANY, CLASS_NONE, IN, TYPE_ANY, Record


def wire(text):
    """Wire form of a name; \\. is no separator."""
    out = b""
    for label in text.rstrip(".").replace("\\.", "\x01").split("."):
        if label:
            label = label.replace("\x01", ".")
            out += bytes([len(label)]) + label.encode("latin-1")
    return out + b"\0"


def strings(*words):
    return b"".join(bytes([len(word)]) + word for word in words)


def u16(*numbers):
    return struct.pack(f"!{len(numbers)}H", *numbers)


# Names below the apex: plain, deep with empty non-terminals, wildcards, a cut with glue and what it hides, DNAME and
# what it hides, aliases, odd labels.
RELATIVE = ["www", "mail", "ns", "ns2", "h1", "h2", "h3", "_http._tcp.h1", "_acme-challenge.h1", "a.b.c.d", "c.d", "*.wild",
            "x.wild", "*", "sub", "ns.sub", "deep.under.sub", "alias", "alias2", "tree", "below.tree", "mixed", "1",
            "l" * 63, "dotted\\.label", "white space", "\xff\x07", "*.*.star", "child", "ns.child"]
OUTSIDE = ["example.", "other.example.", "xz00.example.", ".", "com.", "example.z"]


class Rdatas:
    """Random RDATA of a type, out of few values, so that they meet."""

    def __init__(self, rng, names):
        self.rng = rng
        self.names = names  # wire form

    def name(self):
        return self.rng.choice(self.names)

    def small(self):
        return self.rng.randrange(3)

    def octets(self, least=0, most=4):
        return bytes(self.rng.randrange(4) for _ in range(self.rng.randint(least, most)))

    def of(self, rtype):
        make = getattr(self, f"type{rtype}", None)
        return make() if make else self.octets()

    def type1(self):
        return bytes([192, 0, 2, self.rng.randrange(6)])

    def type2(self):
        return self.name()

    type3 = type4 = type5 = type7 = type8 = type9 = type12 = type39 = type2

    def type11(self):
        return bytes([192, 0, 2, self.small(), self.rng.choice((6, 17))]) + bytes([0, self.small() + 1])

    def type13(self):
        return strings(self.octets(), self.octets())

    def type14(self):
        return self.name() + self.name()

    type17 = type14

    def type15(self):
        return u16(self.small() * 10) + self.name()

    type18 = type21 = type36 = type15

    def type16(self):
        return strings(*(b"t" * self.rng.choice((0, 1, 2, 255)) for _ in range(self.rng.randint(1, 3))))

    type99 = type16

    def type19(self):
        return strings(b"31%d" % self.rng.randrange(1000, 1003))

    def type20(self):
        return strings(b"1508620280%d" % self.small())

    def type25(self):
        return u16(0x0200) + bytes([3, 15]) + bytes([self.small()] * 32)

    def type26(self):
        return u16(self.small()) + self.name() + self.name()

    def type27(self):
        return strings(b"-32.68%d" % self.small(), b"116.86", b"10.0")

    def type28(self):
        return bytes([32, 1, 13, 184] + [0] * 11 + [self.small()])

    def type29(self):
        return bytes([0, 0x12, 0x16, 0x13]) + struct.pack("!3I", 0x89172DD0, 0x70BE15F0, 0x00989680 + self.small())

    def type33(self):
        return u16(self.small(), 0, 8000 + self.small()) + self.name()

    def type35(self):
        return u16(1, self.small()) + strings(b"S", b"SIP+D2T", b"") + self.name()

    def type37(self):
        return u16(1, self.small()) + b"\x05" + self.octets(1)

    def type42(self):
        return bytes([0, 1, 24, 3, 192, 0, 2 + self.small()])

    def type43(self):
        return u16(self.small()) + bytes([13, 2]) + bytes([self.small()] * 32)

    type59 = type43

    def type44(self):
        return bytes([4, 2]) + bytes([self.small()] * 32)

    def type45(self):
        return bytes([10, 1, 2, 192, 0, 2, 38]) + self.octets(1)

    def type46(self):
        return u16(1) + bytes([13, 3]) + struct.pack("!3IH", 60, 1800000000, 1700000000, 7) + wire("example.") + bytes(64)

    def type24(self):
        return self.type46()

    def type47(self):
        return self.name() + bytes([0, 1, 0x40])

    def type30(self):
        return self.name() + b"\x40"

    def type50(self):
        return bytes([1, 0]) + u16(0) + b"\0" + b"\x14" + bytes([self.small()] * 20) + bytes([0, 1, 0x40])

    def type51(self):
        return bytes([1, 0]) + u16(0) + b"\0"

    def type48(self):
        return u16(256) + bytes([3, 13]) + bytes([self.small() + 1] * 64)

    type60 = type48

    def type49(self):
        return bytes([0, 1, 1]) + bytes([self.small()] * 32)

    def type52(self):
        return bytes([3, 1, 1]) + bytes([self.small()] * 32)

    type53 = type52

    def type10(self):
        return self.octets(1)

    def type61(self):
        return self.octets(1)

    def type62(self):
        return struct.pack("!IH", self.small(), 3) + bytes([0, 1, 0x40])

    def type63(self):
        return struct.pack("!I", self.small()) + bytes([1, 241]) + bytes([self.small()] * 48)

    def type64(self):
        return u16(1) + self.name() + u16(3, 2, 8000 + self.small())

    type65 = type64

    def type108(self):
        return bytes([0, 0, 0x5E, 0, 0x53, self.small()])

    def type109(self):
        return bytes([0, 0, 0x5E, 0xEF, 0x10, 0, 0, self.small()])

    def type256(self):
        return u16(10, self.small()) + b"http://h1.example:8000/"

    def type257(self):
        return b"\0" + strings(b"issue") + b"ca%d.example" % self.small()


# Often, and now and then.
COMMON = [1, 1, 1, 16, 16, 28, 33, 15, 5, 2, 12, 65, 256]
RARE = [3, 4, 7, 8, 9, 10, 11, 13, 14, 17, 18, 19, 20, 21, 25, 26, 27, 29, 35, 36, 37, 39, 39, 39, 42, 43, 44, 45, 49, 52,
        53, 59, 61, 62, 63, 64, 99, 108, 109, 257, 1234, 65280]
SERVERS_OWN = [24, 30, 46, 47, 50, 51]
META = [0, 128, 251, 252, 253, 254, 255]
NEVER_IN_A_SECTION = [41, 250]  # OPT, TSIG: in the additional section only
# RDATA that no type of these can have.
MALFORMED = [(1, b"\xc0\0\2"), (1, b"\xc0\0\2\1\0"), (28, bytes(15)), (28, bytes(17)), (1, b""), (16, b""), (16, b"\5abc"),
             (2, b""), (2, b"\1a"), (2, b"\1a\0\0"), (5, b"\x40a\0"), (12, b"\xc0"), (15, b"\0"), (15, b"\0\1"), (33, bytes(6)),
             (33, bytes(5)), (6, b"\0\0" + bytes(19)), (6, b"\0\0" + bytes(21)), (13, b"\1a"), (39, b"\1a\0x"), (17, b"\0"),
             (65, b"\0\1\0\0\1"), (257, b"\0"), (44, b"\1"), (35, bytes(5))]
# Knot looks at lengths and names only.
LOOSE = [(16, b"\5abc"), (13, b"\1a"), (65, b"\0\1\0\0\1"), (257, b"\0"), (44, b"\1")]


@dataclasses.dataclass
class Message:
    """One UPDATE: its octets without a signature, and what it is made of where it can be read."""
    octets: bytes
    prerequisites: list
    updates: list
    rcode: int = None  # what must be answered whatever the zone holds; None: the model decides
    what: str = ""

    def without(self, unwanted, zone_section):
        """The same message without some records of the update section."""
        updates = [rr for rr in self.updates if not unwanted(rr)]
        body = b"".join(encode(rr) for rr in (*self.prerequisites, *updates))
        octets = self.octets[:4] + u16(1, len(self.prerequisites), len(updates), 0) + zone_section + body
        return dataclasses.replace(self, octets=octets, updates=updates)

    def text(self):
        lines = [self.what] if self.what else []
        for section, records in (("prereq", self.prerequisites), ("update", self.updates)):
            lines += [f"{section} {text_of(rr)}" for rr in records]
        return "\n".join("    " + line for line in lines)


def text_of_name(octets):
    out, at = "", 0
    while octets[at]:
        label = octets[at + 1:at + 1 + octets[at]]
        out += "".join(chr(c) if chr(c).isalnum() or c in b"_-*" else f"\\{c:03d}" for c in label) + "."
        at += octets[at] + 1
    return out or "."


def text_of(rr):
    name = {IN: "IN", CLASS_ANY: "ANY", CLASS_NONE: "NONE"}.get(rr.rclass, f"CLASS{rr.rclass}")
    types = {number: text for text, number in dns.TYPES.items()}
    return f"{text_of_name(rr.owner)} {rr.ttl} {name} {types.get(rr.type, f'TYPE{rr.type}')} {rr.rdata.hex()}"


def encode(rr):
    return rr.owner + struct.pack("!2HIH", rr.type, rr.rclass, rr.ttl, len(rr.rdata)) + rr.rdata


class Stream:
    """The messages for one zone."""

    def __init__(self, seed, origin, served=()):
        self.rng = random.Random(f"{seed} {origin}")
        self.origin = origin
        self.apex = wire(origin)
        self.served = {wire(name) for name in served}
        self.owners = [wire(f"{name}.{origin}") for name in RELATIVE]
        self.outside = [wire(name) for name in OUTSIDE]
        targets = [wire(f"{name}.{origin}") for name in ("www", "mail", "ns", "deep.er")] + [wire("ns.example.net.")]
        self.name_servers = [wire(f"{name}.example.net.") for name in ("ns", "ns1", "ns2", "ns3")]  # of the apex
        self.rdatas = Rdatas(self.rng, targets)
        self.id = self.rng.getrandbits(16)

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    # Records

    def owner(self):
        return self.apex if self.chance(12) else self.rng.choice(self.owners)

    def in_another_case(self, rr):
        """Names are compared without case, those in RDATA too. What is added stays in lower case: see the list of differences."""
        if not self.chance(10):
            return rr
        rdata = rr.rdata
        if rdata and rr.type in model.NAMES:
            at, _ = model.NAMES[rr.type]
            end = model.end_of_name(rdata, at)
            rdata = rdata[:at] + rdata[at:end].upper() + rdata[end:]
        return rr._replace(owner=rr.owner.upper(), rdata=rdata)

    def type(self):
        return self.rng.choice(COMMON if self.chance(70) else RARE)

    def ttl(self):
        return self.rng.choice((60, 60, 60, 300)) if self.chance(95) else self.rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1))

    def existing(self, zone):
        """Owner, type and an RDATA of a record that is in the zone."""
        owner, rtype = self.rng.choice(self.keys)
        return owner, rtype, self.rng.choice(sorted(zone[owner, rtype][1]))

    def soa(self, zone):
        ttl, (soa,) = zone[self.apex, model.SOA]
        serial = model.serial_of(soa)
        step = self.rng.choice((-1000, -1, 0, 1, 1, 2, 10, 1000, -serial))
        soa = model.with_serial(soa, (serial + step) % 2**32)
        if self.chance(30):
            soa = soa[:-4] + struct.pack("!I", self.rng.choice((30, 60)))
        return Record(self.apex, model.SOA, IN, self.ttl(), soa)

    def addition(self, zone):
        kind = self.rng.randrange(100)
        if kind < 15 and self.keys:  # there already, perhaps with another TTL
            owner, rtype, rdata = self.existing(zone)
            if rtype != model.SOA:
                return Record(owner, rtype, IN, self.ttl(), rdata)
        if kind < 19:
            return self.soa(zone)
        if kind < 20:  # an SOA where there is none
            return self.soa(zone)._replace(owner=self.rng.choice(self.owners))
        owner, rtype = self.owner(), self.type()
        if rtype == model.NS and owner.lower() == self.apex:
            return Record(owner, rtype, IN, self.ttl(), self.rng.choice(self.name_servers))
        if rtype == 59 and owner.lower() == self.apex:
            owner = self.rng.choice(self.owners)  # BIND checks it against the zone's keys
        if kind < 23:
            rtype, owner = model.CNAME, self.rng.choice(self.keys)[0]
        return Record(owner, rtype, IN, self.ttl(), self.rdatas.of(rtype))

    def deletion(self, zone):
        kind = self.rng.randrange(100)
        if kind < 45:
            owner, rtype, rdata = self.existing(zone)
            if self.chance(10):
                rdata = self.rdatas.of(rtype) if rtype != model.SOA else rdata
            return Record(owner, rtype, CLASS_NONE, 0, rdata)
        if kind < 55:
            rtype = self.type()
            return Record(self.owner(), rtype, CLASS_NONE, 0, self.rdatas.of(rtype))
        if kind < 80:
            owner, rtype, _ = self.existing(zone)
            return Record(owner, rtype if self.chance(80) else self.type(), CLASS_ANY, 0, b"")
        if kind < 85:
            return Record(self.apex, self.rng.choice((model.NS, model.SOA, TYPE_ANY)), CLASS_ANY, 0, b"")
        return Record(self.owner(), TYPE_ANY, CLASS_ANY, 0, b"")

    def lone(self):
        """One record of a type that is no data, or that the server may want to write itself: alone in its message, since
        servers differ in what they do with it, and when."""
        rclass = self.rng.choice((IN, CLASS_NONE, CLASS_ANY))
        owner = self.rng.choice(self.owners)
        if self.chance(50):
            rtype = self.rng.choice(META)
            if self.chance(30):
                return self.message([Record(owner, rtype, rclass, 0, b"")], [])
            return self.message([], [Record(owner, rtype, rclass, 0, b"")])
        rtype = self.rng.choice(SERVERS_OWN)
        return self.message([], [Record(owner, rtype, rclass, 0, b"" if rclass == CLASS_ANY else self.rdatas.of(rtype))])

    def nasty(self, zone):
        """A record that prescan has something against; in few cases nothing."""
        rr = self.addition(zone) if self.chance(50) else self.deletion(zone)
        kind = self.rng.randrange(5)
        if kind == 0:
            return self.in_class(rr, (0, 2, 253, 256, 65535))
        if kind == 1:
            return rr._replace(owner=self.rng.choice(self.outside))
        if kind == 2 and rr.type != model.SOA:
            return rr._replace(rclass=CLASS_ANY, ttl=0, rdata=rr.rdata or self.rdatas.of(rr.type))
        if kind == 3:
            return rr._replace(rclass=self.rng.choice((CLASS_ANY, CLASS_NONE)), ttl=self.rng.choice((1, 60, 2**31 - 1)),
                               rdata=b"" if rr.rclass == CLASS_ANY else rr.rdata)
        return rr

    def in_class(self, rr, classes):
        """The record in another class, with RDATA that its type can have: what cannot be read is another matter."""
        rdata = rr.rdata or (self.rdatas.of(rr.type) if rr.type not in (model.SOA, TYPE_ANY) else b"")
        return rr._replace(rclass=self.rng.choice(classes), type=10 if rr.type == model.SOA else rr.type, rdata=rdata)

    # Prerequisites (2.4.1 to 2.4.5)

    def prerequisite(self, zone):
        kind = self.rng.randrange(5)
        true = self.chance(75)
        owner, rtype, _ = self.existing(zone)
        if kind == 0:
            return self.existence(zone, CLASS_ANY, TYPE_ANY, true, owner, rtype)
        if kind == 1:
            return self.existence(zone, CLASS_NONE, TYPE_ANY, not true, owner, rtype)
        if kind == 2:
            return self.existence(zone, CLASS_ANY, None, true, owner, rtype)
        if kind == 3:
            return self.existence(zone, CLASS_NONE, None, not true, owner, rtype)
        rdatas = sorted(zone[owner, rtype][1])
        if not true:
            change = self.rng.randrange(3)
            if change == 0:
                rdatas = rdatas[1:]
            elif change == 1 and rtype != model.SOA:
                rdatas.append(self.rdatas.of(rtype))
            else:
                owner = self.rng.choice(self.owners)
        if self.chance(20):
            rdatas += rdatas[:1]  # twice is once
        self.rng.shuffle(rdatas)
        return [Record(owner, rtype, IN, 0, rdata) for rdata in rdatas]

    def existence(self, zone, rclass, rtype, exists, owner, its_type):
        """A name or RRset that is there, or most likely not."""
        if exists:
            return [Record(owner, rtype or its_type, rclass, 0, b"")]
        return [Record(self.rng.choice(self.owners), rtype or self.rng.choice(RARE), rclass, 0, b"")]

    def nasty_prerequisite(self, zone):
        rr = self.rng.choice(self.prerequisite(zone) or self.prerequisite(zone) or [self.deletion(zone)])
        kind = self.rng.randrange(4)
        if kind == 0:
            return rr._replace(ttl=1)
        if kind == 1:
            return rr._replace(owner=self.rng.choice(self.outside))
        if kind == 2:
            return self.in_class(rr, (0, 253, 65535))
        return rr._replace(rclass=self.rng.choice((CLASS_ANY, CLASS_NONE)), rdata=rr.rdata or self.rdatas.of(rr.type))

    # Messages

    def next(self, zone):
        self.keys = sorted(zone)
        prerequisites, updates = [], []
        if self.chance(40):
            for _ in range(self.rng.randint(1, 3)):
                prerequisites += map(self.in_another_case, self.prerequisite(zone))
        if self.chance(4):
            prerequisites.insert(self.rng.randint(0, len(prerequisites)), self.nasty_prerequisite(zone))
        for _ in range(self.rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            updates.append(self.addition(zone) if self.chance(55) else self.in_another_case(self.deletion(zone)))
        if updates and self.chance(5):
            updates += self.rng.sample(updates, 1)
        if self.chance(8):
            updates.insert(self.rng.randint(0, len(updates)), self.nasty(zone))
        if self.chance(3):
            return self.lone()
        if self.chance(4):
            return self.broken(prerequisites, updates)
        message = self.message(prerequisites, updates)
        if self.chance(4):
            self.decorate(message)
        return message

    def message(self, prerequisites, updates, what="", rcode=None):
        body = b"".join(encode(rr) for rr in (*prerequisites, *updates))
        return Message(self.header(1, len(prerequisites), len(updates)) + self.zone_section() + body, prerequisites,
                       updates, rcode, what)

    def header(self, *counts):
        self.id = (self.id + 1) % 65536
        return struct.pack("!6H", self.id, dns.UPDATE << 11, *counts, *([0] * (4 - len(counts))))

    def zone_section(self, rtype=model.SOA, rclass=IN):
        apex = self.apex.upper() if self.chance(5) else self.apex
        return apex + struct.pack("!2H", rtype, rclass)

    def decorate(self, message):
        """What must make no difference: flags, EDNS, glue among the additional records (7.3)."""
        kind = self.rng.randrange(3)
        octets = message.octets
        if kind == 0:
            flags = dns.UPDATE << 11 | self.rng.choice((0x0100, 0x0040, 0x0010, 0x0020, 0x0080))
            message.octets = octets[:2] + struct.pack("!H", flags) + octets[4:]
            message.what = f"flags {flags:04x}"
        elif kind == 1:
            message.octets = octets[:10] + u16(1) + octets[12:] + b"\0" + struct.pack("!2HIH", 41, 1232, 0, 0)
            message.what = "EDNS"
        else:
            message.octets = octets[:10] + u16(1) + octets[12:] + encode(
                Record(self.rng.choice(self.owners + self.outside), 1, IN, 60, b"\xc0\0\2\x63"))
            message.what = "glue"

    def broken(self, prerequisites, updates):
        """Wrong before any record is looked at."""
        kind = self.rng.randrange(11)
        body = b"".join(encode(rr) for rr in (*prerequisites, *updates))
        counts = len(prerequisites), len(updates)
        zone = self.zone_section()

        def made(octets, rcode, what):
            return Message(octets, prerequisites, updates, rcode, what)

        if kind == 0:
            return made(self.header(0), model.FORMERR, "no zone")
        if kind == 1:
            return made(self.header(2, *counts) + zone + zone + body, model.FORMERR, "two zones")
        if kind == 2:
            rtype = self.rng.choice((1, 2, 255, 252, 0))
            return made(self.header(1, *counts) + self.zone_section(rtype) + body, model.FORMERR, f"ZTYPE {rtype}")
        if kind == 3:
            other = self.rng.choice([name for name in self.outside + self.owners if name not in self.served])
            return made(self.header(1, *counts) + other + u16(model.SOA, IN) + body, model.NOTAUTH,
                        "zone " + text_of_name(other))
        if kind == 4:
            rclass = self.rng.choice((0, 5, 254, 65535))
            return made(self.header(1, *counts) + self.zone_section(rclass=rclass) + body, model.NOTAUTH,
                        f"ZCLASS {rclass}")
        if kind == 5:
            return made(self.header(1, counts[0], counts[1] + 1) + zone + body, model.FORMERR, "a record is missing")
        if kind == 6:
            return made(self.header(1, *counts) + zone + body + b"\0", model.FORMERR, "an octet too many")
        if kind in (7, 8):
            rtype, rdata = self.rng.choice(MALFORMED)
            # Without RDATA, class NONE is the form of a prerequisite: what reads messages lets it pass.
            rr = Record(self.owner(), rtype, self.rng.choice((IN, IN, CLASS_NONE)) if rdata else IN, 0, rdata)
            return self.message(prerequisites, updates + [rr], "malformed RDATA", model.FORMERR)
        if kind == 9:
            rr = Record(self.owner(), self.rng.choice(NEVER_IN_A_SECTION), self.rng.choice((IN, CLASS_ANY)), 0, b"")
            return self.message(prerequisites, updates + [rr], "OPT or TSIG in the update section", model.FORMERR)
        # An owner that points to itself, and one that points to what comes later.
        at = 12 + len(zone)
        return made(self.header(1, 0, 1) + zone + u16(0xC000 | at + self.rng.randrange(2) * 12) + struct.pack(
            "!2HIH", 1, IN, 60, 4) + b"\xc0\0\2\1", model.FORMERR, "a pointer that leads nowhere")


def mend(stream, zone, others):
    """An UPDATE after which all have the same again: it deletes what differs, and sets a serial that is new to all.

    @param others  what the zone is elsewhere
    """
    wrong = {key for other in others for key in zone.keys() | other.keys() if zone.get(key) != other.get(key)}
    updates = []
    for owner in sorted({owner for owner, _ in wrong}):
        if owner != stream.apex:
            updates.append(Record(owner, TYPE_ANY, CLASS_ANY, 0, b""))
    for owner, rtype in sorted(wrong):
        if owner == stream.apex and rtype not in (model.SOA, model.NS):
            updates.append(Record(owner, rtype, CLASS_ANY, 0, b""))
        elif owner == stream.apex and rtype == model.NS:
            ttl, rdatas = zone[owner, rtype]
            new = wire("mend.example.net.")  # what is new brings its TTL everywhere
            updates += [Record(owner, rtype, IN, ttl, rdata) for rdata in [new, *sorted(rdatas)]]
            others_rdatas = frozenset([new]).union(*(other[owner, rtype][1] for other in others))
            updates += [Record(owner, rtype, CLASS_NONE, 0, rdata) for rdata in sorted(others_rdatas - rdatas)]
    ttl, (soa,) = zone[stream.apex, model.SOA]
    newest = model.serial_of(soa)
    for other in others:
        serial = model.serial_of(*other[stream.apex, model.SOA][1])
        newest = serial if model.is_newer(serial, newest) else newest
    updates.append(Record(stream.apex, model.SOA, IN, ttl, model.with_serial(soa, (newest + 1) % 2**32 or 1)))
    return stream.message([], updates, "mend")
