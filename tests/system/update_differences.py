"""Where BIND 9.18 and Knot 3.2 do not do what the prose of RFC 2136 says, or dnsd does so on purpose: the whole list.

update_model.py behaves as these say, by name, and differential_test.py holds all three servers to it: what is not listed is a
failure, and so is what is listed and did not occur. `unsent` tells what the stream leaves out, since a server does not
survive it or cannot be brought back to the others' state after it.
"""
import dataclasses

from update_model import CLASS_ANY, CLASS_NONE, FORMERR, IN, NOERROR, NOTIMP, REFUSED, SERVFAIL, SERVERS_OWN


@dataclasses.dataclass
class TypeRule:
    """The RCODE for a record of these types and classes."""
    section: str  # "prerequisite" or "update"
    types: tuple
    classes: tuple
    rcode: object  # several: any of them; None: as for any other type


@dataclasses.dataclass
class Behaviour:
    """One server's part of a difference."""
    hooks: tuple = ()  # what Model.differs() is asked
    types: tuple = ()  # of TypeRule
    broken: dict = dataclasses.field(default_factory=dict)  # RCODE by Message.what; None: no answer


@dataclasses.dataclass
class Difference:
    clause: str
    what: str
    servers: dict
    unsent: str = ""


ALL = (IN, CLASS_NONE, CLASS_ANY)
SIG, NXT, RRSIG, NSEC, NSEC3, NSEC3PARAM = SERVERS_OWN
META = (0, 128, 251, 252, 253, 254)

