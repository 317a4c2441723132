"""The same stream of random and nasty UPDATEs to dnsd, BIND and Knot: the same RCODE and the same zone after it.

What each has to do is RFC 2136's prose (update_model.py), but for the differences that update_differences.py lists. A
zone that a listed difference leaves unequal is made equal again by an UPDATE to all three, so that the next messages find the
same state everywhere.

DNSD_DIFFERENTIAL_UPDATES tells how many (default 20,000), DNSD_DIFFERENTIAL_SEED which.
"""
import collections
import os
import select
import shutil
import socket
import tempfile
import time

import dns
import peers
import update_differences
import update_model as model
import update_stream
from harness import SANITIZER, SystemTest, TIME_LIMIT, key, main
from zone_transfer import axfr, describe

UPDATES = int(os.environ.get("DNSD_DIFFERENTIAL_UPDATES", "20000"))
SEED = os.environ.get("DNSD_DIFFERENTIAL_SEED", "1")
ZONES = int(os.environ.get("DNSD_DIFFERENTIAL_ZONES", "24"))
ROUND = 100  # messages a zone between two comparisons of the zones
NSEC3 = 50
REPORTED = 12  # mismatches

ZONE_TEXT = """\
$ORIGIN {origin}
$TTL 60
@ IN SOA ns1.example.net. hostmaster {serial} 3600 600 604800 60
@ IN NS ns1.example.net.
@ IN NS ns2.example.net.
@ IN MX 10 mail
@ IN TXT "apex"
ns IN A 192.0.2.1
ns2 IN A 192.0.2.2
www IN A 192.0.2.3
www IN AAAA 2001:db8::1
mail IN A 192.0.2.4
h1 IN A 192.0.2.5
_http._tcp.h1 IN SRV 0 0 8001 www
_http._tcp.h1 IN TXT "t"
a.b.c.d IN A 192.0.2.1
*.wild IN TXT "t"
sub IN NS ns.sub
ns.sub IN A 192.0.2.2
deep.under.sub IN A 192.0.2.3
alias IN CNAME www
tree IN DNAME example.net.
mixed IN TXT "t"
child IN NS ns.child
"""


def as_tuple(one):
    return one if isinstance(one, tuple) else (one,)


class Link:
    """One zone of one server: the next message goes when the last one is answered."""

    def __init__(self, peer, origin):
        self.peer = peer
        self.origin = origin
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", peer.port))
        self.queue = []
        self.answers = []

    def send(self):
        """Sends the next message, and those before it that get no answer. False when that was the last."""
        while len(self.answers) < len(self.queue):
            octets, _, is_answered = self.queue[len(self.answers)]
            if octets:
                self.socket.send(octets)
            if is_answered:
                return True
            self.answers.append(None)
        return False

    def receive(self):
        """False when the link has nothing more to send."""
        octets = self.socket.recv(65535)
        if octets[:2] != self.queue[len(self.answers)][0][:2]:
            return True  # of an earlier message
        self.answers.append(octets)
        return self.send()


def drive(links, time_limit):
    """Sends all that the links hold and takes the answers."""
    poll = select.epoll()
    open_links = {}
    for link in links:
        link.answers = []
        if link.send():
            open_links[link.socket.fileno()] = link
            poll.register(link.socket.fileno(), select.EPOLLIN)
    while open_links:
        events = poll.poll(time_limit)
        if not events:
            link = next(iter(open_links.values()))
            message = link.queue[len(link.answers)][1]
            raise AssertionError(f"{link.peer.name} does not answer within {time_limit} s:\n{message.text()}\n"
                                 f"{link.peer.process.log()[-2000:]}")
        for number, _ in events:
            if not open_links[number].receive():
                poll.unregister(number)
                del open_links[number]
    poll.close()


