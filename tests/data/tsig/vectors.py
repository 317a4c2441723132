#!/usr/bin/env python3
"""Computes vectors.txt beside this file: whole exchanges by RFC 8945, made with Python's hmac and nothing of ours.

Each line: name, message in hex. Times are relative to T = 1700000000; the keys are those of tests/keys/tsig_test.cpp.
"""
import hashlib
import hmac
import pathlib
import struct

T = 1700000000
SECRET = bytes(range(32))
FUDGE = 300
OUT = {}


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".") if label) + b"\0"


def u48(value):
    return struct.pack(">Q", value)[2:]


def prefixed(mac):
    return struct.pack(">H", len(mac)) + mac


def variables(key, algorithm, when, fudge, error, other):
    return (name(key.lower()) + struct.pack(">HI", 255, 0) + name(algorithm.lower()) + u48(when)
            + struct.pack(">HHH", fudge, error, len(other)) + other)


def record(key, algorithm, when, fudge, mac, original_id, error, other):
    rdata = (name(algorithm) + u48(when) + struct.pack(">H", fudge) + prefixed(mac)
             + struct.pack(">HHH", original_id, error, len(other)) + other)
    return name(key) + struct.pack(">HHIH", 250, 255, 0, len(rdata)) + rdata


def with_tsig(message, tsig):
    arcount = struct.unpack_from(">H", message, 10)[0] + 1
    return message[:10] + struct.pack(">H", arcount) + message[12:] + tsig


def sign(message, digested_before=b"", key="key.example", algorithm="hmac-sha256", when=T, fudge=FUDGE, error=0,
         other=b"", timers_only=False, mac_octets=None, shown_key=None, shown_algorithm=None, header_id=None,
         pending=b""):
    """The signed message and its MAC as transmitted."""
    tail = u48(when) + struct.pack(">H", fudge) if timers_only else variables(key, algorithm, when, fudge, error, other)
    digest = getattr(hashlib, algorithm.lower().split("-")[1])
    mac = hmac.new(SECRET, digested_before + pending + message + tail, digest).digest()[:mac_octets]
    original_id = struct.unpack_from(">H", message)[0]
    if header_id is not None:
        message = struct.pack(">H", header_id) + message[2:]
    tsig = record(shown_key or key, shown_algorithm or algorithm, when, fudge, mac, original_id, error, other)
    return with_tsig(message, tsig), mac


def header(message_id, flags, counts=(1, 0, 0, 0)):
    return struct.pack(">HHHHHH", message_id, flags, *counts)


def main():
    QUESTION = name("www.example.org") + struct.pack(">HH", 1, 1)
    ANSWER = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 1])
    QUERY = header(0x1234, 0x0000) + QUESTION
    RESPONSE = header(0x1234, 0x8400, (1, 1, 0, 0)) + QUESTION + ANSWER
    NOTAUTH = header(0x1234, 0x8009) + QUESTION
    MORE = [header(0x1234, 0x8400, (0, 1, 0, 0)) + name("h%d.example.org" % i)
            + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, i]) for i in range(4)]

    # RFC 8945 §5.1, §5.3 for every algorithm.
    for algorithm in ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"):
        key = algorithm + ".example"
        OUT["request-" + algorithm], mac = sign(QUERY, key=key, algorithm=algorithm)
        OUT["response-" + algorithm], _ = sign(RESPONSE, prefixed(mac), key=key, algorithm=algorithm, when=T + 1)

    OUT["query"] = QUERY
    OUT["plain-response"] = RESPONSE
    OUT["plain-notauth"] = NOTAUTH
    request, mac = sign(QUERY)
    OUT["request"] = request
    OUT["response"], first = sign(RESPONSE, prefixed(mac), when=T + 1)
    # §4.3.3: names are digested in lower case, whatever is on the wire.
    OUT["request-case"], _ = sign(QUERY, shown_key="KEY.eXample", shown_algorithm="HMAC-sha256")
    OUT["response-case"], _ = sign(RESPONSE, prefixed(mac), when=T + 1, shown_key="KEY.eXample",
                                   shown_algorithm="HMAC-sha256")
    # §4.3.2: a forwarder changed the ID of the message.
    OUT["request-forwarded"], _ = sign(QUERY, header_id=0x9999)
    OUT["response-forwarded"], _ = sign(RESPONSE, prefixed(mac), when=T + 1, header_id=0x9999)
    # §5.2.2.1: a truncated request MAC is digested as it was sent; the response has a whole one.
    OUT["request-truncated"], short = sign(QUERY, mac_octets=16)
    OUT["response-truncated"], _ = sign(RESPONSE, prefixed(short), when=T + 1)
    # §5.2.1, §5.2.2, §5.3.2: unsigned errors.
    OUT["badkey"] = with_tsig(NOTAUTH, record("other.example", "hmac-sha256", T + 1, 300, b"", 0x1234, 17, b""))
    OUT["request-badkey"], _ = sign(QUERY, key="other.example")
    OUT["badsig"] = with_tsig(NOTAUTH, record("key.example", "hmac-sha256", T + 1, 300, b"", 0x1234, 16, b""))
    OUT["request-badsig"] = request[:-7] + bytes([request[-7] ^ 1]) + request[-6:]
    # §5.2.3: the client's time and fudge, the server's time as other data.
    OUT["request-fudge-10"], late = sign(QUERY, fudge=10)
    OUT["badtime"], _ = sign(NOTAUTH, prefixed(late), fudge=10, error=18, other=u48(T + 11))
    # §5.2.4
    OUT["badtrunc"], _ = sign(NOTAUTH, prefixed(short), when=T + 1, error=22)
    # §5.3.1: every message signed; and messages without TSIG between the first and the last.
    OUT["stream-1"], previous = sign(MORE[0], prefixed(mac), when=T + 1)
    for i in (1, 2, 3):
        OUT[f"plain-{i + 1}"] = MORE[i]
        OUT[f"stream-{i + 1}"], previous = sign(MORE[i], prefixed(previous), when=T + 1 + i, timers_only=True)
    OUT["plain-1"] = MORE[0]
    _, previous = sign(MORE[0], prefixed(mac), when=T + 1)
    OUT["sparse-4"], _ = sign(MORE[3], prefixed(previous), when=T + 4, timers_only=True, pending=MORE[1] + MORE[2])
    ninety_nine = MORE[1] * 99
    OUT["sparse-100"], _ = sign(MORE[3], prefixed(previous), when=T + 4, timers_only=True, pending=ninety_nine)
    OUT["sparse-101"], _ = sign(MORE[3], prefixed(previous), when=T + 4, timers_only=True, pending=MORE[1] * 100)

    (pathlib.Path(__file__).parent / "vectors.txt").write_text(
        "".join(f"{key} {octets.hex()}\n" for key, octets in OUT.items()))


if __name__ == "__main__":
    main()
