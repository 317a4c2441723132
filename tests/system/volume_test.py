"""Much at once: messages of thousands of records, a connection with thousands of messages, more than the server will take."""
import socket
import struct

import dns
from harness import Dnsd, SystemTest, ZONE, main


def address(number):
    return f"198.18.{number >> 8}.{number & 255}"


class Volume(SystemTest):
    def hosts(self, dnsd):
        """Those that the tests added, by the transfer."""
        return {line.split()[0].partition(".")[0] for line in dnsd.axfr() if line.startswith("v")}

    def test_thousands_of_records_in_one_message(self):
        dnsd = Dnsd(self).start()
        records = [dns.add(f"v{i}.{ZONE}", 60, "A", address(i)) for i in range(2000)]
        self.assertEqual(dnsd.update(*records, tcp=True).rcode, "NOERROR")
        self.assertEqual(len(self.hosts(dnsd)), 2000)
        # Whole or not at all: one more than max-records, and one that is wrong behind many that are right.
        self.assertEqual(dnsd.update(*records, records[0], tcp=True).rcode, "REFUSED")
        deletions = [dns.delete_name(f"v{i}.{ZONE}") for i in range(1999)]
        self.assertEqual(dnsd.update(*deletions, dns.delete_name("v1999.example.com."), tcp=True).rcode, "NOTZONE")
        self.assertEqual(len(self.hosts(dnsd)), 2000)
        self.assertEqual(dnsd.update(*deletions, dns.delete_name(f"v1999.{ZONE}"), tcp=True).rcode, "NOERROR")
        self.assertEqual(self.hosts(dnsd), set())
        dnsd.stop()

    def test_many_updates_on_one_connection_and_none_fails_for_its_neighbours(self):
        dnsd = Dnsd(self).start()
        kinds = [  # (RCODE, prerequisites, what else the update says)
            ("NOERROR", [], []),
            ("YXDOMAIN", [dns.record(f"www.{ZONE}", "ANY", "NONE")], []),
            ("NOERROR", [dns.record(f"www.{ZONE}", "A", "ANY")], []),
            ("NOTZONE", [], [dns.add("v.example.com.", 60, "A", "192.0.2.1")]),
            ("NOERROR", [], [dns.delete_rrset(f"nobody.{ZONE}", "TXT")]),
            ("FORMERR", [], [dns.record(f"www.{ZONE}", "AXFR", "ANY")]),
        ]
        count = 3000
        messages, wanted = [], {}
        for i in range(count):
            rcode, prerequisites, more = kinds[i % len(kinds)]
            octets = struct.pack("!H", i) + dns.update(ZONE, [dns.add(f"v{i}.{ZONE}", 60, "A", address(i)), *more],
                                                       prerequisites)[2:]
            signed, mac = dnsd.keys[0].sign(octets)
            messages.append(struct.pack("!H", len(signed)) + signed)
            wanted[i] = rcode, mac
        with socket.create_connection(("127.0.0.1", dnsd.port), 60) as sock, sock.makefile("rb") as stream:
            for first in range(0, count, 50):
                sock.sendall(b"".join(messages[first:first + 50]))
                for _ in range(50):
                    octets = stream.read(struct.unpack("!H", stream.read(2))[0])
                    answer = dns.Message(octets)
                    rcode, mac = wanted.pop(answer.id)
                    self.assertEqual(answer.rcode, rcode)
                    self.assertTrue(dnsd.keys[0].is_valid(octets, mac))
        self.assertEqual(wanted, {})
        self.assertEqual(self.hosts(dnsd), {f"v{i}" for i in range(count) if kinds[i % len(kinds)][0] == "NOERROR"})
        dnsd.stop()

    def test_overload_is_answered(self):
        dnsd = Dnsd(self, tables="[update]\nqueue = 1\nbatch = 1\n").start()
        count = 600
        rcodes = {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.connect(("127.0.0.1", dnsd.port))
            sock.settimeout(60)
            signed = [dnsd.keys[0].sign(struct.pack("!H", i) + dns.update(ZONE, [dns.add(f"v{i}.{ZONE}", 60, "A", address(i))])[2:])
                      for i in range(count)]
            macs = {i: mac for i, (_, mac) in enumerate(signed)}
            for first in range(0, count, 100):  # what a socket buffer holds
                for octets, _ in signed[first:first + 100]:
                    sock.send(octets)
                for _ in range(100):
                    octets = sock.recv(65535)
                    answer = dns.Message(octets)
                    self.assertTrue(dnsd.keys[0].is_valid(octets, macs.pop(answer.id)))
                    rcodes[answer.id] = answer.rcode
        self.assertEqual(len(rcodes), count)
        self.assertEqual(set(rcodes.values()), {"NOERROR", "SERVFAIL"})
        self.assertEqual(self.hosts(dnsd), {f"v{i}" for i, rcode in rcodes.items() if rcode == "NOERROR"})
        # Calm again, all is well.
        self.assertEqual(dnsd.update(dns.add(f"v.{ZONE}", 60, "A", "192.0.2.1")).rcode, "NOERROR")
        dnsd.stop()


if __name__ == "__main__":
    main()