DIFFERENCES = {
    "dnssec-types": Difference(
        "RFC 2136 3.4.1 judges no type that is data; 3.3 lets permission do so",
        "dnsd refuses SIG, NXT, RRSIG, NSEC, NSEC3 and NSEC3PARAM; BIND takes NSEC3PARAM and has SERVFAIL for NSEC3; Knot takes "
        "most, but cannot read SIG and refuses to add NSEC3PARAM",
        {"dnsd": Behaviour(types=(TypeRule("update", SERVERS_OWN, ALL, REFUSED),)),
         "BIND": Behaviour(types=(
             TypeRule("update", (SIG,), (CLASS_NONE,), FORMERR), TypeRule("update", (SIG, NXT, RRSIG, NSEC), ALL, REFUSED),
             TypeRule("update", (NSEC3,), ALL, (SERVFAIL, REFUSED)), TypeRule("update", (NSEC3PARAM,), ALL, None))),
         "Knot": Behaviour(types=(
             TypeRule("update", (SIG,), ALL, FORMERR), TypeRule("update", (NSEC3PARAM,), (IN,), REFUSED),
             TypeRule("update", (NXT, RRSIG, NSEC, NSEC3PARAM), ALL, None)))}),
    "meta-type-prerequisite": Difference(
        "RFC 2136 3.2.1 to 3.2.3 look for any type but ANY, and there are no records of these",
        "dnsd has FORMERR for a prerequisite of a meta type, as for an update (3.4.1.2); BIND for type 0 with a value, Knot for IXFR, "
        "AXFR and ANY with a value",
        {"dnsd": Behaviour(types=(TypeRule("prerequisite", META, ALL, FORMERR), TypeRule("prerequisite", (255,), (IN,), FORMERR))),
         "BIND": Behaviour(types=(TypeRule("prerequisite", (0,), (IN,), FORMERR),)),
         "Knot": Behaviour(types=(TypeRule("prerequisite", (251, 252, 255), (IN,), FORMERR),))}),
    "meta-type-update": Difference(
        "RFC 2136 3.4.1.2: FORMERR", "BIND deletes an RRset of type 0; Knot keeps records of the types 0, 128, 253 and 254",
        {"BIND": Behaviour(types=(TypeRule("update", (0,), (CLASS_ANY,), NOERROR),)),
         "Knot": Behaviour(types=(TypeRule("update", (0, 128, 253, 254), ALL, None),))}),
    "zone-class": Difference(
        "RFC 2136 3.1.1: NOTAUTH for a class that is not served", "BIND has NOTIMP or FORMERR, Knot REFUSED",
        {"BIND": Behaviour(broken={"ZCLASS 0": FORMERR, "ZCLASS 5": NOTIMP, "ZCLASS 254": FORMERR, "ZCLASS 65535": NOTIMP}),
         "Knot": Behaviour(broken={f"ZCLASS {rclass}": REFUSED for rclass in (0, 5, 254, 65535)})},
        "ZCLASS ANY, which Knot takes for IN, and CH, where BIND limits its rate"),
    "two-zones": Difference(
        "RFC 2136 3.1.1: FORMERR", "Knot does not answer two records in the zone section",
        {"Knot": Behaviour(broken={"two zones": None})}),
    "header": Difference(
        "RFC 2136 2.2: the RCODE of a request is undefined", "Knot sends it back as its own", {},
        "requests with an RCODE"),
    "form-first": Difference(
        "RFC 2136 3.2 to 3.4: prerequisites, then the prescan",
        "BIND looks the update section over, and the RDATA of all metaclasses, before the prerequisites",
        {"BIND": Behaviour(hooks=("form-first", "prescan-first"))}),
    "form-unchecked": Difference(
        "RFC 2136 3.4.1.2: TTL 0 for class ANY; RFC 1035 3.3 and others for RDATA",
        "Knot looks at no TTL of class ANY, and at lengths and names of RDATA only",
        {"Knot": Behaviour(hooks=("ttl-of-class-any", "rdata-form"))},
        "to Knot: RDATA whose form it does not look at"),
    "prerequisite-twice": Difference(
        "RFC 2136 3.2.3: set equality; RFC 2181 5: a set has no duplicates",
        "BIND has NXRRSET when a record is given twice", {"BIND": Behaviour(hooks=("prerequisite-twice",))}),
    "ttl-bit": Difference(
        "RFC 2181 8: a TTL with the highest bit counts as zero", "BIND and Knot keep it as it is",
        {"BIND": Behaviour(hooks=("ttl-bit",)), "Knot": Behaviour(hooks=("ttl-bit",))}),
    "ttl-alone": Difference(
        "RFC 2136 3.4.2.2: the zone's record is replaced by the update's",
        "Knot ignores a record that is there with another TTL", {"Knot": Behaviour(hooks=("ttl-alone",))}),
    "wks": Difference(
        "RFC 2136 3.4.2.2, 1.1.5: one WKS for ADDRESS and PROTOCOL", "Knot keeps both",
        {"Knot": Behaviour(hooks=("wks",))}),
    "serial": Difference(
        "RFC 2136 4.2, 7.11: never zero; 3.4.2.2: compared with the current one",
        "BIND and Knot take an SOA with serial 0, and Knot steps from 2^32-1 to it; Knot compares the second SOA of a message with "
        "the serial before the message",
        {"BIND": Behaviour(hooks=("serial-zero",)), "Knot": Behaviour(hooks=("serial-zero", "serial-wrap", "serial-of-before"))},
        "steps near 2^31, after some of which BIND's journal fails (SERVFAIL)"),
    "cname-and-key": Difference(
        "RFC 2136 3.4.2.2: no CNAME beside another type", "BIND has KEY beside CNAME, for RFC 2535's sake",
        {"BIND": Behaviour(hooks=("cname-and-key",))}),
    "useless-records": Difference(
        "RFC 2136 7.14: no semantic checking is required",
        "BIND ignores MD, MF, and NS and DNAME at a wildcard, and removes DS where no NS is",
        {"BIND": Behaviour(hooks=("md-mf", "wildcard-cut", "ds-without-ns"))},
        "CDS at the apex without its key, and apex NS inside the zone, which BIND refuses once they lack an address"),
    "below-dname": Difference(
        "RFC 6672 5.2: a DNAME hides what is below it, and is added",
        "Knot refuses the message when a name would be below a DNAME", {"Knot": Behaviour(hooks=("below-dname",))}),
    "letter-case": Difference(
        "RFC 2136 1.1.1: names are compared without case", "BIND replaces a record by the same one in another case, with a new serial",
        {}, "additions in another case"),
    "not-survived": Difference(
        "RFC 2136 3.4.2.2: ignored, replaced, added", "Knot ends with a segmentation fault", {"Knot": Behaviour(hooks=("not-survived",))},
        "to Knot: an SOA below the apex, another DNAME where one is, NSEC3"),
}
