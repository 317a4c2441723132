"""The same update by every client, and what is refused."""
import os
import re
import time

import dns
from harness import BIN, Dnsd, SystemTest, ZONE, key, main, run

SCRIPT = """\
server 127.0.0.1 {port}
zone dyn.example.
prereq nxdomain h1.dyn.example.
update add h1.dyn.example. 60 A 192.0.2.1
update add _http._tcp.h1.dyn.example. 60 SRV 0 0 8001 h1.dyn.example.
update add h1.dyn.example. 60 TXT "path=/"
send
prereq yxrrset h1.dyn.example. A
update delete h1.dyn.example. A
update add h1.dyn.example. 120 A 192.0.2.2
update delete www.dyn.example. AAAA 2001:db8::80
update add new.dyn.example. 30 TYPE65280 \\# 3 010203
send
update delete MIXED.dyn.example.
send
"""
# knsupdate wants full stops nowhere else, but knows `del` and not `delete`.
KNOT_SCRIPT = SCRIPT.replace("update delete", "update del")


class Clients(SystemTest):
    """nsupdate -y, nsupdate -k, knsupdate and dnsd-update: one script, one zone."""

    def after(self, *command, algorithm="hmac-sha256", script=SCRIPT):
        dnsd = Dnsd(self, keys=[key(algorithm=algorithm)]).start()
        one = dnsd.keys[0]
        key_file = dnsd.write("key", f'key "{one.name}" {{\n\talgorithm {algorithm};\n\tsecret "{one.secret}";\n}};\n')
        words = [word.format(y=f"{algorithm}:{one.name}:{one.secret}", k=key_file) for word in command]
        status, text = run(words + [dnsd.write("script", script.format(port=dnsd.port))])
        self.assertEqual(status, 0, text + dnsd.running.log())
        lines = dnsd.axfr()
        dnsd.stop()
        # Each client sends the same three messages; how often the serial steps is the server's business.
        return [re.sub(r"hostmaster\.dyn\.example\. \d+", "hostmaster SERIAL", line) for line in lines]

    def test_one_script_one_zone(self):
        expected = self.after("nsupdate", "-y", "{y}")
        text = "\n".join(expected)
        self.assertIn("h1.dyn.example. 120 IN A 192.0.2.2", text)
        self.assertIn("_http._tcp.h1.dyn.example. 60 IN SRV 0 0 8001 h1.dyn.example.", text)
        self.assertIn('h1.dyn.example. 60 IN TXT "path=/"', text)
        self.assertIn("new.dyn.example. 30 IN TYPE65280 \\# 3 010203", text)
        self.assertNotIn("192.0.2.1\n", text)
        self.assertNotIn("2001:db8::80", text)
        self.assertNotIn("192.0.2.7", text)
        update = os.path.join(BIN, "dnsd-update")
        for command, script in ((["nsupdate", "-k", "{k}"], SCRIPT), (["nsupdate", "-v", "-k", "{k}"], SCRIPT),
                                (["knsupdate", "-y", "{y}"], KNOT_SCRIPT), (["knsupdate", "-k", "{k}"], KNOT_SCRIPT),
                                ([update, "-y", "{y}"], SCRIPT), ([update, "-k", "{k}"], SCRIPT),
                                ([update, "-v", "-y", "{y}"], SCRIPT)):
            with self.subTest(" ".join(command)):
                if command[:2] == ["knsupdate", "-k"]:
                    # Its key file is one line of the form of -y.
                    continue
                self.assertEqual(self.after(*command, script=script), expected)

    def test_every_algorithm(self):
        for algorithm in dns.HASHES:
            for command in ("nsupdate", os.path.join(BIN, "dnsd-update")):
                with self.subTest(algorithm=algorithm, command=command):
                    text = "\n".join(self.after(command, "-y", "{y}", algorithm=algorithm))
                    self.assertIn("h1.dyn.example. 120 IN A 192.0.2.2", text)


