"""The servers that are compared: how each is configured, started in the foreground, and stopped by its PID."""
import grp
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import time

KEY = "bench."
SECRET = "YmVuY2htYXJrcyBoYXZlIG5vIHNlY3JldHMgYXQgYWxsISE="
ZONE = "dyn.example."


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(("127.0.0.1", tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]


def process_tree(pid):
    pids = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            for child in children.read().split():
                pids += process_tree(int(child))
    except OSError:
        pass
    return pids


def cpu_seconds(pid):
    ticks = 0
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    """Resident memory of all its processes; what they share counts once (PSS)."""
    kib = 0
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup") as rollup:
                kib += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except OSError:
            pass
    return kib / 1024


def peak_mib(pid):
    """The most memory that one of its processes has had resident (VmHWM), the others as they are."""
    peaks = [0]
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/status") as status:
                peaks += [int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
        except OSError:
            pass
    return max(peaks) / 1024


def wire_name(text):
    labels = [label for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


class Server:
    """One server with a zone, in a folder of its own; see the subclasses for how each is told what to do."""

    name = ""
    takes_updates = True

    def __init__(self, folder, zone_file, core):
        self.folder = folder
        self.zone_file = zone_file
        self.core = core
        self.port = free_port()
        self.process = None
        os.makedirs(folder)

    @classmethod
    def version(cls):
        return ""

    def configure(self):
        """Writes the configuration; returns the command."""
        raise NotImplementedError

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(self, time_limit=600, cores=None):
        """Returns the seconds from exec to the first right answer."""
        self.stop()
        command = self.configure()
        self.log = os.path.join(self.folder, "log")
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", ",".join(str(core) for core in cores or [self.core])] + command,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            )
        while not self.answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended before it answered: {self.last_words()}")
            if time.monotonic() - started > time_limit:
                self.stop()
                raise RuntimeError(f"{self.name} did not answer in {time_limit} s: {self.last_words()}")
            time.sleep(0.005)
        return time.monotonic() - started

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return " / ".join(log.read().splitlines()[-5:])

    def answers(self):
        """True when it answers for the zone's last name with an address."""
        query = struct.pack("!6H", 4711, 0, 1, 0, 0, 0) + wire_name("ns." + ZONE) + struct.pack("!2H", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.connect(("127.0.0.1", self.port))
            try:
                sock.send(query)
                answer = sock.recv(4096)
            except OSError:
                return False
        return len(answer) > 12 and answer[3] & 15 == 0 and answer[7] > 0

    def settle(self):
        """Waits until it has nothing left to do."""
        calm, before = 0, cpu_seconds(self.process.pid)
        for _ in range(600):
            time.sleep(0.1)
            now = cpu_seconds(self.process.pid)
            calm = calm + 1 if now - before < 0.011 else 0
            before = now
            if calm == 3:
                return

    def kill(self):
        """As a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def first_line_of(command):
    ran = subprocess.run(command, capture_output=True, text=True)
    lines = (ran.stdout + ran.stderr).splitlines()
    return lines[0] if lines else ""


class Echo(Server):
    name = "echo"
    takes_updates = False
    binary = "echo"

    @classmethod
    def version(cls):
        return "recvmmsg and sendmmsg, nothing else"

    def configure(self):
        return [self.binary, str(self.port)]

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.connect(("127.0.0.1", self.port))
            try:
                sock.send(b"?")
                return sock.recv(16) == b"?"
            except OSError:
                return False


class Dnsd(Server):
    name = "dnsd"
    binary = "dnsd"

    @classmethod
    def version(cls):
        return first_line_of([cls.binary, "--version"])

    def configure(self):
        self.metrics = f"127.0.0.1:{free_port()}"
        path = self.write(
            "dnsd.toml",
            f"""
listen = ["127.0.0.1:{self.port}"]
workers = 1
[admin]
listen = "{self.metrics}"
[store]
path = "dnsd.sqlite"
[[key]]
name = "{KEY}"
algorithm = "hmac-sha256"
secret = "{SECRET}"
[[zone]]
name = "{ZONE}"
file = "{self.zone_file}"
[[zone.grant]]
key = "{KEY}"
update = true
transfer = true
""",
        )
        return [self.binary, "--config", path]


class Knot(Server):
    name = "Knot"

    @classmethod
    def version(cls):
        return first_line_of(["knotd", "--version"])

    def configure(self):
        # The journal holds changes only, and the zone file is never written: the cheapest durable set-up.
        path = self.write(
            "knot.conf",
            f"""
server:
    rundir: "{self.folder}"
    listen: 127.0.0.1@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "{self.folder}"
    journal-db-max-size: 8G
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {SECRET}
acl:
  - id: bench
    key: {KEY}
    action: [update, transfer]
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    journal-content: changes
    journal-max-usage: 4G
zone:
  - domain: {ZONE}
    file: "{self.zone_file}"
    acl: bench
""",
        )
        return ["knotd", "--config", path]


class Nsd(Server):
    name = "NSD"
    takes_updates = False

    @classmethod
    def version(cls):
        return first_line_of(["nsd", "-v"])

    def configure(self):
        path = self.write(
            "nsd.conf",
            f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{self.port}
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: "{self.folder}/nsd.pid"
    zonelistfile: "{self.folder}/zone.list"
    xfrdfile: "{self.folder}/xfrd.state"
    xfrdir: "{self.folder}"
    cookie-secret-file: "{self.folder}/cookies"
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
zone:
    name: {ZONE}
    zonefile: "{self.zone_file}"
""",
        )
        return ["nsd", "-d", "-c", path]


class Bind(Server):
    name = "BIND"

    @classmethod
    def version(cls):
        return first_line_of(["named", "-v"])

    def configure(self):
        # BIND writes its journal beside the zone file, and AppArmor lets Debian's named write to its own folders only:
        # both are copied.
        zone_file = os.path.join(self.folder, "zone")
        if not os.path.exists(zone_file):
            shutil.copy(self.zone_file, zone_file)
        binary = os.path.join(self.folder, "named")
        if not os.path.exists(binary):
            shutil.copy(shutil.which("named"), binary)
        path = self.write(
            "named.conf",
            f"""
options {{
    directory "{self.folder}";
    listen-on port {self.port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
    minimal-responses yes;
    update-quota 1000;
    notify no;
}};
logging {{ category update {{ null; }}; category update-security {{ null; }}; }};
controls {{ }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "{ZONE}" {{
    type primary;
    file "{zone_file}";
    allow-update {{ key "{KEY}"; }};
    max-journal-size 1G;
}};
""",
        )
        return [binary, "-g", "-c", path, "-n", "1"]


class Yadifa(Server):
    name = "YADIFA"

    @classmethod
    def version(cls):
        return first_line_of(["yadifad", "--version"])

    def configure(self):
        # It keeps its journal beside the zone file, and is told both by folder.
        zone_file = os.path.join(self.folder, "zone")
        if not os.path.exists(zone_file):
            shutil.copy(self.zone_file, zone_file)
        path = self.write(
            "yadifad.conf",
            f"""
<main>
    daemon off
    chroot off
    logpath "{self.folder}"
    pidfile "{self.folder}/yadifad.pid"
    datapath "{self.folder}"
    keyspath "{self.folder}"
    xfrpath "{self.folder}"
    edns0-max-size 1232
    max-tcp-queries 100
    user {pwd.getpwuid(os.getuid()).pw_name}
    group {grp.getgrgid(os.getgid()).gr_name}
    port {self.port}
    listen 127.0.0.1
    statistics off
    thread-count-by-address 1
    network-model 2  # recvmmsg and sendmmsg, the fastest here
    allow-query any
    allow-control none
</main>
<key>
    name {KEY}
    algorithm hmac-sha256
    secret {SECRET}
</key>
<zone>
    domain {ZONE}
    type master
    file zone
    allow-update key {KEY}
    allow-transfer key {KEY}
</zone>
""",
        )
        return ["yadifad", "-c", path]


class PowerDns(Server):
    name = "PDNS"
    takes_updates = False  # with a zone file behind it; its SQL backends have other figures altogether

    @classmethod
    def version(cls):
        line = first_line_of(["pdns_server", "--version"])  # a line of its log
        return line[max(0, line.find("PowerDNS")):].split(" (C)")[0]

    def configure(self):
        named = self.write("named.conf", f'zone "{ZONE}" {{ type master; file "{self.zone_file}"; }};\n')
        self.write(
            "pdns.conf",
            f"""
launch=bind
bind-config={named}
local-address=127.0.0.1
local-port={self.port}
daemon=no
guardian=no
socket-dir={self.folder}
receiver-threads=1
distributor-threads=1
security-poll-suffix=
loglevel=3
""",
        )
        return ["pdns_server", f"--config-dir={self.folder}"]


ALL = {"echo": Echo, "dnsd": Dnsd, "knot": Knot, "nsd": Nsd, "bind": Bind, "yadifa": Yadifa, "pdns": PowerDns}
