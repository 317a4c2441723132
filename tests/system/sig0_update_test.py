"""dnsd-update with SIG(0) (RFC 2931) beside BIND's nsupdate, and before a verifier that is neither's: Perl's Net::DNS."""
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

from nsupdate_test import OURS, THEIRS, TIME_LIMIT, Recorder, normal, run

NAME = "h1.dyn.example."
ALGORITHMS = {"ED25519": (), "ECDSAP256SHA256": (), "ECDSAP384SHA384": (), "RSASHA256": ("-b", "2048"),
              "RSASHA512": ("-b", "3072")}
SCRIPT = "server 127.0.0.1 PORT\nzone dyn.example\nadd h1.dyn.example 60 A 192.0.2.1\nadd h1.dyn.example 60 TXT a\nsend\n"
# Standard input: the message in hexadecimal. It says "valid", or why not.
VERIFY = """
use Net::DNS; use Net::DNS::SEC;
my ($packet) = Net::DNS::Packet->decode(\\(pack 'H*', scalar <STDIN>));
my ($key) = map { Net::DNS::RR->new($_) } grep { /\\bKEY\\b/ } do { open my $in, '<', $ARGV[0] or die; <$in> };
print $packet->verify($key) ? 'valid' : 'not valid: ' . $packet->verifyerr;
"""
HAS_NET_DNS = subprocess.run(["perl", "-MNet::DNS::SEC", "-e1"], capture_output=True, check=False).returncode == 0


def verify(octets, key_file):
    ran = subprocess.run(["perl", "-e", VERIFY, key_file], input=octets.hex(), capture_output=True, text=True,
                         timeout=TIME_LIMIT, check=False)
    return ran.stdout + ran.stderr


@unittest.skipUnless(THEIRS and HAS_NET_DNS, "bind9-dnsutils or libnet-dns-sec-perl is not installed")
class Sig0(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dnsd-update-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.keys = {}
        for algorithm, size in ALGORITHMS.items():
            made = subprocess.run(["dnssec-keygen", "-q", "-K", cls.folder, "-T", "KEY", "-n", "HOST", "-a", algorithm,
                                   *size, NAME], capture_output=True, text=True, timeout=TIME_LIMIT, check=True)
            cls.keys[algorithm] = os.path.join(cls.folder, made.stdout.strip())

    def send(self, program, *options, script=SCRIPT, **server):
        recorder = Recorder(**server)
        try:
            status, output, errors = run(program, script.replace("PORT", str(recorder.port)), *options)
        finally:
            recorder.close()
        return (status, output, errors), recorder.messages

    def test_every_algorithm_beside_nsupdate(self):
        for algorithm, stem in self.keys.items():
            with self.subTest(algorithm):
                theirs, their_messages = self.send(THEIRS, "-k", stem + ".private")
                ours, messages = self.send(OURS, "-k", stem + ".private")
                self.assertEqual(ours, theirs)
                self.assertEqual(ours, (0, "", []))
                self.assertEqual([[how, normal(octets)] for how, octets in messages],
                                 [[how, normal(octets)] for how, octets in their_messages])
                for _, octets in messages + their_messages:
                    self.assertEqual(verify(octets, stem + ".key"), "valid")

    def test_the_verifier_can_say_no(self):
        stem = self.keys["ED25519"]
        _, [(_, octets)] = self.send(OURS, "-k", stem + ".private")
        changed = octets[:20] + bytes([octets[20] ^ 1]) + octets[21:]
        self.assertIn("not valid", verify(changed, stem + ".key"))

    def test_both_files_and_their_stem_name_the_key(self):
        stem = self.keys["ED25519"]
        for name in (stem, stem + ".key", stem + ".private"):
            with self.subTest(name):
                ran, [(_, octets)] = self.send(OURS, "-k", name)
                self.assertEqual(ran, (0, "", []))
                self.assertEqual(verify(octets, stem + ".key"), "valid")

    def test_a_retry_is_signed_anew(self):
        stem = self.keys["ECDSAP256SHA256"]
        _, messages = self.send(OURS, "-u", "1", "-r", "2", "-k", stem + ".private", ignore=2)
        self.assertEqual(len(messages), 3)
        self.assertEqual(len({octets[:2] for _, octets in messages}), 3, "IDs")
        self.assertEqual(len({octets[-64:] for _, octets in messages}), 3, "signatures")
        for _, octets in messages:
            self.assertEqual(struct.unpack_from("!H", octets, 10), (1,))
            self.assertEqual(verify(octets, stem + ".key"), "valid")

    def test_a_truncated_answer_leads_to_tcp(self):
        stem = self.keys["ED25519"]
        ran, messages = self.send(OURS, "-k", stem + ".private", truncate=True)
        self.assertEqual(ran, (0, "", []))
        self.assertEqual([how for how, _ in messages], ["UDP", "TCP"])
        self.assertEqual(verify(messages[1][1], stem + ".key"), "valid")

    def test_the_search_for_the_zone_is_not_signed(self):
        stem = self.keys["ED25519"]
        ran, messages = self.send(OURS, "-k", stem + ".private", script=SCRIPT.replace("zone dyn.example\n", ""))
        self.assertEqual(ran, (0, "", []))
        self.assertEqual([normal(octets)[1][3] == [] for _, octets in messages], [True, False])

    def test_a_refusal(self):
        ran, _ = self.send(OURS, "-k", self.keys["ED25519"] + ".private", rcode=5)
        self.assertEqual(ran, (2, "", ["update failed: REFUSED"]))

    def test_debug_shows_the_signature(self):
        (status, output, _), _ = self.send(OURS, "-d", "-k", self.keys["ED25519"] + ".private")
        self.assertEqual(status, 0)
        self.assertRegex(output, r";; SIG0 PSEUDOSECTION:\n\.\s+0\s+ANY\s+SIG\s+\S+ 15 0 0 ")

    def test_keys_that_cannot_sign(self):
        """Nothing is sent unsigned that was meant to be signed."""
        copy = os.path.join(self.folder, "copy")
        os.mkdir(copy)
        stem = self.keys["ED25519"]
        alone = shutil.copy(stem + ".private", copy)
        other = os.path.join(copy, os.path.basename(self.keys["ECDSAP256SHA256"]))
        shutil.copy(stem + ".private", other + ".private")
        shutil.copy(self.keys["ECDSAP256SHA256"] + ".key", copy)
        zone_key = os.path.join(copy, subprocess.run(
            ["dnssec-keygen", "-q", "-K", copy, "-a", "ED25519", "zone.example."], capture_output=True, text=True,
            timeout=TIME_LIMIT, check=True).stdout.strip())
        for file, why in ((alone, "cannot be read; it belongs beside the .private file"),
                          (other + ".private", "does not belong to"),
                          (zone_key + ".private", "not a KEY record")):
            with self.subTest(why):
                (status, output, errors), messages = self.send(OURS, "-k", file)
                self.assertEqual((status, output, messages), (1, "", []))
                self.assertIn(why, errors[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
