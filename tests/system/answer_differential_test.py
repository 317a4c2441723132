"""The same random and nasty questions to dnsd, BIND, Knot and NSD: the same answers.

Whole answers are compared: RCODE, flags, answer and authority sections, and of the additional section what is owed. What is not
owed may differ, but each record there must be the zone's. Where answers differ, answer_differences.py must know it.

DNSD_DIFFERENTIAL_QUESTIONS tells how many (default 15,000), DNSD_DIFFERENTIAL_SEED which.
"""
import collections
import os
import select
import shutil
import socket
import struct
import tempfile
import time

import answer_differences
import answer_malformed
import answer_message as message
import answer_zones
import peers
import update_stream
from answer_additional import Served, udp_limit
from answer_questions import Questions
from harness import SANITIZER, SystemTest, TIME_LIMIT, key, main
from zone_transfer import axfr, describe

QUESTIONS = int(os.environ.get("DNSD_DIFFERENTIAL_QUESTIONS", "15000"))
SEED = os.environ.get("DNSD_DIFFERENTIAL_SEED", "1")
FULL = 100_000  # questions after which every listed difference must have occurred
ROUND = 10_000
PACKETS = 400  # that are not well formed
WINDOW = 100  # questions in flight, a server
TCP_WINDOW = 16  # Knot closes a connection on which more wait
PATIENCE = 3  # seconds until what has no answer is asked again
REPORTED = 12  # mismatches


class Asker:
    """A server's sockets: a window of questions over UDP, another over TCP."""

    def __init__(self, peer):
        self.peer = peer
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.udp.connect(("127.0.0.1", peer.port))
        self.udp.setblocking(False)
        self.tcp = None
        self.received = b""

    def close(self):
        self.udp.close()
        if self.tcp:
            self.tcp.close()

    def begin(self, questions):
        self.questions = questions
        self.answers = {}
        self.waiting = {True: {}, False: {}}  # by transport: {number: when it was sent}
        self.unsent = {tcp: iter([n for n, question in enumerate(questions) if question.tcp == tcp]) for tcp in (True, False)}
        self.fill(False)
        self.fill(True)

    def send(self, number):
        question = self.questions[number]
        octets = question.octets(number)
        self.waiting[question.tcp][number] = time.monotonic()
        if not question.tcp:
            self.udp.send(octets)
            return
        if self.tcp is None:
            self.tcp = socket.create_connection(("127.0.0.1", self.peer.port), TIME_LIMIT)
            self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.received = b""
        try:
            self.tcp.sendall(struct.pack("!H", len(octets)) + octets)
        except ConnectionError:
            pass  # receive_tcp() sees it as well

    def fill(self, tcp):
        while len(self.waiting[tcp]) < (TCP_WINDOW if tcp else WINDOW):
            number = next(self.unsent[tcp], None)
            if number is None:
                return
            self.send(number)

    def take(self, octets, tcp):
        if self.waiting[tcp].pop(octets[0] << 8 | octets[1], None) is not None:
            self.answers[octets[0] << 8 | octets[1]] = octets

    def receive_udp(self):
        try:
            for _ in range(WINDOW):
                self.take(self.udp.recv(65535), False)
        except BlockingIOError:
            pass
        self.fill(False)

    def receive_tcp(self):
        try:
            octets = self.tcp.recv(1 << 18)
        except ConnectionError:
            octets = b""
        if not octets:  # what waits is asked on another connection
            self.tcp.close()
            self.tcp = None
            for number in list(self.waiting[True]):
                self.send(number)
            return
        received = self.received + octets
        at = 0
        while len(received) - at >= 2 and len(received) - at - 2 >= (size := received[at] << 8 | received[at + 1]):
            self.take(received[at + 2:at + 2 + size], True)
            at += 2 + size
        self.received = received[at:]
        self.fill(True)

    def ask_again(self):
        """What had no answer for long; datagrams may get lost."""
        for number, sent in list(self.waiting[False].items()):
            if time.monotonic() - sent > PATIENCE:
                self.send(number)

    def is_done(self):
        return len(self.answers) == len(self.questions)


