"""[[zone.upstream]]: a real BIND and a real Knot follow what dnsd commits (RFC 7393 3.1), through kill -9 of either side."""
import os
import random
import re
import shutil
import tempfile
import time
import urllib.request

import dns
import zone_transfer
from harness import SystemTest, ZONE, ZONE_TEXT, Dnsd, free_port, key, main
from lease_test import with_lease
from peers import Bind, Knot

CHANGES = 200 if os.environ.get("DNSD_SANITIZED") else 1000
SEED = int(os.environ.get("DNSD_UPSTREAM_SEED", "7393"))
TIME_LIMIT = 60

# Another SOA and another NS than dnsd's, which they keep, and records that dnsd has not, or with another TTL.
UPSTREAM_TEXT = """\
$ORIGIN dyn.example.
$TTL 60
@ 3600 IN SOA ns.upstream.example. hostmaster 77 3600 600 604800 60
@ 3600 IN NS ns.upstream.example.
www 300 IN A 192.0.2.80
www 300 IN AAAA 2001:db8::80
stale IN A 192.0.2.200
a.stale IN TXT "old"
alias IN A 192.0.2.201
"""
OWN = ((b"\3dyn\7example\0", dns.TYPES["SOA"]), (b"\3dyn\7example\0", dns.TYPES["NS"]))


class Stream:
    """Changes, the same for the same seed: hosts that come, move and go, as a change of one RRset, several, or names."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def next(self):
        rand = self.random
        host = f"h{rand.randrange(40)}.{ZONE}"
        if rand.random() < 0.2:
            host = host.upper()
        address = f"198.51.100.{rand.randrange(256)}"
        service = f"_http._tcp.{host}"
        kind = rand.randrange(8)
        if kind <= 2:
            return [dns.delete_rrset(host, "A"), dns.delete_rrset(service, "SRV"), dns.delete_rrset(service, "TXT"),
                    dns.delete_rrset(host, "CNAME"), dns.add(host, rand.choice((30, 60, 120)), "A", address),
                    dns.add(service, 60, "SRV", f"0 0 {rand.randrange(1024, 65536)} {host}"),
                    dns.add(service, 60, "TXT", f"path=/{rand.randrange(100)}")]
        if kind == 3:
            return [dns.add(host, rand.choice((30, 60, 120)), "AAAA", f"2001:db8::{rand.randrange(1, 20):x}")
                    for _ in range(rand.randrange(1, 4))]
        if kind == 4:
            return [dns.delete_name(host), dns.add(host, 60, "CNAME", f"h{rand.randrange(40)}.{ZONE}")]
        if kind == 5:
            return [dns.delete_name(host), dns.delete_name(service)]
        if kind == 6:
            return [dns.delete_rrset(host, "AAAA")]
        return [dns.record(host, "A", "NONE", 0, dns.rdata("A", address)),
                dns.add(f"u{rand.randrange(200)}.{host}", 60, "TXT", str(rand.randrange(1000)))]


class UpstreamTest(SystemTest):
    def world(self, kinds=(Bind, Knot), full_sync="transfer", own_zone=None, upstream_key=None, upstream_text=UPSTREAM_TEXT):
        """dnsd with these upstreams, running, but not dnsd itself."""
        signer = key()
        self.logs = []
        self.admin = free_port()
        self.peer_key = upstream_key or key("up.example.")
        folder = tempfile.mkdtemp(prefix="dnsd-upstream-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.upstreams = [kind(self, folder, {ZONE: upstream_text}, self.peer_key) for kind in kinds]
        tables = "".join(f"""[[zone.upstream]]
