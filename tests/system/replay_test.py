"""The same signed UPDATE again: the first answer again, nothing changes, whatever happened in between."""
import struct
import threading
import time

import dns
from harness import Dnsd, SystemTest, ZONE, main


class Replay(SystemTest):
    def setUp(self):
        self.dnsd = Dnsd(self).start()

    def signed(self, *updates, prerequisites=()):
        return self.dnsd.keys[0].sign(dns.update(ZONE, updates, prerequisites))

    def ask(self, signed, **more):
        """The answer, whose signature belongs to the request."""
        octets, mac = signed
        answer = self.dnsd.exchange(octets, **more)
        self.assertEqual(answer.octets[:2], octets[:2])
        self.assertTrue(self.dnsd.keys[0].is_valid(answer.octets, mac), "the response's signature")
        return answer.rcode

    def test_over_udp_and_tcp(self):
        for tcp_first in (False, True):
            one = self.signed(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"))
            self.assertEqual(self.ask(one, tcp=tcp_first), "NOERROR")
            self.assertEqual(self.dnsd.update(dns.delete_name(f"h1.{ZONE}")).rcode, "NOERROR")
            zone = self.dnsd.axfr()
            for tcp in (False, True, False):
                self.assertEqual(self.ask(one, tcp=tcp), "NOERROR")
            self.assertEqual(self.dnsd.axfr(), zone)
        self.dnsd.stop()

    def test_another_id_in_the_header(self):
        """A forwarder may change it (RFC 8945 §5.3); the answer bears the one it was asked with."""
        octets, mac = self.signed(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"))
        self.assertEqual(self.ask((octets, mac)), "NOERROR")
        self.assertEqual(self.dnsd.update(dns.delete_name(f"h1.{ZONE}")).rcode, "NOERROR")
        zone = self.dnsd.axfr()
        changed = struct.unpack_from("!H", octets)[0] ^ 0x5555
        self.assertEqual(self.ask((struct.pack("!H", changed) + octets[2:], mac)), "NOERROR")
        self.assertEqual(self.dnsd.axfr(), zone)

    def test_copies_at_the_same_time(self):
        """Each message claims a free name; only one of its copies can have found it free."""
        for step in range(20):
            owner = f"claim{step}.{ZONE}"
            one = self.signed(dns.add(owner, 60, "A", "192.0.2.1"),
                              prerequisites=[dns.record(owner, "ANY", "NONE")])
            serial = self.dnsd.serial()
            answers = []
            threads = [threading.Thread(target=lambda tcp=tcp: answers.append(self.ask(one, tcp=tcp)))
                       for tcp in (False, True) * 4]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(answers, ["NOERROR"] * 8)
            self.assertEqual(self.dnsd.serial(), serial + 1)
        self.dnsd.stop()

    def test_refusals(self):
        one = self.signed(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"),
                          prerequisites=[dns.record(f"h2.{ZONE}", "ANY", "ANY")])
        self.assertEqual(self.ask(one), "NXDOMAIN")
        self.assertEqual(self.dnsd.update(dns.add(f"h2.{ZONE}", 60, "A", "192.0.2.2")).rcode, "NOERROR")
        zone = self.dnsd.axfr()
        self.assertEqual(self.ask(one), "NXDOMAIN")
        self.assertEqual(self.dnsd.axfr(), zone)

    def test_after_the_server_was_killed(self):
        messages = [self.signed(dns.add(f"h{step}.{ZONE}", 60, "A", "192.0.2.1")) for step in range(30)]
        refused = self.signed(dns.add(f"x.{ZONE}", 60, "A", "192.0.2.1"),
                              prerequisites=[dns.record(f"h0.{ZONE}", "ANY", "NONE")])
        for one in messages:
            self.assertEqual(self.ask(one), "NOERROR")
        self.assertEqual(self.ask(refused), "YXDOMAIN")
        for step in range(30):
            self.assertEqual(self.dnsd.update(dns.delete_name(f"h{step}.{ZONE}")).rcode, "NOERROR")
        zone = self.dnsd.axfr()
        for end in (self.dnsd.kill, self.dnsd.stop):
            end()
            self.dnsd.start()
            for one in messages:
                self.assertEqual(self.ask(one), "NOERROR")
            self.assertEqual(self.ask(refused), "YXDOMAIN")
            self.assertEqual(self.dnsd.axfr(), zone)
        self.dnsd.stop()


class FullMemory(SystemTest):
    def test_what_it_cannot_vouch_for_is_badtime(self):
        dnsd = Dnsd(self, tables="[update]\nreplay-window = 1000").start()
        signer = dnsd.keys[0]
        now = int(time.time())
        old = signer.sign(dns.update(ZONE, [dns.add(f"old.{ZONE}", 60, "A", "192.0.2.1")]), now=now - 100)
        self.assertEqual(dnsd.exchange(old[0]).rcode, "NOERROR")
        self.assertEqual(dnsd.update(dns.delete_name(f"old.{ZONE}")).rcode, "NOERROR")
        for step in range(1000):  # signed over 50 seconds: how fast they come does not matter
            update = dns.update(ZONE, [dns.delete_name(f"none{step}.{ZONE}")])
            octets, _ = signer.sign(update, now=now - 60 + step // 20)
            self.assertEqual(dnsd.exchange(octets).rcode, "NOERROR")
        answer = dnsd.exchange(old[0])
        self.assertEqual((answer.rcode, answer.tsig_error), ("NOTAUTH", "BADTIME"))
        self.assertTrue(signer.is_valid(answer.octets, old[1]))
        self.assertEqual(dnsd.query(f"old.{ZONE}", "A").rcode, "NXDOMAIN")
        self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
        dnsd.stop()


if __name__ == "__main__":
    main()
