"""Start, stop, reload, the configuration, and giving up root."""
import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import tempfile
import time

import dns
from harness import BIN, Dnsd, SystemTest, TIME_LIMIT, ZONE, ZONE_TEXT, key, main, octets_of, run


class Lifecycle(SystemTest):
    def test_says_that_it_is_ready(self):
        dnsd = Dnsd(self)
        path = os.path.join(dnsd.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(TIME_LIMIT)
            dnsd.launch(env={**os.environ, "NOTIFY_SOCKET": path})
            self.assertIn(b"READY=1", notify.recv(4096))
            self.assertEqual(dnsd.query("www.dyn.example.", "A").rcode, "NOERROR")

    def test_stops_cleanly_on_sigterm_and_sigint(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            dnsd = Dnsd(self).start()
            dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"))
            with socket.create_connection(("127.0.0.1", dnsd.port)) as idle:
                dnsd.running.process.send_signal(number)
                self.assertEqual(dnsd.running.wait(), 0, dnsd.running.log())
                idle.settimeout(TIME_LIMIT)
                # One that had not been accepted yet is reset, others are closed.
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(idle.recv(1), b"")
            # Nothing is left to replay: the write-ahead log is gone or empty.
            self.assertEqual(octets_of(dnsd.store + "-wal"), 0)

    def test_a_stop_during_the_first_load_leaves_nothing_half_made(self):
        """A zone is imported in one transaction: the next start finds it whole or imports it again."""
        count, again = 40_000, 0
        text = ZONE_TEXT + "".join(f"s{i} IN TXT {i}\n" for i in range(count))
        for wal_octets in (None, 1, 1_000_000):  # None: while the file is read; others: while it is written
            with self.subTest(wal_octets):
                dnsd = Dnsd(self, zone_text=text)
                process = dnsd.launch()
                process.wait_for("importing")
                wal = dnsd.store + "-wal"
                while wal_octets and "imported" not in process.log() and octets_of(wal) < wal_octets:
                    time.sleep(0.001)
                self.assertIn(process.terminate(), (0, -signal.SIGTERM), process.log())
                dnsd.start()
                again += "importing" in dnsd.running.log()
                self.assertEqual(len([line for line in dnsd.axfr() if re.match(r"s\d+\.dyn", line)]), count)
                self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
                dnsd.stop()
        self.assertGreaterEqual(again, 1, "none was stopped before its zone was imported")

    def test_a_kill_during_a_big_first_load_leaves_nothing_half_made(self):
        """Many names do not go through the write-ahead log, and are there all together or not at all."""
        count, again = 120_000, 0
        text = ZONE_TEXT + "".join(f's{i:06} IN TXT "{i}"\n' for i in range(count))
        for octets in (1, 1_000_000, 5_000_000):  # of the store when the power goes
            with self.subTest(octets):
                dnsd = Dnsd(self, zone_text=text)
                process = dnsd.launch()
                process.wait_for("importing")
                while "imported" not in process.log() and not (
                        os.path.exists(dnsd.store + "-journal") and octets_of(dnsd.store) >= octets):
                    time.sleep(0.001)
                process.process.kill()
                process.wait()
                dnsd.start()
                again += "importing" in dnsd.running.log()
                self.assertEqual(len([line for line in dnsd.axfr() if re.match(r"s\d+\.dyn", line)]), count)
                self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
                dnsd.stop()
                # Only the first load goes without the write-ahead log.
                self.assertFalse(os.path.exists(dnsd.store + "-journal"))
        self.assertGreaterEqual(again, 1, "none was stopped before its zone was imported")

    def test_reload(self):
        dnsd = Dnsd(self).start()
        other = key("other.dyn.example.")
        self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"), signer=other).rcode, "NOTAUTH")
        text = dnsd.text.replace('name = "h1.dyn.example."', 'name = "other.dyn.example."').replace(
            'key = "h1.dyn.example."', 'key = "other.dyn.example."')
        dnsd.write("dnsd.toml", text)
        with socket.create_connection(("127.0.0.1", dnsd.port), timeout=TIME_LIMIT) as open_one:
            at = len(dnsd.running.lines)
            dnsd.running.process.send_signal(signal.SIGHUP)
            dnsd.running.wait_for("(?i)reload", start=at)
            self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"), signer=other).rcode, "NOERROR")
            self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.2")).rcode, "NOTAUTH")
            query = dns.query("h1.dyn.example.", "A")
            open_one.sendall(len(query).to_bytes(2, "big") + query)
            self.assertGreater(len(open_one.recv(100)), 12)
        # A configuration with an error changes nothing.
        dnsd.write("dnsd.toml", text + "\n[nonsense]\n")
        at = len(dnsd.running.lines)
        dnsd.running.process.send_signal(signal.SIGHUP)
        dnsd.running.wait_for("nonsense", start=at)
        self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.3"), signer=other).rcode, "NOERROR")
        dnsd.stop()

    def test_address_in_use(self):
        dnsd = Dnsd(self).start()
        second = Dnsd(self)
        second.write("dnsd.toml", second.text.replace(str(second.port), str(dnsd.port)))
        process = second.launch()
        self.assertNotEqual(process.wait(), 0)
        self.assertIn(f"127.0.0.1:{dnsd.port}", process.log())

    def test_runs_as_another_user(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        dnsd = Dnsd(self, top='user = "nobody"')
        nobody = pwd.getpwnam("nobody")
        for path in [dnsd.folder] + [os.path.join(dnsd.folder, name) for name in os.listdir(dnsd.folder)]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        dnsd.start()
        for task in os.listdir(f"/proc/{dnsd.running.pid}/task"):
            with open(f"/proc/{dnsd.running.pid}/task/{task}/status") as status:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
            self.assertEqual(set(fields["Uid"].split()), {str(nobody.pw_uid)})
            self.assertEqual(set(fields["Gid"].split()), {str(nobody.pw_gid)})
            self.assertNotIn("0", fields["Groups"].split())
            self.assertEqual(int(fields["CapEff"], 16), 0)
        self.assertEqual(dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
        zone = dnsd.axfr()
        dnsd.kill()
        dnsd.start()
        self.assertEqual(dnsd.axfr(), zone)
        dnsd.stop()


class Check(SystemTest):
    """dnsd --check names file, line, and what would be right."""

    def check(self, text):
        folder = tempfile.mkdtemp()
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=True)
        path = os.path.join(folder, "dnsd.toml")
        with open(path, "w") as out:
            out.write(text)
        with open(os.path.join(folder, "dyn.zone"), "w") as out:
            out.write("@ 60 IN SOA ns.dyn.example. hostmaster.dyn.example. 1 2 3 4 5\n@ 60 IN NS ns.dyn.example.\n")
        status, output = run([os.path.join(BIN, "dnsd"), "--check", "--config", path])
        self.assertEqual(sorted(os.listdir(folder)), ["dnsd.toml", "dyn.zone"])
        return status, output

    GOOD = """\
listen = ["127.0.0.1:0"]
[store]
path = "dnsd.sqlite"
[[key]]
name = "h1.dyn.example."
algorithm = "hmac-sha256"
secret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
[[zone]]
name = "dyn.example."
file = "dyn.zone"
[[zone.grant]]
key = "h1.dyn.example."
update = true
"""

    def test_good(self):
        status, output = self.check(self.GOOD)
        self.assertEqual(status, 0, output)

    def test_errors(self):
        for old, new, line, words in (
            ("listen", "lisen", 1, "lisen"),
            ('"127.0.0.1:0"', '"127.0.0.1"', 1, "port"),
            ('"127.0.0.1:0"', '5300', 1, "listen"),
            ("hmac-sha256", "hmac-md5", 6, "hmac-sha256"),
            ('secret = "AQID', 'secret = "?', 7, "(?i)base64"),
            ('name = "dyn.example."', 'name = "dyn..example."', 9, "dyn\\.\\.example"),
            ('key = "h1.dyn.example."', 'key = "h2.elsewhere.example."', 12, "h2\\.elsewhere\\.example"),
            ("update = true", 'update = "yes"', 13, "true"),
            ("update = true", "updates = true", 13, "updates"),
            ("[store]", "[store", 2, "not TOML"),
        ):
            with self.subTest(new):
                status, output = self.check(self.GOOD.replace(old, new, 1))
                self.assertNotEqual(status, 0)
                self.assertRegex(output, rf"dnsd\.toml:{line}\b")
                self.assertRegex(output, words)

    def test_no_such_file(self):
        status, output = run([os.path.join(BIN, "dnsd"), "--config", "/nonexistent/dnsd.toml"])
        self.assertNotEqual(status, 0)
        self.assertIn("/nonexistent/dnsd.toml", output)
        self.assertEqual(len(output.splitlines()), 1, output)

    def test_zone_file_error_names_the_line(self):
        dnsd = Dnsd(self, zone_text="@ 60 IN SOA ns hostmaster 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\nx 60 IN A nope\n")
        process = dnsd.launch()
        self.assertNotEqual(process.wait(), 0)
        self.assertRegex(process.log(), r"dyn\.zone:4")


if __name__ == "__main__":
    main()