server = "127.0.0.1:{peer.port}"
key = "up.example."
full-sync = "{full_sync}"
retry-min = "50ms"
retry-max = "500ms"
timeout = "5s"
""" for peer in self.upstreams)
        up = key("up.example.")
        arguments = {} if own_zone is None else {"zone_text": own_zone}
        self.dnsd = Dnsd(self, keys=[signer, up], grants=[(signer.name, "update = true\ntransfer = true\n" + tables)],
                         tables=f'[admin]\nlisten = "127.0.0.1:{self.admin}"\n[update]\nmin-lease = "1s"\n', **arguments)
        self.dnsd.name = "dnsd"

    def start(self):
        self.dnsd.start()
        self.logs.append(self.dnsd.running)

    def log(self):
        return "\n".join(process.log() for process in self.logs)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=TIME_LIMIT) as response:
            text = response.read().decode()
        return {match[1]: float(match[2]) for match in re.finditer(r"^([^# ]+(?:\{.*\})?) (\S+)$", text, re.M)}

    def of(self, peer, name, error=""):
        more = f',error="{error}"' if error else ""
        return self.metrics().get(f'{name}{{zone="{ZONE}",server="127.0.0.1:{peer.port}"{more}}}')

    def zone_of(self, peer, signer):
        return {what: has for what, has in zone_transfer.axfr(peer, ZONE, signer).items() if what not in OWN}

    def wait_until_told(self):
        """Until the metrics say that every upstream has all."""
        deadline = time.monotonic() + TIME_LIMIT
        while True:
            now = self.metrics()
            lsn = now["dnsd_journal_lsn"]
            there = [now.get(f'dnsd_upstream_acknowledged_lsn{{zone="{ZONE}",server="127.0.0.1:{peer.port}"}}')
                     for peer in self.upstreams]
            synced = self.log().count("synchronised whole, as of")
            if all(at == lsn for at in there) and synced >= len(self.upstreams):
                break
            self.assertLess(time.monotonic(), deadline, f"{there} of {lsn}:\n{self.log()}")
            time.sleep(0.05)

    def wait_until_equal(self):
        self.wait_until_told()
        own = self.zone_of(self.dnsd, self.dnsd.keys[0])
        for peer in self.upstreams:
            has = self.zone_of(peer, self.peer_key)
            self.assertEqual(has, own, f"{peer.name} differs:\n{zone_transfer.describe(own, has)}\n{self.log()}")
            self.assertEqual(self.of(peer, "dnsd_upstream_behind_batches"), 0)
            self.assertEqual(self.of(peer, "dnsd_upstream_failing"), 0)
        return own

    def change(self, *updates):
        answer = self.dnsd.update(*updates)
        self.assertEqual(answer.rcode, "NOERROR")

    def test_both_follow_all_changes_through_kill_9_of_either_side(self):
        self.world()
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        stream = Stream(SEED)
        away = {}  # peers that were killed, and the change before which they come back
        kills = dict.fromkeys(["dnsd", "BIND", "Knot"], 0)
        rand = random.Random(SEED + 1)
        due = {CHANGES * step // 20: who for step, who in enumerate(
            (["dnsd"], ["BIND"], ["Knot"], ["BIND", "Knot"], ["dnsd", "BIND"], ["dnsd", "Knot"], ["dnsd", "BIND", "Knot"]) * 3,
            start=1) if step < 20}
        started = time.monotonic()
        for number in range(CHANGES):
            for peer in [peer for peer, back in away.items() if back == number]:
                peer.restart()
                del away[peer]
            self.change(*stream.next())
            for name in due.get(number, []):
                kills[name] += 1
                if name == "dnsd":
                    self.dnsd.kill()
                    self.start()
                    continue
                peer = next(peer for peer in self.upstreams if peer.name == name)
                if peer not in away:
                    time.sleep(rand.random() * 0.02)  # somewhere in a message
                    peer.kill()
                    away[peer] = min(CHANGES - 1, number + 1 + rand.randrange(CHANGES // 25))
        for peer in away:
            peer.restart()
        changed = time.monotonic() - started
        own = self.wait_until_equal()
        print(f"seed {SEED}: {CHANGES} changes in {changed:.1f} s, {kills} kills, equal {time.monotonic() - started - changed:.1f} s "
              f"after the last one, {len(own)} RRsets", flush=True)
        # After the first time all came from the journal, kill -9 or not.
        self.assertEqual(self.log().count("synchronised whole, as of"), 2, self.log())
        for peer in self.upstreams:
            self.assertIn((b"\3dyn\7example\0", dns.TYPES["NS"]), zone_transfer.axfr(peer, ZONE, self.peer_key))
        self.dnsd.stop()

    def test_a_lease_that_ends_is_a_change(self):
        self.world()
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        octets, _ = self.dnsd.keys[0].sign(with_lease(dns.update(ZONE, [dns.add(f"leased.{ZONE}", 60, "A", "192.0.2.5")]), 3))
        self.assertEqual(self.dnsd.exchange(octets).rcode, "NOERROR")
        for there in (True, False):
            for peer in self.upstreams:
                self.wait_for(lambda peer=peer, there=there: bool(dns.Message(dns.exchange(
                    peer.port, dns.query(f"leased.{ZONE}", "A"))).answer) == there)
        self.wait_until_equal()
        self.dnsd.stop()

    def wait_for(self, holds):
        deadline = time.monotonic() + TIME_LIMIT
        while not holds():
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.01)

    def test_a_large_zone_is_sent_in_several_messages(self):
        hosts = 1200
        text = "$ORIGIN dyn.example.\n$TTL 60\n@ 3600 IN SOA ns hostmaster 1 3600 600 604800 60\n@ IN NS ns\nns A 127.0.0.1\n"
        text += "".join(f'h{i} TXT "{i}-{"x" * 200}"\nh{i} A 192.0.2.{i % 256}\n' for i in range(hosts))
        self.world(own_zone=text)
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        self.wait_until_equal()
        for peer in self.upstreams:
            self.assertGreater(self.of(peer, "dnsd_upstream_messages_total"), 4)
        # And one change of more than a message.
        for first in range(0, hosts, 400):
            octets, _ = self.dnsd.keys[0].sign(dns.update(ZONE, [dns.delete_name(f"h{i}.{ZONE}")
                                                                  for i in range(first, first + 400)]))
            self.assertEqual(self.dnsd.exchange(octets, tcp=True).rcode, "NOERROR")
        self.assertEqual(len(self.wait_until_equal()), 1)
        self.dnsd.stop()

    def test_replaced_without_a_look_what_is_ours_is_right(self):
        # alias is a CNAME here and an A there, turned the other way round: what is there would keep out what is here.
        self.world(full_sync="replace", own_zone=ZONE_TEXT + "turned IN A 192.0.2.7\nturned IN TXT x\n",
                   upstream_text=UPSTREAM_TEXT + "turned IN CNAME www\n")
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        self.wait_for(lambda: self.log().count("synchronised whole, as of") == 2)
        own = self.zone_of(self.dnsd, self.dnsd.keys[0])
        for peer in self.upstreams:
            has = self.zone_of(peer, self.peer_key)
            self.assertEqual({what for what, rrset in own.items() if has.get(what) != rrset}, set(), peer.name)
            self.assertIn((b"\5stale\3dyn\7example\0", dns.TYPES["A"]), has)
        self.dnsd.stop()

    def test_a_position_that_is_lost_or_wrong_means_a_full_synchronisation(self):
        self.world()
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        self.change(dns.add(f"one.{ZONE}", 60, "A", "192.0.2.1"))
        self.wait_until_equal()
        positions = self.dnsd.store + ".upstreams"
        with open(positions, encoding="ascii") as file:
            text = file.read()
        self.assertEqual(os.stat(positions).st_mode & 0o777, 0o600)
        rows = (("gone", None, ""), ("of another program", "x", "is not as dnsd wrote it"),
                ("ahead of the store", re.sub(r" \d+ (\d+)$", r" 99999 \1", text, flags=re.M), "the store is older"),
                ("of another zone", re.sub(r"( \d+) \d+$", r"\1 12345", text, flags=re.M), "the zone was made anew"))
        for what, now, reason in rows:
            with self.subTest(what):
                self.dnsd.stop()
                if now is None:
                    os.remove(positions)
                else:
                    with open(positions, "w", encoding="ascii") as file:
                        file.write(now)
                for peer in self.upstreams:  # somebody else changes it meanwhile
                    octets, _ = self.peer_key.sign(dns.update(ZONE, [dns.add(f"foreign.{ZONE}", 60, "A", "192.0.2.9")]))
                    self.assertEqual(dns.Message(dns.exchange(peer.port, octets)).rcode, "NOERROR")
                self.logs = []
                self.start()
                self.wait_until_equal()
                self.assertIn(reason, self.log())
        self.dnsd.stop()

    def test_a_refusal_is_told_once_with_what_would_be_right(self):
        other = dns.Key("up.example.", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        self.world(upstream_key=other)
        for peer in self.upstreams:
            peer.wait_until_ready()
        self.start()
        for peer in self.upstreams:
            self.wait_for(lambda: (self.of(peer, "dnsd_upstream_failures_total") or 0) > 2)
            self.assertEqual(self.of(peer, "dnsd_upstream_failing"), 1)
            self.assertIsNotNone(self.of(peer, "dnsd_upstream_last_error_seconds", "TSIG"))
        warnings = [line for line in self.log().splitlines() if "upstream 127.0.0.1" in line]
        self.assertEqual(len(warnings), 2, warnings)
        for warning in warnings:
            self.assertRegex(warning, "BADSIG: .* has another secret")
        # The right secret on our side, by SIGHUP: nothing else is needed.
        self.dnsd.write("dnsd.toml", self.dnsd.text.replace(key("up.example.").secret, other.secret).replace(
            'name = "h1.dyn.example."\nalgorithm = "hmac-sha256"\nsecret = "' + other.secret,
            'name = "h1.dyn.example."\nalgorithm = "hmac-sha256"\nsecret = "' + key().secret))
        self.dnsd.running.process.send_signal(1)
        self.wait_until_equal()
        self.assertEqual(self.log().count("takes updates again"), 2)
        self.dnsd.stop()

    def test_what_is_refused_for_its_name_holds_back_nobody(self):
        self.world(kinds=[CheckingBind])
        bind = self.upstreams[0]
        bind.wait_until_ready()
        self.start()
        self.wait_until_equal()
        bad = [f"bad_{i}.{ZONE}" for i in range(20)]
        # One by one, nothing else between: more than what could still be the key's or the zone's fault.
        for name in bad:
            self.change(dns.add(name, 60, "A", "192.0.2.1"))
        # And among others, so that the message is halved. From behind an upstream that is away, all in one.
        bind.kill()
        for i in range(40):
            self.change(dns.add(f"good{i}.{ZONE}", 60, "A", "192.0.2.1"), dns.add(f"worse_{i % 4}.{ZONE}", 60, "A", f"192.0.2.{i}"))
        bind.restart()
        bad += [f"worse_{i}.{ZONE}" for i in range(4)]
        self.wait_until_told()
        self.assertEqual(self.missing(bind), set(bad))
        self.assertEqual(self.of(bind, "dnsd_upstream_refused_names"), len(bad))
        self.assertEqual(self.of(bind, "dnsd_upstream_needs_full_sync"), 0)
        self.assertEqual(self.of(bind, "dnsd_upstream_failing"), 0)
        self.assertIn("is answered REFUSED, which its log may explain: left out until it changes again", self.log())
        # Known after a restart; the other changes of such a name are tried, and what is taken is no longer counted.
        self.dnsd.stop()
        self.start()
        self.wait_for(lambda: self.of(bind, "dnsd_upstream_refused_names") == len(bad))
        for name in bad[2:]:
            self.change(dns.delete_name(name))
        self.wait_until_told()
        self.assertEqual(self.of(bind, "dnsd_upstream_refused_names"), 2)
        # Once it takes them there: by SIGHUP.
        bind.kill()
        bind.strict = False
        bind.restart()
        bind.wait_until_ready()
        self.dnsd.running.process.send_signal(1)
        self.wait_for(lambda: self.of(bind, "dnsd_upstream_refused_names") == 0)
        self.wait_until_equal()
        self.dnsd.stop()

    def missing(self, peer):
        own, has = self.zone_of(self.dnsd, self.dnsd.keys[0]), self.zone_of(peer, self.peer_key)
        self.assertEqual(set(has) - set(own), set())
        return {dns_text(owner) for owner, rtype in own if has.get((owner, rtype)) != own[owner, rtype]}

    def test_what_is_refused_for_the_key_marks_no_names(self):
        self.world(kinds=[NoUpdateBind])
        bind = self.upstreams[0]
        bind.wait_until_ready()
        self.start()
        self.wait_for(lambda: (self.of(bind, "dnsd_upstream_failures_total") or 0) > 0)
        self.assertEqual(self.of(bind, "dnsd_upstream_failing"), 1)
        self.assertEqual(self.of(bind, "dnsd_upstream_refused_names"), 0)
        self.assertIn("the update is answered REFUSED: let key up.example. update zone", self.log())
        self.dnsd.stop()

    def test_the_addresses_of_its_own_name_servers_are_its_own(self):
        """As the SOA and NS at the apex are, which lead to them."""
        its_own = UPSTREAM_TEXT.replace("ns.upstream.example.\nwww", "ns1\n@ 3600 IN NS ns2.dyn.example.\n"
                                        "ns1 IN A 192.0.2.53\nns2 IN AAAA 2001:db8::53\nns2 IN TXT old\nwww")
        for full_sync in ("transfer", "replace"):
            with self.subTest(full_sync):
                self.world(full_sync=full_sync, own_zone=ZONE_TEXT + "ns1 IN A 127.0.0.1\nns1 IN TXT here\n",
                           upstream_text=its_own)
                for peer in self.upstreams:
                    peer.wait_until_ready()
                self.start()
                self.wait_until_told()
                self.change(dns.add(f"ns2.{ZONE}", 60, "A", "192.0.2.1"), dns.add(f"ns2.{ZONE}", 60, "TXT", "new"))
                self.wait_until_told()
                for peer in self.upstreams:
                    has = self.zone_of(peer, self.peer_key)
                    self.assertEqual({(owner, rtype): rrset[1] for (owner, rtype), rrset in has.items() if owner[:3] in (b"\3ns",)
                                      and owner[3:4] in b"12"},
                                     {(wire("ns1"), 1): {b"\xc0\x00\x02\x35"}, (wire("ns1"), 16): {b"\4here"},
                                      (wire("ns2"), 28): {bytes.fromhex("20010db8000000000000000000000053")},
                                      (wire("ns2"), 16): {b"\3new"}}, f"{peer.name}, {full_sync}")
                self.dnsd.stop()
                for peer in self.upstreams:
                    peer.kill()

    def test_two_that_tell_each_other_come_to_an_end(self):
        """What changes nothing is no change, so that the echo ends; better is not to do it (README)."""
        signer, up = key(), key("up.example.")
        pair = []
        for _ in range(2):
            tables = f'[[zone.upstream]]\nserver = "127.0.0.1:OTHER"\nkey = "{up.name}"\nfull-sync = "replace"\nretry-min = "50ms"\n'
            admin = free_port()
            one = Dnsd(self, keys=[signer, up], grants=[(up.name, "update = true\ntransfer = true"),
                                                        (signer.name, "update = true\ntransfer = true\n" + tables)],
                       tables=f'[admin]\nlisten = "127.0.0.1:{admin}"\n')
            one.admin = admin
            one.name = "dnsd"
            pair.append(one)
        for one, other in (pair, pair[::-1]):
            one.write("dnsd.toml", one.text.replace("OTHER", str(other.port)))
            one.start()
        self.logs = [one.running for one in pair]

        def of(one, name):
            self.admin = one.admin
            return sum(value for what, value in self.metrics().items() if what.startswith(name))

        def is_over():
            return all(of(one, "dnsd_upstream_acknowledged_lsn") == of(one, "dnsd_journal_lsn") for one in pair * 2)
        self.wait_for(lambda: all(of(one, "dnsd_upstream_full_syncs_total") == 1 for one in pair) and is_over())
        for number in range(1, 4):
            sent = [of(one, "dnsd_upstream_messages_total") for one in pair]
            octets, _ = signer.sign(dns.update(ZONE, [dns.delete_rrset(f"x.{ZONE}", "A"),
                                                      dns.add(f"x.{ZONE}", 60, "A", f"192.0.2.{number}")]))
            self.assertEqual(dns.Message(dns.exchange(pair[0].port, octets)).rcode, "NOERROR")
            self.wait_for(lambda: of(pair[1], "dnsd_upstream_messages_total") > sent[1])
            self.wait_for(is_over)
            # There, and back once, where it changes nothing.
            self.assertEqual([of(one, "dnsd_upstream_messages_total") for one in pair], [at + 1 for at in sent])
            zones = [zone_transfer.axfr(one, ZONE, signer) for one in pair]
            self.assertEqual(zones[0][wire("x"), 1], zones[1][wire("x"), 1])
        for one in pair:
            one.stop()

    def test_without_the_right_to_transfer(self):
        self.world(kinds=[NoTransferBind])
        self.upstreams[0].wait_until_ready()
        self.start()
        self.dnsd.running.wait_for(r'the transfer is answered REFUSED: let key up\.example\. transfer .* full-sync = "replace"')
        self.dnsd.stop()


def wire(label):
    return bytes([len(label)]) + label.encode() + b"\3dyn\7example\0"


def dns_text(owner):
    text = ""
    while owner[0]:
        text += owner[1:1 + owner[0]].decode() + "."
        owner = owner[1 + owner[0]:]
    return text


class CheckingBind(Bind):
    """Refuses addresses of names that are no host names (check-names), until it is no longer `strict`."""
    strict = True

    def write(self, name, text):
        return super().write(name, text.replace("check-names primary ignore", "check-names primary fail") if self.strict else text)


class NoUpdateBind(Bind):
    def write(self, name, text):
        return super().write(name, re.sub("allow-update { key [^}]*}", "allow-update { none; }", text))


class NoTransferBind(Bind):
    def write(self, name, text):
        return super().write(name, re.sub("allow-transfer { key [^}]*}", "allow-transfer { none; }", text))


if __name__ == "__main__":
    main()
