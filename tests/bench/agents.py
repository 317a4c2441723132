#!/usr/bin/env python3
"""Ten thousand agents whose CGN has restarted: all publish a new endpoint at once, each with a key and a socket of its own.

An update is what pcp-ddns sends (the old A, SRV and TXT go, the new ones come, with a lease); what is not answered within
1.5 s is signed anew and sent again. Meanwhile a visitor asks for names. At the end every name is asked for. Build first:
    cmake --preset release && cmake --build --preset release --target dnsd
    tests/bench/agents.py --bin build/bin
"""
import argparse
import base64
import hashlib
import multiprocessing
import os
import random
import resource
import selectors
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
import dns  # noqa: E402
from harness import Process, free_port  # noqa: E402

ZONE = "dyn.example."
TRY_TIME = 1.5  # of pcp-ddns; then twice as long, as its backoff has it
LEASE = 3540


class Agent:
    def __init__(self, number, port):
        self.host = f"h{number}.{ZONE}"
        self.key = dns.Key(self.host, secret_of(number))
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.connect(("127.0.0.1", port))
        self.number, self.old, self.new = number, None, None
        self.tries = 0
        self.octets = b""
        self.macs = {}  # of the tries that have no answer yet, by message ID
        self.due = 0.0

    def endpoint(self, epoch):
        """Another address and port after each restart."""
        return f"198.51.{100 + epoch}.{self.number % 250 + 1}", 1024 + (self.number * 7 + epoch * 1009) % 60000

    def records(self, endpoint):
        address, port = endpoint
        web = f"_http._tcp.{self.host}"
        return [(self.host, "A", address), (web, "SRV", f"0 0 {port} {self.host}"), (web, "TXT", f"endpoint={address}:{port}")]

    def message(self):
        changes = [dns.record(owner, rtype, "NONE", 0, dns.rdata(rtype, text))
                   for owner, rtype, text in (self.records(self.old) if self.old else [])]
        changes += [dns.add(owner, 60, rtype, text) for owner, rtype, text in self.records(self.new)]
        lease = struct.pack("!2HI", 2, 4, LEASE)  # RFC 9664 §4
        opt = b"\0" + struct.pack("!2HIH", dns.TYPES["OPT"], 1232, 0, len(lease)) + lease
        octets = dns.update(ZONE, changes)
        return octets[:10] + struct.pack("!H", 1) + octets[12:] + opt

    def sign(self):
        self.octets, mac = self.key.sign(self.message())
        self.macs[self.octets[:2]] = mac

    def send(self, now):
        try:
            self.sock.send(self.octets)
        except BlockingIOError:
            pass  # lost, as others are
        self.due = now + TRY_TIME * 2 ** min(self.tries, 4) * random.uniform(0.75, 1.25)
        self.tries += 1

    def is_answered(self):
        """Whether an answer of ours came, and says NOERROR."""
        try:
            octets = self.sock.recv(4096)
        except OSError:
            return False
        mac = self.macs.get(octets[:2])
        if mac is None:
            return False  # to the second try of an update that the first had carried out
        if not self.key.is_valid(octets, mac):
            raise SystemExit(f"{self.host}: an answer that is not signed as it should be")
        return dns.Message(octets).rcode == "NOERROR"


