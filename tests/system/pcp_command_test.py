"""What pcp-ddns tells a person: status, check and a single run."""
import json
import os
import stat
import time

from harness import main
from pcp_harness import HOST, SERVICE, WEB, AgentTest


class Commands(AgentTest):
    def rewrite(self, old, new):
        with open(self.config) as config:
            text = config.read()
        self.assertIn(old, text)
        self.dnsd.write("agent.toml", text.replace(old, new))

    def test_status(self):
        self.set_up()
        self.wait_until(self.at())
        code, text = self.command("status")
        self.assertEqual(code, 0, text)
        self.assertIn(f"PCP server {self.pcp.name}, asked from 127.0.0.1", text)
        self.assertRegex(text, r"(?m)^_http\._tcp\.h1\.dyn\.example\. +tcp 8000 +198\.51\.100\.1:8001 +mapped, published +- +\d+min +(1h 0|59)min$")
        service, = self.status()["services"]
        self.assertEqual((service["name"], service["external"], service["state"], service["error"]),
                         (WEB, "198.51.100.1:8001", "mapped", None))
        self.assertEqual(service["providers"], [{"name": "home", "state": "published", "error": None, "reached": None}])
        self.assertTrue(3500 < service["end"] <= 3600 and 1700 < service["renewal"] < 2300, service)
        # A server that refuses, then one that nobody answers for.
        self.pcp.update(external="100.64.0.9")
        self.wait_until(([], [], []))
        self.assertEqual(self.status()["services"][0]["state"], "not-global")
        self.dnsd.stop()
        self.pcp.update(external="198.51.100.7")
        begin = time.monotonic()
        while self.status()["services"][0]["providers"][0]["state"] != "failed":
            self.assertLess(time.monotonic() - begin, 60, self.agent.log())
            time.sleep(0.1)
        provider, = self.status()["services"][0]["providers"]
        self.assertTrue(provider["error"], provider)
        code, text = self.command("status")
        self.assertIn(f"{WEB} at home: {provider['error']}", text)
        self.assertEqual(stat.S_IMODE(os.stat(self.state + ".socket").st_mode), 0o600)
        self.stop_agent()
        self.assertEqual(self.command("status"), (1, "pcp-ddns: no agent with this configuration runs\n"))

    def test_a_single_run(self):
        self.set_up()
        self.wait_until(self.at())
        code, text = self.command("--once")
        self.assertEqual(code, 1)
        self.assertIn("an agent with this state file runs already", text)
        self.stop_agent()
        self.assertEqual(self.records(), ([], [], []))
        code, text = self.command("--once")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"198\.51\.100\.1:8001 +mapped, published")
        self.assertEqual(self.records(), self.at(), "it stays")
        self.assertEqual(len(self.pcp.mappings), 1)
        # Again, as from a timer: what is there is renewed, and follows.
        self.pcp.restart("203.0.113.1")
        code, text = self.command("--once", "--json")
        self.assertEqual(code, 0, text)
        self.assertEqual(self.records(), self.at("203.0.113.1"))
        self.assertEqual(json.loads(text.splitlines()[-1])["services"][0]["external"], "203.0.113.1:8001")
        self.pcp.error = ("NO_RESOURCES", 30)
        self.pcp.restart()
        code, text = self.command("--once")
        self.assertEqual(code, 1, text)
        self.assertIn("NO_RESOURCES", text)
        self.dnsd.stop()

    def test_check_changes_nothing(self):
        self.set_up(services=SERVICE)
        self.wait_until(self.at())
        self.stop_agent()
        serial, asked = self.dnsd.serial(), len(self.pcp.requests)
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertEqual([line.split()[:2] for line in text.splitlines()], [["ok", "state"], ["ok", "PCP"], ["ok", "provider"], ["no", "PCP"]])
        self.assertRegex(text, r"asked from 127\.0\.0\.1, answers; its epoch is \d+ s")
        self.assertRegex(text, r"127\.0\.0\.1#\d+ knows the key, and takes updates of dyn\.example\.")
        self.assertEqual((self.dnsd.serial(), len(self.pcp.requests)), (serial, asked))
        self.rewrite('secret = "', 'secret = "AAAA')
        code, text = self.command("check")
        self.assertEqual(code, 1, text)
        self.assertRegex(text, r"FAILED  provider home at 127\.0\.0\.1#\d+: the server reports BADSIG")
        self.rewrite('secret = "AAAA', 'secret = "')
        self.rewrite(f'servers = ["{self.pcp.name}"]', 'servers = ["127.0.0.3#9"]')
        self.dnsd.stop()
        code, text = self.command("check")
        self.assertEqual(code, 1, text)
        self.assertRegex(text, r"FAILED  PCP server 127\.0\.0\.3#9.*does not answer")
        self.assertRegex(text, r"FAILED  provider home")
        self.assertNotIn("AAAA", text)

    def test_the_address_of_outgoing_traffic(self):
        """RFC 6887 12: PEER tells it."""
        self.set_up()
        self.wait_until(self.at())
        for outgoing, code_word, says in (
                (None, "no", f"PCP server {self.pcp.name}, asked from 127.0.0.1, has no PEER"),
                ("198.51.100.1", "ok", r"this host's own traffic to 127.0.0.1#PORT comes from 198.51.100.1:\d+$"),
                ("198.51.100.9", "WARNING", r"comes from 198.51.100.9:\d+, but the mappings are at 198.51.100.1: .*"
                                            r"several external addresses .*RFC 4787 REQ-2")):
            self.pcp.outgoing = outgoing
            code, text = self.command("check")
            self.assertEqual(code, 0, text)
            self.assertRegex(text, rf"(?m)^{code_word} .*" + says.replace("PORT", str(self.dnsd.port)))
            protocol, _, address, port = self.pcp.flows[-1]
            self.assertEqual((protocol, address, port), (17, "127.0.0.1", self.dnsd.port))
        self.stop_agent()
        # Nothing is published: there is nothing to compare.
        code, text = self.command("check")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"(?m)^ok .*comes from 198\.51\.100\.9:\d+$")


if __name__ == "__main__":
    main()
