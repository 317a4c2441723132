"""From dnsdctl enroll over a token to a published name, as two people would do it."""
import json
import os
import signal
import stat
import subprocess

from harness import BIN, Dnsd, free_port, main, run
from pcp import PcpServer
from pcp_harness import HOST, SHORT, AgentTest

GRANT = ("*.dyn.example.", 'names = ["self", "below-self"]\ntypes = ["service"]\nports = "2222,8000"')


class Enroll(AgentTest):
    def enroll(self, *words):
        """Exit status, standard output, standard error."""
        ran = subprocess.run([os.path.join(BIN, "dnsdctl"), "enroll", "--config", self.dnsd.config, *words], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return ran.returncode, ran.stdout, ran.stderr

    def join(self, *words, token):
        ran = subprocess.run([os.path.join(BIN, "pcp-ddns"), "join", "--config", self.config, *words], input=token, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return ran.returncode, ran.stdout

    def test_enrolled_joined_published(self):
        port = free_port()
        portal = (GRANT[0], f'names = ["self", "below-self"]\ntypes = ["SRV", "URI"]\nports = "{port}"\ntargets = ["self"]')
        self.dnsd = Dnsd(self, keys=[], grants=[GRANT, portal], tables=SHORT + (
            f'[http]\nlisten = "127.0.0.1:{port}"\naddresses = ["127.0.0.1"]\n')).start()
        self.pcp = PcpServer(self)
        status, token, remark = self.enroll("--server", f"127.0.0.1:{self.dnsd.port}", HOST)
        self.assertEqual(status, 0, remark)
        self.assertRegex(token, r"^dnsd1:[A-Za-z0-9+/=]+\n$")
        self.assertNotIn(token.strip(), remark)
        key = os.path.join(self.dnsd.folder, "keys", "h1.dyn.example.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        self.assertEqual(run([os.path.join(BIN, "dnsd"), "--check", "--config", self.dnsd.config])[0], 0)
        lines = len(self.dnsd.running.lines)
        self.dnsd.running.process.send_signal(signal.SIGHUP)
        self.dnsd.running.wait_for("(?i)reload|configuration", start=lines)
        # The host's side.
        home = os.path.join(self.dnsd.folder, "home")
        os.mkdir(home)
        self.config = os.path.join(home, "pcp-ddns.toml")
        status, text = self.join("--service", "_http._tcp:8000", token=token[:-9] + "\n")
        self.assertEqual(status, 1)
        self.assertIn("the token is damaged", text)
        self.assertEqual(os.listdir(home), [])
        status, text = self.join("--service", "_http._tcp:8000", token=token)
        self.assertEqual(status, 0, text)
        self.assertEqual({name: stat.S_IMODE(os.stat(os.path.join(home, name)).st_mode) for name in os.listdir(home)},
                         {"pcp-ddns.toml": 0o600, "h1.dyn.example.key": 0o600})
        with open(self.config, "a") as out:
            out.write(f'[pcp]\nservers = ["{self.pcp.name}"]\naccept-external = ["198.51.100.0/24"]\n')
        status, text = run([os.path.join(BIN, "pcp-ddns"), "check", "--config", self.config])
        self.assertEqual(status, 0, text)
        self.start_agent()
        self.wait_until((["198.51.100.1"], [f"0 0 8000 {HOST}"], ['"endpoint=198.51.100.1:8000"']))
        self.stop_agent()
        # The name is the portal's, as the token told; a visitor finds its address and port there, and is redirected.
        with open(self.config) as text:
            lines = text.read()
        self.assertIn(f"portal-port = {port}\n", lines)
        with open(self.config, "w") as out:
            out.write(lines.replace("_http._tcp", "_rtsp._tcp") + f'[[service]]\nhost = "{HOST}"\ntype = "_ssh._tcp"\nport = 2222\nportal = true\n')
        self.start_agent()
        self.wait_until((["127.0.0.1"], [f"0 0 {port} {HOST}"], []))
        self.assertEqual(self.answers(HOST, "URI"), [f'0 0 "http://{HOST[:-1]}:{port}/?portal"'])
        status, page = run(["curl", "-s", "--resolve", f"{HOST[:-1]}:{port}:127.0.0.1", "-H", "Accept: application/json",
                            f"http://{HOST[:-1]}:{port}/?portal"])
        self.assertEqual(status, 0, page)
        self.assertEqual(sorted((one["service"], one["port"]) for one in json.loads(page)["services"]), [("rtsp", 8000), ("ssh", 2222)])
        self.stop_agent()
        self.assertEqual(self.records(), ([], [], []))
        with open(key) as text:
            secret = text.read().split('secret "')[1].split('"')[0]
        for log in (self.agent.log(), self.dnsd.running.log(), remark):
            self.assertNotIn(secret, log)
        # Twice is once.
        with open(self.dnsd.config) as text:
            before = text.read()
        status, token, remark = self.enroll(HOST)
        self.assertEqual((status, token), (1, ""))
        self.assertIn("has a [[key]] h1.dyn.example. already", remark)
        with open(self.dnsd.config) as text:
            self.assertEqual(text.read(), before)
        self.dnsd.stop()

    def test_what_cannot_be_enrolled(self):
        self.dnsd = Dnsd(self, keys=[], grants=[("*.dyn.example.", 'names = ["self"]\ntypes = ["service"]')])
        for words, error in ((["h1.example.org."], "is below no [[zone]]"), (["dyn.example."], "is below no [[zone]]"),
                             (["h_1.dyn.example."], "is no host name"), ([HOST], "no grant of zone dyn.example. permits"),
                             (["--server", 'a"b', HOST], "permits")):
            status, token, remark = self.enroll(*words)
            self.assertEqual((status, token), (1, ""), words)
            self.assertIn(error, remark)
        self.assertFalse(os.path.exists(os.path.join(self.dnsd.folder, "keys")))
        with open(self.dnsd.config) as text:
            self.assertEqual(text.read(), self.dnsd.text)


if __name__ == "__main__":
    main()
