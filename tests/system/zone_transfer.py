"""Zones as servers transfer them, for comparison: {(owner, type): (TTL, RDATAs)}, names in lower case and uncompressed."""
import socket
import struct

import dns
import update_model as model
import update_stream
from harness import TIME_LIMIT


def axfr(peer, origin, signer):
    """The zone as the models keep it: {(owner, type): (TTL, RDATAs)}."""
    request = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + update_stream.wire(origin) + struct.pack("!2H", dns.TYPES["AXFR"], 1)
    signed, _ = signer.sign(request)
    records = []
    with socket.create_connection(("127.0.0.1", peer.port), TIME_LIMIT) as sock, sock.makefile("rb") as stream:
        sock.sendall(struct.pack("!H", len(signed)) + signed)
        while len(records) < 2 or records[-1][1] != model.SOA:
            head = stream.read(2)
            assert len(head) == 2, f"{peer.name} ended a transfer of {origin}"
            records += answer_records(stream.read(struct.unpack("!H", head)[0]))
    zone = {}
    for owner, rtype, ttl, rdata in records[:-1]:
        first_ttl, rdatas = zone.get((owner, rtype), (ttl, frozenset()))
        assert first_ttl == ttl, f"{peer.name}: two TTLs in an RRset of type {rtype}"
        assert rdata not in rdatas, f"{peer.name}: a record twice, type {rtype}"
        zone[owner, rtype] = ttl, rdatas | {rdata}
    return zone


def answer_records(octets):
    assert octets[3] & 15 == 0, f"AXFR: {dns.RCODES[octets[3] & 15]}"
    questions, answers = struct.unpack_from("!2H", octets, 4)
    at = 12
    for _ in range(questions):
        at = read_name(octets, at)[1] + 4
    records = []
    for _ in range(answers):
        owner, at = read_name(octets, at)
        rtype, _, ttl, size = struct.unpack_from("!2HIH", octets, at)
        at += 10
        records.append((owner.lower(), rtype, ttl, model.normal(rtype, decompressed(octets, rtype, at, at + size))))
        at += size
    return records


def read_name(octets, at):
    out, after = b"", None
    while octets[at]:
        if octets[at] >= 0xC0:
            after = after or at + 2
            at = struct.unpack_from("!H", octets, at)[0] & 0x3FFF
            continue
        out += octets[at:at + 1 + octets[at]]
        at += 1 + octets[at]
    return out + b"\0", after or at + 1


def decompressed(octets, rtype, at, end):
    before, count = model.NAMES.get(rtype, (0, 0))
    out = octets[at:at + before]
    at += before
    for _ in range(count):
        name, at = read_name(octets, at)
        out += name
    return out + octets[at:end]


def describe(zone, other):
    """What the second has and the first has not, and the other way round."""
    lines = []
    for sign, one, two in (("-", zone, other), ("+", other, zone)):
        for (owner, rtype), (ttl, rdatas) in sorted(one.items()):
            other_ttl, other_rdatas = two.get((owner, rtype), (None, frozenset()))
            for rdata in sorted(rdatas if ttl != other_ttl else rdatas - other_rdatas):
                lines.append(f"    {sign} {update_stream.text_of(update_stream.Record(owner, rtype, model.IN, ttl, rdata))}")
    return "\n".join(lines)
