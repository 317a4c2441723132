"""Just enough DNS to test a server with code that is not its own: messages, UPDATE (RFC 2136), TSIG (RFC 8945)."""
import base64
import dataclasses
import hashlib
import hmac
import random
import socket
import struct
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "OPT": 41,
         "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255}
CLASSES = {"IN": 1, "NONE": 254, "ANY": 255}
RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
          "NOTAUTH", "NOTZONE"]
TSIG_ERRORS = {0: "", 16: "BADSIG", 17: "BADKEY", 18: "BADTIME", 22: "BADTRUNC"}
HASHES = {"hmac-sha1": hashlib.sha1, "hmac-sha224": hashlib.sha224, "hmac-sha256": hashlib.sha256,
          "hmac-sha384": hashlib.sha384, "hmac-sha512": hashlib.sha512}
QUERY, UPDATE = 0, 5


def wire_name(text):
    labels = [label for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def rdata(rtype, text):
    """The types that the tests send."""
    words = text.split()
    if rtype == "A":
        return socket.inet_aton(text)
    if rtype == "AAAA":
        return socket.inet_pton(socket.AF_INET6, text)
    if rtype == "TXT":
        return b"".join(bytes([len(word)]) + word.encode() for word in words)
    if rtype == "SRV":
        return struct.pack("!3H", *map(int, words[:3])) + wire_name(words[3])
    if rtype in ("NS", "CNAME", "PTR"):
        return wire_name(text)
    raise ValueError(rtype)


def record(owner, rtype, rclass="IN", ttl=0, data=b""):
    return wire_name(owner) + struct.pack("!2HIH", TYPES[rtype], CLASSES[rclass], ttl, len(data)) + data


def add(owner, ttl, rtype, text):
    return record(owner, rtype, "IN", ttl, rdata(rtype, text))


def delete_rrset(owner, rtype):
    return record(owner, rtype, "ANY")


def delete_name(owner):
    return record(owner, "ANY", "ANY")


def query(name, rtype, flags=0):
    return struct.pack("!6H", random.getrandbits(16), flags, 1, 0, 0, 0) + wire_name(name) + struct.pack(
        "!2H", TYPES[rtype], 1)


def update(zone, updates, prerequisites=()):
    return struct.pack("!6H", random.getrandbits(16), UPDATE << 11, 1, len(prerequisites), len(updates), 0) + wire_name(
        zone) + struct.pack("!2H", TYPES["SOA"], 1) + b"".join(prerequisites) + b"".join(updates)


@dataclasses.dataclass
class Key:
    name: str
    secret: str  # base64
    algorithm: str = "hmac-sha256"

    def sign(self, message, now=None, fudge=300, request_mac=b"", break_mac=False):
        """The message with a TSIG, and its MAC."""
        when = int(time.time() if now is None else now)
        timers = struct.pack("!HIH", when >> 32, when & 0xFFFFFFFF, fudge)
        variables = (wire_name(self.name.lower()) + struct.pack("!HI", CLASSES["ANY"], 0) + wire_name(self.algorithm)
                     + timers + struct.pack("!2H", 0, 0))
        prefix = struct.pack("!H", len(request_mac)) + request_mac if request_mac else b""
        mac = hmac.new(base64.b64decode(self.secret), prefix + message + variables, HASHES[self.algorithm]).digest()
        sent_mac = bytes([mac[0] ^ 1]) + mac[1:] if break_mac else mac
        data = (wire_name(self.algorithm) + timers + struct.pack("!H", len(sent_mac)) + sent_mac + message[:2]
                + struct.pack("!2H", 0, 0))
        count = struct.unpack_from("!H", message, 10)[0] + 1
        signed = message[:10] + struct.pack("!H", count) + message[12:] + record(self.name, "TSIG", "ANY", 0, data)
        return signed, mac

    def is_valid(self, octets, request_mac):
        """True when a response carries a TSIG of this key that belongs to that request."""
        answer = Message(octets)
        if answer.tsig is None:
            return False
        tsig = answer.tsig
        count = struct.unpack_from("!H", octets, 10)[0] - 1
        stripped = tsig.original_id + octets[2:10] + struct.pack("!H", count) + octets[12:tsig.offset]
        variables = (wire_name(self.name.lower()) + struct.pack("!HI", CLASSES["ANY"], 0) + wire_name(self.algorithm)
                     + tsig.timers + struct.pack("!2H", tsig.error, len(tsig.other)) + tsig.other)
        mac = hmac.new(base64.b64decode(self.secret),
                       struct.pack("!H", len(request_mac)) + request_mac + stripped + variables,
                       HASHES[self.algorithm]).digest()
        return hmac.compare_digest(mac, tsig.mac)


@dataclasses.dataclass
class Record:
    owner: str
    type: int
    rclass: int
    ttl: int
    data: bytes
    offset: int  # of its owner name in the message


class Tsig:
    def __init__(self, rr):
        end = rr.data.index(b"\0") + 1  # the algorithm is never compressed
        self.offset = rr.offset
        self.timers = rr.data[end:end + 8]
        size = struct.unpack_from("!H", rr.data, end + 8)[0]
        self.mac = rr.data[end + 10:end + 10 + size]
        rest = rr.data[end + 10 + size:]
        self.original_id = rest[:2]
        self.error = struct.unpack_from("!H", rest, 2)[0]
        self.other = rest[6:]


class Message:
    def __init__(self, octets):
        self.octets = octets
        self.id, self.flags, *counts = struct.unpack_from("!6H", octets)
        self.rcode = RCODES[self.flags & 15]
        self.aa, self.tc = bool(self.flags & 0x400), bool(self.flags & 0x200)
        at = 12
        self.question = []
        for _ in range(counts[0]):
            name, at = self._name(at)
            rtype, rclass = struct.unpack_from("!2H", octets, at)
            self.question.append((name, rtype, rclass))
            at += 4
        sections = []
        for count in counts[1:]:
            section = []
            for _ in range(count):
                start = at
                owner, at = self._name(at)
                rtype, rclass, ttl, size = struct.unpack_from("!2HIH", octets, at)
                section.append(Record(owner, rtype, rclass, ttl, octets[at + 10:at + 10 + size], start))
                at += 10 + size
            sections.append(section)
        assert at == len(octets), "octets after the last record"
        self.answer, self.authority, self.additional = sections
        last = self.additional[-1] if self.additional else None
        self.tsig = Tsig(last) if last and last.type == TYPES["TSIG"] else None
        self.tsig_error = TSIG_ERRORS[self.tsig.error] if self.tsig else ""

    def _name(self, at):
        labels, after, hops = [], None, 0
        while True:
            size = self.octets[at]
            if size >= 0xC0:
                after = after or at + 2
                at = struct.unpack_from("!H", self.octets, at)[0] & 0x3FFF
                hops += 1
                assert hops < 128, "a loop of compression pointers"
                continue
            at += 1
            if size == 0:
                return ".".join(labels) + ".", after or at
            labels.append(self.octets[at:at + size].decode("latin-1"))
            at += size

    def serial(self):
        """Of the SOA in the answer section."""
        soa = next(rr for rr in self.answer if rr.type == TYPES["SOA"])
        return struct.unpack("!I", soa.data[-20:-16])[0]


def exchange(port, octets, tcp=False, timeout=10.0):
    """One request and its response; None when there is none in time."""
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(timeout)
        sock.connect(("127.0.0.1", port))
        try:
            if not tcp:
                sock.send(octets)
                return sock.recv(65535)
            sock.sendall(struct.pack("!H", len(octets)) + octets)
            with sock.makefile("rb") as stream:
                head = stream.read(2)
                return stream.read(struct.unpack("!H", head)[0]) if len(head) == 2 else None
        except TimeoutError:
            return None
