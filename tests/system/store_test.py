"""A store that cannot be written, is corrupt, or is gone."""
import os
import resource
import signal
import subprocess

import dns
from harness import Dnsd, SystemTest, ZONE, ZONE_TEXT, main


def text_of(size):
    return " ".join(["x" * 250] * (size // 250))


class DiskFull(SystemTest):
    """SERVFAIL, nothing half-done, queries go on, and updates work again once there is room."""

    def fill(self, dnsd, limit):
        """Updates until one fails. Returns the zone as it was after the last good one."""
        for step in range(1000):
            zone = dnsd.axfr()
            answer = dnsd.update(dns.add(f"f{step}.{ZONE}", 60, "TXT", text_of(20_000)),
                                 dns.add(f"g{step}.{ZONE}", 60, "A", "192.0.2.1"), tcp=True)
            if answer.rcode != "NOERROR":
                self.assertEqual(answer.rcode, "SERVFAIL")
                self.assertIsNotNone(answer.tsig)
                return zone
            if step == 3:
                limit()
        self.fail("the disk never filled")

    def check(self, dnsd, limit, lift):
        zone = self.fill(dnsd, limit)
        self.assertEqual(dnsd.axfr(), zone)
        self.assertEqual(dnsd.query("www.dyn.example.", "A").rcode, "NOERROR")
        at = len(dnsd.running.lines)
        for _ in range(3):
            self.assertEqual(dnsd.update(dns.add(f"h2.{ZONE}", 60, "TXT", text_of(20_000)), tcp=True).rcode, "SERVFAIL")
        self.assertEqual(dnsd.axfr(), zone)
        self.assertRegex(dnsd.running.log(), r"(?i)(disk|full|write|written|I/O)")
        # Not a line for each update that fails.
        self.assertLess(len(dnsd.running.lines) - at, 10)
        lift()
        self.assertEqual(dnsd.update(dns.add(f"h3.{ZONE}", 60, "A", "192.0.2.3")).rcode, "NOERROR")
        zone = dnsd.axfr()
        self.assertIn(f"h3.{ZONE} 60 IN A 192.0.2.3", zone)
        self.assertNotIn(f"h2.{ZONE}", "\n".join(zone))
        dnsd.kill()
        dnsd.start()
        self.assertEqual(dnsd.axfr(), zone)
        dnsd.stop()

    def test_by_a_limit_of_the_file_size(self):
        # Works for everyone: writes beyond the limit fail (EFBIG), once the signal is ignored, which exec keeps.
        dnsd = Dnsd(self).start(preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), restore_signals=False)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

        def limit():
            size = max(os.path.getsize(path) for path in (dnsd.store, dnsd.store + "-wal"))
            resource.prlimit(dnsd.running.pid, resource.RLIMIT_FSIZE, (size + 50_000, unlimited[1]))

        self.check(dnsd, limit, lambda: resource.prlimit(dnsd.running.pid, resource.RLIMIT_FSIZE, unlimited))

    def test_on_a_small_file_system(self):
        dnsd = Dnsd(self)
        disk = os.path.join(dnsd.folder, "disk")
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"may not mount a file system here ({mounted.stderr.strip()})")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        dnsd.write("dnsd.toml", dnsd.text.replace('"dnsd.sqlite"', '"disk/dnsd.sqlite"'))
        dnsd.start()
        filler = os.path.join(disk, "filler")

        def limit():
            with open(filler, "wb") as out:
                left = os.statvfs(disk)
                out.write(bytes(max(0, left.f_bavail * left.f_frsize - 100_000)))

        self.check(dnsd, limit, lambda: os.remove(filler))


class Broken(SystemTest):
    """Refused with a message that says what to do; never recreated, never replaced by the zone file."""

    def setUp(self):
        self.dnsd = Dnsd(self).start()
        for step in range(50):
            self.assertEqual(self.dnsd.update(dns.add(f"h{step}.{ZONE}", 60, "TXT", text_of(1000))).rcode, "NOERROR")
        self.dnsd.stop()

    def files(self):
        found = {}
        for name in sorted(os.listdir(self.dnsd.folder)):
            if name.startswith("dnsd.sqlite"):
                with open(os.path.join(self.dnsd.folder, name), "rb") as file:
                    found[name] = file.read()
        return found

    def check_refused(self, pattern):
        before = self.files()
        process = self.dnsd.launch()
        self.assertNotEqual(process.wait(), 0)
        log = process.log()
        self.assertRegex(log, pattern)
        self.assertNotIn("ready", log)
        self.assertIn("dnsd.sqlite", log)
        after = self.files()
        for name, octets in before.items():
            if not name.endswith("-shm"):
                self.assertEqual(after.get(name), octets, name)

    def damage(self, at, octets):
        with open(self.dnsd.store, "r+b") as store:
            store.seek(at)
            store.write(octets)

    def test_header_overwritten(self):
        self.damage(0, b"this was a database" * 10)
        self.check_refused(r"(?i)(backup|restore)")

    def test_pages_overwritten(self):
        size = os.path.getsize(self.dnsd.store)
        self.damage(4096, os.urandom(size - 4096))
        self.check_refused(r"(?i)(backup|restore)")

    def test_truncated(self):
        os.truncate(self.dnsd.store, os.path.getsize(self.dnsd.store) // 2)
        self.check_refused(r"(?i)(backup|restore)")

    def test_one_record_flipped(self):
        with open(self.dnsd.store, "rb") as store:
            octets = store.read()
        at = octets.index(b"x" * 200)
        self.damage(at + 50, b"y")
        self.check_refused(r"(?i)(backup|restore)")

    def test_emptied(self):
        os.truncate(self.dnsd.store, 0)
        self.check_refused(r"(?i)(backup|restore|serial)")

    def test_gone(self):
        for name in ("dnsd.sqlite", "dnsd.sqlite-wal", "dnsd.sqlite-shm"):
            path = os.path.join(self.dnsd.folder, name)
            if os.path.exists(path):
                os.remove(path)
        self.check_refused(r"(?i)(backup|restore|serial)")
        self.assertFalse(os.path.exists(self.dnsd.store))


class Restart(SystemTest):
    def test_the_store_is_the_truth_not_the_zone_file(self):
        dnsd = Dnsd(self).start()
        dnsd.update(dns.delete_name(f"www.{ZONE}"))
        serial = dnsd.serial()
        dnsd.stop()
        dnsd.write("dyn.zone", ZONE_TEXT + "late IN A 192.0.2.99\n")
        dnsd.start()
        self.assertEqual(dnsd.serial(), serial)
        self.assertEqual(dnsd.query(f"www.{ZONE}", "A").rcode, "NXDOMAIN")
        self.assertEqual(dnsd.query(f"late.{ZONE}", "A").rcode, "NXDOMAIN")

    def test_two_servers_do_not_share_a_store(self):
        dnsd = Dnsd(self).start()
        first = dnsd.running
        dnsd.write("dnsd.toml", dnsd.text.replace(str(dnsd.port), "0"))
        second = dnsd.launch()
        self.assertNotEqual(second.wait(), 0)
        self.assertRegex(second.log(), r"(?i)(another|lock|in use)")
        self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
        self.assertIsNone(first.process.poll())

    def test_the_secrets_are_for_the_owner_only(self):
        dnsd = Dnsd(self).start()
        dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"))
        for name in os.listdir(dnsd.folder):
            if name.startswith("dnsd.sqlite") and not name.endswith(".marker"):
                self.assertEqual(os.stat(os.path.join(dnsd.folder, name)).st_mode & 0o007, 0, name)


if __name__ == "__main__":
    main()
