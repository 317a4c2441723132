"""A good client among bad ones: mutated packets, slow and silent connections, storms of them, floods with many sources.

What it loses is what a resolver would lose: a query that is not answered after some tries, over TCP where the answer
says so. Its memory is that of dnsd.
"""
import multiprocessing
import os
import random
import socket
import struct
import time

import dns
from harness import Dnsd, SystemTest, main

SECONDS = 5  # of each flood
MAX_LOSS = 0.005
TRIES = 4
RATE = 100  # answers a second for each prefix and name
SANITIZED = bool(os.environ.get("DNSD_SANITIZED"))
# What a sanitizer keeps of freed memory says nothing of dnsd.
MAX_GROWTH_KIB = None if SANITIZED else 64 * 1024
# Between the datagrams of a flood: a sanitized server is ten times as slow, and what the kernel drops before it says
# nothing either.
PAUSE = 0.002 if SANITIZED else 0
MIN_ASKED = 40 if SANITIZED else 200


def source(rng, prefix="127"):
    """An address of this host, all of which may send here."""
    octets = prefix.split(".")
    while len(octets) < 4:
        octets.append(str(rng.randrange(1, 255)))
    return ".".join(octets)


def bound(kind, address):
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind((address, 0))
    sock.setblocking(False)
    return sock


def with_edns(query, options=b""):
    """The query with an OPT that takes 4096 octets."""
    return query[:11] + b"\1" + query[12:] + b"\0" + struct.pack("!HHIH", dns.TYPES["OPT"], 4096, 0, len(options)) + options


def messages():
    """What is mutated: something of each way through the server."""
    key = dns.Key("h1.dyn.example.", "AAAA")
    change = dns.update("dyn.example.", [dns.add("a.dyn.example.", 60, "TXT", "x")])
    cookie = struct.pack("!2H8s", 10, 8, b"12345678")
    return [dns.query("www.dyn.example.", "A"), dns.query("x.wild.dyn.example.", "ANY"),
            with_edns(dns.query("www.dyn.example.", "A"), cookie), change,
            key.sign(change)[0], key.sign(dns.query("dyn.example.", "AXFR"))[0],
            dns.query("dyn.example.", "IXFR")]


