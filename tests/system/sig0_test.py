"""SIG(0) as BIND's nsupdate makes it: keys in the zone and in the configuration, roll-over, refusals, replays."""
import glob
import os
import socket
import struct
import threading

import dns
from harness import BIN, Dnsd, SystemTest, ZONE, ZONE_TEXT, main, run

HOST = "h1.dyn.example."
ALGORITHMS = {"ED25519": [], "ECDSAP256SHA256": [], "ECDSAP384SHA384": [], "RSASHA256": ["-b", "2048"],
              "RSASHA512": ["-b", "2048"]}
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/sig0")


def generate(folder, name, algorithm="ED25519"):
    """A key pair as dnssec-keygen makes it: the .private file, and the KEY record as a line of a zone file."""
    status, text = run(["dnssec-keygen", "-q", "-K", folder, "-T", "KEY", "-n", "HOST", "-a", algorithm,
                        *ALGORITHMS[algorithm], name])
    assert status == 0, text
    stem = os.path.join(folder, text.split()[-1])
    with open(stem + ".key") as lines:
        record = next(line for line in lines if not line.startswith(";"))
    return stem + ".private", record


def key_rdata(record):
    return record.split(" KEY ")[1].strip()


class Sig0Test(SystemTest):
    def server(self, records="", name=HOST, **more):
        return Dnsd(self, zone_text=ZONE_TEXT + records, keys=[],
                    grants=[(name, "update = true")], **more)

    def nsupdate(self, dnsd, key, *lines, options=(), program="nsupdate"):
        script = f"server 127.0.0.1 {dnsd.port}\nzone {ZONE}\n" + "\n".join(lines) + "\nsend\n"
        return run([program, *options, "-k", key, dnsd.write("script", script)])

    def assert_done(self, dnsd, ran):
        status, text = ran
        self.assertEqual(status, 0, text + dnsd.running.log())

    def assert_refused(self, dnsd, ran, why):
        status, text = ran
        self.assertEqual(status, 2, text + dnsd.running.log())
        self.assertIn("update failed: REFUSED", text)
        dnsd.running.wait_for(why)

    def addresses(self, dnsd, name):
        return [socket.inet_ntoa(rr.data) for rr in dnsd.query(name, "A").answer]

    def captured(self, dnsd, private, *lines):
        """What nsupdate sends, which nobody gets."""
        seen = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(60)

            def answer():
                octets, peer = sock.recvfrom(65535)
                seen.append(octets)
                end = octets.index(b"\0", 12) + 5
                sock.sendto(octets[:2] + b"\xa8\0" + struct.pack("!4H", 1, 0, 0, 0) + octets[12:end], peer)

            thread = threading.Thread(target=answer)
            thread.start()
            script = f"server 127.0.0.1 {sock.getsockname()[1]}\nzone {ZONE}\n" + "\n".join(lines) + "\nsend\n"
            status, text = run(["nsupdate", "-k", private, dnsd.write("script", script)])
            thread.join()
        self.assertEqual(status, 0, text)
        return seen[0]


