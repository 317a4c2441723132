"""Messages that are no questions, or not well formed, and what the RFCs want for them: an RCODE, or silence.

Only what an RFC decides is here. Where a server does otherwise, DIFFERENCES of answer_differences.py has an entry for it.
"""
import dataclasses
import random
import struct

from answer_message import FORMERR, NOTIMP, OPT

SILENCE = -1
TSIG = 250


@dataclasses.dataclass(frozen=True)
class Packet:
    clause: str
    kind: str  # what DIFFERENCES names
    tail: bytes  # after the ID; with less than 10 octets the header is cut short
    want: int  # an RCODE, or SILENCE

    def octets(self, number):
        return struct.pack("!H", number) + self.tail

    def text(self):
        return f"{self.kind} ({self.clause}): {self.tail.hex()[:120]}"


def counts(flags=0, questions=1, answers=0, authorities=0, additionals=0):
    return struct.pack("!5H", flags, questions, answers, authorities, additionals)


def record(owner, rtype, rclass, ttl, rdata, size=None):
    return owner + struct.pack("!2HIH", rtype, rclass, ttl, len(rdata) if size is None else size) + rdata


def opt(options=b"", owner=b"\0", size=None):
    return record(owner, OPT, 1232, 0, options, size)


def tsig():
    rdata = b"\x0bhmac-sha256\0" + bytes(6) + struct.pack("!2H", 300, 32) + bytes(32) + struct.pack("!3H", 0, 0, 0)
    return record(b"\1k\0", TSIG, 255, 0, rdata)


class Packets:
    """@param origins  of zones, in wire form: most messages would be about names there"""

    def __init__(self, seed, origins):
        self.rng = random.Random(f"packets {seed}")
        self.origins = sorted(origin for origin in origins if len(origin) > 1)

    def question(self):
        rng = self.rng
        label = bytes(rng.choice(b"abcwx*-0") for _ in range(rng.randint(1, 9)))
        return bytes([len(label)]) + label + rng.choice(self.origins) + struct.pack("!2H", rng.choice([1, 2, 16, 28, 33]), 1)

    def flags(self):
        return self.rng.choice([0, 0x100, 0x20, 0x10, 0x130])

    def next(self):
        rng = self.rng
        return rng.choice([
            self.short, self.response, self.opcode, self.cut_question, self.label_type, self.pointer, self.long_name, self.two_questions,
            self.missing, self.cut_record, self.two_opts, self.opt_owner, self.option_beyond, self.cookie, self.tsig_before])()

    def short(self):
        tail = counts(self.flags()) + self.question()
        return Packet("RFC 1035 4.1.1", "short", tail[:self.rng.randrange(10)], SILENCE)

    def response(self):
        return Packet("RFC 1035 4.1.1", "response", counts(0x8000 | self.flags() | self.rng.choice([0, 3, 0x400])) + self.question(), SILENCE)

    def opcode(self):
        number = self.rng.choice([1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        return Packet("RFC 1035 4.1.1, RFC 3425 3", "opcode", counts(number << 11 | self.flags()) + self.question(), NOTIMP)

    def cut_question(self):
        question = self.question()
        return Packet("RFC 1035 4.1.2", "cut-question", counts(self.flags()) + question[:self.rng.randrange(len(question))], FORMERR)

    def label_type(self):
        name = bytes([self.rng.choice([0x40, 0x41, 0x7F, 0x80, 0xBF])]) + b"abc" + self.question()
        return Packet("RFC 1035 4.1.4, RFC 6891 5", "label-type", counts(self.flags()) + name, FORMERR)

    def pointer(self):
        """To itself, or to what comes after it."""
        label = b"\1a" * self.rng.randrange(3)
        target = 12 + self.rng.choice([len(label), len(label) + 2, len(label) + 6, 300])
        name = label + struct.pack("!H", 0xC000 | target)
        return Packet("RFC 1035 4.1.4: a prior occurrence", "pointer", counts(self.flags()) + name + struct.pack("!2H", 1, 1) + self.question(),
                      FORMERR)

    def long_name(self):
        labels = b"".join(bytes([50]) + bytes([self.rng.choice(b"abc")]) * 50 for _ in range(5))
        return Packet("RFC 1035 3.1", "long-name", counts(self.flags()) + labels + self.question(), FORMERR)

    def two_questions(self):
        questions = [self.question() for _ in range(self.rng.choice([2, 3]))]
        return Packet("RFC 9619 4", "questions", counts(self.flags(), len(questions)) + b"".join(questions), FORMERR)

    def missing(self):
        """Records that the header counts and nobody sent."""
        section = self.rng.choice(["answers", "authorities", "additionals"])
        return Packet("RFC 1035 4.1.1", "missing", counts(self.flags(), **{section: self.rng.choice([1, 2, 65535])}) + self.question(), FORMERR)

    def cut_record(self):
        rdata = bytes(self.rng.randrange(20))
        whole = record(b"\0", 16, 1, 0, rdata, len(rdata) + self.rng.choice([1, 2, 60000]) if self.rng.random() < 0.5 else None)
        if whole[9:11] == struct.pack("!H", len(rdata)):
            whole = whole[:self.rng.randrange(1, len(whole))]
        return Packet("RFC 1035 4.1.3", "cut-record", counts(self.flags(), additionals=1) + self.question() + whole, FORMERR)

    def two_opts(self):
        return Packet("RFC 6891 6.1.1", "two-opts", counts(self.flags(), additionals=2) + self.question() + opt() + opt(), FORMERR)

    def opt_owner(self):
        return Packet("RFC 6891 6.1.2: MUST be 0", "opt-owner", counts(self.flags(), additionals=1) + self.question() + opt(owner=b"\1a\0"), FORMERR)

    def option_beyond(self):
        option = struct.pack("!2H", 65001, self.rng.choice([5, 100, 65535])) + b"abcd"
        return Packet("RFC 6891 6.1.2", "option-beyond", counts(self.flags(), additionals=1) + self.question() + opt(option), FORMERR)

    def cookie(self):
        size = self.rng.choice([0, 1, 7, 9, 15, 41])
        return Packet("RFC 7873 5.2.2", "cookie", counts(self.flags(), additionals=1) + self.question()
                      + opt(struct.pack("!2H", 10, size) + bytes(size)), FORMERR)

    def tsig_before(self):
        """A TSIG that is not the last record, or not the only one."""
        after = self.rng.choice([opt(), tsig(), record(b"\0", 16, 1, 0, b"\1a")])
        return Packet("RFC 8945 5.1", "tsig-before", counts(self.flags(), additionals=2) + self.question() + tsig() + after, FORMERR)
