"""pcp-ddns publishes more than addresses and SRV: the portal's address, HTTPS with the port, pointers for DNS-SD."""
import time

from harness import main
from pcp_harness import HOST, AgentTest

SERVICES = f"""
    [[service]]
    host = "{HOST}"
    type = "_https._tcp"
    port = 8443
    https = true
    uri = "https"
    portal = true
    dns-sd = "Web of h1"
    [[service]]
    host = "{HOST}"
    type = "_ssh._tcp"
    port = 2222
    """
WANT = {
    (HOST, "A"): ["192.0.2.10"],
    (HOST, "URI"): [f'0 0 "http://{HOST[:-1]}:8080/?portal"'],
    (f"_http._tcp.{HOST}", "SRV"): [f"0 0 8080 {HOST}"],
    (HOST, "AAAA"): ["2001:db8::10"],
    (HOST, "HTTPS"): [],
    (f"direct.{HOST}", "A"): ["198.51.100.1"],
    (f"direct.{HOST}", "HTTPS"): ["1 . port=8443"],
    (f"_https._tcp.{HOST}", "SRV"): [f"0 0 8443 direct.{HOST}"],
    (f"_https._tcp.{HOST}", "URI"): [f'0 0 "https://direct.{HOST[:-1]}:8443/"'],
    (f"_https._tcp.{HOST}", "TXT"): ['"endpoint=198.51.100.1:8443"'],
    (f"_ssh._tcp.{HOST}", "SRV"): [f"0 0 2222 direct.{HOST}"],
    ("_https._tcp.dyn.example.", "PTR"): ["Other._https._tcp.dyn.example.", r"Web\032of\032h1._https._tcp.dyn.example."],
    (r"Web\032of\032h1._https._tcp.dyn.example.", "SRV"): [f"0 0 8443 direct.{HOST}"],
    (r"Web\032of\032h1._https._tcp.dyn.example.", "TXT"): ['"endpoint=198.51.100.1:8443"'],
}
OTHER = ("$ORIGIN dyn.example.\n@ 60 IN SOA ns h 1 3600 600 604800 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n"
         "_https._tcp 60 IN PTR Other._https._tcp\n")


class Records(AgentTest):
    def all_records(self):
        return {(owner, rtype): self.answers(owner, rtype) for owner, rtype in WANT}

    def wait_for_all(self, want):
        begin = time.monotonic()
        while (got := self.all_records()) != want:
            self.assertLess(time.monotonic() - begin, 60, f"{got}\n{self.agent.log()}")
            time.sleep(0.05)

    def test_published_followed_found_again_and_withdrawn(self):
        self.set_up(services=SERVICES, provider='portal = ["192.0.2.10", "2001:db8::10"]\nportal-port = 8080', zone_text=OTHER)
        self.wait_for_all(WANT)
        self.pcp.update(external="203.0.113.9")
        moved = {key: [text.replace("198.51.100.1", "203.0.113.9") for text in texts] for key, texts in WANT.items()}
        self.wait_for_all(moved)
        # It knows them again after it was killed.
        self.agent.kill()
        self.start_agent()
        self.pcp.wait_for(lambda pcp: len(pcp.requests) >= 4)
        self.pcp.update(external="198.51.100.1")
        self.wait_for_all(WANT)
        self.stop_agent()
        left = {key: [] for key in WANT}
        left[("_https._tcp.dyn.example.", "PTR")] = ["Other._https._tcp.dyn.example."]
        self.assertEqual(self.all_records(), left, "what is somebody else's stays")
        self.dnsd.stop()


if __name__ == "__main__":
    main()
