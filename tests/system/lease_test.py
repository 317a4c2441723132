"""Leases (RFC 9664) over the wire: granted, refreshed, kept over kill -9, ended; by dnsd-update, nsupdate and plain octets."""
import os
import re
import statistics
import struct
import subprocess
import threading
import time

import dns
from harness import BIN, Dnsd, SystemTest, ZONE, main, run

SHORT = '[update]\nmin-lease = "1s"\nmax-lease = "1h"\n'


def with_lease(message, *seconds):
    """The message with an OPT that holds Update Lease: one number or two, or the octets as they are."""
    data = seconds[0] if isinstance(seconds[0], bytes) else struct.pack(f"!{len(seconds)}I", *seconds)
    option = struct.pack("!2H", 2, len(data)) + data
    opt = b"\0" + struct.pack("!2HIH", dns.TYPES["OPT"], 1232, 0, len(option)) + option
    return message[:10] + struct.pack("!H", struct.unpack_from("!H", message, 10)[0] + 1) + message[12:] + opt


def granted(answer):
    """What the answer's Update Lease option says; None without one."""
    for opt in answer.additional:
        if opt.type != dns.TYPES["OPT"]:
            continue
        at = 0
        while at < len(opt.data):
            code, size = struct.unpack_from("!2H", opt.data, at)
            if code == 2:
                return struct.unpack_from(f"!{size // 4}I", opt.data, at + 4)
            at += 4 + size
    return None


