"""What may happen to a CGN: after each of these, the name leads to the service again. The delays are printed."""
import sys
import time

from cgn import CgnTest, SERVER, WEB
from harness import main

LIFETIME = 20  # of mappings, in seconds
HOLD = """
import socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("holds", flush=True)
server.accept()
"""


class CgnEvents(CgnTest):
    """Each event is a method that returns the port that is expected from then on."""

    port = 8001

    def renumber_silently(self):
        self.drop("announces")
        self.renumber("11.0.0.78")
        time.sleep(1)
        self.drop("")

    def renumber_and_lose(self):
        self.stop_pcp()
        self.lose_mappings()
        self.change_address("11.0.0.79")
        self.start_pcp()

    def restart_pcp(self):
        self.stop_pcp()
        self.lose_mappings()
        self.start_pcp()

    def restart_pcp_with_mappings(self):
        serial = self.serial()
        self.stop_pcp()
        self.start_pcp()
        time.sleep(6)  # RFC 6887 14.1.3
        self.assertEqual(self.serial(), serial, "nothing has changed, so nothing is published")

    def restart_pcp_stale(self):
        self.stop_pcp()
        self.forget("leases")
        self.start_pcp()

    def drop_requests(self):
        self.drop("requests")
        self.gone()
        self.drop("")

    def drop_answers_while_renumbered(self):
        self.drop("answers")
        self.renumber("11.0.0.80")
        time.sleep(8)
        self.drop("")

    def stop_pcp_for_a_while(self):
        self.stop_pcp()
        self.lose_mappings()
        self.gone()
        self.start_pcp()

    def occupy(self):
        """Another subscriber has the port."""
        self.stop_pcp()
        self.lose_mappings()
        self.drop("requests")
        self.start_pcp()
        self.neighbour(8001)
        self.drop("")
        self.port = 8002

    def occupy_by_the_cgn_itself(self):
        self.stop_pcp()
        self.lose_mappings()
        self.launch("cgn", sys.executable, "-c", HOLD, 8002).wait_for("holds")
        self.start_pcp()
        self.port = 8003

    def refuse(self):
        """miniupnpd has NO_RESOURCES while its own address is a private one; the mapping is lost with it."""
        address = self.address
        self.renumber("10.99.0.1")
        self.agent.wait_for("NO_RESOURCES; asked again in")
        self.gone()
        self.renumber(address)

    def kill_dnsd(self):
        self.server.kill()
        self.renumber("11.0.0.81")
        time.sleep(6)
        self.start_dnsd()

    def kill_agent(self):
        self.agent.kill()
        self.renumber("11.0.0.82")
        time.sleep(1)
        self.start_agent()

    def serial(self):
        return self.visitor("dig", f"@{SERVER}", "+short", "dyn.example.", "SOA").split()[2]

    def gone(self):
        """No stale record survives its lease, and that ends with the mapping."""
        begin = time.monotonic()
        while self.visitor("dig", f"@{SERVER}", "+short", WEB, "SRV"):
            self.assertLess(time.monotonic() - begin, LIFETIME + 10, self.agent.log())
            time.sleep(0.1)

    def run_through(self, events, **more):
        self.set_up(lifetime=LIFETIME, **more)
        self.wait_for_visit((self.address, self.port, "welcome"))
        for what, event in events:
            time.sleep(3)  # RFC 6887 8.5 forgives an epoch two seconds
            with self.subTest(what):
                event(self)
                took = self.wait_for_visit((self.address, self.port, "welcome"), 90)
                print(f"{what}: {took:.1f} s", flush=True)
        self.assertEqual(self.agent.terminate(), 0)
        self.assertIsNone(self.visit())

    def test_renumber_and_restart(self):
        self.run_through([
            ("renumber", CgnTest.renumber),
            ("renumber --silent", CgnEvents.renumber_silently),
            ("renumber --lose", CgnEvents.renumber_and_lose),
            ("restart-pcp", CgnEvents.restart_pcp),
            ("restart-pcp --keep", CgnEvents.restart_pcp_with_mappings),
            ("restart-pcp --stale", CgnEvents.restart_pcp_stale),
            ("dnsd's kill -9 while renumbered", CgnEvents.kill_dnsd),
            ("the agent's kill -9 while renumbered", CgnEvents.kill_agent),
        ])

    def test_silence_and_refusal(self):
        self.run_through([
            ("drop-pcp on, until the mapping has ended", CgnEvents.drop_requests),
            ("drop-pcp answers while renumbered", CgnEvents.drop_answers_while_renumbered),
            ("stop-pcp, until the mapping has ended", CgnEvents.stop_pcp_for_a_while),
            ("occupy", CgnEvents.occupy),
            ("occupy --socket", CgnEvents.occupy_by_the_cgn_itself),
            ("refuse", CgnEvents.refuse),
        ])

    def test_an_epoch_that_is_the_machines_uptime(self):
        self.run_through([
            ("restart-pcp, unseen but for a renewal", CgnEvents.restart_pcp),
            ("renumber", CgnTest.renumber),
        ], uptime="yes")


if __name__ == "__main__":
    main()