class Zone:
    """One zone: its stream, the state that all servers have, and what was sent in this round."""

    def __init__(self, origin, origins, peers):
        self.stream = update_stream.Stream(SEED, origin, origins)
        self.origin = origin
        self.links = {peer.name: Link(peer, origin) for peer in peers}
        self.state = None
        self.others = {}  # by server: a state that differs, until it is mended
        self.sent = []  # (message, MAC, state before, expected RCODE by server)
        self.failed = False


class Differential(SystemTest):
    def setUp(self):
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nobody's durability is at stake
        self.folder = tempfile.mkdtemp(prefix="dnsd-test-", dir=shared_memory)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.key = key("stream.")
        origins = [f"z{number:02d}.example." for number in range(ZONES - 2)] + ["child.z00.example.", "child.z01.example."]
        texts = {origin: ZONE_TEXT.format(origin=origin, serial=(1, 2**31 - 20, 2**32 - 20)[number % 3])
                 for number, origin in enumerate(origins)}
        wanted = os.environ.get("DNSD_DIFFERENTIAL_PEERS", "dnsd BIND Knot").split()
        self.peers = [kind(self, self.folder, texts, self.key) for kind in peers.UPDATED if kind.name in wanted]
        self.rfc = model.Model()
        self.models = {peer.name: model.Model(peer.name, update_differences.DIFFERENCES) for peer in self.peers}
        self.zones = [Zone(origin, origins, self.peers) for origin in origins]
        self.mismatches = []
        self.rcodes = collections.Counter()
        self.count = 0
        self.mends = 0
        for zone in self.zones:
            for link in zone.links.values():
                self.addCleanup(link.socket.close)

    def plan(self, zone):
        """The round's messages for one zone; each is made with the state that those before it lead to."""
        zone.sent = []
        for link in zone.links.values():
            link.queue = []
        while len(zone.sent) < ROUND:
            message = zone.stream.next(zone.state)
            others = self.add(zone, message)
            if others:
                self.mends += 1
                mend = update_stream.mend(zone.stream, zone.state, others)
                self.assertEqual([describe(zone.state, other) for other in self.add(zone, mend)], [], mend.text())

    def add(self, zone, message):
        """@return the zones of the servers that will have another one"""
        before = zone.state
        rcode, after = self.judge(self.rfc, zone, message, before)
        expected, others = {}, []
        signed, mac = self.key.sign(message.octets)
        for name, server in self.models.items():
            own = self.variant(server, zone, message, before)
            if own is None:
                expected[name] = None
                zone.links[name].queue.append((None, message, False))
                continue
            expected[name], own_after = self.judge(server, zone, own, zone.others.get(name, before))
            octets = signed if own is message else self.key.sign(own.octets)[0]
            zone.links[name].queue.append((octets, message, expected[name] is not None))
            if own_after is not after and own_after != after:
                zone.others[name] = own_after
                others.append(own_after)
            else:
                zone.others.pop(name, None)
        zone.state = after
        zone.sent.append((message, mac, before, expected))
        self.rcodes[rcode] += 1
        self.count += 1
        return others

    @staticmethod
    def variant(server, zone, message, before):
        """The message as a server can bear it; None for not at all."""
        if message.what == "malformed RDATA":
            rr = message.updates[-1]
            return None if (rr.type, rr.rdata) in update_stream.LOOSE and server.differs("rdata-form") else message
        if any(rr.type == NSEC3 for rr in message.updates) and server.differs("not-survived"):
            return None
        if message.rcode is not None:
            return message
        dnames = collections.defaultdict(set)
        for (owner, rtype), (_, rdatas) in before.items():
            if rtype == model.DNAME:
                dnames[owner] |= rdatas
        for rr in message.updates:
            if (rr.type, rr.rclass) == (model.DNAME, model.IN):
                dnames[rr.owner.lower()].add(rr.rdata)

        def kills(rr):
            if rr.rclass != model.IN:
                return False
            if rr.type == model.SOA:
                return rr.owner.lower() != zone.stream.apex and server.differs("not-survived")
            return rr.type == model.DNAME and len(dnames[rr.owner.lower()]) > 1 and server.differs("not-survived")

        if any(map(kills, message.updates)):
            return message.without(kills, zone.stream.zone_section())
        return message

    @staticmethod
    def judge(server, zone, message, before):
        if message.rcode is not None:
            return server.broken(message), before
        return server.update(zone.stream.apex, before, message.prerequisites, message.updates)

    def mismatch(self, zone, text):
        zone.failed = True
        self.mismatches.append(f"{zone.origin} {text}")

    def check_answers(self, zone):
        for name, link in zone.links.items():
            for (message, mac, before, expected), octets in zip(zone.sent, link.answers):
                if octets is None:
                    continue
                rcode = octets[3] & 15
                if rcode not in as_tuple(expected[name]):
                    owners = {rr.owner.lower() for rr in (*message.prerequisites, *message.updates)}
                    state = {k: v for k, v in before.items() if k[0] in owners}
                    at = link.answers.index(octets)
                    others = {n: other.answers[at] and dns.RCODES[other.answers[at][3] & 15] for n, other in zone.links.items()}
                    self.mismatch(zone, f"{name}: {dns.RCODES[rcode]}, not {expected[name]}; all: {others}\n"
                                  f"{message.text()}\n  with\n{describe({}, state)}")
                    break
                if name == "dnsd" and message.rcode is None and not self.key.is_valid(octets, mac):
                    self.mismatch(zone, f"an answer to a validly signed message is not signed:\n{message.text()}")
                    break

    def check_zones(self, zone):
        for peer in self.peers:
            if zone.failed:
                return
            found = axfr(peer, zone.origin, self.key)
            if found != zone.state:
                changed = {k[0] for k in found.keys() | zone.state.keys() if found.get(k) != zone.state.get(k)}
                touched = [sent for sent in zone.sent
                           if changed & {rr.owner.lower() for rr in sent[0].updates}]
                history = "\n  then\n".join(f"{one[0].text()}\n    = {one[3][peer.name]}" for one in touched[-6:])
                self.mismatch(zone, f"{peer.name}'s zone is not the model's:\n{describe(zone.state, found)}\n  after\n{history}")

    def test_same_rcode_same_zone(self):
        for peer in self.peers:
            peer.wait_until_ready()
        for zone in self.zones:
            states = [axfr(peer, zone.origin, self.key) for peer in self.peers]
            zone.state = states[0]
            for peer, state in zip(self.peers, states):
                self.assertEqual(describe(state, zone.state), "", f"{peer.name} has read another zone")
        started = time.monotonic()
        while self.count < UPDATES:
            running = [zone for zone in self.zones if not zone.failed]
            if not running:
                break
            for zone in running:
                self.plan(zone)
            drive([link for zone in running for link in zone.links.values()], TIME_LIMIT)
            for zone in running:
                self.check_answers(zone)
                self.check_zones(zone)
        for peer in self.peers:
            if peer.name == "dnsd":
                self.assertEqual(peer.process.terminate(), 0, peer.process.log())
                self.assertNotRegex(peer.process.log(), SANITIZER)
        print(f"{self.count} updates to {len(self.peers)} servers in {time.monotonic() - started:.1f} s, {self.mends} of them mends; "
              + ", ".join(f"{dns.RCODES[rcode]} {count}" for rcode, count in sorted(self.rcodes.items())))
        for name, server in self.models.items():
            print(f"{name}: " + ", ".join(f"{what} {count}" for what, count in sorted(server.seen.items())))
        self.assertEqual(len(self.mismatches), 0, "\n\n".join(self.mismatches[:REPORTED]))
        self.assertLessEqual(len(update_differences.DIFFERENCES), 20)
        if UPDATES >= 20000:
            for name, difference in update_differences.DIFFERENCES.items():
                for server in difference.servers:
                    self.assertGreater(self.models[server].seen[name], 0, f"{server} did not differ: {name}")


if __name__ == "__main__":
    main()
