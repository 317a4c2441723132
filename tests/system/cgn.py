"""A real CGN: network namespaces, NAT by nftables, miniupnpd as the PCP server; a visitor that follows the name.

Needs root, and a machine that permits namespaces; else tests are skipped. Nothing leaves the namespaces.
"""
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import BIN, Dnsd, Process, SystemTest, ZONE, ZONE_TEXT

os.environ["PATH"] += ":/usr/sbin:/sbin"
HOST, NEIGHBOUR, CGN = "10.64.0.2", "10.64.0.3", "10.64.0.1"
SERVER = "11.0.0.10"  # those of 11.0.0.0/8 are global, and only ours here
B4, AFTR = "fd00:64::2", "fd00:64::1"
TUNNEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tunnel.py")
WEB = f"_http._tcp.h1.{ZONE}"
RULES = """
table inet filter {
    chain miniupnpd { }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "lan" oifname "wan" accept
        jump miniupnpd
    }
    chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
    chain postrouting {
        type nat hook postrouting priority 100; policy accept;
        jump postrouting_miniupnpd
        oifname "wan" masquerade
    }
}
"""
MINIUPNPD = """
ext_ifname=wan
listening_ip=lan
enable_upnp={upnp}
enable_natpmp={natpmp}
secure_mode=yes
system_uptime={uptime}
pcp_allow_thirdparty={third_party}
min_lifetime=10
max_lifetime={lifetime}
ipv6_disable={ipv6_disable}
lease_file={folder}/leases
clean_ruleset_interval=0
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
uuid=6d5f4a4e-2f6c-4d0e-9c7b-70637065676e
allow 1024-65535 0.0.0.0/0 0-65535
deny 0-65535 0.0.0.0/0 0-65535
"""
SERVE = """
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("serving", flush=True)
while True:
    visitor, _ = server.accept()
    visitor.sendall(b"welcome")
    visitor.close()
"""
MAP = """
import socket, struct, sys
own, server, port, lifetime = sys.argv[1:]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((own, 0))
sock.connect((server, 5351))
mapped = b"\\0" * 10 + b"\\xff\\xff"
sock.send(struct.pack("!BBHI", 2, 1, 0, int(lifetime)) + mapped + socket.inet_aton(own) + b"a neighbour!" +
          struct.pack("!B3xHH", 6, 80, int(port) if int(lifetime) else 0) + mapped + bytes(4))
answer = sock.recv(1100)
print(answer[3])
"""
VISIT = """
import socket, sys
visitor = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)
print(visitor.recv(20).decode())
"""


def follow(run, *server):
    """What a visitor gets who follows the name: address, port and greeting; None when it leads nowhere. `run` gives the
    output of a command, `server` tells dig whom to ask."""
    dig = ["dig", *server, "+short", "+tries=1"]
    try:
        srv = run(*dig, WEB, "SRV").split()
        if not srv:
            return None
        address = run(*dig, srv[3], "A").strip()
        return address, int(srv[2]), run(sys.executable, "-c", VISIT, address, srv[2]).strip()
    except subprocess.CalledProcessError:  # also while the server starts
        return None


