"""A PCP server for tests (RFC 6887): MAP, PEER and ANNOUNCE on a loopback address, forwards nothing, does as it is told."""
import ipaddress
import socket
import struct
import threading
import time

RESULTS = {"SUCCESS": 0, "UNSUPP_VERSION": 1, "NOT_AUTHORIZED": 2, "MALFORMED_REQUEST": 3, "UNSUPP_OPCODE": 4,
           "UNSUPP_OPTION": 5, "MALFORMED_OPTION": 6, "NETWORK_FAILURE": 7, "NO_RESOURCES": 8, "UNSUPP_PROTOCOL": 9,
           "USER_EX_QUOTA": 10, "CANNOT_PROVIDE_EXTERNAL": 11, "ADDRESS_MISMATCH": 12, "EXCESSIVE_REMOTE_PEERS": 13}
ANNOUNCE, MAP, PEER = 0, 1, 2
CLIENT_PORT = 5350


def packed(address):
    ip = ipaddress.ip_address(address)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed


def unpacked(octets):
    ip = ipaddress.IPv6Address(octets)
    return str(ip.ipv4_mapped or ip)


class Request:
    """A MAP request, as it came."""

    def __init__(self, octets, peer):
        self.at = time.monotonic()
        self.peer = peer
        self.lifetime, = struct.unpack_from("!I", octets, 4)
        self.client = unpacked(octets[8:24])
        self.nonce = octets[24:36]
        self.protocol, self.internal, self.external = struct.unpack_from("!B3xHH", octets, 36)
        self.address = unpacked(octets[44:60])
        self.options = octets[60:]
        self.third_party = None
        self.strict = False
        self.filters = []       # prefixes, of the mapped form for IPv4
        self.description = None
        self.port_set = None    # (size, first internal port, parity), RFC 7753
        self.plain_options = b""  # without it
        rest = self.options
        while len(rest) >= 4:
            code, size = rest[0], rest[2] * 256 + rest[3]
            if code == 1:
                self.third_party = unpacked(rest[4:20])
            self.strict |= code == 2
            if code == 3:
                self.filters.append(f"{unpacked(rest[8:24])}/{rest[5]}")
            if code == 128:
                self.description = rest[4:4 + size].decode()
            if code == 130:
                self.port_set = struct.unpack_from("!HHB", rest, 4)
            else:
                self.plain_options += rest[:4 + (size + 3) // 4 * 4]
            rest = rest[4 + (size + 3) // 4 * 4:]


class PcpServer:
    """`lifetime` is granted whatever is asked for. Change the fields as you like, and call restart() and announce()."""

    def __init__(self, case, address="127.0.0.2", external="198.51.100.1", lifetime=3600):
        v6 = ":" in address
        self.sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 0))
        if not v6:
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        self.name = f"{address}#{self.sock.getsockname()[1]}"
        self.external, self.lifetime = external, lifetime
        self.error = None         # a result's name and its lifetime, instead of mappings
        self.drops = 0            # requests that are not answered, from now on
        self.max_ports = 1        # of a set (PORT_SET); 1: the option is not known
        self.raw = None           # a function of the answer's octets, to spoil it
        self.taken = set()        # external ports of others, or (protocol, port)
        self.mappings = {}        # (protocol, internal port): [nonce, external port, end, peer, options]
        self.counts = {}          # of the mappings that are sets
        self.requests = []
        self.outgoing = None      # the address of hosts' own traffic; None: PEER is not known
        self.flows = []           # (protocol, internal port, peer's address, port) of PEER requests
        self.lock = threading.Condition()
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        case.addCleanup(self.close)

    def close(self):
        self.sock.close()

    def epoch(self):
        return int(time.monotonic() - self.began)

    def restart(self, external=None):
        """Loses every mapping, and begins to count anew."""
        with self.lock:
            self.mappings.clear()
            self.began = time.monotonic()
            self.external = external or self.external

    def header(self, opcode, result, lifetime, version=2):
        return struct.pack("!BBBBII12x", version, 0x80 | opcode, 0, result, lifetime, self.epoch())

    def announce(self, to=("224.0.0.1", CLIENT_PORT)):
        self.sock.sendto(self.header(ANNOUNCE, 0, 0), to)

    def update(self, external=None, port=None):
        """Moves every mapping, and says so to where its last request came from (RFC 6887 §14.2)."""
        with self.lock:
            self.external = external or self.external
            for (protocol, internal), mapping in self.mappings.items():
                mapping[1] = port or mapping[1]
                self.sock.sendto(self.answer(protocol, internal, mapping), mapping[3])

    def answer(self, protocol, internal, mapping):
        nonce, port, end, _, options = mapping
        left = max(0, round(end - time.monotonic()))
        return (self.header(MAP, 0, left) + nonce + struct.pack("!B3xHH", protocol, internal, port) +
                packed(self.external if left else "0.0.0.0") + options)

    def _serve(self):
        while True:
            try:
                octets, peer = self.sock.recvfrom(2048)
            except OSError:
                return
            with self.lock:
                answer = self._answer(octets, peer)
                if self.drops:
                    self.drops -= 1
                elif answer:
                    try:
                        self.sock.sendto(self.raw(answer) if self.raw else answer, peer)
                    except OSError:  # closed
                        return
                self.lock.notify_all()

    def _answer(self, octets, peer):
        if len(octets) < 24 or octets[0] != 2 or octets[1] & 0x80:
            return None
        if octets[1] == PEER:
            return self._peer(octets)
        if octets[1] != MAP:
            return self.header(octets[1], 0, 0)
        request = Request(octets, peer)
        self.requests.append(request)
        if self.drops:
            return None
        if self.error:
            return self.header(MAP, RESULTS[self.error[0]], self.error[1]) + octets[24:]
        if request.client != peer[0]:
            return self.header(MAP, RESULTS["ADDRESS_MISMATCH"], 30) + octets[24:]
        key = (request.protocol, request.internal)
        before = self.mappings.get(key)
        if before and before[2] <= time.monotonic():
            del self.mappings[key]
            before = None
        if before and before[0] != request.nonce:
            return self.header(MAP, RESULTS["NOT_AUTHORIZED"], 30) + octets[24:]
        if request.lifetime == 0:
            self.mappings.pop(key, None)
            return self.answer(*key, [request.nonce, 0, 0, peer, request.options])
        port = before[1] if before else request.external
        count = min(request.port_set[0], self.max_ports) if request.port_set else 1
        count = self.counts.get(key, 1) if before else count
        while not before and any(self._is_taken(key[0], one) for one in range(port, port + count)):
            port += 1
        self.counts[key] = count
        options = request.plain_options
        if count > 1:
            options += struct.pack("!BBHHHB3x", 130, 0, 5, count, request.internal, 0)
        if request.strict and port != request.external:
            return self.header(MAP, RESULTS["CANNOT_PROVIDE_EXTERNAL"], 30) + octets[24:]
        self.mappings[key] = [request.nonce, port, time.monotonic() + self.lifetime, peer, options]
        return self.answer(*key, self.mappings[key])

    def _is_taken(self, protocol, port):
        return {port, (protocol, port)} & self.taken or any(
            k[0] == protocol and m[1] <= port < m[1] + self.counts.get(k, 1) for k, m in self.mappings.items())

    def _peer(self, octets):
        protocol, internal = struct.unpack_from("!B3xH", octets, 36)
        port, = struct.unpack_from("!H", octets, 60)
        self.flows.append((protocol, internal, unpacked(octets[64:80]), port))
        if not self.outgoing:
            return self.header(PEER, RESULTS["UNSUPP_OPCODE"], 30) + octets[24:]
        return self.header(PEER, 0, 120) + octets[24:42] + struct.pack("!H", internal) + packed(self.outgoing) + octets[60:80]

    def wait_for(self, condition, time_limit=60):
        """Until `condition(self)` holds, which is asked after each request."""
        with self.lock:
            return self.lock.wait_for(lambda: condition(self), time_limit)


class NatPmpServer(PcpServer):
    """One of before PCP (RFC 6886), which says so."""

    def _answer(self, octets, peer):
        if octets[0] != 0:
            return struct.pack("!BBHI", 0, 128 + (octets[1] & 0x7f), 1, self.epoch())  # unsupported version
        if octets[1] == 0:
            return self.address_answer()
        opcode, internal, external, lifetime = struct.unpack("!xB2xHHI", octets)
        self.requests.append((opcode, internal, external, lifetime))
        self.mappings.pop((opcode, internal), None)
        if lifetime:
            while external in self.taken:
                external += 1
            self.mappings[opcode, internal] = external
        return struct.pack("!BBHIHHI", 0, 128 + opcode, 0, self.epoch(), internal, external if lifetime else 0,
                           self.lifetime if lifetime else 0)

    def address_answer(self):
        return struct.pack("!BBHI", 0, 128, 0, self.epoch()) + packed(self.external)[12:]

    def announce(self, to=("224.0.0.1", CLIENT_PORT)):
        self.sock.sendto(self.address_answer(), to)
