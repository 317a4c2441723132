"""dnsdctl history and who, beside the running server: who changed a name, who held an external endpoint."""
import json
import os
import subprocess
import threading
import time

import dns
from harness import BIN, Dnsd, SystemTest, ZONE, key, main


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class History(SystemTest):
    def setUp(self):
        self.keys = [key("h1.dyn.example."), key("h2.dyn.example.")]
        self.dnsd = Dnsd(self, keys=self.keys).start()

    def dnsdctl(self, *arguments, status=0):
        ran = subprocess.run([os.path.join(BIN, "dnsdctl"), arguments[0], "--store", self.dnsd.store,
                              *map(str, arguments[1:])], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((ran.returncode, ran.stderr), (status, ""), arguments)
        return ran.stdout

    def told(self, *arguments, status=0):
        return [json.loads(line) for line in self.dnsdctl(*arguments, "--json", status=status).splitlines()]

    def update(self, signer, *updates, want="NOERROR", **more):
        answer = self.dnsd.update(*updates, signer=signer, **more)
        self.assertEqual(answer.rcode, want)

    def publish(self, signer, host, address, port):
        """A mapping, as a subscriber publishes it."""
        service = f"_http._tcp.{host}"
        self.update(signer, dns.delete_rrset(host, "A"), dns.add(host, 60, "A", address),
                    dns.delete_rrset(service, "SRV"), dns.add(service, 60, "SRV", f"0 0 {port} {host}"))

    def test_who_changed_what(self):
        h1, h2 = self.keys
        before = int(time.time())
        self.publish(h1, f"h1.{ZONE}", "198.51.100.1", 8001)
        self.publish(h1, f"h1.{ZONE}", "198.51.100.1", 8002)
        self.update(h2, dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.66"), want="YXDOMAIN",
                    prerequisites=[dns.record(f"h1.{ZONE}", "ANY", "NONE")])
        entries = self.told("history", f"h1.{ZONE}")
        self.assertEqual([(one["by"]["key"], one["by"]["signed-by"], one["by"]["source"], one["rcode"])
                          for one in entries],
                         [("h1.dyn.example.", "TSIG", "127.0.0.1", "NOERROR"),
                          ("h2.dyn.example.", "TSIG", "127.0.0.1", "YXDOMAIN")])
        self.assertEqual(entries[0]["added"], [f"h1.{ZONE} 60 IN A 198.51.100.1"])
        self.assertEqual((entries[0]["removed"], entries[0]["serial"], entries[0]["lsn"]), ([], 2, 1))
        self.assertEqual(entries[1]["names"], [f"h1.{ZONE}"])
        self.assertGreaterEqual(entries[0]["time"], utc(before))
        below = self.told("history", f"H1.{ZONE.upper()}", "--below")
        self.assertEqual(below[1]["removed"], [f"_http._tcp.h1.{ZONE} 60 IN SRV 0 0 8001 h1.{ZONE}"])
        self.assertEqual(below[1]["added"], [f"_http._tcp.h1.{ZONE} 60 IN SRV 0 0 8002 h1.{ZONE}"])
        self.assertEqual(self.told("history", f"h1.{ZONE}", "--since", utc(time.time() + 5)), [])
        self.assertEqual(self.dnsdctl("history", f"h9.{ZONE}"), "")

        text = self.dnsdctl("history", f"h1.{ZONE}")
        self.assertRegex(text, r"(?m)^20\S+Z  LSN 1  serial 2  by key h1\.dyn\.example\. \(TSIG\) from 127\.0\.0\.1 "
                               r"port \d+\n  \+ h1\.dyn\.example\. 60 IN A 198\.51\.100\.1\n")
        self.assertIn("refused: YXDOMAIN\n  ? h1.dyn.example.\n", text)
        # It is in the journal, so neither the checkpoint nor an end of any kind takes it away.
        for end in (self.dnsd.kill, self.dnsd.stop):
            end()
            self.assertEqual(self.told("history", f"h1.{ZONE}"), entries)
            self.dnsd.start()
            self.assertEqual(self.told("history", f"h1.{ZONE}"), entries)
        self.dnsd.stop()

    def test_messages_of_one_commit(self):
        """What each did to a name that they share is not known, and that is said."""
        h1, h2 = self.keys

        def send(signer, step):
            self.update(signer, dns.add(f"shared.{ZONE}", 60, "TXT", f"{signer.name}{step}"))

        for step in range(30):
            threads = [threading.Thread(target=send, args=(signer, step)) for signer in (h1, h2) * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        by_commit = {}
        for one in self.told("history", f"shared.{ZONE}"):
            by_commit.setdefault(one["lsn"], []).append(one)
        added = set()
        for entries in by_commit.values():
            for one in entries:
                self.assertEqual(one["together-with"], len(entries) - 1)
                self.assertEqual(one["added"], entries[0]["added"])
            added.update(entries[0]["added"])
        self.assertEqual(len(added), 60)

    def who(self, address, port, moment, status=0):
        return [(one["host"], one["endpoint"]["since"] and one["endpoint"]["since"]["by"][0]["key"])
                for one in self.told("who", address, port, moment, status=status)]

    def test_who_held_an_endpoint(self):
        h1, h2 = self.keys
        moments = []

        def pass_time():
            moments.append(int(time.time()))
            while int(time.time()) <= moments[-1]:
                time.sleep(0.05)

        self.publish(h1, f"h1.{ZONE}", "198.51.100.1", 8001)
        pass_time()
        self.publish(h1, f"h1.{ZONE}", "198.51.100.1", 8002)
        pass_time()
        self.publish(h2, f"h2.{ZONE}", "198.51.100.1", 8001)
        pass_time()
        wants = [(0, 8001, f"h1.{ZONE}"), (1, 8001, None), (1, 8002, f"h1.{ZONE}"), (2, 8001, f"h2.{ZONE}"),
                 (2, 8002, f"h1.{ZONE}"), (0, 8002, None)]
        for ended in (False, True):
            for moment, port, host in wants:
                self.assertEqual(self.who("198.51.100.1", port, moments[moment], status=0 if host else 1),
                                 [(host, host)] if host else [], (moment, port))
            if not ended:
                self.dnsd.kill()
                self.dnsd.start()
        # Imported, so older than the journal; its port by the record alone.
        told = self.told("who", "192.0.2.80", 5060, "now")
        self.assertEqual([(one["host"], one["endpoint"]["since"]) for one in told], [(f"www.{ZONE}", None)])
        text = self.dnsdctl("who", "198.51.100.1", 8001, utc(moments[0]))
        self.assertRegex(text, rf"(?s)^h1\.dyn\.example\.\n  _http\._tcp\.h1\.dyn\.example\. SRV 0 0 8001 "
                               rf"h1\.dyn\.example\.\n    since {utc(moments[0])[:-3]}.*, LSN 1\n      by key h1\.dyn"
                               rf"\.example\. \(TSIG\) from 127\.0\.0\.1 port \d+\n    until .*, LSN 2\n")
        self.assertIn("no name here held 198.51.100.9 port 8001",
                      self.dnsdctl("who", "198.51.100.9", 8001, "now", status=1))
        for arguments, why in ((("198.51.100.1", 8001, moments[0] - 100), "the journal begins at"),
                               (("198.51.100.1", 8001, int(time.time()) + 100), "is still to come"),
                               (("198.51.100", 8001, "now"), "is no address"),
                               (("198.51.100.1", 8001, "noon"), "is no time"),
                               (("198.51.100.1", 80010, "now"), "80010")):
            ran = subprocess.run([os.path.join(BIN, "dnsdctl"), "who", "--store", self.dnsd.store,
                                  *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual((ran.returncode, ran.stdout), (1, ""))
            self.assertIn(why, ran.stderr)
        self.dnsd.stop()

    def test_readers_do_not_hold_up_the_server(self):
        """Updates go on while others read, and what they read is of one moment."""
        ended = threading.Event()
        sound = []

        def read():
            while not ended.is_set():
                sound.append("sound" in self.dnsdctl_check())

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for step in range(300):
            self.update(self.keys[0], dns.delete_rrset(f"h1.{ZONE}", "TXT"),
                        dns.add(f"h1.{ZONE}", 60, "TXT", f"step{step}"))
        ended.set()
        for reader in readers:
            reader.join()
        self.assertTrue(sound and all(sound), sound)
        self.assertEqual(len(self.told("history", f"h1.{ZONE}")), 300)
        self.dnsd.stop()

    def dnsdctl_check(self):
        return self.dnsdctl("check")


if __name__ == "__main__":
    main()