class Namespaces:
    """host – cgn – inet. Raises subprocess.CalledProcessError where they are not permitted."""
    router = CGN  # of the host

    def __init__(self, case):
        self.case = case
        self.prefix = f"dnsd-test-{os.getpid()}"
        case.addCleanup(self.remove)
        for role in ("host", "cgn", "inet"):
            self.sh(f"ip netns add {self.prefix}-{role}")
            self.sh(f"ip -n {self.prefix}-{role} link set lo up")
        self.link("cgn", "wan", "inet", "eth0")
        self.ip("cgn", "addr add 11.0.0.1/32 dev wan", "route add 11.0.0.0/24 dev wan")
        self.connect_host()
        self.ip("inet", f"addr add {SERVER}/24 dev eth0")
        self.run("cgn", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        self.nft(RULES)

    def connect_host(self):
        self.link("host", "eth0", "cgn", "lan")
        self.ip("host", f"addr add {HOST}/24 dev eth0", f"route add default via {CGN}")
        self.ip("cgn", f"addr add {CGN}/24 dev lan")

    @staticmethod
    def sh(command):
        subprocess.run(command.split(), check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ip(self, role, *commands):
        for command in commands:
            self.sh(f"ip -n {self.prefix}-{role} {command}")

    def link(self, role, device, other_role, other_device):
        self.sh(f"ip link add name {device} netns {self.prefix}-{role} type veth peer name {other_device} "
                f"netns {self.prefix}-{other_role}")
        self.ip(role, f"link set {device} up")
        self.ip(other_role, f"link set {other_device} up")

    def command(self, role, *command):
        return ["ip", "netns", "exec", f"{self.prefix}-{role}", *map(str, command)]

    def run(self, role, *command, **more):
        return subprocess.run(self.command(role, *command), check=True, capture_output=True, text=True, **more).stdout

    def nft(self, rules):
        self.run("cgn", "nft", "-f", "-", input=rules)

    def remove(self):
        for role in ("host", "cgn", "inet"):
            name = f"{self.prefix}-{role}"
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


class DsLite(Namespaces):
    """The host is a B4, whose IPv4 goes through a tunnel over IPv6 to the CGN, the AFTR (RFC 6333)."""
    router = "192.0.0.1"

    def connect_host(self):
        self.link("host", "eth0", "cgn", "access")
        for role, device, tunnel, local, remote, inner in (("cgn", "access", "lan", AFTR, B4, self.router),
                                                           ("host", "eth0", "b4", B4, AFTR, "192.0.0.2")):
            self.ip(role, f"addr add {local}/64 dev {device} nodad")
            try:
                self.ip(role, f"link add name {tunnel} type ip6tnl mode ipip6 encaplimit none local {local} remote {remote} "
                              f"dev {device}")
            except subprocess.CalledProcessError:
                process = Process(self.command(role, sys.executable, "-B", TUNNEL, tunnel, local, remote))
                self.case.addCleanup(process.kill)
                process.wait_for("^tunnel")
            self.ip(role, f"addr add {inner}/29 dev {tunnel}", f"link set {tunnel} mtu 1460 up")
        self.ip("host", f"route add default via {self.router}")


def why_not():
    """What keeps this test from running here; empty when nothing does."""
    missing = [tool for tool in ("ip", "nft", "miniupnpd") if not shutil.which(tool)]
    if missing:
        return f"no {', '.join(missing)}: tools/setup demo"
    if os.geteuid():
        return "not root"
    probe = unittest.TestCase()
    try:
        Namespaces(probe)
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stdout or ''}{error.stderr or ''}"
    finally:
        probe.doCleanups()
    return ""


class CgnTest(SystemTest):
    resolver = None  # of the agent; none: the machine's

    def set_up(self, pcp="", role="host", provider=f'server = "{SERVER}"', service="", net=Namespaces, zone_text=ZONE_TEXT,
               tables="", **speaks):
        """`pcp`, `provider`, `service`: more for the agent's tables; `tables` for dnsd's. `speaks`: what miniupnpd does, see start_pcp()."""
        refusal = why_not()
        if refusal:
            self.skipTest(refusal)
        self.net = net(self)
        self.address = "11.0.0.1"  # of the CGN, outside
        self.dnsd = Dnsd(self, zone_text=zone_text, tables='[update]\nmin-lease = "1s"\n' + tables)
        self.dnsd.write("dnsd.toml", self.dnsd.text.replace(f'"127.0.0.1:{self.dnsd.port}"', f'"{SERVER}:53"'))
        self.start_dnsd()
        self.launch(role, sys.executable, "-c", SERVE, "0.0.0.0", 8000).wait_for("serving")
        self.speaks = {"natpmp": "yes", "upnp": "no", "uptime": "no", "third_party": "no", "lifetime": 86400,
                       "ipv6_disable": "yes"} | speaks
        self.start_pcp()
        one = self.dnsd.keys[0]
        self.agent_config = self.dnsd.write("agent.toml", f"""
            [log]
            level = "debug"
            [pcp]
            {pcp}
            [[provider]]
            zone = "{ZONE}"
            {provider}
            key = {{ name = "{one.name}", secret = "{one.secret}" }}
            [[service]]
            host = "h1.{ZONE}"
            type = "_http._tcp"
            port = 8000
            external-port = 8001
            {service}
            """)
        self.before_the_agent()
        self.start_agent(role)

    def before_the_agent(self):
        """For what else has to be there."""

    def launch(self, role, *command):
        process = Process(self.net.command(role, *command))
        self.addCleanup(self.dnsd.make_sure_it_ended, process)
        return process

    def start_dnsd(self):
        self.server = self.launch("inet", os.path.join(BIN, "dnsd"), "--config", self.dnsd.config)
        self.server.wait_for("ready: listening on ")

    def start_agent(self, role="host"):
        self.agent = self.launch(role, *self.agent_command())

    def agent_command(self, *words):
        command = [os.path.join(BIN, "pcp-ddns"), *words, "--config", self.agent_config]
        if not self.resolver:
            return command
        # Of a command in a namespace, this is seen by it alone.
        resolv_conf = self.dnsd.write("resolv.conf", f"nameserver {self.resolver}\n")
        return ["sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv_conf, *command]

    def check(self):
        """Output of pcp-ddns check."""
        ran = subprocess.run(self.net.command("host", *self.agent_command("check")), capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr

    def start_pcp(self):
        """PCP and NAT-PMP come together. With `uptime`, the epoch is the machine's, and shows no restart; `lifetime` is the
        longest."""
        config = self.dnsd.write("miniupnpd.conf", MINIUPNPD.format(folder=self.dnsd.folder, **self.speaks))
        self.miniupnpd = self.launch("cgn", "miniupnpd", "-d", "-f", config, "-P", os.path.join(self.dnsd.folder, "pid"))
        self.miniupnpd.wait_for(": (Listening for NAT-PMP|HTTP listening)")

    def stop_pcp(self):
        self.miniupnpd.kill()
        self.forget("pid")

    def forget(self, name):
        if os.path.exists(path := os.path.join(self.dnsd.folder, name)):
            os.remove(path)

    def lose_mappings(self):
        """While the PCP server is stopped."""
        self.forget("leases")
        self.net.nft("".join(f"flush chain inet filter {chain}\n" for chain in
                             ("miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd")))

    def change_address(self, address):
        self.net.ip("cgn", f"addr add {address}/32 dev wan", f"addr del {self.address}/32 dev wan")
        self.address = address

    def renumber(self, address="11.0.0.77"):
        """The provider gives the CGN another address; PCP announces it."""
        self.change_address(address)
        os.kill(int(self.net.run("cgn", "cat", os.path.join(self.dnsd.folder, "pid"))), signal.SIGUSR1)

    def drop(self, what):
        """PCP packets that are lost: "requests", "answers", "announces", or none of them."""
        rule = {"requests": "input priority -10; iifname { lan, access } udp dport 5351 drop;",
                "answers": "output priority -10; oifname { lan, access } udp sport 5351 drop;",
                "announces": "output priority -10; ip daddr 224.0.0.1 udp sport 5351 drop;", "": ""}[what]
        self.net.nft("table inet drops {}\ndelete table inet drops\n" +
                     (f"table inet drops {{ chain drops {{ type filter hook {rule} }}\n}}" if rule else ""))

    def neighbour(self, port, lifetime=3600):
        """Another subscriber asks for that port; lifetime 0 gives it back."""
        if lifetime:
            self.net.ip("cgn", f"addr add {NEIGHBOUR}/32 dev lan")
        self.assertEqual(self.net.run("cgn", sys.executable, "-c", MAP, NEIGHBOUR, self.net.router, port, lifetime), "0\n")

    def visitor(self, *command):
        """The output of a command that a visitor runs."""
        return self.net.run("inet", *command)

    def visit(self):
        return follow(self.visitor, f"@{SERVER}")

    def wait_for_visit(self, want, time_limit=30):
        begin = time.monotonic()
        while (got := self.visit()) != want:
            self.assertLess(time.monotonic() - begin, time_limit, f"{got}\n{self.agent.log()}\n{self.miniupnpd.log()[-3000:]}")
            time.sleep(0.1)
        return time.monotonic() - begin