def mutate(rng, message):
    octets = bytearray(message)
    for _ in range(rng.randrange(1, 6)):
        way = rng.randrange(4)
        at = rng.randrange(len(octets)) if octets else 0
        if way == 0 and octets:
            octets[at] = rng.randrange(256)
        elif way == 1 and octets:
            del octets[at:at + rng.randrange(1, 9)]
        elif way == 2:
            octets[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif len(octets) > 12:
            octets[rng.randrange(2, 12)] ^= 1 << rng.randrange(8)
    return bytes(octets)


def send(sock, octets, to):
    try:
        sock.sendto(octets, to)
    except (BlockingIOError, ConnectionError):
        pass
    if PAUSE:
        time.sleep(PAUSE)


def mutated_packets(port, seed):
    rng, kinds = random.Random(seed), messages()
    sockets = [bound(socket.SOCK_DGRAM, source(rng)) for _ in range(50)]
    stream = None
    while True:
        octets = mutate(rng, rng.choice(kinds))
        send(rng.choice(sockets), octets, ("127.0.0.1", port))
        if rng.randrange(20) == 0:
            try:
                stream = stream or socket.create_connection(("127.0.0.1", port), 5, (source(rng), 0))
                stream.sendall(struct.pack("!H", len(octets)) + octets)
            except OSError:
                if stream:
                    stream.close()
                stream = None


def connections(port, seed):
    """Some say nothing, some send an octet now and then, some ask for much and do not read, some are gone at once."""
    rng = random.Random(seed)
    held = []
    big = dns.query("big.dyn.example.", "TXT")
    while True:
        sock = bound(socket.SOCK_STREAM, source(rng))
        held.append((sock, rng.randrange(4)))
        sock.connect_ex(("127.0.0.1", port))
        time.sleep(0.001)  # more than the kernel keeps for accept() would be a test of its retransmissions
        if len(held) > 400:
            old = held.pop(rng.randrange(len(held)))[0]
            if rng.randrange(2):
                old.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST
            old.close()
        for other, kind in rng.sample(held, min(len(held), 20)):
            try:
                if kind == 1:
                    other.send(b"\x7f")
                elif kind == 2:
                    other.send((struct.pack("!H", len(big)) + big) * 50)
                elif kind == 3:
                    other.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def spoofed(port, seed):
    """A reflection: questions with large answers, as if many had asked; and names that are not there."""
    rng = random.Random(seed)
    sockets = [bound(socket.SOCK_DGRAM, source(rng)) for _ in range(500)]
    big = with_edns(dns.query("big.dyn.example.", "TXT"))
    while True:
        for sock in sockets:
            send(sock, big, ("127.0.0.1", port))
            send(sock, dns.query(f"x{rng.getrandbits(32)}.dyn.example.", "A"), ("127.0.0.1", port))


class GoodClient:
    def __init__(self, port):
        self.port = port
        self.asked = self.again = self.lost = 0
        self.stream = None

    def ask(self, name, rtype, tcp=False, keep=False):
        self.asked += 1
        for attempt in range(TRIES):
            try:
                query = dns.query(name, rtype)
                answer = self.over_kept_connection(query) if keep else dns.exchange(self.port, query, tcp, 2 + 4 * attempt)
            except OSError:
                self.close()
                answer = None
            if answer is None or answer[:2] != query[:2]:
                self.again += 1
                continue
            message = dns.Message(answer)
            if message.tc and not tcp:
                tcp = True
                continue
            if message.rcode == "NOERROR" and message.answer:
                return
        self.lost += 1

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def over_kept_connection(self, query):
        """As resolvers have them: one connection for many queries, another when it was closed."""
        if self.stream is None:
            self.stream = socket.create_connection(("127.0.0.1", self.port), 5)
        self.stream.sendall(struct.pack("!H", len(query)) + query)
        with self.stream.makefile("rb") as stream:
            head = stream.read(2)
            if len(head) == 2:
                return stream.read(struct.unpack("!H", head)[0])
        raise ConnectionError("closed")


class Flood(SystemTest):
    TABLES = ('[tcp]\nmax-connections = 200\nmax-connections-per-client = 50\n'
              f'[rate-limit]\nresponses-per-second = {RATE}\nexempt = ["127.0.0.1"]\n')

    def server(self):
        return Dnsd(self, top="udp-size = 4096", tables=self.TABLES).start()

    def rss(self, dnsd):
        with open(f"/proc/{dnsd.running.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def flood(self, dnsd, floods, questions):
        """Asks while the floods run, and looks at what it got and at the server's memory."""
        client = GoodClient(dnsd.port)
        for _ in range(20):
            for question in questions:
                client.ask(*question)
        self.assertEqual(client.lost, 0)
        before = self.rss(dnsd)
        seed = random.getrandbits(32)
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=flood, args=(dnsd.port, seed + number), daemon=True)
                     for number, flood in enumerate(floods)]
        for process in processes:
            process.start()
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end or client.asked < MIN_ASKED:
                for question in questions:
                    client.ask(*question)
            self.assertTrue(all(process.is_alive() for process in processes), "a flood ended by itself")
        finally:
            for process in processes:
                process.kill()
                process.join()
            client.close()
        grown = self.rss(dnsd) - before
        what = f"seed {seed}: of {client.asked} queries {client.lost} lost, {client.again} asked again; RSS {before} KiB and {grown} more"
        print(what, flush=True)
        self.assertLessEqual(client.lost, client.asked * MAX_LOSS, what)
        if MAX_GROWTH_KIB is not None:
            self.assertLess(grown, MAX_GROWTH_KIB, what)
        dnsd.stop()

    def test_mutated_packets(self):
        self.flood(self.server(), [mutated_packets, mutated_packets],
                   [("www.dyn.example.", "A"), ("www.dyn.example.", "AAAA", True)])

    def test_connections(self):
        self.flood(self.server(), [connections, connections],
                   [("www.dyn.example.", "A"), ("www.dyn.example.", "A", True), ("www.dyn.example.", "A", True, True),
                    ("big.dyn.example.", "TXT")])

    def test_spoofed_sources(self):
        self.flood(self.server(), [spoofed, spoofed], [("www.dyn.example.", "A"), ("MiXeD.dyn.example.", "A")])

    def test_a_victim_is_sent_little(self):
        dnsd = self.server()
        rng = random.Random(1)
        victims = [bound(socket.SOCK_DGRAM, source(rng, "127.9.9")) for _ in range(50)]
        for victim in victims:
            self.addCleanup(victim.close)
        ask = with_edns(dns.query("big.dyn.example.", "TXT"))
        asked = whole = truncated = 0
        begin = time.monotonic()

        def receive():
            nonlocal whole, truncated
            for victim in victims:
                try:
                    while True:
                        message = dns.Message(victim.recv(65535))
                        if message.tc:
                            self.assertLessEqual(len(message.octets), len(ask))
                        whole += bool(message.answer)
                        truncated += message.tc
                except BlockingIOError:
                    pass

        while time.monotonic() < begin + 3:
            for victim in victims:
                send(victim, ask, ("127.0.0.1", dnsd.port))
                asked += 1
            receive()
        self.assertEqual(dnsd.query("www.dyn.example.", "A").rcode, "NOERROR")
        receive()
        elapsed = time.monotonic() - begin
        what = f"{asked} asked, {whole} answered, {truncated} sent to TCP in {elapsed:.1f} s"
        print(what, flush=True)
        # Two budgets, each of a second's worth, and what comes back meanwhile.
        self.assertLessEqual(whole, RATE * (elapsed + 2), what)
        self.assertGreater(whole, 0, what)
        self.assertGreater(truncated, 0, what)
        dnsd.running.wait_for(r"answers to 127\.9\.9\.0/24 are limited: more than 100 a second about big\.dyn\.example\.")
        dnsd.stop()


if __name__ == "__main__":
    main()
