"""Several addresses, and wildcards: answers leave from the address that was asked, now and later, over UDP and TCP.

In a network namespace of its own the machine has more than one address of each family; without the right to make one,
what the loopback has anyway must do."""
import os
import socket
import struct
import subprocess
import sys
import unittest

import dns
from harness import Dnsd, SystemTest, ZONE, main, run

MARK = "DNSD_TEST_NAMESPACE"
ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"]
SOURCES = {4: "127.0.0.9", 6: "::1"}
SETUP = """ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip addr add 192.0.2.2/32 dev lo &&
ip addr add 2001:db8::1/128 dev lo && ip addr add 2001:db8::2/128 dev lo && ip addr add 2001:db8::9/128 dev lo"""
if MARK in os.environ:
    ADDRESSES += ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]
    SOURCES[6] = "2001:db8::9"


class Addresses(SystemTest):
    def start(self, listen):
        dnsd = Dnsd(self)
        addresses = ", ".join(f'"{address}:{dnsd.port}"' for address in listen)
        text = dnsd.text.replace(f'"127.0.0.1:{dnsd.port}"', addresses)
        dnsd.write("dnsd.toml", text)
        return dnsd.start()

    def dig(self, dnsd, address, *options):
        """From an address that is none of those asked: dig takes no answer from another than it asked."""
        source = SOURCES[6 if ":" in address else 4]
        status, text = run(["dig", "@" + address, "-p", dnsd.port, "-b", source, "+tries=1", "+time=20", *options])
        self.assertEqual(status, 0, text)
        self.assertNotIn("unexpected source", text)
        return text

    def ask_all(self, dnsd, addresses):
        signer = dnsd.keys[0]
        for number, address in enumerate(addresses):
            with self.subTest(address):
                for transport in ("+notcp", "+tcp"):
                    text = self.dig(dnsd, address, transport, "www.dyn.example.", "A")
                    self.assertIn("192.0.2.80", text)
                    self.assertRegex(text, rf"SERVER: {address}#{dnsd.port}")
                # The answer to an update comes later, from another thread.
                host = f"h{number}.dyn.example."
                script = (f"server {address} {dnsd.port}\nzone {ZONE}\nupdate add {host} 60 A 192.0.2.9\nsend\n")
                ran = subprocess.run(["nsupdate", "-y", f"{signer.algorithm}:{signer.name}:{signer.secret}"],
                                     input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     timeout=60)
                self.assertEqual((ran.returncode, ran.stdout), (0, ""))
                self.assertIn("192.0.2.9", self.dig(dnsd, address, host, "A"))

    def test_wildcards(self):
        self.ask_all(self.start(["0.0.0.0", "[::]"]), ADDRESSES)

    @unittest.skipUnless(MARK in os.environ, "needs a network namespace of its own")
    def test_fast_open(self):
        # RFC 9210 4.1: the second connection brings its question in the first packet.
        with open("/proc/sys/net/ipv4/tcp_fastopen", "w") as switch:
            switch.write("3")
        dnsd = self.start(["127.0.0.1"])
        query = dns.query("www.dyn.example.", "A")
        for _ in range(2):
            with socket.socket() as sock:
                sock.sendto(struct.pack("!H", len(query)) + query, socket.MSG_FASTOPEN, ("127.0.0.1", dnsd.port))
                sock.settimeout(60)
                with sock.makefile("rb") as stream:
                    self.assertEqual(dns.Message(stream.read(struct.unpack("!H", stream.read(2))[0])).rcode, "NOERROR")
        with open("/proc/net/netstat") as lines:
            names, values = [line.split() for line in lines if line.startswith("TcpExt:")]
        self.assertEqual(dict(zip(names, values))["TCPFastOpenPassive"], "1")

    def test_each_by_name(self):
        listen = [f"[{address}]" if ":" in address else address for address in ADDRESSES]
        self.ask_all(self.start(listen), ADDRESSES)


if __name__ == "__main__":
    if MARK not in os.environ and subprocess.run(["unshare", "-rn", "sh", "-c", SETUP], stderr=subprocess.DEVNULL,
                                                 stdout=subprocess.DEVNULL).returncode == 0:
        # All other addresses are those of the namespace, which nobody else sees.
        sys.exit(subprocess.run(["unshare", "-rn", "sh", "-c", SETUP + ' && exec python3 -B "$0"', __file__],
                                env=dict(os.environ, **{MARK: "1"})).returncode)
    main()
