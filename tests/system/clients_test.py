"""Clients that people use: certbot and lego get a certificate by DNS-01, Kea's D2 names its leases."""
import json
import os
import re
import shutil
import socket
import struct

from acme import Acme
from harness import Dnsd, Process, SystemTest, ZONE, free_port, main, run

REVERSE = "2.0.192.in-addr.arpa."
REVERSE_ZONE = """\
$TTL 60
@ IN SOA ns.dyn.example. hostmaster.dyn.example. 1 3600 600 604800 60
@ IN NS ns.dyn.example.
"""


class Dns01(SystemTest):
    """A certificate for a host and for all below it: two TXT records at one name (RFC 8555 8.4)."""

    NAMES = ("h1.dyn.example", "*.h1.dyn.example")

    def setUp(self):
        self.dnsd = Dnsd(self).start()
        self.before = self.records()
        self.acme = Acme(self.dnsd.folder, self.dnsd.port).start()
        self.addCleanup(self.acme.stop)

    def records(self):
        return [re.sub(r"hostmaster\.dyn\.example\. \d+", "hostmaster SERIAL", line) for line in self.dnsd.axfr()]

    def check(self, status, text, at_once):
        self.assertEqual(status, 0, text + self.dnsd.running.log())
        self.assertIsNotNone(self.acme.certificate, text)
        self.assertEqual({name for name, _ in self.acme.seen}, {"_acme-challenge.h1.dyn.example."})
        # certbot sets both and has them checked together; lego goes through them one after another.
        self.assertEqual(sorted({len(found) for _, found in self.acme.seen}), [at_once])
        self.assertEqual(self.records(), self.before, "what was added is gone again")
        self.dnsd.stop()

    def test_certbot(self):
        one = self.dnsd.keys[0]
        folder = self.dnsd.folder
        credentials = self.dnsd.write(
            "credentials", f"dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = {self.dnsd.port}\ndns_rfc2136_name = {one.name}\n"
            f"dns_rfc2136_secret = {one.secret}\ndns_rfc2136_algorithm = {one.algorithm.upper()}\n")
        os.chmod(credentials, 0o600)
        names = [word for name in self.NAMES for word in ("-d", name)]
        status, text = run(
            ["certbot", "certonly", "--non-interactive", "--agree-tos", "--email", "a@example.org", "--no-eff-email",
             "--server", self.acme.url + "/directory", "--dns-rfc2136", "--dns-rfc2136-credentials", credentials,
             "--dns-rfc2136-propagation-seconds", "0", "--config-dir", f"{folder}/certbot", "--work-dir", f"{folder}/work",
             "--logs-dir", f"{folder}/logs", *names])
        self.check(status, text, 2)

    def test_lego(self):
        one = self.dnsd.keys[0]
        environment = dict(os.environ, RFC2136_NAMESERVER=f"127.0.0.1:{self.dnsd.port}", RFC2136_TSIG_KEY=one.name,
                           RFC2136_TSIG_SECRET=one.secret, RFC2136_TSIG_ALGORITHM=one.algorithm + ".")
        names = [word for name in self.NAMES for word in ("--domains", name)]
        # Its own look at each name server would go to port 53.
        status, text = run(
            ["lego", "--server", self.acme.url + "/directory", "--email", "a@example.org", "--accept-tos", "--path",
             f"{self.dnsd.folder}/lego", "--dns", "rfc2136", "--dns.disable-cp", "--dns.resolvers",
             f"127.0.0.1:{self.dnsd.port}", *names, "run"], env=environment)
        self.check(status, text, 1)


