"""An agent between a scripted PCP server and dnsd."""
import json
import os
import time

from harness import BIN, Dnsd, Process, SystemTest, ZONE, run
from pcp import PcpServer

SHORT = '[update]\nmin-lease = "1s"\n'
HOST = "h1.dyn.example."
WEB = f"_http._tcp.{HOST}"
SERVICE = f'[[service]]\nhost = "{HOST}"\ntype = "_http._tcp"\nport = 8000\nexternal-port = 8001\ntxt = ["path=/"]\n'


class AgentTest(SystemTest):
    def set_up(self, lifetime=3600, services=SERVICE, pcp="", provider="", external="198.51.100.1", zone_text=None, server=PcpServer, more_servers=(), tables="", **more):
        if zone_text:
            more["zone_text"] = zone_text
        self.dnsd = Dnsd(self, tables=SHORT + tables, **more).start()
        self.pcp = server(self, lifetime=lifetime, external=external)
        key = self.dnsd.keys[0]
        self.config = self.dnsd.write("agent.toml", f"""
            state = "agent.state"
            [log]
            level = "debug"
            [pcp]
            servers = {json.dumps([self.pcp.name, *more_servers])}
            accept-external = ["198.51.100.0/24", "203.0.113.0/24", "127.0.0.0/8"]
            {pcp}
            [[provider]]
            name = "home"
            zone = "{ZONE}"
            server = "127.0.0.1:{self.provider_port()}"
            key = {{ name = "{key.name}", algorithm = "{key.algorithm}", secret = "{key.secret}" }}
            {provider}
            """ + services)
        self.state = os.path.join(self.dnsd.folder, "agent.state")
        return self.start_agent()

    def provider_port(self):
        return self.dnsd.port

    def command(self, *words):
        return run([os.path.join(BIN, "pcp-ddns"), *words, "--config", self.config])

    def status(self):
        code, text = self.command("status", "--json")
        self.assertEqual(code, 0, text)
        return json.loads(text)

    def start_agent(self):
        self.agent = Process([os.path.join(BIN, "pcp-ddns"), "--config", self.config])
        self.addCleanup(self.dnsd.make_sure_it_ended, self.agent)
        return self.agent

    def answers(self, owner, rtype):
        """RDATA as dig prints it, in order."""
        return sorted(self.dnsd.dig("+short", owner, rtype).splitlines())

    def records(self):
        return (self.answers(HOST, "A"), self.answers(WEB, "SRV"), self.answers(WEB, "TXT"))

    def at(self, address="198.51.100.1", port=8001):
        return ([address], [f"0 0 {port} {HOST}"], [f'"path=/" "endpoint={address}:{port}"'])

    def wait_until(self, want, time_limit=30):
        """Until `want` is what the records are; the seconds that it took."""
        begin = time.monotonic()
        while self.records() != want:
            self.assertLess(time.monotonic() - begin, time_limit, f"{self.records()}\n{self.agent.log()}")
            time.sleep(0.005)
        return time.monotonic() - begin

    def stop_agent(self):
        self.assertEqual(self.agent.terminate(), 0, self.agent.log())