def ask_malformed(asker, packets, question):
    """@param question  a good one: its answer comes after those to the packets before it
    @return for each packet the RCODE, or SILENCE"""
    rcodes = [answer_malformed.SILENCE] * len(packets)
    waiting = list(range(len(packets)))
    for step in (WINDOW, 1):  # what has no answer is sent again, alone: it may have got lost
        for at in range(0, len(waiting), step):
            for number in waiting[at:at + step]:
                asker.udp.send(packets[number].octets(number))
            for octets in until_answered(asker, question, 40000 + at // step % 20000):
                number = octets[0] << 8 | octets[1]
                if number < len(packets):
                    rcodes[number] = octets[3] & 15
        waiting = [number for number, rcode in enumerate(rcodes) if rcode == answer_malformed.SILENCE]
    return rcodes


def until_answered(asker, question, number):
    """What comes up to the question's answer."""
    deadline = time.monotonic() + TIME_LIMIT
    octets = question.octets(number)
    came = []
    while True:
        asker.udp.send(octets)
        while select.select([asker.udp], [], [], PATIENCE)[0]:
            came.append(asker.udp.recv(65535))
            if came[-1][:2] == octets[:2]:
                return came[:-1]
        assert time.monotonic() < deadline, f"{asker.peer.name} does not answer\n{asker.peer.process.log()[-2000:]}"


def ask(askers, questions):
    """@return for each question the answers of the askers, in their order"""
    for asker in askers:
        asker.begin(questions)
    deadline = time.monotonic() + TIME_LIMIT
    poll = select.poll()
    while not all(asker.is_done() for asker in askers):
        handlers = {}
        for asker in askers:
            handlers[asker.udp.fileno()] = asker.receive_udp
            if asker.tcp:
                handlers[asker.tcp.fileno()] = asker.receive_tcp
        for number in handlers:
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(PATIENCE * 1000):
            handlers[number]()
        for number in handlers:
            poll.unregister(number)
        for asker in askers:
            asker.ask_again()
            if time.monotonic() > deadline:
                late = [questions[n].text() for waiting in asker.waiting.values() for n in waiting][:5]
                assert not late, f"{asker.peer.name} does not answer {late}\n{asker.peer.process.log()[-2000:]}"
    return [[asker.answers[number] for asker in askers] for number in range(len(questions))]


class Differential(SystemTest):
    def setUp(self):
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="dnsd-test-", dir=shared_memory)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.key = key("transfer.")
        texts = answer_zones.zones(SEED)
        lacking = answer_zones.LACKING
        self.peers = [kind(self, self.folder, {origin: text for origin, text in texts.items() if origin not in lacking.get(kind.name, ())},
                           self.key) for kind in peers.ALL]
        self.lacking = {peer.name: {update_stream.wire(origin) for origin in lacking.get(peer.name, ())} for peer in self.peers}
        for peer in self.peers:
            peer.wait_until_ready()
        self.served = Served({update_stream.wire(origin): self.transfer(origin) for origin in texts})
        self.askers = [Asker(peer) for peer in self.peers]
        for asker in self.askers:
            self.addCleanup(asker.close)
        self.seen = collections.Counter()  # (difference, server)
        self.mismatches = collections.defaultdict(list)  # by what is alike
        self.rcodes = collections.Counter()

    def transfer(self, origin):
        """The zone, which all have read alike."""
        zones = {peer.name: axfr(peer, origin, self.key) for peer in self.peers if origin in peer.zones}
        for name, zone in zones.items():
            self.assertEqual(describe(zones["dnsd"], zone), "", f"{name} has read {origin} otherwise")
        return zones["dnsd"]

    def mismatch(self, what, question, answers):
        texts = "\n".join(f"  {peer.name}: {answer.text().lstrip()}" for peer, answer in zip(self.peers, answers))
        self.mismatches[what].append(f"{what}\n  {question.text()}\n{texts}")

    def judge(self, question, answers):
        """@param answers  whole ones, dnsd's first"""
        ours = answers[0].outcome()
        self.rcodes[ours.rcode] += 1
        for problem in self.served.problems(answers[0]):
            self.mismatch(f"dnsd: {problem}", question, answers)
        names = [question.name.lower(), *(target for _, _, target in answer_differences.chain(ours.answer))]
        origins = {self.served.enclosing(name) for name in names}
        for peer, answer in zip(self.peers[1:], answers[1:]):
            if origins & self.lacking[peer.name]:
                continue
            theirs = answer.outcome()
            if theirs == ours:
                continue
            names = answer_differences.explain(peer.name, question, ours, theirs, self.served)
            if names is not None:
                self.seen.update((name, peer.name) for name in names)
                continue
            fields = [field for field, one, two in zip(ours._fields, ours, theirs) if one != two]
            self.mismatch(f"{peer.name} {'+'.join(fields)} {ours.rcode}/{theirs.rcode}", question, answers)

    def judge_own_size(self, question, answer, over_tcp):
        """Of dnsd's answer over UDP; TC says that something owed had no room, and only that (RFC 2181 9)."""
        limit = udp_limit(question)
        truncated = bool(answer.flags & message.TC)
        if len(answer.octets) > limit:
            self.mismatch("dnsd: larger than asked for", question, [answer])
        if over_tcp is None:
            if truncated:
                self.mismatch("dnsd: TC for nothing", question, [answer])
            return
        if question.type == message.ANY:
            return  # over UDP it is another answer
        if truncated != (self.served.owed_octets(question, over_tcp) > limit):
            self.mismatch("dnsd: TC is wrong", question, [answer, over_tcp])
        if not truncated and answer.outcome() != over_tcp.outcome():
            self.mismatch("dnsd: not the same over TCP", question, [answer, over_tcp])

    def read(self, question, octets):
        """The answers to a question; None when one of them is no DNS message."""
        answers = []
        for peer, one in zip(self.peers, octets):
            try:
                answers.append(message.Answer(one))
            except message.Malformed as error:
                self.mismatches[f"{peer.name} malformed"].append(f"{question.text()}\n  {error}")
                return None
        return answers

    def judge_round(self, questions):
        again = []  # over TCP: (question, dnsd's answer over UDP)
        for question, octets in zip(questions, ask(self.askers, questions)):
            answers = self.read(question, octets)
            if answers is None:
                continue
            if question.type == message.ANY and not question.tcp or any(answer.flags & message.TC for answer in answers):
                again.append((question, answers[0]))
                continue
            if not question.tcp:
                self.judge_own_size(question, answers[0], None)
            self.judge(question, answers)
        questions = [question.over_tcp() for question, _ in again]
        for (first, own), question, octets in zip(again, questions, ask(self.askers, questions)):
            answers = self.read(question, octets)
            if answers is None:
                continue
            if not first.tcp:
                self.judge_own_size(first, own, answers[0])
            self.judge(question, answers)
        self.truncated += len(again)

    def judge_malformed(self):
        source = answer_malformed.Packets(SEED, self.served.zones)
        packets = [source.next() for _ in range(PACKETS)]
        sentinel = message.Question(sorted(self.served.zones)[-1], message.SOA)
        for asker in self.askers:
            name = asker.peer.name
            for packet, rcode in zip(packets, ask_malformed(asker, packets, sentinel)):
                if rcode == packet.want:
                    continue
                known = answer_differences.of_packet(name, packet, rcode)
                if known:
                    self.seen[known, name] += 1
                else:
                    self.mismatches[f"{name} {packet.kind} {rcode} instead of {packet.want}"].append(packet.text())

    def test_same_answers(self):
        stream = Questions(SEED, self.served.zones)
        self.truncated = 0
        started = time.monotonic()
        left = QUESTIONS
        while left > 0:
            self.judge_round([stream.next() for _ in range(min(left, ROUND))])
            left -= ROUND
        self.judge_malformed()
        dnsd = self.peers[0].process
        self.assertEqual(dnsd.terminate(), 0, dnsd.log())
        self.assertNotRegex(dnsd.log(), SANITIZER)
        print(f"{QUESTIONS} questions and {PACKETS} malformed messages to {len(self.peers)} servers in {time.monotonic() - started:.1f} s, {self.truncated} of them asked "
              "again over TCP; " + ", ".join(f"RCODE {rcode} {count}" for rcode, count in sorted(self.rcodes.items())))
        for (name, server), count in sorted(self.seen.items()):
            print(f"{name}: {server} {count}")
        found = sorted(self.mismatches.items(), key=lambda item: -len(item[1]))
        self.assertEqual(len(found), 0, "\n".join(f"{len(texts)} times {what}" for what, texts in found)
                         + "\n\n" + "\n\n".join(min(texts, key=len) for _, texts in found[:REPORTED]))
        self.assertLessEqual(len(answer_differences.DIFFERENCES), 20)
        if QUESTIONS >= FULL:
            for name, difference in answer_differences.DIFFERENCES.items():
                for server in difference.servers:
                    self.assertGreater(self.seen[name, server], 0, f"{server} did not differ: {name}")


if __name__ == "__main__":
    main()