class Nsupdate(Sig0Test):
    def test_every_algorithm(self):
        for algorithm in ALGORITHMS:
            for place in ("zone", "file", "configuration"):
                with self.subTest(algorithm=algorithm, place=place):
                    dnsd = self.server(name="signer.test." if place != "zone" else HOST)
                    private, record = generate(dnsd.folder, HOST if place == "zone" else "signer.test.", algorithm)
                    if place == "zone":
                        dnsd.write("dyn.zone", ZONE_TEXT + record)
                    else:
                        public = (f'public-key-file = "{os.path.basename(private)[:-8]}.key"' if place == "file" else
                                  f'public-key = "{key_rdata(record)}"')
                        before, _, after = dnsd.text.partition("[[zone]]")
                        dnsd.write("dnsd.toml", f'{before}[[key]]\nname = "signer.test."\n{public}\n[[zone]]{after}')
                    dnsd.start()
                    for number, options in enumerate(((), ("-v",)), 1):
                        self.assert_done(dnsd, self.nsupdate(dnsd, private, f"add h1.dyn.example. 60 A 192.0.2.{number}",
                                                             options=options))
                    self.assertEqual(sorted(self.addresses(dnsd, HOST)), ["192.0.2.1", "192.0.2.2"])
                    dnsd.stop()

    def test_a_key_rolls_itself_over(self):
        dnsd = self.server()
        old, old_record = generate(dnsd.folder, HOST)
        new, new_record = generate(dnsd.folder, HOST, "ECDSAP256SHA256")
        dnsd.write("dyn.zone", ZONE_TEXT + old_record)
        dnsd.start()
        self.assert_refused(dnsd, self.nsupdate(dnsd, new, "add a.dyn.example. 60 A 192.0.2.1"),
                            "signed by SIG.0. as h1.dyn.example., refused: no KEY record of that name")
        self.assert_done(dnsd, self.nsupdate(dnsd, old, f"add {HOST} 60 KEY {key_rdata(new_record)}",
                                             f"del {HOST} KEY {key_rdata(old_record)}"))
        self.assert_done(dnsd, self.nsupdate(dnsd, new, "add b.dyn.example. 60 A 192.0.2.2"))
        start = len(dnsd.running.lines)
        status, text = self.nsupdate(dnsd, old, "add c.dyn.example. 60 A 192.0.2.3")
        self.assertEqual(status, 2, text)
        dnsd.running.wait_for("no KEY record of that name", start)
        self.assertEqual([self.addresses(dnsd, f"{name}.dyn.example.") for name in "abc"], [[], ["192.0.2.2"], []])
        dnsd.stop()
        # What was rolled is on disk.
        dnsd.start()
        self.assert_done(dnsd, self.nsupdate(dnsd, new, "add c.dyn.example. 60 A 192.0.2.3"))
        dnsd.stop()

    def test_a_tsig_key_of_that_name_is_not_to_be_had_by_a_key_record(self):
        dnsd = Dnsd(self)
        private, record = generate(dnsd.folder, HOST)
        dnsd.write("dyn.zone", ZONE_TEXT + record)
        dnsd.start()
        self.assert_refused(dnsd, self.nsupdate(dnsd, private, "add a.dyn.example. 60 A 192.0.2.1"),
                            "the configuration has a TSIG key of that name")
        self.assertEqual(dnsd.update(dns.add("a.dyn.example.", 60, "A", "192.0.2.2")).rcode, "NOERROR")
        dnsd.stop()

    def test_a_fleet_is_sent_to_tcp(self):
        """More than UDP may ask for. dnsd-update follows TC; nsupdate does not, and must not take it for success."""
        dnsd = self.server(tables="[sig0]\nudp-rate = 5\n")
        private, record = generate(dnsd.folder, HOST)
        dnsd.write("dyn.zone", ZONE_TEXT + record)
        dnsd.start()
        lines = [line for i in range(30) for line in ("send", f"add n{i}.dyn.example. 60 A 192.0.2.1")][1:]
        status, text = self.nsupdate(dnsd, private, *lines)
        self.assertEqual(status, 2, text)
        failures = text.count("update failed: SERVFAIL")
        dnsd.running.wait_for("sent to TCP, or to come with a cookie: too many signatures from unproven sources")
        stored = [i for i in range(30) if self.addresses(dnsd, f"n{i}.dyn.example.") == ["192.0.2.1"]]
        self.assertGreater(failures, 0)
        self.assertEqual(len(stored) + failures, 30)
        self.assert_done(dnsd, self.nsupdate(dnsd, private, *lines, program=os.path.join(BIN, "dnsd-update")))
        for i in range(30):
            self.assertEqual(self.addresses(dnsd, f"n{i}.dyn.example."), ["192.0.2.1"])
        dnsd.stop()


    def test_first_come_first_served(self):
        dnsd = Dnsd(self, keys=[], grants=[])
        dnsd.write("dnsd.toml", dnsd.text + "first-come = true\n")
        dnsd.start()
        first, first_record = generate(dnsd.folder, HOST)
        second, second_record = generate(dnsd.folder, HOST, "ECDSAP384SHA384")
        claim = f"add {HOST} 60 KEY "
        self.assert_done(dnsd, self.nsupdate(dnsd, first, claim + key_rdata(first_record), f"add {HOST} 60 A 192.0.2.1",
                                             f"add _http._tcp.{HOST} 60 SRV 0 0 8001 {HOST}"))
        self.assert_refused(dnsd, self.nsupdate(dnsd, second, claim + key_rdata(second_record)),
                            "as h1.dyn.example., refused: no KEY record of that name")
        www, www_record = generate(dnsd.folder, "www.dyn.example.")
        start = len(dnsd.running.lines)
        status, text = self.nsupdate(dnsd, www, "add www.dyn.example. 60 KEY " + key_rdata(www_record))
        self.assertEqual(status, 2, text)
        dnsd.running.wait_for("as www.dyn.example., refused: no KEY record of that name", start)
        dnsd.stop()
        dnsd.start()
        self.assert_done(dnsd, self.nsupdate(dnsd, first, f"del {HOST} A", f"add {HOST} 60 A 192.0.2.2"))
        self.assertEqual(self.addresses(dnsd, HOST), ["192.0.2.2"])
        dnsd.stop()

    def test_answers_that_the_server_signs(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm=algorithm):
                dnsd = self.server()
                server, _ = generate(dnsd.folder, "ns.dyn.example.", algorithm)
                private, record = generate(dnsd.folder, HOST)
                dnsd.write("dyn.zone", ZONE_TEXT + record)
                dnsd.write("dnsd.toml", dnsd.text.replace("[store]", f'[sig0]\nkey-file = "{server}"\n[store]'))
                dnsd.start()
                for number, options in enumerate(((), ("-v",)), 1):
                    self.assert_done(dnsd, self.nsupdate(dnsd, private, f"add h1.dyn.example. 60 A 192.0.2.{number}",
                                                         options=options))
                self.assert_done(dnsd, self.nsupdate(dnsd, private, "add h1.dyn.example. 60 A 192.0.2.3",
                                                     program=os.path.join(BIN, "dnsd-update")))
                message = self.captured(dnsd, private, "add a.dyn.example. 60 A 192.0.2.1")
                answer = dnsd.exchange(message)
                self.assertEqual((answer.rcode, answer.additional[-1].type), ("NOERROR", 24))
                dnsd.stop()