class Leases(SystemTest):
    def serve(self, tables=SHORT, **more):
        self.dnsd = Dnsd(self, tables=tables, **more).start()
        return self.dnsd

    def lease(self, seconds, *updates, **more):
        octets, mac = self.dnsd.keys[0].sign(with_lease(dns.update(ZONE, updates), *seconds))
        answer = self.dnsd.exchange(octets, **more)
        self.assertTrue(self.dnsd.keys[0].is_valid(answer.octets, mac), "the response's signature")
        return answer

    def wait_until_gone(self, owner, rtype="A", time_limit=30):
        end = time.time() + time_limit
        while self.dnsd.query(owner, rtype).answer:
            self.assertLess(time.time(), end, f"{owner} is still there")
            time.sleep(0.05)
        return time.time()

    def store_lines(self):
        ran = subprocess.run([os.path.join(BIN, "dnsdctl"), "lease", "list", "--store", self.dnsd.store],
                             capture_output=True, text=True, check=True)
        return ran.stdout.splitlines()

    def test_the_option_in_the_answer(self):
        self.serve()
        host = dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")
        for asked, want in (((600,), (600,)), ((600, 700), (600, 700)), ((0,), (1,)),
                            ((0xffffffff, 0xffffffff), (3600, 604800))):
            answer = self.lease(asked, host)
            self.assertEqual((answer.rcode, granted(answer)), ("NOERROR", want))
            self.assertEqual(granted(self.lease(asked, host, tcp=True)), want)
        self.assertIsNone(granted(self.dnsd.update(host)))
        for octets in (b"", b"\0\0\1", b"\0" * 12):
            answer = self.lease((octets,), host)
            self.assertEqual((answer.rcode, granted(answer)), ("FORMERR", None))
        self.dnsd.stop()

    def test_they_end_and_secondaries_see_it(self):
        self.serve()
        before = self.dnsd.axfr()
        self.assertEqual(self.lease((600,), dns.add(f"stays.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
        self.assertEqual(self.lease((1,), dns.add(f"goes.{ZONE}", 60, "A", "192.0.2.2"),
                                    dns.add(f"stays.{ZONE}", 60, "A", "192.0.2.3")).rcode, "NOERROR")
        begin, serial = time.time(), self.dnsd.serial()
        took = self.wait_until_gone(f"goes.{ZONE}") - begin
        self.assertLess(took, 20)  # a second, and what a busy machine takes
        self.assertEqual(self.dnsd.query(f"goes.{ZONE}", "A").rcode, "NXDOMAIN")
        self.assertEqual(self.dnsd.serial(), serial + 1)
        lines = [line for line in self.dnsd.axfr() if " SOA " not in line]
        self.assertEqual(lines, sorted([line for line in before if " SOA " not in line] +
                                       [f"stays.{ZONE} 60 IN A 192.0.2.1"]))
        self.dnsd.stop()

    def test_a_refresh_leaves_the_serial(self):
        self.serve()
        host = dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")
        self.assertEqual(self.lease((3,), host).rcode, "NOERROR")
        serial, end = self.dnsd.serial(), time.time() + 6
        while time.time() < end:
            answer = self.lease((3,), host)
            self.assertEqual((answer.rcode, granted(answer)), ("NOERROR", (3,)))
            time.sleep(0.5)
        self.assertEqual(self.dnsd.serial(), serial)
        self.assertEqual(self.dnsd.update(host).rcode, "NOERROR")  # without a lease: for good
        time.sleep(4)
        self.assertEqual(len(self.dnsd.query(f"h1.{ZONE}", "A").answer), 1)
        self.assertEqual(self.dnsd.serial(), serial)
        self.dnsd.stop()
        self.assertEqual(self.store_lines(), [])

    def test_the_end_survives_kill(self):
        for clean in (False, True):
            self.serve()
            self.assertEqual(self.lease((8,), dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
            begin = time.time()
            self.assertEqual(self.lease((600,), dns.add(f"h2.{ZONE}", 60, "TXT", "x")).rcode, "NOERROR")
            (self.dnsd.stop if clean else self.dnsd.kill)()
            lines = self.store_lines()
            self.assertEqual(len(lines), 2, lines)
            when, record = lines[0].split(" ", 1)
            self.assertEqual(record.split(), [f"h1.{ZONE}", "60", "IN", "A", "192.0.2.1"])
            told = time.mktime(time.strptime(when, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            self.assertAlmostEqual(told, begin + 8, delta=3)
            time.sleep(2)
            self.dnsd.start()
            self.assertGreaterEqual(self.wait_until_gone(f"h1.{ZONE}"), told - 1)
            self.assertLess(time.time(), told + 20)
            self.dnsd.kill()
            # What ends while nobody serves is gone before the first answer.
            self.dnsd.start()
            self.assertEqual(self.lease((1,), dns.add(f"h3.{ZONE}", 60, "A", "192.0.2.3")).rcode, "NOERROR")
            self.dnsd.kill()
            time.sleep(2.5)
            self.dnsd.start()
            self.assertEqual(self.dnsd.query(f"h3.{ZONE}", "A").rcode, "NXDOMAIN")
            self.assertEqual(len(self.dnsd.query(f"h2.{ZONE}", "TXT").answer), 1)
            self.dnsd.stop()

    def test_dnsd_update_and_nsupdate(self):
        self.serve()
        one = self.dnsd.keys[0]
        key = ("-y", f"{one.algorithm}:{one.name}:{one.secret}")
        server = f"server 127.0.0.1 {self.dnsd.port}\nzone {ZONE}\n"
        status, text = run([os.path.join(BIN, "dnsd-update"), *key], input=(
            f"{server}lease 1 9000\nadd h1.{ZONE} 60 A 192.0.2.1\nadd h2.{ZONE} 60 A 192.0.2.2\nshow\nsend\nanswer\n"))
        self.assertEqual(status, 0, text)
        self.assertEqual(text.count("UPDATE-LEASE: 1/9000 ("), 2, text)  # asked for, and granted
        self.assertNotIn("warning", text)
        # BIND 9.18 knows no leases: what it adds is permanent.
        status, text = run(["nsupdate", *key], input=f"{server}update add h2.{ZONE} 60 A 192.0.2.2\nsend\n")
        self.assertEqual((status, text), (0, ""))
        self.wait_until_gone(f"h1.{ZONE}")
        self.assertIn("192.0.2.2", self.dnsd.dig(f"h2.{ZONE}", "A", "+short"))
        self.dnsd.stop()

    def test_ten_thousand_end_at_once(self):
        """Behind updates: their answers do not wait for it."""
        names, lease = 10_000, 20
        self.serve()
        begin = time.time()
        for first in range(0, names, 500):
            left = max(1, lease - int(time.time() - begin))
            self.assertEqual(self.lease((left,), *[dns.add(f"m{number}.{ZONE}", 60, "A", "192.0.2.1")
                                                   for number in range(first, first + 500)], tcp=True).rcode,
                             "NOERROR")
        serial = self.dnsd.serial()
        taken, ended = [], threading.Event()

        def update():
            step = 0
            while not ended.is_set():
                step += 1
                start = time.monotonic()
                self.assertEqual(self.dnsd.update(dns.delete_rrset(f"u.{ZONE}", "A"), dns.add(
                    f"u.{ZONE}", 60, "A", f"192.0.2.{step % 250 + 1}")).rcode, "NOERROR")
                taken.append((time.time(), time.monotonic() - start))

        thread = threading.Thread(target=update)
        thread.start()
        try:
            gone = self.wait_until_gone(f"m{names - 1}.{ZONE}", time_limit=90)
            for number in range(0, names, 97):
                self.wait_until_gone(f"m{number}.{ZONE}")
            gone = max(gone, time.time())
        finally:
            ended.set()
            thread.join()
        during = [took for when, took in taken if begin + lease - 1 <= when <= gone]
        quiet = [took for when, took in taken if when < begin + lease - 1]
        print(f"\n{names} leases: gone {gone - begin - lease:.1f} s after their end; updates meanwhile: "
              f"{len(during)}, median {statistics.median(during) * 1000:.1f} ms, most {max(during) * 1000:.0f} ms; "
              f"before: median {statistics.median(quiet or during) * 1000:.1f} ms")
        self.assertLess(max(during), 5)
        self.assertEqual([line for line in self.dnsd.axfr() if re.match(r"m\d", line)], [])
        self.assertGreater(self.dnsd.serial(), serial)
        self.dnsd.stop()
        self.assertEqual(self.store_lines(), [])


if __name__ == "__main__":
    main()
