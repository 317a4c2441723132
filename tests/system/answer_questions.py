"""A seeded stream of random and nasty questions about zones: their names and names near them, all sorts of types, EDNS and flags."""
import random
import string
import struct

from answer_message import AA, AD, ANY, CD, CNAME, DNAME, DS, NS, RA, RD, SOA, Z, Edns, Question, suffixes

COMMON_TYPES = [1, 28, NS, CNAME, SOA, 12, 15, 16, 33, DNAME, DS, 64, 65, 65280]
RARE_TYPES = [3, 10, 11, 13, 17, 18, 21, 24, 25, 26, 29, 30, 35, 36, 38, 46, 47, 48, 50, 51, 52, 59, 99, 108, 256, 257, 32768, 65281, 65534,
              65535]
META_TYPES = [0, 41, 128, 200, 249, 250, 253, 254]
CLASSES = [0, 2, 4, 254, 255, 1000, 65535]
CH = 3
IDENTITIES = [b"\7version\4bind\0", b"\7version\6server\0", b"\x08hostname\4bind\0", b"\2id\6server\0"]
UDP_OCTETS = [0, 1, 511, 512, 513, 600, 1000, 1231, 1232, 1233, 1400, 4096, 65535]
OPTIONS = [struct.pack("!2H", 65001, 0), struct.pack("!2H", 65002, 3) + b"abc", struct.pack("!2H", 20000, 0) * 3]
LETTERS = string.ascii_letters.encode()


def labels_of(name):
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1:at + 1 + name[at]])
        at += name[at] + 1
    return labels


def name_of(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Questions:
    """@param zones  {origin in wire form: {(owner, type): …}}"""

    def __init__(self, seed, zones):
        self.rng = random.Random(f"questions {seed}")
        self.owners = {origin: sorted({owner for owner, _ in zone}) for origin, zone in zones.items()}
        self.origins = sorted(zones)
        self.weights = [len(self.owners[origin]) ** 0.5 for origin in self.origins]
        self.types = {}
        for zone in zones.values():
            for owner, rtype in zone:
                self.types.setdefault(owner, []).append(rtype)
        self.targets = sorted({rdata for zone in zones.values() for (_, rtype), (_, rdatas) in zone.items() for rdata in rdatas
                               if rtype in (NS, CNAME, DNAME, 12)})
        self.labels = sorted({label for owner in self.types for label in labels_of(owner)}) + [b"*", b"a", b"b", b"c", b"**", b"_tcp"] * 20

    def label(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.8:
            return rng.choice(self.labels)
        if kind < 0.9:
            return bytes(rng.randrange(256) for _ in range(rng.choice([1, 1, 2, 3, 63])))
        return bytes([rng.choice(b"abcwx*-0")]) * rng.choice([1, 2, 30, 62, 63])

    def existing(self):
        rng = self.rng
        if rng.random() < 0.12:
            return rng.choice(self.targets)
        return rng.choice(self.owners[rng.choices(self.origins, self.weights)[0]])

    def mutated(self, labels):
        rng = self.rng
        kind = rng.random()
        labels = list(labels)
        if kind < 0.45 or not labels:
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                labels.insert(0, self.label())
        elif kind < 0.6:
            del labels[:rng.randint(1, max(1, len(labels) - 2))]
        elif kind < 0.75:
            labels[rng.randrange(max(1, len(labels) - 2))] = self.label()
        elif kind < 0.82:
            labels.insert(rng.randrange(len(labels)), self.label())
        elif kind < 0.9:  # a neighbour
            at = rng.randrange(max(1, len(labels) - 2))
            label = bytearray(labels[at])
            label[rng.randrange(len(label))] = rng.choice([0, 1, 0x2A, 0x2E, 0x40, 0x5B, 0x60, 0x7B, 0xFF, rng.randrange(256)])
            labels[at] = bytes(label)
        elif kind < 0.95:  # the wildcard beside it
            labels[0] = b"*"
        else:  # below another name
            labels = labels[:rng.randint(1, len(labels))] + labels_of(self.existing())
        return labels

    def name(self):
        rng = self.rng
        labels = labels_of(self.existing())
        for _ in range(rng.choices([0, 1, 2], (4, 5, 1))[0]):
            labels = self.mutated(labels)
        if rng.random() < 0.03:  # as long as can be
            while (left := 255 - len(name_of(labels))) > 1:
                labels.insert(0, bytes([rng.choice(b"*a\0\xff.")]) * min(63, left - 1))
            if rng.random() < 0.5:
                labels[0] = labels[0][:-1] or b"*"
        while len(name_of(labels)) > 255:
            del labels[rng.randrange(len(labels) - 2) if len(labels) > 3 else 0]
        if rng.random() < 0.3:
            labels = [bytes(c ^ 0x20 if c in LETTERS and rng.random() < 0.5 else c for c in label) for label in labels]
        return name_of(labels)

    def type(self, name):
        rng = self.rng
        kind = rng.random()
        lower = name.lower()
        if kind < 0.4:  # of this name or one above
            found = [rtype for suffix in suffixes(lower) for rtype in self.types.get(suffix, ())][:6]
            if found:
                return rng.choice(found)
        if kind < 0.85:
            return rng.choice(COMMON_TYPES)
        if kind < 0.91:
            return ANY
        return rng.choice(RARE_TYPES) if kind < 0.985 else rng.choice(META_TYPES)

    def edns(self):
        rng = self.rng
        if rng.random() < 0.4:
            return None
        return Edns(rng.choice(UDP_OCTETS), (0x8000 if rng.random() < 0.3 else 0) | (0x4001 if rng.random() < 0.02 else 0),
                    rng.choice([1, 255]) if rng.random() < 0.01 else 0, rng.choice(OPTIONS) if rng.random() < 0.05 else b"")

    def next(self):
        rng = self.rng
        name = self.name()
        flags = 0
        for bit, chance in ((RD, 0.3), (CD, 0.1), (AD, 0.1), (Z, 0.03), (RA, 0.01), (AA, 0.01)):
            if rng.random() < chance:
                flags |= bit
        if rng.random() < 0.003:  # over TCP, for BIND limits the rate of these answers over UDP
            return Question(rng.choice([*IDENTITIES, name]), rng.choice([16, 16, ANY, 1, SOA]), CH, flags, self.edns(), True)
        return Question(name, self.type(name), rng.choice(CLASSES) if rng.random() < 0.01 else 1, flags, self.edns(), rng.random() < 0.15)
