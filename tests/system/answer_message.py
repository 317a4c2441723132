"""Questions, and answers in a form that makes equal what the RFCs call equal: the order of the records in an RRset, compression
(RFC 1035 4.1.4), the case of owner names (RFC 4343 3). Nothing else is."""
import dataclasses
import struct
import typing

import dns
import update_stream

A, NS, CNAME, SOA, DNAME, OPT, DS, AAAA, SVCB, HTTPS, ANY = 1, 2, 5, 6, 39, 41, 43, 28, 64, 65, 255
# Where names are in RDATA that may be compressed (RFC 3597 4): octets before the first one, and how many.
COMPRESSED = {2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1), 14: (0, 2),
              15: (2, 1)}
TYPE_NAMES = {number: text for text, number in dns.TYPES.items()} | {
    39: "DNAME", 43: "DS", 64: "SVCB", 65: "HTTPS", 13: "HINFO", 35: "NAPTR", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 249: "TKEY",
    253: "MAILB", 254: "MAILA"}
OPT_OCTETS = 11  # without options
CLASS_NAMES = {number: text for text, number in dns.CLASSES.items()} | {3: "CH", 4: "HS"}
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN = 0, 1, 2, 3, 4, 5, 6
# Bits of the header's second 16.
QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x400, 0x200, 0x100, 0x80, 0x40, 0x20, 0x10


@dataclasses.dataclass(frozen=True)
class Edns:
    udp_octets: int
    flags: int = 0  # DO is 0x8000
    version: int = 0
    options: bytes = b""


@dataclasses.dataclass(frozen=True)
class Question:
    name: bytes  # wire form
    type: int
    rclass: int = 1
    flags: int = 0
    edns: Edns = None
    tcp: bool = False

    def octets(self, number):
        out = struct.pack("!6H", number, self.flags, 1, 0, 0, 1 if self.edns else 0) + self.name
        out += struct.pack("!2H", self.type, self.rclass)
        if self.edns:
            out += b"\0" + struct.pack("!2H2BHH", OPT, self.edns.udp_octets, 0, self.edns.version, self.edns.flags,
                                       len(self.edns.options)) + self.edns.options
        return out

    def over_tcp(self):
        return dataclasses.replace(self, tcp=True)

    def text(self):
        edns = f" {self.edns}" if self.edns else ""
        return (f"{update_stream.text_of_name(self.name)} {CLASS_NAMES.get(self.rclass, f'CLASS{self.rclass}')} {type_text(self.type)}"
                f"{' over TCP' if self.tcp else ''} flags {self.flags:#x}{edns}")


def type_text(rtype):
    return TYPE_NAMES.get(rtype, f"TYPE{rtype}")


def suffixes(name):
    """The name and all above it, with the root."""
    at = 0
    while True:
        yield name[at:]
        if not name[at]:
            return
        at += name[at] + 1


def is_at_or_below(name, ancestor):
    return name.endswith(ancestor) and ancestor in suffixes(name)


class Outcome(typing.NamedTuple):
    rcode: int
    flags: int  # of the header, without TC and RCODE
    question: bytes
    answer: tuple  # (owner, type, class, TTL, RDATAs)
    authority: tuple
    edns: Edns  # its size and options are not looked at


class Malformed(Exception):
    pass


class Answer:
    """@param octets  the whole answer; raises Malformed when it is no DNS message"""

    __slots__ = ("octets", "flags", "rcode", "answer", "authority", "additional", "edns", "question_end", "records")

    def __init__(self, octets):
        self.octets = octets
        try:
            self._read(octets)
        except (IndexError, struct.error) as error:
            raise Malformed(f"malformed: {octets.hex()}") from error

    def _read(self, octets):
        _, self.flags, questions, *counts = struct.unpack_from("!6H", octets)
        self.rcode = self.flags & 15
        names = {}
        at = 12
        for _ in range(questions):
            at = self._name(at, names)[1] + 4
        self.question_end = at
        self.edns = None
        self.records = []  # (section, owner, type, the offset after it)
        sections = []
        for number, count in enumerate(counts):
            rrsets, last, rdatas = [], None, None
            for _ in range(count):
                owner, at = self._name(at, names)
                rtype, rclass, ttl, size = struct.unpack_from("!2HIH", octets, at)
                at += 10
                end = at + size
                if rtype == OPT and number == 2:
                    self.edns = Edns(rclass, ttl & 0xFFFF, ttl >> 16 & 255, octets[at:end])
                    self.rcode |= ttl >> 24 << 4
                    at = end
                    continue
                if rtype in COMPRESSED:
                    before, name_count = COMPRESSED[rtype]
                    rdata = octets[at:at + before]
                    at += before
                    for _ in range(name_count):
                        name, at = self._name(at, names)
                        rdata += name
                    rdata += octets[at:end]
                else:
                    rdata = octets[at:end]
                at = end
                key = (owner.lower(), rtype, rclass, ttl)
                if key != last:
                    last, rdatas = key, []
                    rrsets.append((key, rdatas))
                rdatas.append(rdata)
                self.records.append((number, key[0], rtype, end))
            sections.append(tuple((*key, tuple(sorted(rdatas))) for key, rdatas in rrsets))
        if at != len(octets):
            raise Malformed(f"octets after the last record: {octets.hex()}")
        self.answer, self.authority, self.additional = sections

    def outcome(self):
        """All that the RFCs leave no choice in."""
        edns = self.edns and Edns(0, self.edns.flags, self.edns.version)
        question = self.octets[12:self.question_end]
        answer = tuple(sorted(self.answer)) if question[-4:-2] == b"\0\xff" else self.answer  # ANY: in any order
        return Outcome(self.rcode, self.flags & ~(TC | 15), question, answer, self.authority, edns)

    def _name(self, at, names):
        """A name and the offset after it; `names` holds those read, by offset."""
        octets = self.octets
        size = octets[at]
        if size == 0:
            return b"\0", at + 1
        if size >= 0xC0:
            target = (size & 0x3F) << 8 | octets[at + 1]
            name = names.get(target)
            if name is None:
                if target >= at:
                    raise Malformed(f"a pointer that leads on: {octets.hex()}")
                name, _ = self._name(target, names)
                names[target] = name
            return name, at + 2
        if size >= 0x40:
            raise Malformed(f"a label of an unknown type: {octets.hex()}")
        rest, after = self._name(at + 1 + size, names)
        name = octets[at:at + 1 + size] + rest
        names[at] = name
        return name, after

    def text(self):
        rcode = dns.RCODES[self.rcode] if self.rcode < len(dns.RCODES) else f"RCODE{self.rcode}"
        bits = " ".join(text for text, bit in (("aa", AA), ("tc", TC), ("rd", RD), ("ra", RA), ("z", Z), ("ad", AD), ("cd", CD))
                        if self.flags & bit)
        lines = [f"{rcode} {bits} {len(self.octets)} octets {self.edns or ''}"]
        for title, section in (("an", self.answer), ("au", self.authority), ("ad", self.additional)):
            for owner, rtype, rclass, ttl, rdatas in section:
                for rdata in rdatas[:3]:
                    text = update_stream.text_of_name(rdata) if rtype in (NS, CNAME, DNAME) else rdata.hex()[:80]
                    lines.append(f"  {title} {update_stream.text_of_name(owner)} {ttl} {CLASS_NAMES.get(rclass, rclass)} "
                                 f"{type_text(rtype)} {text}")
                if len(rdatas) > 3:
                    lines.append(f"     and {len(rdatas) - 3} more")
        return "\n".join("    " + line for line in lines)