class Visitor(multiprocessing.Process):
    """Asks for one name after the other, a question each millisecond at most; a process of its own, which no agent delays."""

    def __init__(self, port, agents):
        super().__init__(daemon=True)
        self.port, self.agents = port, agents
        self.over, self.told = multiprocessing.Event(), multiprocessing.SimpleQueue()

    def run(self):
        took, lost = [], 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            sock.connect(("127.0.0.1", self.port))
            while not self.over.is_set():
                octets = dns.query(f"_http._tcp.h{random.randrange(self.agents)}.{ZONE}", "SRV")
                begin = time.monotonic()
                sock.send(octets)
                try:
                    while sock.recv(4096)[:2] != octets[:2]:
                        pass
                    took.append(1000 * (time.monotonic() - begin))
                except TimeoutError:
                    lost += 1
                time.sleep(0.001)
        took.sort()
        self.told.put((len(took), lost, statistics.median(took), took[len(took) * 99 // 100], took[-1]))

    def stop(self):
        """Answers, losses; milliseconds: median, 99 %, longest."""
        self.over.set()
        told = self.told.get()
        self.join()
        return told


def secret_of(number):
    return base64.b64encode(hashlib.sha256(f"agent {number}".encode()).digest()).decode()


def write_config(folder, port, agents):
    with open(os.path.join(folder, "dyn.zone"), "w") as out:
        out.write("$ORIGIN dyn.example.\n@ 60 IN SOA ns h 1 3600 600 604800 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n")
    path = os.path.join(folder, "dnsd.toml")
    with open(path, "w") as out:
        out.write(f'listen = ["127.0.0.1:{port}"]\n[store]\npath = "dnsd.sqlite"\n')
        for number in range(agents):
            out.write(f'[[key]]\nname = "h{number}.{ZONE}"\nsecret = "{secret_of(number)}"\n')
        out.write(f'[[zone]]\nname = "{ZONE}"\nfile = "dyn.zone"\n[[zone.grant]]\nkey = "*.{ZONE}"\n'
                  'names = ["self", "below-self"]\ntypes = ["service"]\n')
    return path


def publish(agents, epoch, limit):
    """All at once; the seconds until each was answered, and how many datagrams that took."""
    for agent in agents:
        agent.old, agent.new = agent.new, agent.endpoint(epoch)
        agent.tries, agent.macs = 0, {}
        agent.sign()
    waiting = set(agents)
    sent, took = 0, []
    with selectors.EpollSelector() as selector:
        for agent in agents:
            selector.register(agent.sock, selectors.EVENT_READ, agent)
        begin = time.monotonic()
        unsent = list(agents)
        while waiting:
            now = time.monotonic()
            if now - begin > limit:
                raise SystemExit(f"{len(waiting)} of {len(agents)} agents have no answer after {limit} s")
            for agent in unsent[-200:]:  # answers are taken between
                agent.send(now)
                sent += 1
            del unsent[-200:]
            if not unsent:
                for agent in [one for one in waiting if one.due <= now]:
                    agent.sign()
                    agent.send(now)
                    sent += 1
            for found, _ in selector.select(0 if unsent else 0.05):
                if found.data in waiting and found.data.is_answered():
                    waiting.remove(found.data)
                    took.append(time.monotonic() - begin)
    return took, sent


def check(agents, port):
    """Every record of every name, and none besides."""
    wrong = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(("127.0.0.1", port))
        for agent in agents:
            for owner, rtype, text in agent.records(agent.new):
                sock.send(dns.query(owner, rtype))
                answer = dns.Message(sock.recv(4096)).answer
                # A target may be compressed; its port is what tells endpoints apart.
                want = dns.rdata(rtype, text)
                same = len(answer) == 1 and (answer[0].data[:6] == want[:6] if rtype == "SRV" else answer[0].data == want)
                wrong += not same
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bin")
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--limit", type=float, default=120, help="seconds for one restart")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = tempfile.mkdtemp(prefix="dnsd-agents-")
    port = free_port()
    server = Process([os.path.join(options.bin, "dnsd"), "--config", write_config(folder, port, options.agents)])
    try:
        server.wait_for("ready: listening on ")
        agents = [Agent(number, port) for number in range(options.agents)]
        print(f"{options.agents} agents, each with a key and a socket of its own; one dnsd on this machine of {os.cpu_count()} cores")
        for epoch in range(options.restarts + 1):
            visitor = Visitor(port, options.agents)
            visitor.start()
            took, sent = publish(agents, epoch, options.limit)
            answers, lost, *times = visitor.stop()
            wrong = check(agents, port)
            took.sort()
            print(f"{'first' if epoch == 0 else f'restart {epoch}'}: all answered after {took[-1]:.2f} s (half after "
                  f"{statistics.median(took):.2f} s), {sent} datagrams; {wrong} records wrong; visitor: {answers} answers, "
                  f"{lost} lost, ms: median {times[0]:.2f}, 99 % {times[1]:.2f}, longest {times[2]:.1f}")
            if wrong or lost:
                return 1
        # What was answered outlives kill -9.
        server.kill()
        server = Process([os.path.join(options.bin, "dnsd"), "--config", os.path.join(folder, "dnsd.toml")])
        server.wait_for("ready: listening on ")
        wrong = check(agents, port)
        print(f"after kill -9 and a new start: {wrong} records wrong")
        return 1 if wrong else 0
    finally:
        if server.process.poll() is None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
