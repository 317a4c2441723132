"""AXFR: to a granted key only, whole, and to the secondaries that people run."""
import os
import shutil
import subprocess
import tempfile
import time

import dns
from harness import Dnsd, Process, SystemTest, TIME_LIMIT, ZONE, ZONE_TEXT, free_port, key, main, records_of, run
from peers import nsd_server


class Transfer(SystemTest):
    def test_dig_and_kdig_get_the_zone_that_was_loaded(self):
        dnsd = Dnsd(self).start()
        expected = set()
        for line in ZONE_TEXT.splitlines()[2:]:
            fields = line.split(" IN ")[-1].split(" ", 1)
            expected.add(fields[0])
        zone = dnsd.axfr()
        self.assertEqual({line.split()[3] for line in zone}, expected)
        self.assertEqual(len(zone), len(ZONE_TEXT.splitlines()) - 2)
        one = dnsd.keys[0]
        status, text = run(["kdig", "@127.0.0.1", "-p", dnsd.port, "-y", f"{one.algorithm}:{one.name}:{one.secret}",
                            "axfr", ZONE])
        self.assertEqual(status, 0, text)
        # The SOA comes first and last.
        self.assertEqual(sorted(set(records_of(text))), zone)

    def test_refused_to_others(self):
        writer = key("writer.dyn.example.")
        dnsd = Dnsd(self, keys=[key(), writer], grants=[("h1.dyn.example.", "transfer = true"),
                                                        ("writer.dyn.example.", "update = true")]).start()
        query = dns.query(ZONE, "AXFR")
        self.assertEqual(dnsd.exchange(query, tcp=True).rcode, "REFUSED")
        signed, mac = writer.sign(query)
        answer = dnsd.exchange(signed, tcp=True)
        self.assertEqual(answer.rcode, "REFUSED")
        self.assertTrue(writer.is_valid(answer.octets, mac))
        answer = dnsd.exchange(key("unknown.dyn.example.").sign(query)[0], tcp=True)
        self.assertEqual((answer.rcode, answer.tsig_error), ("NOTAUTH", "BADKEY"))
        answer = dnsd.exchange(key().sign(query, break_mac=True)[0], tcp=True)
        self.assertEqual((answer.rcode, answer.tsig_error), ("NOTAUTH", "BADSIG"))
        # RFC 5936 §4.2: not over UDP.
        self.assertNotEqual(dnsd.exchange(key().sign(query)[0]).rcode, "NOERROR")
        self.assertNotEqual(dnsd.exchange(key().sign(dns.query("www.dyn.example.", "AXFR"))[0], tcp=True).rcode,
                            "NOERROR")
        self.assertEqual(len(dnsd.axfr()), len(ZONE_TEXT.splitlines()) - 2)

    def test_a_zone_of_many_messages_is_one_version(self):
        text = ZONE_TEXT + "".join(f'n{i} IN TXT "{"t" * 100}"\n' for i in range(5000))
        dnsd = Dnsd(self, zone_text=text).start()
        self.assertEqual(len(dnsd.axfr()), len(text.splitlines()) - 2)


class Secondaries(SystemTest):
    """NSD, Knot and BIND fetch the zone with TSIG and serve the same records."""

    def setUp(self):
        self.dnsd = Dnsd(self).start()
        self.dnsd.update(dns.add(f"h1.{ZONE}", 60, "A", "192.0.2.1"),
                         dns.add(f"_http._tcp.h1.{ZONE}", 60, "SRV", f"0 0 8001 h1.{ZONE}"))
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="dnsd-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def follow(self, command):
        secondary = Process(command, cwd=self.folder)
        self.addCleanup(lambda: secondary.process.poll() is not None or secondary.kill())
        # It answers SERVFAIL or REFUSED until it has the zone.
        wanted = self.dnsd.serial()
        deadline = time.monotonic() + TIME_LIMIT
        while True:
            self.assertIsNone(secondary.process.poll(), secondary.log())
            self.assertLess(time.monotonic(), deadline, secondary.log())
            try:
                octets = dns.exchange(self.port, dns.query(ZONE, "SOA"), timeout=0.2)
            except OSError:
                continue
            if octets and dns.Message(octets).rcode == "NOERROR" and dns.Message(octets).answer:
                break
        self.assertEqual(dns.Message(octets).serial(), wanted)
        status, text = run(["dig", "@127.0.0.1", "-p", self.port, "axfr", ZONE, "+onesoa", "+nocmd", "+nostats",
                            "+nocomments"])
        # Knot and NSD keep names in lower case.
        self.assertEqual(records_of(text.lower()),
                         sorted(line.lower() for line in self.dnsd.axfr()), text)
        secondary.terminate()

    def test_knot(self):
        one = self.dnsd.keys[0]
        path = self.write("knot.conf", f"""
server:
    rundir: "{self.folder}"
    listen: 127.0.0.1@{self.port}
log:
  - target: stderr
    any: info
database:
    storage: "{self.folder}"
key:
  - id: {one.name}
    algorithm: {one.algorithm}
    secret: {one.secret}
remote:
  - id: dnsd
    address: 127.0.0.1@{self.dnsd.port}
    key: {one.name}
acl:
  - id: all
    address: 127.0.0.1
    action: transfer
zone:
  - domain: {ZONE}
    storage: "{self.folder}"
    master: dnsd
    acl: all
""")
        self.follow(["knotd", "--config", path])

    def test_nsd(self):
        one = self.dnsd.keys[0]
        path = self.write("nsd.conf", nsd_server(self.folder, self.port, "verbosity: 2") + f"""\
key:
    name: "{one.name}"
    algorithm: {one.algorithm}
    secret: "{one.secret}"
zone:
    name: {ZONE}
    zonefile: "{self.folder}/zone"
    request-xfr: AXFR 127.0.0.1@{self.dnsd.port} {one.name}
    provide-xfr: 127.0.0.1 NOKEY
""")
        self.follow(["nsd", "-d", "-c", path])

    def test_bind(self):
        one = self.dnsd.keys[0]
        # A copy, since AppArmor lets Debian's named write to its own folders only.
        binary = os.path.join(self.folder, "named")
        shutil.copy(shutil.which("named"), binary)
        path = self.write("named.conf", f"""
options {{
    directory "{self.folder}";
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
    notify no;
    allow-transfer {{ 127.0.0.1; }};
}};
controls {{ }};
key "{one.name}" {{ algorithm {one.algorithm}; secret "{one.secret}"; }};
zone "{ZONE}" {{
    type secondary;
    primaries {{ 127.0.0.1 port {self.dnsd.port} key "{one.name}"; }};
    file "{self.folder}/zone";
    masterfile-format text;
}};
""")
        self.follow([binary, "-g", "-c", path, "-n", "1"])


if __name__ == "__main__":
    main()