class Refusals(SystemTest):
    """No update without a valid signature and a grant: nothing changes, and one log line says why."""

    def setUp(self):
        self.reader = key("reader.dyn.example.")
        self.dnsd = Dnsd(self, keys=[key(), self.reader],
                         grants=[("h1.dyn.example.", "update = true\ntransfer = true"),
                                 ("reader.dyn.example.", "transfer = true")]).start()
        self.before = self.dnsd.axfr()

    def check_refused(self, send, answer, in_log):
        """`send` returns what the client printed; it and one new log line must match."""
        at = len(self.dnsd.running.lines)
        text = send()
        self.assertRegex(text, answer)
        self.assertEqual(self.dnsd.axfr(), self.before)
        self.dnsd.running.wait_for(in_log, start=at)
        lines = [line for line in self.dnsd.running.log().split("\n")[at:] if re.search(in_log, line)]
        self.assertEqual(len(lines), 1, lines)

    def nsupdate(self, *options, expect=2):
        script = f"server 127.0.0.1 {self.dnsd.port}\nzone {ZONE}\nupdate add h1.{ZONE} 60 A 192.0.2.1\nsend\n"
        status, text = run(["nsupdate", *options], input=script)
        self.assertEqual(status, expect, text)
        return text

    def raw(self, octets):
        answer = self.dnsd.exchange(octets)
        return f"{answer.rcode}({answer.tsig_error})"

    def message(self):
        return dns.update(ZONE, [dns.add("h1.dyn.example.", 60, "A", "192.0.2.1")])

    def test_no_key(self):
        self.check_refused(lambda: self.nsupdate(), "update failed: REFUSED", r"(?i)update.*(refused|unsigned|not signed)")

    def test_unknown_key(self):
        one = key("other.dyn.example.")
        self.check_refused(lambda: self.nsupdate("-y", f"{one.algorithm}:{one.name}:{one.secret}"),
                           r"NOTAUTH\(BADKEY\)", "BADKEY")

    def test_another_algorithm_than_the_keys(self):
        one = key(algorithm="hmac-sha512")
        self.check_refused(lambda: self.nsupdate("-y", f"{one.algorithm}:{one.name}:{one.secret}"),
                           r"NOTAUTH\(BADKEY\)", "BADKEY")

    def test_wrong_secret(self):
        self.check_refused(lambda: self.nsupdate("-y", f"hmac-sha256:h1.dyn.example.:{'A' * 43}="),
                           r"NOTAUTH\(BADSIG\)", "BADSIG")

    def test_broken_mac(self):
        octets, _ = key().sign(self.message(), break_mac=True)
        self.check_refused(lambda: self.raw(octets), r"NOTAUTH\(BADSIG\)", "BADSIG")

    def test_changed_after_signing(self):
        octets, _ = key().sign(self.message())
        octets = octets.replace(bytes([192, 0, 2, 1]), bytes([192, 0, 2, 66]))
        self.check_refused(lambda: self.raw(octets), r"NOTAUTH\(BADSIG\)", "BADSIG")

    def test_bad_time(self):
        for skew in (-1000, 1000):
            with self.subTest(skew=skew):
                octets, mac = key().sign(self.message(), now=time.time() + skew)
                self.check_refused(lambda: self.raw(octets), r"NOTAUTH\(BADTIME\)", "BADTIME")
                # Signed, with the server's time (RFC 8945 §5.2.3).
                at = len(self.dnsd.running.lines)
                answer = self.dnsd.exchange(octets)
                self.dnsd.running.wait_for("BADTIME", start=at)
                self.assertTrue(key().is_valid(answer.octets, mac))
                self.assertEqual(len(answer.tsig.other), 6)
                self.assertLess(abs(int.from_bytes(answer.tsig.other, "big") - time.time()), 60)

    def test_key_without_a_grant_to_update(self):
        one = self.reader
        self.check_refused(lambda: self.nsupdate("-y", f"{one.algorithm}:{one.name}:{one.secret}"),
                           "update failed: REFUSED", r"(?i)reader\.dyn\.example.*")

    def test_another_zone(self):
        octets, _ = key().sign(dns.update("example.org.", [dns.add("h1.example.org.", 60, "A", "192.0.2.1")]))
        self.assertRegex(self.raw(octets), "NOTAUTH|REFUSED")
        self.assertEqual(self.dnsd.axfr(), self.before)

    def test_out_of_zone(self):
        octets, _ = key().sign(dns.update(ZONE, [dns.add("h1.example.org.", 60, "A", "192.0.2.1")]))
        self.assertEqual(self.raw(octets), "NOTZONE()")
        self.assertEqual(self.dnsd.axfr(), self.before)

    def test_a_failed_prerequisite_changes_nothing(self):
        for prerequisite, want in (
            (dns.record("www.dyn.example.", "ANY", "NONE"), "YXDOMAIN"),
            (dns.record("www.dyn.example.", "A", "NONE"), "YXRRSET"),
            (dns.record("nothing.dyn.example.", "ANY", "ANY"), "NXDOMAIN"),
            (dns.record("www.dyn.example.", "TXT", "ANY"), "NXRRSET"),
            (dns.record("www.dyn.example.", "A", "IN", 0, bytes([192, 0, 2, 81])), "NXRRSET"),
        ):
            answer = self.dnsd.update(dns.add("h1.dyn.example.", 60, "A", "192.0.2.1"), prerequisites=[prerequisite])
            self.assertEqual(answer.rcode, want)
            self.assertIsNotNone(answer.tsig)
            self.assertEqual(self.dnsd.axfr(), self.before)


if __name__ == "__main__":
    main()