class KeaD2(SystemTest):
    """RFC 4703 as kea-dhcp-ddns does it: DHCID records tell whose name it is, and a second client gets none of it."""

    def setUp(self):
        grant = '[[zone.grant]]\nkey = "h1.dyn.example."\nupdate = true\ntransfer = true\n'
        self.dnsd = Dnsd(self, tables=f'[[zone]]\nname = "{REVERSE}"\nfile = "reverse.zone"\n{grant}')
        self.dnsd.write("reverse.zone", f"$ORIGIN {REVERSE}\n{REVERSE_ZONE}")
        self.dnsd.start()
        one = self.dnsd.keys[0]
        self.port = free_port()

        def domain(name):
            return {"ddns-domains": [{"name": name, "key-name": one.name,
                                      "dns-servers": [{"ip-address": "127.0.0.1", "port": self.dnsd.port}]}]}

        config = self.dnsd.write("d2.json", json.dumps({"DhcpDdns": {
            "ip-address": "127.0.0.1", "port": self.port, "dns-server-timeout": 2000,
            "tsig-keys": [{"name": one.name, "algorithm": one.algorithm.upper(), "secret": one.secret}],
            "forward-ddns": domain(ZONE), "reverse-ddns": domain(REVERSE),
            "loggers": [{"name": "kea-dhcp-ddns", "output_options": [{"output": "stdout"}], "severity": "DEBUG", "debuglevel": 0}]}}))
        # AppArmor holds Debian's binary to folders of its own: a copy may use ours.
        binary = shutil.copy("/usr/sbin/kea-dhcp-ddns", self.dnsd.folder)
        self.d2 = Process([binary, "-c", config],
                          env=dict(os.environ, KEA_PIDFILE_DIR=self.dnsd.folder, KEA_LOCKFILE_DIR=self.dnsd.folder))
        self.addCleanup(lambda: self.d2.process.poll() is None and self.d2.kill())
        self.d2.wait_for("DHCP_DDNS_QUEUE_MGR_STARTED")

    def request(self, change, address, client, wanted):
        """A change of a lease, as kea-dhcp4 tells it; waits for the word `wanted` in D2's log."""
        dhcid = "000201" + client * 32
        line = len(self.d2.lines)
        body = json.dumps({
            "change-type": change, "forward-change": True, "reverse-change": True, "fqdn": "lease.dyn.example.",
            "ip-address": address, "dhcid": dhcid, "lease-expires-on": "20990101000000", "lease-length": 3600,
            "use-conflict-resolution": True}).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(struct.pack("!H", len(body)) + body, ("127.0.0.1", self.port))
        self.d2.wait_for(wanted, line)

    def lease(self):
        """The host's addresses, how many DHCIDs it has, and the names of both addresses."""
        names = [self.dnsd.dig("+short", "-x", address).strip() for address in ("192.0.2.77", "192.0.2.78")]
        return (self.dnsd.dig("+short", "lease.dyn.example", "A").split(),
                len(self.dnsd.dig("+short", "lease.dyn.example", "DHCID").splitlines()), names)

    def test_add_conflict_move_remove(self):
        self.request(0, "192.0.2.77", "aa", "DHCP_DDNS_ADD_SUCCEEDED")
        self.assertEqual(self.lease(), (["192.0.2.77"], 1, ["lease.dyn.example.", ""]))
        # Another client's: YXDOMAIN, then NXRRSET for its DHCID; it gives up.
        self.request(0, "192.0.2.78", "bb", "DHCP_DDNS_ADD_FAILED")
        self.assertEqual(self.lease(), (["192.0.2.77"], 1, ["lease.dyn.example.", ""]))
        # The same client with another address: YXDOMAIN, then replaced.
        self.request(0, "192.0.2.78", "aa", "DHCP_DDNS_ADD_SUCCEEDED")
        self.assertEqual(self.lease(), (["192.0.2.78"], 1, ["lease.dyn.example."] * 2))
        self.request(1, "192.0.2.78", "aa", "DHCP_DDNS_REMOVE_SUCCEEDED")
        self.assertEqual(self.lease(), ([], 0, ["lease.dyn.example.", ""]))
        self.d2.terminate()
        self.dnsd.stop()


if __name__ == "__main__":
    main()
