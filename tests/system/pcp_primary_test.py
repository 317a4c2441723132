"""pcp-ddns with a zone alone: the primary is whom the SOA names, though a secondary answers (RFC 2136 4.2)."""
import os
import time

from cgn import SERVER, CgnTest
from harness import ZONE, ZONE_TEXT, main, run

SECONDARY = "11.0.0.20"


class Primary(CgnTest):
    resolver = SECONDARY

    def before_the_agent(self):
        """A Knot that has the zone from dnsd, and is all that the agent can ask."""
        self.net.ip("inet", f"addr add {SECONDARY}/24 dev eth0")
        key = self.dnsd.keys[0]
        folder = os.path.join(self.dnsd.folder, "knot")
        os.mkdir(folder)
        config = self.dnsd.write("knot.conf", f"""
server:
    rundir: "{folder}"
    listen: {SECONDARY}@53
log:
  - target: stderr
    any: info
database:
    storage: "{folder}"
key:
  - id: {key.name}
    algorithm: {key.algorithm}
    secret: {key.secret}
remote:
  - id: dnsd
    address: {SERVER}@53
    key: {key.name}
zone:
  - domain: {ZONE}
    storage: "{folder}"
    master: dnsd
""")
        self.secondary = self.launch("inet", "knotd", "--config", config)
        begin = time.monotonic()
        ask = self.net.command("inet", "dig", f"@{SECONDARY}", "+short", "+tries=1", "+time=1", ZONE, "SOA")
        while "hostmaster" not in run(ask)[1]:  # also while nobody listens yet
            self.assertLess(time.monotonic() - begin, 60, self.secondary.log())
            time.sleep(0.1)

    def test_the_soas_mname(self):
        self.set_up(provider="", zone_text=ZONE_TEXT.replace("ns IN A 127.0.0.1", f"ns IN A {SERVER}"))
        self.wait_for_visit(("11.0.0.1", 8001, "welcome"))
        code, text = self.check()
        self.assertEqual(code, 0, text)
        self.assertIn(f"provider default at {SERVER}#53 knows the key, and takes updates of dyn.example.", text)
        self.assertEqual(self.agent.terminate(), 0)
        self.assertIsNone(self.visit())

    def test_a_zone_that_nobody_knows(self):
        self.set_up(provider="", zone_text=ZONE_TEXT.replace("ns hostmaster", "ns.nowhere.example. hostmaster"))
        self.agent.wait_for(r"default: not published: .*: ns\.nowhere\.example\.: Host not found")


if __name__ == "__main__":
    main()