class Wire(Sig0Test):
    def test_a_message_is_bound_to_its_key_and_its_octets(self):
        dnsd = self.server()
        old, old_record = generate(dnsd.folder, HOST)
        new, new_record = generate(dnsd.folder, HOST)
        dnsd.write("dyn.zone", ZONE_TEXT + old_record)
        dnsd.start()
        message = self.captured(dnsd, old, "add a.dyn.example. 60 A 192.0.2.1")
        for what, octets in (("its ID", bytes([message[0] ^ 1]) + message[1:]),
                             ("its signature", message[:-1] + bytes([message[-1] ^ 1]))):
            with self.subTest(what):
                self.assertEqual(dnsd.exchange(octets).rcode, "REFUSED")
        self.assertEqual(self.addresses(dnsd, "a.dyn.example."), [])
        self.assertEqual(dnsd.exchange(message).rcode, "NOERROR")
        self.assertEqual(self.addresses(dnsd, "a.dyn.example."), ["192.0.2.1"])
        # After the roll-over nothing that the old key signed is carried out.
        late = self.captured(dnsd, old, "add b.dyn.example. 60 A 192.0.2.1")
        self.assert_done(dnsd, self.nsupdate(dnsd, old, f"add {HOST} 60 KEY {key_rdata(new_record)}",
                                             f"del {HOST} KEY {key_rdata(old_record)}"))
        self.assertEqual(dnsd.exchange(late).rcode, "REFUSED")
        self.assertEqual(self.addresses(dnsd, "b.dyn.example."), [])
        self.assert_done(dnsd, self.nsupdate(dnsd, new, "add c.dyn.example. 60 A 192.0.2.1"))
        dnsd.stop()

    def test_what_was_signed_long_ago(self):
        keys = ""
        for path in glob.glob(os.path.join(DATA, "*.key")):
            with open(path) as lines:
                keys += lines.read().strip() + "\n"
        dnsd = self.server(keys).start()
        for path in sorted(glob.glob(os.path.join(DATA, "*.request.hex"))):
            with self.subTest(os.path.basename(path)), open(path) as lines:
                octets = bytes.fromhex(lines.read().splitlines()[1])
                start = len(dnsd.running.lines)
                self.assertEqual(dnsd.exchange(octets).rcode, "REFUSED")
                dnsd.running.wait_for("as h1.dyn.example., refused: outside its validity", start)
        dnsd.stop()


if __name__ == "__main__":
    main()
