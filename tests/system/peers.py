"""The servers that get the same messages, each with the same zones, key and rights, in a folder of its own."""
import os
import shutil
import time

import dns
from harness import BIN, Process, TIME_LIMIT, free_port


class Peer:
    name = ""

    def __init__(self, case, folder, zones, key):
        """@param zones  zone texts by origin"""
        self.folder = os.path.join(folder, self.name.lower())
        os.mkdir(self.folder)
        self.zones = zones
        self.key = key
        self.port = free_port()
        for origin, text in zones.items():
            self.write(self.file_of(origin), text)
        self.process = Process(self.command(), cwd=self.folder)
        case.addCleanup(self.make_sure_it_ended)

    def make_sure_it_ended(self):
        if self.process.process.poll() is None:
            self.process.kill()

    def kill(self):
        self.process.kill()

    def restart(self):
        """After kill(), with what its folder holds by now."""
        self.process = Process(self.command(), cwd=self.folder)

    def wait_until_ready(self):
        """Until it answers for every zone."""
        deadline = time.monotonic() + TIME_LIMIT
        for origin in self.zones:
            while True:
                answer = None
                try:
                    answer = dns.exchange(self.port, dns.query(origin, "SOA"), timeout=1)
                except OSError:
                    pass  # nobody listens yet
                if answer and answer[3] & 15 == 0 and answer[7]:
                    break
                assert time.monotonic() < deadline, f"{self.name} does not serve {origin}:\n{self.process.log()}"
                assert self.process.process.poll() is None, f"{self.name} ended:\n{self.process.log()}"
                time.sleep(0.05)

    def file_of(self, origin):
        """The name of a zone's file: a wildcard's is no pattern there."""
        return origin.replace("*", "star") + "zone"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="latin-1") as out:
            out.write(text)
        return path

    def command(self):
        raise NotImplementedError


class Dnsd(Peer):
    name = "dnsd"

    def command(self):
        zones = "".join(f'[[zone]]\nname = "{origin}"\nfile = "{self.file_of(origin)}"\n[[zone.grant]]\nkey = "{self.key.name}"\n'
                        "update = true\ntransfer = true\n" for origin in self.zones)
        return [os.path.join(BIN, "dnsd"), "--config", self.write("dnsd.toml", f"""
listen = ["127.0.0.1:{self.port}"]
workers = 1
[store]
path = "dnsd.sqlite"
[update]
max-records-per-rrset = 1000
[[key]]
name = "{self.key.name}"
algorithm = "{self.key.algorithm}"
secret = "{self.key.secret}"
{zones}""")]


class Bind(Peer):
    name = "BIND"

    def command(self):
        # AppArmor lets Debian's named write to its own folders only: a copy may.
        binary = shutil.copy(shutil.which("named"), os.path.join(self.folder, "named"))
        zones = "".join(f'zone "{origin}" {{ type primary; file "{self.file_of(origin)}"; allow-update {{ key "{self.key.name}"; }}; '
                        f'allow-transfer {{ key "{self.key.name}"; }}; }};\n' for origin in self.zones)
        return [binary, "-g", "-n", "1", "-c", self.write("named.conf", f"""
options {{
    directory "{self.folder}";
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
    notify no;
    minimal-responses yes;
    minimal-any yes;
    zero-no-soa-ttl no;
    empty-zones-enable no;
    update-quota 1000;
    transfers-out 1000;
    tcp-clients 1000;
    max-records-per-type 0;
    max-types-per-name 0;
    # What names and targets look like is no business of RFC 2136 (7.14).
    check-names primary ignore;
    check-integrity no;
    check-mx ignore;
    check-mx-cname ignore;
    check-srv-cname ignore;
    check-wildcard no;
}};
logging {{ category default {{ default_debug; }}; channel all {{ stderr; severity info; }};
           category general {{ all; }}; category update {{ null; }}; category update-security {{ null; }}; }};
controls {{ }};
key "{self.key.name}" {{ algorithm {self.key.algorithm}; secret "{self.key.secret}"; }};
{zones}""")]


class Knot(Peer):
    name = "Knot"

    def command(self):
        zones = "".join(f'  - domain: "{origin}"\n    file: "{self.file_of(origin)}"\n' for origin in self.zones)
        return ["knotd", "--config", self.write("knot.conf", f"""
server:
    rundir: "{self.folder}"
    listen: 127.0.0.1@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 32
log:
  - target: stderr
    any: error
database:
    storage: "{self.folder}"
    journal-db-mode: asynchronous
key:
  - id: {self.key.name}
    algorithm: {self.key.algorithm}
    secret: {self.key.secret}
acl:
  - id: all
    key: {self.key.name}
    action: [update, transfer]
template:
  - id: default
    storage: "{self.folder}"
    semantic-checks: off
    zonefile-sync: -1
    journal-content: changes
    acl: all
zone:
{zones}""")]


def nsd_server(folder, port, more):
    """What every nsd.conf of the tests begins with: one process in the foreground that writes to its folder alone."""
    return f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    zonelistfile: "{folder}/zone.list"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    cookie-secret-file: "{folder}/cookies"
    {more}
remote-control:
    control-enable: no
"""


class Nsd(Peer):
    name = "NSD"

    def command(self):
        zones = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{self.file_of(origin)}"\n  provide-xfr: 127.0.0.1 {self.key.name}\n'
                        for origin in self.zones)
        server = nsd_server(self.folder, self.port, "rrl-ratelimit: 0\n    minimal-responses: yes")
        return ["nsd", "-d", "-c", self.write("nsd.conf", server + f"""\
key:
    name: {self.key.name}
    algorithm: {self.key.algorithm}
    secret: "{self.key.secret}"
{zones}""")]


UPDATED = [Dnsd, Bind, Knot]  # NSD takes no updates
ALL = [*UPDATED, Nsd]
